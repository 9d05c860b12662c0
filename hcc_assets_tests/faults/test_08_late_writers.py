"""Promise G8 and concurrent writers: what was given up writes nothing any more, and who was
overtaken computes again over what stands."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import pytest

from hcc_assets.assets.attempts import StaleWriter
from hcc_assets.assets.engine import Workbench
from hcc_assets.audit.trail import trail_of
from hcc_assets.home.paths import Home
from hcc_assets.home.versions import Versions
from hcc_assets.operate.build import build_assets
from hcc_assets.operate.instance import instance_of
from hcc_assets.operate.jobs import TABLES_JOB
from hcc_assets_tests.faults.numbers_given import (
    numbers,
    published_is_what_stands,
    race,
    standing,
    values,
)
from hcc_assets_tests.processes import together


@pytest.fixture
def home(place: Path) -> Home:
    home = Home.at(place / "home")
    assert Workbench(home, numbers(1.0)).attempt("numbers").state == "new"
    return home


def given_up() -> None:
    raise StaleWriter("given up")


def test_fault_08_the_late_write_of_a_writer_that_was_given_up_is_refused(home: Home) -> None:
    before = standing(home)
    with pytest.raises(StaleWriter):
        Workbench(home, numbers(2.0)).attempt("numbers", run_id="late", fence=given_up)
    assert standing(home) == before
    assert values(home) == [1.0] and published_is_what_stands(home)
    assert len([e for e in trail_of(home).entries() if e.action == "materialize"]) == 1
    held = Versions(home).held("numbers")
    assert held is not None and (held.code, held.attempts) == ("ended", 1)
    assert Workbench(home, numbers(2.0)).attempt("numbers").state == "new"
    assert values(home) == [2.0] and Versions(home).held("numbers") is None


def test_fault_08_a_run_that_was_given_up_in_dagster_while_it_computed_replaces_nothing(
    home: Home,
) -> None:
    """As the reaper does it: the run is FAILED, its process goes on and comes to its end."""
    with instance_of(home) as instance:

        def reaped() -> None:
            active = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])
            for record in instance.get_run_records(active):
                instance.report_run_failed(record.dagster_run, "its process is gone")

        def run(*given: float, late: bool) -> dg.ExecuteInProcessResult:
            assets = numbers(*given, meanwhile=reaped if late else lambda: None)
            job = build_assets(home, assets).resolve_job_def(TABLES_JOB)
            return job.execute_in_process(instance=instance, raise_on_error=False)

        assert not run(2.0, late=True).success
        assert values(home) == [1.0] and published_is_what_stands(home)
        assert instance.get_latest_materialization_event(dg.AssetKey("numbers")) is None
        assert run(2.0, late=False).success
        assert instance.get_latest_materialization_event(dg.AssetKey("numbers")) is not None
    assert values(home) == [2.0] and published_is_what_stands(home)


def test_fault_37_a_writer_that_was_overtaken_computes_again_and_loses_nothing(
    home: Home,
) -> None:
    """The other process publishes while this one computes: this one's first manifest is refused,
    its second names the other's."""
    first, seen = standing(home), []

    def other_process() -> None:
        if not seen:
            assert Workbench(home, numbers(2.0)).attempt("numbers").state == "new"
        seen.append(standing(home).folder)

    outcome = Workbench(home, numbers(3.0, meanwhile=other_process)).attempt("numbers")
    assert len(seen) == 2, "computed, refused, computed again"
    assert outcome.state == "new" and outcome.manifest is not None
    assert outcome.manifest.previous == seen[0] != first.folder
    assert values(home) == [3.0] and published_is_what_stands(home)


@pytest.mark.parametrize(
    ("writers", "rounds"), [(2, 3), pytest.param(4, 10, marks=pytest.mark.faults)]
)
def test_fault_37_processes_that_write_at_once_lose_no_update(
    home: Home, place: Path, writers: int, rounds: int
) -> None:
    first = standing(home).folder
    work = [(str(home.root), str(place / "dagster"), w, rounds) for w in range(writers)]
    commits = [c for done in together(race, work) for c in done]
    assert len({folder for folder, _ in commits}) == writers * rounds
    previous = [before for _, before in commits]
    assert len(set(previous)) == len(previous), "no two commits replaced the same version"
    assert {*previous, standing(home).folder} == {first, *(folder for folder, _ in commits)}
    listed = json.loads((home.store / "list.json").read_bytes())
    assert sorted(map(tuple, listed)) == [(w, n) for w in range(writers) for n in range(rounds)]
