"""A home that a state machine works on: what was put into it, what was said, how it is brought up
to date. Its rules are in the test."""

from __future__ import annotations

import datetime as dt
import gzip
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pytest
from hypothesis.stateful import RuleBasedStateMachine

from hcc_assets.assets.accounting import account
from hcc_assets.assets.definition import Asset
from hcc_assets.assets.inputs import Node
from hcc_assets.assets.plan import make_plan
from hcc_assets.assets.view import HomeView
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.home.paths import Home
from hcc_assets.home.published import put_back
from hcc_assets.operate import actions as operate
from hcc_assets.operate import refresh
from hcc_assets.operate.refresh import Summary
from hcc_assets.operate.status import manifests_of
from hcc_assets_tests.cells.matrices import toy, write_mex
from hcc_assets_tests.faults.homes import (
    HEADER,
    clinical,
    deliver,
    through_the_engine,
    without_figures,
)

START = dt.date(2025, 8, 1)
SUBJECTS = 4
SETTLING = "[samples]\nsettle_seconds = 3600\n"
LANDING_HALF = (
    "samples",
    "raw_counts",
    "clinical_export",
    "subjects",
    "exposure",
    "tumour_assessments",
    "adverse_events",
    "disposition",
)
"""What reads landing, and the tables nearest to it: cheap enough to be computed after every
step."""


def core() -> dict[str, Asset]:
    assets = all_assets()
    chosen = {name: assets[name] for name in LANDING_HALF}
    assert all(read in chosen for a in chosen.values() for read in a.reads), "closed under inputs"
    return chosen


def brought_up(home: Home, assets: Mapping[str, Asset]) -> set[Node]:
    """What a refresh does, without Dagster's event log; returns what was computed, and the names
    of published files that were put back."""
    outcomes = through_the_engine(home, assets, again=True)
    plan = make_plan(HomeView(home, assets))
    back = put_back(plan.view.versions, manifests_of(plan))
    computed = {node for node, o in outcomes.items() if o.state in ("new", "unchanged")}
    return computed | {(name, None) for name in back}


class WorkedHome(RuleBasedStateMachine):
    """The home, what was put into its landing folder, and what the operator said."""

    dagster = False

    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")
        self.folder = tempfile.TemporaryDirectory(
            prefix="hcc-machine-", dir=memory if os.access(memory, os.W_OK) else None
        )
        self.root = Path(self.folder.name) / "home"
        self.home = Home.at(self.root)
        self.assets = all_assets() if self.dagster else core()
        self.patch = pytest.MonkeyPatch()
        for name in ("DAGSTER_HOME", "HCC_HOME"):
            self.patch.setenv(name, "")
            self.patch.delenv(name)
        self.patch.setattr(
            refresh,
            "wait_until_settled",
            lambda view, *_: [d.path for d in view.landing.settling],
        )
        if not self.dagster:
            self.patch.setattr(operate, "refresh_home", self.stand_in)
        self.day = START
        self.rows: dict[str, tuple[str, str]] = {}
        self.done: set[str] = set()
        self.partial: set[str] = set()
        self.erased: set[str] = set()
        self.published: set[str] = set()
        self.entries = 0
        self.clean = False
        self.number = 0

    def teardown(self) -> None:
        self.patch.undo()
        self.folder.cleanup()

    def put_export(
        self, change: Callable[[dict[str, pd.DataFrame]], dict[str, pd.DataFrame]]
    ) -> None:
        name = self.day.isoformat()
        deliver(self.root, change(clinical(self.day, SUBJECTS)), name)
        self.done.add(f"clinical/{name}")
        self.day += dt.timedelta(days=21)
        self.clean = False

    def run(self) -> set[Node]:
        if not self.dagster:
            return brought_up(self.home, self.assets)
        with without_figures():
            summary = operate.refresh_home(
                self.home, jobs=1, memory_mb=4000, progress=lambda *_: None
            )
        return {(c.asset, c.sample) for c in summary.changes if c.state in ("new", "changed")}

    def stand_in(self, home: Home, **_: object) -> Summary:
        brought_up(home, self.assets)
        return Summary()

    def people(self) -> list[str]:
        return sorted(set(clinical(START, SUBJECTS)["dm"]["USUBJID"]) - self.erased)

    def waiting(self) -> list[str]:
        if not self.root.exists() or not self.clean:
            return []
        received = account(HomeView(self.home, self.assets))
        return [
            r.path.removeprefix("clinical/")
            for r in received
            if r.kind == "export" and r.fate == "quarantined" and "Release it" in r.reason
        ]

    def matrix(self, path: str, seed: int, good: bool) -> None:
        folder = write_mex(self.root / "landing" / path, toy(20, 120, seed))
        if not good:
            whole = gzip.decompress((folder / "matrix.mtx.gz").read_bytes())
            (folder / "matrix.mtx.gz").write_bytes(gzip.compress(whole[: len(whole) // 2], mtime=0))
        (folder / "_DONE").touch()
        self.done.add(path)

    def sheet(self) -> None:
        lines = [
            f"{s},{subject},pre,2025-06-01,{path},LIVER\n"
            for s, (subject, path) in sorted(self.rows.items())
        ]
        (self.root / "landing" / "samples.csv").write_text(HEADER + "".join(lines))
        self.clean = False
