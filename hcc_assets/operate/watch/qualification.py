"""``hcc qualify``: is what is installed here what was tested, and does it give the results that it
gave then? A simulated trial is delivered, refreshed, damaged and asked for, by the commands a user
has; the home of the study is not touched."""

from __future__ import annotations

import datetime as dt
import html
import importlib.metadata
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files as resources
from pathlib import Path
from typing import Any, Final

import pandas as pd

SUBJECTS, CELLS, SEED = 2, 60, 0
"""The trial: own choice, small enough for a minute and the one that the tests keep beside."""
TOLERANCE: Final = 1e-6
"""Relative difference of a sum that is no difference: own choice, above what other processors and
builds of the linear algebra do, below the last digit that is printed."""
_LIMIT_S: Final = 600
"""Seconds of a command: the ten minutes within which a qualification has to end."""
GOLDEN: Final = "golden_results.json"


@dataclass(frozen=True)
class Step:
    """One line of the report: what was expected, and what was found."""

    part: str
    name: str
    expected: str
    found: str
    passed: bool


def figures_of(published: Path) -> dict[str, dict[str, Any]]:
    """What golden results keep of each published table: rows, and of each column the number of
    values and their sum (numbers) or the distinct ones in order (text, up to 20)."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(published.glob("*.parquet")):
        table = pd.read_parquet(path)
        columns = {str(name): _column(table[name]) for name in table}
        found[path.stem] = {"rows": len(table), "columns": columns}
    return found


def _column(values: pd.Series) -> list[Any]:
    present = values.dropna()
    if pd.api.types.is_bool_dtype(present) or pd.api.types.is_numeric_dtype(present):
        return [len(present), float(present.astype(float).sum())]
    words = sorted({str(v) for v in present})
    return [len(present), words if len(words) <= 20 else len(words)]


def differences(
    golden: Mapping[str, Mapping[str, Any]], found: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[str]]:
    """By table, the columns (or ``rows``, ``table``) whose figures are not the golden ones."""
    out: dict[str, list[str]] = {}
    for name in sorted({*golden, *found}):
        if name not in golden or name not in found:
            out[name] = ["table"]
            continue
        want, got = golden[name], found[name]
        bad = [] if want["rows"] == got["rows"] else ["rows"]
        for column in sorted({*want["columns"], *got["columns"]}):
            if not _same(want["columns"].get(column), got["columns"].get(column)):
                bad.append(column)
        if bad:
            out[name] = bad
    return out


def _same(want: Any, got: Any) -> bool:
    if want is None or got is None or want[0] != got[0]:
        return False
    if isinstance(want[1], float) and isinstance(got[1], float):
        return math.isclose(want[1], got[1], rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(want[1] == got[1])


def golden() -> dict[str, Any]:
    """The golden results that ship with the package."""
    text = (resources("hcc_assets") / "study" / "data" / GOLDEN).read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def installed() -> dict[str, str]:
    """Version of each distribution that the package asks for by name."""
    wanted = importlib.metadata.requires("hcc_assets") or []
    names = sorted({_name(line) for line in wanted if "extra ==" not in line})
    return {name: importlib.metadata.version(name) for name in names}


def _name(requirement: str) -> str:
    end = next((i for i, c in enumerate(requirement) if c in " <>=!~;[("), len(requirement))
    return requirement[:end].lower().replace("_", "-")


def qualify(tell: Callable[[Step], None] = lambda _: None) -> list[Step]:
    """Every step of a qualification, in order; ``tell`` hears of each as it ends."""
    steps = []
    with tempfile.TemporaryDirectory(prefix="hcc-qualify-") as folder:
        for step in [*_installation(), *_operation(Path(folder) / "home")]:
            steps.append(step)
            tell(step)
    return steps


def _installation() -> Iterator[Step]:
    tested = golden()
    here = ".".join(platform.python_version_tuple()[:2])
    yield Step("installation", "Python", tested["python"], here, here == tested["python"])
    for name, version in installed().items():
        want = str(tested["packages"].get(name, "none"))
        yield Step("installation", name, want, version, version == want)


def _operation(home: Path) -> Iterator[Step]:
    size = ["--subjects", str(SUBJECTS), "--cells", str(CELLS), "--seed", str(SEED)]
    yield _command(home, "a simulated trial is delivered", "demo", *size)
    if home.exists():
        with (home / "study.toml").open("a") as handle:
            handle.write("\n[samples]\nsettle_seconds = 0\n")
    yield _command(home, "everything is computed and published", "refresh", "--quiet")
    tables = differences(golden()["tables"], figures_of(home / "published"))
    said = "; ".join(f"{name}: {', '.join(bad)}" for name, bad in tables.items()) or "0 differ"
    yield Step("operation", "published tables are the golden ones", "0 differ", said, not tables)
    again = _run(home, "refresh", "--json")
    changed = len(json.loads(again.stdout)["changed"]) if again.returncode == 0 else -1
    yield Step(
        "operation",
        "a second refresh has nothing to do",
        "0 changed",
        f"{changed} changed",
        changed == 0,
    )
    yield _command(home, "the audit trail verifies", "audit", "verify")
    target = home / "published" / "best_responses.csv"
    if target.exists():
        before = target.read_bytes()
        target.write_bytes(before[:-1])
        _run(home, "refresh", "--quiet")
        whole = target.exists() and target.read_bytes() == before
        yield Step(
            "operation",
            "a published file that was changed is put back",
            "as before",
            "as before" if whole else "differs",
            whole,
        )


def _command(home: Path, name: str, *command: str) -> Step:
    begun = time.monotonic()
    found = _run(home, *command)
    took = f"exit {found.returncode} in {time.monotonic() - begun:.0f} s"
    return Step("operation", name, "exit 0", took, found.returncode == 0)


def _run(home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HCC_", "DAGSTER_"))}
    return subprocess.run(
        [sys.executable, "-m", "hcc_assets", *command],
        env=kept | {"HCC_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )


def report_html(steps: list[Step], at: dt.datetime) -> str:
    """The report to sign: one page."""
    failed = [s for s in steps if not s.passed]
    verdict = "QUALIFIED" if not failed else f"NOT QUALIFIED: {len(failed)} steps failed"
    rows = "".join(
        "<tr>"
        + "".join(f"<td>{html.escape(v)}</td>" for v in (s.part, s.name, s.expected, s.found))
        + f"<td>{'pass' if s.passed else 'FAIL'}</td></tr>"
        for s in steps
    )
    version = importlib.metadata.version("hcc_assets")
    where = f"{platform.system()} {platform.release()} {platform.machine()}"
    signatures = "".join(
        f"<p>{role}: ____________________________ date: ______________</p>"
        for role in ("Performed by", "Reviewed by", "Approved by")
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Qualification</title>'
        "<style>body{font:14px sans-serif;max-width:60em;margin:2em auto}"
        "td,th{border:1px solid #999;padding:.2em .5em;text-align:left}"
        "table{border-collapse:collapse}</style>"
        f"<h1>hcc_assets {html.escape(version)}: {verdict}</h1>"
        f"<p>{at.strftime('%Y-%m-%d %H:%M')} UTC, {html.escape(where)}, "
        f"Python {platform.python_version()}. A simulated trial of {SUBJECTS} subjects; the data "
        "of the study were not touched.</p>"
        "<table><tr><th>part</th><th>step</th><th>expected</th><th>found</th><th></th></tr>"
        f"{rows}</table>{signatures}</html>"
    )


def as_json(steps: list[Step]) -> dict[str, Any]:
    """The same for programs."""
    return {"qualified": all(s.passed for s in steps), "steps": [asdict(s) for s in steps]}
