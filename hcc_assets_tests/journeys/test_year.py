"""A seeded year of enrolment: deliveries, corrections, bad exports, re-uploads, crashes, against a
model that says what must be published."""

from __future__ import annotations

import datetime as dt
import random
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
import pytest

from hcc_assets.audit.trail import trail_of
from hcc_assets.clinical.holding.verdict import compare_exports
from hcc_assets.clinical.reading.exports import Export, read_export
from hcc_assets.home.paths import Home
from hcc_assets.operate.actions import accept_export
from hcc_assets.simulate.clinical import export, stories
from hcc_assets_tests.faults.broken_writes import PowerCut, writer_that_fails
from hcc_assets_tests.faults.homes import (
    SETTINGS,
    Seen,
    attempt_all,
    deliver,
    hashes,
    landing_bytes,
    quarantined,
    refresh,
    without_figures,
)

START = dt.date(2025, 9, 1)


@dataclass
class Model:
    """What must stand: the export taken last, the one that waits, and what was received."""

    taken: str = ""
    waiting: str = ""
    received: set[str] = field(default_factory=set)
    superseded: set[str] = field(default_factory=set)
    standing: Export | None = None

    def take(self, export_id: str, export: Export) -> None:
        """The export stands; a table that it lacks stands in its last good form."""
        if self.standing is not None:
            before = self.standing
            export = replace(
                export,
                tables=before.tables | export.tables,
                delivered=before.delivered | export.delivered,
            )
        self.standing = export
        if self.taken:
            self.superseded.add(self.taken)
        self.superseded.discard(export_id)
        self.taken, self.waiting = export_id, ""


def year(root: Path, seed: int, steps: int) -> None:
    """Play ``steps`` events and check the home after each."""
    rng = random.Random(seed)
    told = stories(10, seed)
    config = Home.at(root).config()
    model = Model()
    day = START
    for _ in range(steps):
        day += dt.timedelta(days=rng.randint(5, 20))
        name = day.isoformat()
        event = rng.choices(
            ["good", "shrunk", "broken", "again", "accept", "crash"], [5, 2, 2, 1, 2, 2]
        )[0]
        tables = export(told, until=day).tables
        if event == "accept" and model.waiting:
            accept_export(Home.at(root), model.waiting, "checked with the site")
            waiting = root / "landing" / "clinical" / model.waiting
            model.take(
                model.waiting,
                read_export(waiting, config, cutoff=dt.date.fromisoformat(model.waiting)),
            )
        elif event == "again" and model.taken:
            folder = root / "landing" / "clinical" / model.taken
            shutil.copytree(folder, root / "copy")
            shutil.rmtree(folder)
            shutil.move(root / "copy", folder)
        else:
            if event == "shrunk" and len(tables["dm"]) > 2:
                gone = sorted(tables["dm"]["USUBJID"])[0]
                tables = {d: f[f["USUBJID"] != gone] for d, f in tables.items()}
            folder = deliver(root, tables, name)
            if event == "broken":
                (folder / "ae.csv").write_text("USUBJID\n")
            model.received.add(name)
            now = read_export(folder, config, cutoff=day)
            if {"subjects", "exposure"} <= set(now.tables) or model.standing is not None:
                if model.standing is not None and compare_exports(model.standing, now, config).held:
                    model.waiting = name
                else:
                    model.take(name, now)
        if event == "crash":
            with writer_that_fails(rng.randint(1, 25), PowerCut(), after=rng.random() < 0.5):
                try:
                    attempt_all(root)
                except PowerCut:
                    assert all(
                        path.stat().st_size for path in (root / "published").glob("*.parquet")
                    )
        landed = landing_bytes(root)
        _check(attempt_all(root), model)
        assert landing_bytes(root) == landed
    state = hashes(root)
    seen = refresh(root)
    _check(seen, model)
    assert hashes(root) == state
    assert not {"new", "changed"} & set(refresh(root).changed.values()), (
        "the same refresh twice computes nothing"
    )
    assert not trail_of(Home.at(root)).verify()
    reasons = " ".join(q["reason"] for q in quarantined(root))
    for name in model.received:
        assert name == model.taken or name in model.superseded or name in reasons, (
            f"{name} vanished"
        )


def _check(seen: Seen, model: Model) -> None:
    if not model.taken:
        return
    assert seen.status["export"] == model.taken
    waits = ("clinical_export", None) in seen.troubled or any(
        c["name"] == "newest_export_taken" for c in seen.status["failing_checks"]
    )
    assert waits == bool(model.waiting)
    if not any(h["asset"] == "subjects" for h in seen.status["held"]):
        taken = pd.read_csv(seen.root / "landing" / "clinical" / model.taken / "dm.csv", dtype=str)
        assert set(seen.table("subjects")["USUBJID"]) == set(taken["USUBJID"])


@pytest.mark.parametrize("seed", [1])
def test_some_months_of_enrolment(place: Path, seed: int) -> None:
    root = place / "home"
    root.mkdir()
    (root / "study.toml").write_text(SETTINGS)
    with without_figures():
        year(root, seed, 6)


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(10, 16))
def test_year_of_enrolment(place: Path, seed: int) -> None:
    root = place / "home"
    root.mkdir()
    (root / "study.toml").write_text(SETTINGS)
    with without_figures():
        year(root, seed, 30)
