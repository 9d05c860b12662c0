"""Behaviour of Dagster that the platform leans on, pinned. A failure here means: read the decision that leans on it before upgrading.

Each test names what rests on it; see ``docs/adr``.
"""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest

SAMPLES = dg.DynamicPartitionsDefinition(name="sample")


def run(
    asset: dg.AssetsDefinition, instance: dg.DagsterInstance, key: str
) -> dg.ExecuteInProcessResult:
    return dg.materialize([asset], instance=instance, partition_key=key, raise_on_error=False)


def judged(*, good: bool) -> dg.AssetsDefinition:
    @dg.asset(
        name="counts",
        partitions_def=SAMPLES,
        check_specs=[
            dg.AssetCheckSpec("gate", asset="counts", blocking=True, partitions_def=SAMPLES)
        ],
    )
    def counts() -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:  # type: ignore[type-arg]
        yield dg.AssetCheckResult(passed=good, check_name="gate", description="why")
        if not good:
            raise dg.Failure("held", allow_retries=False)
        yield dg.MaterializeResult(data_version=dg.DataVersion("v1"))

    return counts


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        found.add_dynamic_partitions("sample", ["A", "B"])
        yield found


def test_a_failed_gate_is_recorded_and_nothing_is_materialized(
    instance: dg.DagsterInstance,
) -> None:
    """Judge before replace: defs.assets yields the check, then fails."""
    result = run(judged(good=False), instance, "A")
    assert not result.success
    assert instance.get_latest_materialization_event(dg.AssetKey("counts")) is None
    history = instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(dg.AssetKey("counts"), "gate"), limit=5
    )
    assert [h.status.value for h in history] == ["FAILED"]


def test_a_version_that_stood_stays_when_the_next_one_is_refused(
    instance: dg.DagsterInstance,
) -> None:
    """A sample re-delivered broken stays in the cohort with its good version."""
    assert run(judged(good=True), instance, "A").success
    assert not run(judged(good=False), instance, "A").success
    assert instance.get_materialized_partitions(dg.AssetKey("counts")) == {"A"}


def test_two_dependencies_named_in_deps_do_not_load_anything(instance: dg.DagsterInstance) -> None:
    """No IO manager: lineage comes from ``deps``, values from the project's own store."""

    @dg.asset(partitions_def=SAMPLES)
    def counts() -> None: ...

    @dg.asset(deps=["counts"])
    def cohort() -> dg.MaterializeResult:  # type: ignore[type-arg]
        return dg.MaterializeResult(metadata={"n": 2})

    assert dg.materialize([counts, cohort], selection=["cohort"], instance=instance).success


def test_eager_waits_for_missing_partitions_and_the_variant_does_not(
    instance: dg.DagsterInstance,
) -> None:
    """defs.assets.automation: one missing sample must not hold back the cohort."""

    def cohort_of(condition: dg.AutomationCondition) -> dg.Definitions:  # type: ignore[type-arg]
        @dg.asset(partitions_def=SAMPLES)
        def counts() -> None: ...

        @dg.asset(deps=["counts"], automation_condition=condition)
        def cohort() -> None: ...

        return dg.Definitions([counts, cohort])

    eager = dg.AutomationCondition.eager()
    for condition, expected in (
        (eager, 0),
        (eager.without(~dg.AutomationCondition.any_deps_missing()), 1),
    ):
        with dg.DagsterInstance.ephemeral() as fresh:
            fresh.add_dynamic_partitions("sample", ["A", "B"])
            definitions = cohort_of(condition)
            first = dg.evaluate_automation_conditions(definitions, fresh)
            fresh.report_runless_asset_event(dg.AssetMaterialization("counts", partition="A"))
            second = dg.evaluate_automation_conditions(definitions, fresh, cursor=first.cursor)
            assert second.total_requested == expected


def test_a_run_key_that_was_used_is_not_asked_for_again(instance: dg.DagsterInstance) -> None:
    """Run keys hold the content and the number of the attempt, so that a failed run can be asked for again."""

    @dg.asset
    def thing() -> None: ...

    job = dg.define_asset_job("job", selection=[thing])

    @dg.sensor(job=job)
    def always() -> dg.RunRequest:
        return dg.RunRequest(run_key="content:0")

    definitions = dg.Definitions([thing], jobs=[job], sensors=[always])
    resolved = definitions.resolve_job_def("job")
    assert resolved.execute_in_process(
        instance=instance, tags={"dagster/run_key": "content:0", "dagster/sensor_name": "always"}
    ).success
    used = instance.get_runs(dg.RunsFilter(tags={"dagster/run_key": "content:0"}))
    assert len(used) == 1


def test_checks_of_a_partitioned_asset_carry_their_partition(instance: dg.DagsterInstance) -> None:
    """The checks tab and the alerts name the sample."""
    result = run(judged(good=False), instance, "B")
    evaluations = result.get_asset_check_evaluations()
    assert [e.partition for e in evaluations] == ["B"]


def test_figures_stay_below_what_the_event_log_should_hold() -> None:
    """PNG in metadata lives in the event database: keep it small."""
    from hcc_assets.assets.factory import FIGURE_LIMIT

    assert FIGURE_LIMIT <= 200_000


def test_both_dagster_packages_are_the_same_version() -> None:
    from importlib.metadata import version

    assert version("dagster") == version("dagster-webserver") == version("dagster-graphql")
