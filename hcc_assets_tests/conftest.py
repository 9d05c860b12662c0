"""Homes that several folders of tests start from, built once per test process."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from hcc_assets_tests.tiny import Tiny, build

LONG_FIRST = ("journeys", "browser", "faults", "operate", "assets", "ui")
"""Folders whose files take longest: begun first, no process works on one of them alone at the
end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files are dealt to the test processes in this order."""
    here = Path(__file__).parent

    def place_of(item: pytest.Item) -> int:
        parts = item.path.relative_to(here).parts
        return LONG_FIRST.index(parts[0]) if parts[0] in LONG_FIRST else len(LONG_FIRST)

    items.sort(key=place_of)


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder in memory where there is one: thousands of synced small files wait long for a
    disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        prefix="hcc-tests-", dir=memory if os.access(memory, os.W_OK) else None
    ) as folder:
        yield Path(folder)


@pytest.fixture
def place(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder of a test's own, and no home in the environment."""
    for name in ("DAGSTER_HOME", "HCC_HOME"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Tiny:
    """A tiny whole trial, computed once for all test processes; tests work on copies of it."""
    base = tmp_path_factory.getbasetemp()
    root = (base if worker_id == "master" else base.parent) / "tiny"
    with FileLock(f"{root}.lock"):
        if not (root / "ran.json").exists():
            with pytest.MonkeyPatch.context() as patch:
                for name in ("DAGSTER_HOME", "HCC_HOME"):
                    patch.delenv(name, raising=False)
                build(root)
    return Tiny.at(root)
