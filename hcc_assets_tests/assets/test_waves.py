"""What runs next: a sample is one run, tables wait for nothing, and nothing is asked for twice."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest

from hcc_assets.assets.definition import Asset, Output, Refused, asset
from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.inputs import AllOf, BySample, Node, SampleRow, Version, View
from hcc_assets.assets.plan import make_plan
from hcc_assets.assets.waves import Run, next_runs
from hcc_assets.home.manifests import Bundle
from hcc_assets.home.paths import Home
from hcc_assets_tests.assets.little import ALL, TABLES, deliver, key_of, little_home, raw_counts

ROWS = ("A,S1,pre", "B,S1,post", "C,S2,pre")


@pytest.fixture
def home(place: Path) -> Home:
    return little_home(place, *ROWS)


def asked(home: Home, assets: Any = ALL, busy: Collection[Node] = ()) -> list[Run]:
    """Runs with sample ids for keys."""
    view = Workbench(home, assets)
    view.register()
    found = next_runs(make_plan(view), busy)
    return [Run(view.people.sample(run.key) if run.key else None, run.assets) for run in found]


def work(home: Home, assets: Any = ALL) -> list[list[Run]]:
    """Do what is asked for until nothing is; the runs of each wave."""
    waves = []
    while runs := asked(home, assets):
        waves.append(runs)
        for run in runs:
            bench = Workbench(home, assets)
            for name in run.assets:
                outcome = bench.attempt(name, key_of(home, run.key) if run.key else None)
                assert outcome.state in ("new", "unchanged", "held", "waiting"), outcome
        assert len(waves) < 10
    return waves


def test_a_sample_is_one_run_and_later_timepoints_wait_for_earlier_ones(home: Home) -> None:
    both = ("raw_counts", "course")
    assert work(home) == [
        # what a later sample can do alone waits too: its work is one run
        [Run("A", both), Run("C", both)],
        [Run("B", both)],
        [Run(None, ("everybody",))],
    ]
    assert asked(home) == []


def test_a_sample_whose_earlier_one_is_done_starts_at_once(home: Home) -> None:
    work(home)
    key = key_of(home, "B")
    bench = Workbench(home, ALL)
    bench.versions.folder("course", key).joinpath("current.json").unlink()
    assert asked(home) == [Run("B", ("course",))]


def test_tables_start_beside_samples_and_first(home: Home) -> None:
    deliver(home, [["a", 1]])
    first = asked(home)
    assert first[0] == Run(None, ("numbers", "doubles"))
    assert {run.key for run in first[1:]} == {"A", "C"}


def test_what_is_queued_or_at_work_and_what_rests_on_it_is_not_asked_for(home: Home) -> None:
    deliver(home, [["a", 1]])
    a, c = key_of(home, "A"), key_of(home, "C")
    busy = {("numbers", None), ("raw_counts", a), ("course", a)}
    assert asked(home, busy=busy) == [Run("C", ("raw_counts", "course"))]
    everything = busy | {("doubles", None), ("raw_counts", c), ("course", c)}
    assert asked(home, busy=everything) == []


def test_a_held_table_does_not_hold_back_the_others(home: Home) -> None:
    deliver(home, "refuse")
    waves = work(home)
    asked_for = [name for wave in waves for run in wave if run.key is None for name in run.assets]
    assert asked_for.count("numbers") == 1
    assert asked_for[-1] == "everybody"
    assert make_plan(Workbench(home, ALL)).of("held") == [("numbers", None)]


def test_a_held_sample_does_not_hold_back_the_cohort(home: Home) -> None:
    @asset(per_sample=True)
    def picky(sample: SampleRow) -> Output:
        """Refuses one sample. Takes the others."""
        if sample.sample_id == "C":
            raise Refused("nothing in it", quarantine=False)
        return Output()

    @asset
    def cohort(picky: BySample) -> Output:
        """Who was taken. By id."""
        return Output(metadata={"who": ",".join(picky)})

    known = {"picky": picky, "cohort": cohort}
    last = work(home, known)[-1]
    assert last == [Run(None, ("cohort",))]
    found = Workbench(home, known).versions.require("cohort")
    assert set(found.inputs) == {f"picky/{key_of(home, s)}" for s in "AB"}


@dataclass(frozen=True)
class First(AllOf):
    """All samples, but the earliest one goes first."""

    def first(self, view: View, waiting: set[str]) -> set[str]:
        return set(view.by_collection(waiting)[:1])


@asset
def reference(raw_counts: Annotated[BySample, First("raw_counts")]) -> Output:
    """Built from the first sample. Then from all."""
    return Output(bundle=Bundle(facts={"n": len(raw_counts)}))


@asset(per_sample=True)
def labelled(raw_counts: Version, reference: Version) -> Output:
    """A sample, labelled. With the reference."""
    return Output(bundle=Bundle(facts={"n": reference.facts["n"]}))


LEARNING: dict[str, Asset] = {
    "raw_counts": raw_counts,
    "reference": reference,
    "labelled": labelled,
}


def test_samples_that_a_reference_is_built_from_first_go_before_the_others(home: Home) -> None:
    assert asked(home, LEARNING) == [Run("A", ("raw_counts",))]


def test_nothing_is_asked_for_where_nothing_lies_in_landing(place: Path) -> None:
    assert asked(little_home(place), TABLES) == []
