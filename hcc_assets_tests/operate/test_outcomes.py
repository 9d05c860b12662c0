"""The table of outcomes in `assets.factory`, line by line, through runs of Dagster."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hcc_assets.assets import engine
from hcc_assets.assets.definition import Output
from hcc_assets.assets.engine import Workbench
from hcc_assets.home.paths import Home
from hcc_assets.operate.build import TABLES_JOB, build_assets
from hcc_assets_tests.assets.little import ALL, GOOD, TABLES, deliver, key_of, sheet
from hcc_assets_tests.operate.instances import run, text, told


def stamp(instance: dg.DagsterInstance, asset: str) -> float | None:
    """When Dagster says that an asset was materialized last."""
    event = instance.get_latest_materialization_event(dg.AssetKey(asset))
    return event.timestamp if event else None


def names_of(found: dict[str, Any]) -> dict[str, bool]:
    return {name: check.passed for name, check in found["checks"].items()}


def test_new_is_a_materialization_with_every_verdict(
    home: Home, instance: dg.DagsterInstance
) -> None:
    deliver(home, GOOD)
    result = run(home, instance, TABLES, ["numbers"])
    found = told(result, "numbers")
    assert result.success
    (made,) = found["made"]
    stands = Workbench(home, TABLES).versions.require("numbers")
    assert made.tags["dagster/data_version"] == stands.data_version
    assert made.tags["dagster/code_version"] == TABLES["numbers"].code_version
    assert made.metadata["dagster/row_count"].value == 1
    assert text(made.metadata, "dagster/uri") == str(home.published / "numbers.parquet")
    assert names_of(found) == {"schema": True, "enough": True}
    assert stands.run_id == result.run_id
    assert not found["seen"]


def test_a_figure_is_shown_with_the_materialization(
    home: Home, instance: dg.DagsterInstance
) -> None:
    deliver(home, GOOD)
    result = run(home, instance, TABLES, ["numbers", "doubles"])
    (made,) = told(result, "doubles")["made"]
    assert text(made.metadata, "figure doubles_line").startswith("![doubles_line](data:image/png")


def test_unchanged_is_a_materialization_of_the_same_data_version(
    home: Home, instance: dg.DagsterInstance
) -> None:
    deliver(home, GOOD)
    first = told(run(home, instance, TABLES, ["numbers"]), "numbers")["made"][0]
    found = told(run(home, instance, TABLES, ["numbers"], force=["numbers"]), "numbers")
    (again,) = found["made"]
    assert again.tags["dagster/data_version"] == first.tags["dagster/data_version"]
    assert names_of(found) == {"schema": True, "enough": True}


def test_fresh_is_an_observation_and_what_rests_on_it_still_runs(
    home: Home, instance: dg.DagsterInstance
) -> None:
    deliver(home, GOOD)
    run(home, instance, TABLES, ["numbers"])
    before = stamp(instance, "numbers")
    result = run(home, instance, TABLES, ["numbers", "doubles"])
    found = told(result, "numbers")
    assert result.success
    assert [text(o.metadata, "state") for o in found["seen"]] == ["fresh"]
    assert (found["made"], stamp(instance, "numbers")) == ([], before)
    assert names_of(found) == {"schema": True, "enough": True}
    assert len(told(result, "doubles")["made"]) == 1


def test_waiting_is_an_observation_without_a_verdict(
    home: Home, instance: dg.DagsterInstance
) -> None:
    result = run(home, instance, TABLES, ["numbers", "doubles"])
    assert result.success
    for name in TABLES:
        found = told(result, name)
        assert [text(o.metadata, "state") for o in found["seen"]] == ["waiting"]
        assert (found["made"], found["checks"]) == ([], {})


def test_held_fails_its_gate_alone_and_the_run_succeeds(
    home: Home, instance: dg.DagsterInstance
) -> None:
    deliver(home, GOOD)
    run(home, instance, TABLES, ["numbers", "doubles"])
    before = stamp(instance, "numbers")
    deliver(home, "refuse")
    result = run(home, instance, TABLES, ["numbers", "doubles"])
    found = told(result, "numbers")
    assert result.success
    assert stamp(instance, "numbers") == before
    assert names_of(found) == {"schema": False, "enough": True}
    gate, other = found["checks"]["schema"], found["checks"]["enough"]
    assert gate.description.startswith("numbers.json row 1: not a number")
    assert text(gate.metadata, "what stands").startswith("the version of ")
    assert text(other.metadata, "status") == "not judged"
    assert other.description.startswith("not judged: the new value was refused before. What stands")
    assert [text(o.metadata, "state") for o in found["seen"]] == ["held"]
    assert [text(o.metadata, "state") for o in told(result, "doubles")["seen"]] == ["fresh"]


def test_held_without_an_earlier_version_says_that_nothing_stands(
    home: Home, instance: dg.DagsterInstance
) -> None:
    deliver(home, "refuse")
    result = run(home, instance, TABLES, ["numbers", "doubles"])
    gate = told(result, "numbers")["checks"]["schema"]
    assert text(gate.metadata, "what stands") == "nothing: there is no earlier version"
    assert [text(o.metadata, "state") for o in told(result, "doubles")["seen"]] == ["waiting"]


def test_still_held_is_an_observation_without_a_verdict(
    home: Home, instance: dg.DagsterInstance
) -> None:
    deliver(home, "refuse")
    run(home, instance, TABLES, ["numbers"])
    result = run(home, instance, TABLES, ["numbers"])
    found = told(result, "numbers")
    assert result.success
    assert [text(o.metadata, "state") for o in found["seen"]] == ["still held"]
    assert (found["made"], found["checks"]) == ([], {})


def test_an_error_fails_the_run_and_tells_its_frames_and_never_its_text(
    home: Home, instance: dg.DagsterInstance
) -> None:
    deliver(home, GOOD)
    run(home, instance, TABLES, ["numbers"])
    before = stamp(instance, "numbers")
    deliver(home, "crash")
    result = run(home, instance, TABLES, ["numbers", "doubles"])
    assert not result.success
    (failure,) = [e for e in result.all_events if e.event_type_value == "STEP_FAILURE"]
    data = failure.step_failure_data
    assert "little.py" in text(data.user_failure_data.metadata, "frames")
    found = told(result, "numbers")
    assert names_of(found) == {"schema": False, "enough": True}
    assert text(found["checks"]["enough"].metadata, "status") == "not judged"
    assert stamp(instance, "numbers") == before
    logged = instance.all_logs(result.run_id)
    assert logged
    assert not any("secret" in str(entry) for entry in logged)


def test_an_error_is_not_tried_again_by_dagster(home: Home, instance: dg.DagsterInstance) -> None:
    deliver(home, "crash")
    result = run(home, instance, TABLES, ["numbers"])
    kinds = [e.event_type_value for e in result.all_events]
    assert "STEP_UP_FOR_RETRY" not in kinds
    held = Workbench(home, TABLES).versions.held("numbers")
    assert held is not None
    assert held.attempts == 1


@pytest.mark.parametrize("how", ["configuration", "backfill"])
def test_who_asks_for_it_gets_it_computed_though_it_is_fresh(
    home: Home, instance: dg.DagsterInstance, how: str
) -> None:
    deliver(home, GOOD)
    run(home, instance, TABLES, ["numbers"])
    if how == "configuration":
        result = run(home, instance, TABLES, ["numbers"], force=["numbers"])
    else:
        result = run(home, instance, TABLES, ["numbers"], tags={"dagster/backfill": "abcd"})
    assert len(told(result, "numbers")["made"]) == 1
    assert Workbench(home, TABLES).versions.require("numbers").run_id == result.run_id


@pytest.mark.parametrize(
    "config",
    [
        {"resources": {"home": {"config": {"root": "/elsewhere"}}}},
        {"ops": {"numbers": {"config": {"home": "/elsewhere"}}}},
        {"ops": {"numbers": {"config": {"root": "/elsewhere"}}}},
    ],
)
def test_no_configuration_sends_a_run_to_another_home(
    home: Home, instance: dg.DagsterInstance, config: dict[str, Any]
) -> None:
    deliver(home, GOOD)
    job = build_assets(home, TABLES).resolve_job_def(TABLES_JOB)
    with pytest.raises(dg.DagsterInvalidConfigError):
        job.execute_in_process(instance=instance, run_config=config)


def test_a_run_that_was_given_up_replaces_nothing(
    home: Home, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(home, GOOD)
    run(home, instance, TABLES, ["numbers"])
    before = Workbench(home, TABLES).versions.require("numbers")
    deliver(home, [["a", 2.0]])
    whole: Callable[..., Output] = engine.computed

    def slow(*given: Any) -> Output:
        (late,) = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
        instance.report_run_failed(late, "no sign of life")
        return whole(*given)

    monkeypatch.setattr(engine, "computed", slow)
    result = run(home, instance, TABLES, ["numbers"])
    assert Workbench(home, TABLES).versions.require("numbers") == before
    errors = [e for e in result.all_events if e.event_type_value == "STEP_FAILURE"]
    assert "StaleWriter" in str(errors)


def test_a_sample_is_told_with_its_key(home: Home, instance: dg.DagsterInstance) -> None:
    sheet(Path(str(home.root)), "A,S1,pre", "B,S2,pre")
    Workbench(home, ALL).register()
    key = key_of(home, "B")
    instance.add_dynamic_partitions("sample", [key])
    result = run(home, instance, ALL, ["raw_counts", "course"], key)
    for name in ("raw_counts", "course"):
        found = told(result, name)
        assert [m.partition for m in found["made"]] == [key]
        assert [c.partition for c in found["checks"].values()] == [key]
    again = run(home, instance, ALL, ["raw_counts"], key)
    assert [o.partition for o in told(again, "raw_counts")["seen"]] == [key]


def test_one_event_of_our_own_tells_asset_outcome_seconds_and_rows(
    home: Home, instance: dg.DagsterInstance
) -> None:
    deliver(home, GOOD)
    result = run(home, instance, TABLES, ["numbers"])
    own = [e.user_message for e in instance.all_logs(result.run_id) if e.dagster_event is None]
    assert len(own) == 1
    assert own[0].startswith("numbers: new in ")
    assert own[0].endswith(" s, 1 rows")
