"""Small homes for the fault list, and what can be seen of them from outside. No assertions on
single faults here."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hcc_assets.alerts.alerting import signals
from hcc_assets.alerts.records import Signal
from hcc_assets.assets import engine
from hcc_assets.assets.attempts import Outcome
from hcc_assets.assets.definition import Asset
from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.inputs import Node
from hcc_assets.assets.plan import make_plan
from hcc_assets.assets.view import HomeView
from hcc_assets.assets.waves import next_runs
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.commands.daily import refreshed
from hcc_assets.home.paths import Home
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
    """Every reason in the quarantine, with ids for keys as the operator reads it."""
    people = view_of(root).people
    paths = sorted((root / "quarantine").rglob("reason.json"))
    return [json.loads(people.in_ids(path.read_text())) for path in paths]


def view_of(root: Path) -> HomeView:
    """A home as it is now."""
    return HomeView(Home.at(root), all_assets())


def key_of(root: Path, sample: str) -> str:
    """The key by which partitions, folders, alerts and the audit trail know a sample."""
    return next(k for k, row in view_of(root).rows.items() if row.sample_id == sample)


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
        """Alerts of an asset, or of one of its samples, which they know by its key."""
        key = key_of(self.root, sample) if sample is not None else None
        return [s for s in self.alerts if s.asset == asset and s.partition == key]

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
    view = view_of(root)
    plan = make_plan(view)
    return Seen(
        root,
        {_told(view, n): view.people.in_ids(plan.states[n].reason) for n in plan.of("held")},
        plan_status(view, plan),
        signals(view, plan),
    )


def _told(view: HomeView, node: Node) -> Node:
    """A node with the id of its sample."""
    return node[0], view.people.sample(node[1]) if node[1] else None


def refresh(root: Path) -> Seen:
    """``hcc refresh`` in this process: Dagster instance, runs and all."""
    summary = run(root)
    seen = look(root)
    seen.troubled |= {(c.asset, c.sample): c.reason for c in summary.troubled}
    seen.changed = {(c.asset, c.sample): c.state for c in summary.changes}
    return seen


def run(root: Path) -> Summary:
    return refreshed(Home.at(root), quiet=True, jobs=1, memory_mb=4000)


def attempt_all(root: Path) -> Seen:
    """The same work through the same engine without Dagster's event log: for cases by the
    dozen."""
    outcomes = through_the_engine(Home.at(root), all_assets())
    view, seen = view_of(root), look(root)
    for node, outcome in outcomes.items():
        if outcome.state in ("held", "failed"):
            seen.troubled[_told(view, node)] = view.people.in_ids(outcome.reason)
        elif outcome.state in ("new", "unchanged"):
            seen.changed[_told(view, node)] = outcome.state
    return seen


def through_the_engine(
    home: Home, assets: Mapping[str, Asset], *, again: bool = False
) -> dict[Node, Outcome]:
    """What the daemon attempts, and with ``again`` a refresh, in the order of the same plan; the
    last outcome of each node."""
    tried: set[tuple[Node, str | None]] = set()
    outcomes: dict[Node, Outcome] = {}
    Workbench(home, assets).register()
    while True:
        bench = Workbench(home, assets)
        plan = make_plan(bench, again=again)
        content = {n: bench.fingerprint(assets[n[0]], n[1]) for n in plan.of("stale")}
        for node in content:
            if (node, content[node]) in tried:
                plan.states[node] = replace(plan.states[node], state="held")
        runs = next_runs(plan)
        if not runs:
            return outcomes
        for node in (n for run in runs for n in run.nodes):
            tried.add((node, content.get(node)))
        for one in runs:
            for asset in one.assets:
                outcome = bench.attempt(asset, one.key)
                if outcome.state != "fresh":
                    outcomes[asset, one.key] = outcome


@contextmanager
def without_figures() -> Iterator[None]:
    """Drawing takes half of the time of a refresh and is no part of what these tests ask."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "drawn", lambda *_: {})
        yield
