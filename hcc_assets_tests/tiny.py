"""A tiny whole trial, computed by the engine in this process: two subjects, 60 cells a sample."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.plan import make_plan
from hcc_assets.assets.waves import next_runs
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.home.paths import Home
from hcc_assets.simulate.trial import simulate_trial

PACKAGE = Path(sys.modules["hcc_assets"].__file__ or "").parent
Function = tuple[str, int, str]
"""File below the package, first line, name."""


@dataclass(frozen=True)
class Tiny:
    """A home with everything up to date, and what ran while each asset was computed."""

    root: Path
    ran: dict[str, frozenset[Function]]

    @classmethod
    def at(cls, root: Path) -> Tiny:
        """The one that `build` left in a folder."""
        found = json.loads((root / "ran.json").read_text())
        ran = {name: frozenset((f, n, q) for f, n, q in rows) for name, rows in found.items()}
        return cls(root / "home", ran)


def build(root: Path) -> None:
    """Simulate and compute everything."""
    home = root / "home"
    simulate_trial(home, subjects=2, cells=60, seed=0)
    with (home / "study.toml").open("a") as handle:
        handle.write("\n[samples]\nsettle_seconds = 0\n")
    ran: dict[str, set[Function]] = {}
    while True:
        bench = Workbench(Home.at(home), all_assets())
        bench.register()
        runs = next_runs(make_plan(bench))
        if not runs:
            break
        for run in runs:
            for name in run.assets:
                with traced(ran.setdefault(name, set())):
                    outcome = bench.attempt(name, run.key)
                assert outcome.state in ("new", "unchanged"), (name, outcome)
    rows = {name: sorted(found) for name, found in ran.items()}
    (root / "ran.json").write_text(json.dumps(rows))


@contextmanager
def traced(found: set[Function]) -> Iterator[None]:
    """Add every function of the package that is entered inside, on any thread."""
    seen: set[CodeType] = set()
    base = f"{PACKAGE}/"

    def enter(frame: Any, event: str, _: Any) -> None:
        code = frame.f_code
        if code not in seen:
            seen.add(code)
            if code.co_filename.startswith(base) and code.co_name != "<module>":
                file = code.co_filename[len(base) :]
                found.add((file, code.co_firstlineno, code.co_qualname))

    before = sys.gettrace()
    threading.settrace(enter)
    sys.settrace(enter)
    try:
        yield
    finally:
        sys.settrace(before)
        threading.settrace(None)  # type: ignore[arg-type]
