"""Behaviour of Dagster that the platform leans on, pinned. A failure here means: read the decision
that leans on it before upgrading.

Each test names what rests on it; see ``docs/adr``. Dagster reads annotations at run time: none is
postponed here.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.data_version import (
    DATA_VERSION_TAG,
    extract_data_version_from_entry,
)
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION

SAMPLES = dg.DynamicPartitionsDefinition(name="sample")


def run(
    asset: dg.AssetsDefinition, instance: dg.DagsterInstance, key: str
) -> dg.ExecuteInProcessResult:
    return dg.materialize([asset], instance=instance, partition_key=key, raise_on_error=False)


def judged(*, good: bool) -> dg.AssetsDefinition:
    """As `assets.factory` tells a refusal: the gate's verdict as an event, then an output that is
    an observation."""

    @dg.asset(
        name="counts",
        partitions_def=SAMPLES,
        check_specs=[
            dg.AssetCheckSpec("gate", asset="counts", blocking=True, partitions_def=SAMPLES)
        ],
    )
    def counts(context: dg.AssetExecutionContext) -> Iterator[Any]:
        if good:
            yield dg.AssetCheckResult(passed=True, check_name="gate", description="good")
            yield dg.MaterializeResult(data_version=dg.DataVersion("v1"))
            return
        yield dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey("counts"),
            check_name="gate",
            passed=False,
            description="why",
            blocking=False,
            partition=context.partition_key,
        )
        yield dg.AssetObservation("counts", partition=context.partition_key)
        for output in sorted(context.op_execution_context.selected_output_names):
            mark = {SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True}
            yield dg.Output(None, output_name=output, metadata=mark)

    return counts


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        found.add_dynamic_partitions("sample", ["A", "B"])
        yield found


def test_a_failed_gate_is_recorded_and_nothing_is_materialized(
    instance: dg.DagsterInstance,
) -> None:
    """Judge before replace: a refusal is told by the gate, and the run is no failed run."""
    result = run(judged(good=False), instance, "A")
    assert result.success
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
    assert run(judged(good=False), instance, "A").success
    assert instance.get_materialized_partitions(dg.AssetKey("counts")) == {"A"}


def test_two_dependencies_named_in_deps_do_not_load_anything(instance: dg.DagsterInstance) -> None:
    """Nothing is loaded: lineage comes from ``deps``, values from the project's own store."""

    @dg.asset(partitions_def=SAMPLES)
    def counts() -> None: ...

    @dg.asset(deps=["counts"])
    def cohort() -> dg.MaterializeResult:  # type: ignore[type-arg]
        return dg.MaterializeResult(metadata={"n": 2})

    assert dg.materialize([counts, cohort], selection=["cohort"], instance=instance).success


def test_what_rests_on_a_refused_asset_goes_on_in_the_same_run(
    instance: dg.DagsterInstance,
) -> None:
    """An output that is marked as an observation completes the step without a materialization."""

    @dg.asset(deps=["counts"], partitions_def=SAMPLES)
    def calls() -> None: ...

    result = dg.materialize(
        [judged(good=False), calls], instance=instance, partition_key="A", raise_on_error=False
    )
    assert result.success
    made = [e.asset_key for e in result.get_asset_materialization_events()]
    assert made == [dg.AssetKey("calls")]
    assert instance.fetch_observations(dg.AssetKey("counts"), limit=1).records


def test_a_condition_that_stays_true_is_requested_at_every_tick(
    instance: dg.DagsterInstance,
) -> None:
    """operate.driver is level-triggered: what is stale is asked for again when its run ended."""

    class Always(dg.AutomationCondition):  # type: ignore[type-arg]
        requires_cursor = False
        name = "always"

        def evaluate(self, context: Any) -> dg.AutomationResult:  # type: ignore[type-arg]
            return dg.AutomationResult(context, context.candidate_subset)

    @dg.asset(automation_condition=Always())
    def thing() -> None: ...

    definitions = dg.Definitions([thing])
    first = dg.evaluate_automation_conditions(definitions, instance)
    second = dg.evaluate_automation_conditions(definitions, instance, cursor=first.cursor)
    assert (first.total_requested, second.total_requested) == (1, 1)


def test_a_request_without_a_run_key_is_launched_again(instance: dg.DagsterInstance) -> None:
    """The daily schedules ask without a key: what is still stale is asked for the next day."""

    @dg.asset
    def thing() -> None: ...

    job = dg.define_asset_job("job", selection=[thing])

    @dg.schedule(job=job, cron_schedule="0 5 * * *")
    def daily() -> dg.RunRequest:
        return dg.RunRequest(asset_selection=[dg.AssetKey("thing")])

    definitions = dg.Definitions([thing], jobs=[job], schedules=[daily])
    for _ in range(2):
        context = dg.build_schedule_context(instance=instance, repository_def=None)
        asked = definitions.resolve_schedule_def("daily").evaluate_tick(context).run_requests
        assert [r.run_key for r in asked or []] == [None]


def test_an_event_without_a_run_counts_as_a_materialization(instance: dg.DagsterInstance) -> None:
    """operate.history: a lost DAGSTER_HOME is filled from manifests."""
    tags = {DATA_VERSION_TAG: "v1"}
    instance.report_runless_asset_event(dg.AssetMaterialization("counts", partition="A", tags=tags))
    assert instance.get_materialized_partitions(dg.AssetKey("counts")) == {"A"}
    entry = instance.get_latest_materialization_event(dg.AssetKey("counts"))
    version = extract_data_version_from_entry(entry) if entry else None
    assert version is not None and version.value == "v1"


def test_checks_of_a_partitioned_asset_carry_their_partition(instance: dg.DagsterInstance) -> None:
    """The checks tab and the alerts name the sample."""
    result = run(judged(good=False), instance, "B")
    evaluations = result.get_asset_check_evaluations()
    assert [e.partition for e in evaluations] == ["B"]


def test_figures_stay_below_what_the_event_log_should_hold() -> None:
    """PNG in metadata lives in the event database: keep it small."""
    from hcc_assets.assets.telling import FIGURE_LIMIT

    assert FIGURE_LIMIT <= 200_000


def test_both_dagster_packages_are_the_same_version() -> None:
    from importlib.metadata import version

    assert version("dagster") == version("dagster-webserver") == version("dagster-graphql")
