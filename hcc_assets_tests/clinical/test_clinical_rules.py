"""The table of clinical rules names functions and tests that exist."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
PAGE = (TESTS.parent / "docs" / "clinical_rules.md").read_text(encoding="utf-8")
ROWS = [
    line.split(" | ")
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith("| rule")
]


def _resolve(path: str) -> object:
    module, _, name = f"hcc_assets.{path}".rpartition(".")
    parent = importlib.import_module(module)
    return (
        getattr(parent, name)
        if hasattr(parent, name)
        else importlib.import_module(f"hcc_assets.{path}")
    )


def test_every_rule_has_a_function_and_a_test() -> None:
    assert len(ROWS) > 80
    for row in ROWS:
        assert len(row) == 3, row[0]
        assert "`" in row[1], row[0]
        assert "`test_" in row[2] or row[2].startswith("the same two"), row[0]


@pytest.mark.parametrize(
    "path", sorted({p for row in ROWS for p in re.findall(r"`([a-z_.A-Z]+)`", row[1])})
)
def test_named_functions_exist(path: str) -> None:
    assert _resolve(path) is not None


def test_named_tests_exist() -> None:
    wanted = set(re.findall(r"`(test_\w+)::(test_\w+)`", PAGE))
    files: dict[str, list[Path]] = {}
    for file in TESTS.rglob("test_*.py"):
        files.setdefault(file.stem, []).append(file)
    missing = [
        f"{m}::{t}"
        for m, t in sorted(wanted)
        if not any(f"def {t}(" in f.read_text(encoding="utf-8") for f in files.get(m, []))
    ]
    assert missing == []
    assert len(wanted) > 80
