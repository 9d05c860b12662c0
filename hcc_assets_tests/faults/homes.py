"""Small homes for the fault list, and what can be seen of them from outside. No assertions on single faults here."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from hcc_assets.alerts.alerting import signals
from hcc_assets.alerts.records import Signal
from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.plan import Node, make_plan
from hcc_assets.defs.catalogue import all_recipes
from hcc_assets.home.paths import Home
from hcc_assets.operate.actions import refresh_home
from hcc_assets.operate.refresh import Summary
from hcc_assets.operate.status import plan_status
from hcc_assets.simulate.clinical import simulate_clinical

FIRST, SECOND, THIRD = dt.date(2025, 8, 1), dt.date(2025, 10, 1), dt.date(2025, 12, 1)
SETTINGS = "[samples]\nsettle_seconds = 0\n"
HEADER = "sample_id,subject_id,timepoint,collection_date,path,tissue\n"
Tables = dict[str, pd.DataFrame]


def clinical(day: dt.date, subjects: int = 8, seed: int = 4) -> Tables:
    return simulate_clinical(subjects, seed, until=day)


def deliver(root: Path, tables: Tables, export: str) -> Path:
    """Write an export into ``landing/clinical/<export>``."""
    folder = root / "landing" / "clinical" / export
    folder.mkdir(parents=True, exist_ok=True)
    for domain, frame in tables.items():
        (folder / f"{domain}.csv").write_bytes(
            frame.to_csv(index=False, lineterminator="\n").encode()
        )
    (folder / "_DONE").touch()
    return folder


def copied(base: Path, target: Path) -> Path:
    """A home of its own, as ``base`` was."""
    shutil.copytree(base, target, symlinks=True)
    return target


def hashes(
    root: Path, folder: str = "published", suffixes: tuple[str, ...] = (".parquet", ".csv")
) -> dict[str, str]:
    """Published tables by name, as bytes; all files where no suffix is given."""
    found = sorted(
        p
        for p in (root / folder).rglob("*")
        if p.is_file() and (not suffixes or p.suffix in suffixes)
    )
    return {
        p.relative_to(root / folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in found
    }


def landing_bytes(root: Path) -> dict[str, str]:
    return hashes(root, "landing", ())


def quarantined(root: Path) -> list[dict[str, Any]]:
    """Every reason in the quarantine."""
    return [json.loads(p.read_text()) for p in sorted((root / "quarantine").rglob("reason.json"))]


def sheet_rows(root: Path) -> list[str]:
    return (root / "landing" / "samples.csv").read_text().splitlines()


def add_row(root: Path, row: str) -> None:
    """Append a row whose first five fields and tissue are given; the other columns stay empty."""
    header = sheet_rows(root)[0].split(",")
    given = dict(zip(HEADER.strip().split(","), row.split(","), strict=True))
    with (root / "landing" / "samples.csv").open("a") as handle:
        handle.write(",".join(given.get(name, "") for name in header) + "\n")


def standing_sample(root: Path) -> str:
    return sheet_rows(root)[1].split(",")[0]


@dataclass
class Seen:
    """What a person and a program see after a refresh."""

    root: Path
    troubled: dict[Node, str]
    status: dict[str, Any]
    alerts: list[Signal]
    changed: dict[Node, str] = field(default_factory=dict)

    def alert(self, asset: str, sample: str | None = None) -> list[Signal]:
        return [s for s in self.alerts if s.asset == asset and s.partition == sample]

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.root / "published" / f"{name}.parquet")

    def issues(self) -> set[tuple[str, str | None]]:
        return {
            (c, s)
            for c, s in self.table("data_issues")[["check_id", "subject_id"]].itertuples(
                index=False
            )
        }


def look(root: Path) -> Seen:
    """What stands in a home now."""
    bench = Workbench(Home.at(root), all_recipes())
    plan = make_plan(bench)
    return Seen(
        root,
        {n: plan.states[n].reason for n in plan.of("held")},
        plan_status(bench, plan),
        signals(bench, plan),
    )


def refresh(root: Path) -> Seen:
    """``hcc refresh`` in this process: Dagster instance, runs and all."""
    summary = run(root)
    seen = look(root)
    seen.troubled |= {(c.asset, c.sample): c.reason for c in summary.troubled}
    seen.changed = {(c.asset, c.sample): c.state for c in summary.changes}
    return seen


def run(root: Path) -> Summary:
    return refresh_home(Home.at(root), jobs=1, memory_mb=4000, progress=lambda *_: None)


def attempt_all(root: Path) -> Seen:
    """The same work through the same engine without Dagster's event log: for cases by the dozen."""
    tried: set[tuple[Node, str | None]] = set()
    troubled: dict[Node, str] = {}
    changed: dict[Node, str] = {}
    while True:
        bench = Workbench(Home.at(root), all_recipes())
        plan = make_plan(bench)
        todo = [n for n in plan.states if n in plan.dirty]
        again = False
        for node in todo:
            key = (node, bench.fingerprint(bench.recipes[node[0]], node[1]))
            if key in tried:
                continue
            tried.add(key)
            again = True
            outcome = bench.attempt(*node)
            if outcome.state in ("held", "failed"):
                troubled[node] = outcome.reason
            elif outcome.state in ("new", "unchanged"):
                changed[node] = outcome.state
        if not again:
            break
    seen = look(root)
    seen.troubled |= troubled
    seen.changed = changed
    return seen


@contextmanager
def without_figures() -> Iterator[None]:
    """Drawing takes half of the time of a refresh and is no part of what these tests ask."""
    drawn: Callable[..., Any] = Workbench._figures
    Workbench._figures = lambda *_: {}  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        Workbench._figures = drawn  # type: ignore[method-assign]
