"""Failed runs and raising sensors become signals, recover by themselves, and carry no text of an
exception."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    TickData,
    TickStatus,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster_shared.error import SerializableErrorInfo

from hcc_assets.alerts.dagster_signals import dagster_signals
from hcc_assets.alerts.records import Severity


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as found:
        yield found


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def found(instance) -> list[tuple[str, str | None, str, float | None]]:
    return [
        (s.asset, s.partition, s.severity.value, s.value) for s in dagster_signals(instance, now())
    ]


SAMPLES = dg.StaticPartitionsDefinition(["S01", "S02"])


def run(instance, sample: str, *, broken: bool = False, held: bool = False) -> None:
    @dg.asset(
        name="raw_counts",
        partitions_def=SAMPLES,
        check_specs=[dg.AssetCheckSpec("counts_are_counts", asset="raw_counts", blocking=True)],
    )
    def raw_counts(context):
        yield dg.AssetCheckResult(passed=not held, check_name="counts_are_counts")
        if broken or held:
            raise dg.Failure("姓名 13800138000", allow_retries=False)
        yield dg.MaterializeResult()

    job = dg.Definitions(
        assets=[raw_counts], jobs=[dg.define_asset_job("sample_chain", selection="*")]
    ).resolve_job_def("sample_chain")
    assert job.execute_in_process(
        instance=instance, partition_key=sample, raise_on_error=False
    ).success is not (broken or held)


def test_a_failed_run_is_a_signal_until_its_job_and_partition_succeed(instance) -> None:
    run(instance, "S01", broken=True)
    run(instance, "S01", broken=True)
    run(instance, "S02")
    assert found(instance) == [("sample_chain", "S01", "ERROR", 2)]
    assert "138" not in dagster_signals(instance, now())[0].model_dump_json().replace(
        dagster_signals(instance, now())[0].run_id or "", ""
    )
    run(instance, "S01")
    assert found(instance) == []


def test_a_run_in_which_a_check_failed_is_told_by_the_check(instance) -> None:
    run(instance, "S01", held=True)
    assert found(instance) == []


def test_old_failures_are_left(instance) -> None:
    run(instance, "S01", broken=True)
    assert dagster_signals(instance, now() + dt.timedelta(days=15)) == []


def tick(
    instance,
    name: str,
    outcomes: list[TickStatus],
    status: InstigatorStatus = InstigatorStatus.RUNNING,
) -> None:
    origin = RemoteInstigatorOrigin(
        RemoteRepositoryOrigin(
            InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="trial")), "r"
        ),
        name,
    )
    selector = origin.get_selector().get_id()
    instance.add_instigator_state(InstigatorState(origin, InstigatorType.SENSOR, status))
    for i, outcome in enumerate(outcomes):
        error = (
            SerializableErrorInfo("13800138000", [], "ValueError")
            if outcome is TickStatus.FAILURE
            else None
        )
        instance.create_tick(
            TickData(
                origin.get_id(),
                name,
                InstigatorType.SENSOR,
                outcome,
                1000.0 + i,
                selector_id=selector,
                error=error,
            )
        )


def test_a_sensor_that_raises_is_a_warning_and_after_three_times_an_error(instance) -> None:
    bad, good = TickStatus.FAILURE, TickStatus.SKIPPED
    tick(instance, "exports", [bad, bad, good])
    tick(instance, "samples", [good, bad])
    tick(instance, "withdrawals", [bad, bad, bad])
    tick(instance, "stopped", [bad, bad, bad], InstigatorStatus.STOPPED)
    signals = dagster_signals(instance, now())
    assert [(s.asset, s.severity, s.value) for s in signals] == [
        ("samples", Severity.WARN, 1),
        ("withdrawals", Severity.ERROR, 3),
    ]
    assert "138" not in "".join(s.model_dump_json() for s in signals)
