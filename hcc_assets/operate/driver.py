"""The one driver of the daemon: an automation condition that asks the plan.

Every tick the plan is made once, from what stands and what lies in landing, and every asset whose
turn it is (`assets.waves`) is requested, unless it is queued or at work. Nothing is remembered
between ticks, so no update can be lost; ``hcc refresh`` asks the same function.
"""

from __future__ import annotations

import datetime as dt
import logging
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster import AssetKey, AutomationContext, AutomationResult
from dagster._core.definitions.events import AssetKeyPartitionKey

from hcc_assets.assets.definition import Asset
from hcc_assets.assets.inputs import Node
from hcc_assets.assets.plan import Plan, make_plan
from hcc_assets.assets.view import HomeView
from hcc_assets.assets.waves import next_runs
from hcc_assets.home.paths import Home

ACTIVE = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
BACK_OFF_RUNS = 8
BACK_OFF_HOURS = 1
"""After so many failed runs for one sample (or for tables) within so many hours the driver waits:
an asset that fails is given up after three attempts, so it is something else, such as a process
that cannot start."""


@dataclass(frozen=True)
class Tick:
    """What is requested in one tick, and why."""

    wanted: Mapping[str, Mapping[str | None, str]]


def busy_nodes(instance: dg.DagsterInstance) -> set[Node]:
    """Assets of runs that are queued or at work, whoever asked for them."""
    found: set[Node] = set()
    for record in instance.get_run_records(dg.RunsFilter(statuses=ACTIVE)):
        run = record.dagster_run
        key = run.tags.get("dagster/partition")
        found |= {(asset.path[-1], key) for asset in run.asset_selection or ()}
    return found


def given_up(instance: dg.DagsterInstance, now: dt.datetime) -> set[str | None]:
    """Samples (None: tables) whose automatic runs failed again and again in the last hour."""
    since = now - dt.timedelta(hours=BACK_OFF_HOURS)
    records = instance.get_run_records(
        dg.RunsFilter(
            statuses=[dg.DagsterRunStatus.FAILURE],
            created_after=since,
            tags={"dagster/from_automation_condition": "true"},
        ),
        limit=500,
    )
    counts: dict[str | None, int] = {}
    for record in records:
        key = record.dagster_run.tags.get("dagster/partition")
        counts[key] = counts.get(key, 0) + 1
    return {key for key, number in counts.items() if number >= BACK_OFF_RUNS}


def requested(plan: Plan, instance: dg.DagsterInstance) -> Tick:
    """Every node whose turn it is, with the reason."""
    wait = given_up(instance, plan.view.now)
    wanted: dict[str, dict[str | None, str]] = {}
    for run in next_runs(plan, busy_nodes(instance)):
        if run.key in wait:
            continue
        for name in run.assets:
            state = plan.states[(name, run.key)]
            stale = state.state == "stale"
            reason = state.reason if stale else "an input is computed in the same run"
            wanted.setdefault(name, {})[run.key] = reason
    return Tick(wanted)


class Reason(dg.AutomationCondition):  # type: ignore[type-arg]
    """A line of the Automation tab: why the assets below it are requested."""

    requires_cursor = False

    def __init__(self, text: str):
        self.text = text

    @property
    def name(self) -> str:
        return self.text

    def evaluate(self, context: AutomationContext[AssetKey]) -> AutomationResult[AssetKey]:
        return AutomationResult(context, context.candidate_subset)


class Stale(dg.AutomationCondition):  # type: ignore[type-arg]
    """True for what the plan calls stale and whose turn it is.

    Level-triggered: what stays stale is requested again when its run has ended.
    """

    requires_cursor = False
    name = "stale"
    description = "an input, a delivery, a setting or the code differs from what stands"
    operator_type = "or"

    def __init__(self, home: Callable[[], Home], assets: tuple[Asset, ...]):
        self._home = home
        self._assets = assets
        self._ticks: weakref.WeakKeyDictionary[Any, Tick] = weakref.WeakKeyDictionary()

    def get_label(self) -> str:
        return "stale"

    def _tick(self, view: Any) -> Tick:
        """One plan for all assets of a tick, which share one view of the asset graph."""
        if view not in self._ticks:
            known = {asset.name: asset for asset in self._assets}
            plan = make_plan(HomeView(self._home(), known))
            self._ticks[view] = requested(plan, view.instance)
        return self._ticks[view]

    async def evaluate(  # type: ignore[override]
        self, context: AutomationContext[AssetKey]
    ) -> AutomationResult[AssetKey]:
        view, key = context.asset_graph_view, context.key
        wanted = self._tick(view).wanted.get(key.path[-1], {})
        partitions = view.asset_graph.get(key).partitions_def
        if partitions is not None:
            known = set(view.instance.get_dynamic_partitions("sample")) if wanted else set()
            wanted = {k: why for k, why in wanted.items() if k in known}
        if not wanted:
            return AutomationResult(context, context.get_empty_subset())

        def subset(keys: list[str | None]) -> Any:
            if partitions is None:
                return view.get_full_subset(key=key)
            chosen = {AssetKeyPartitionKey(key, k) for k in keys}
            return view.get_asset_subset_from_asset_partitions(key, chosen)

        by_reason: dict[str, list[str | None]] = {}
        for sample, why in wanted.items():
            by_reason.setdefault(why, []).append(sample)
        children = [
            await context.for_child_condition(
                child_condition=Reason(why),
                child_indices=[index],
                candidate_subset=subset(keys),
            ).evaluate_async()
            for index, (why, keys) in enumerate(sorted(by_reason.items()))
        ]
        return AutomationResult(context, subset(list(wanted)), child_results=children)


class Driver(dg.AutomationConditionSensorDefinition):
    """The sensor that evaluates the condition.

    It logs warnings only: the stock sensor writes a line for each asset of each tick into a file
    that nothing removes (79 kB a tick with 47 assets).
    """

    tags_of: Callable[[dg.DagsterInstance, str | None], Mapping[str, str]] | None = None
    """Tags of a run by the key of its sample (resources of its pod, priority)."""

    def evaluate_tick(self, context: dg.SensorEvaluationContext) -> Any:
        context.log.setLevel(logging.WARNING)
        found = super().evaluate_tick(context)
        requests = [
            request.with_replaced_attrs(
                tags={
                    **request.tags,
                    **(
                        self.tags_of(context.instance, request.partition_key)
                        if self.tags_of
                        else {}
                    ),
                }
            )
            for request in found.run_requests or []
        ]
        return found._replace(run_requests=requests) if hasattr(found, "_replace") else found


class Behind(dg.AutomationCondition):  # type: ignore[type-arg]
    """For stock Dagster assets beside ours: true while an input was materialized after the asset
    was, or the asset never was and its inputs are there. Level-triggered like `Stale`; a failed
    run is not repeated until an input changes again."""

    requires_cursor = False
    name = "behind its inputs"

    def get_label(self) -> str:
        return self.name

    async def evaluate(  # type: ignore[override]
        self, context: AutomationContext[AssetKey]
    ) -> AutomationResult[AssetKey]:
        view, key = context.asset_graph_view, context.key
        node = view.asset_graph.get(key)
        nothing = AutomationResult(context, context.get_empty_subset())
        if node.partitions_def is not None or not node.parent_keys:
            return nothing
        instance = view.instance
        inputs = [_materialized_at(instance, parent) for parent in node.parent_keys]
        asked = [_asked_at(instance, key), _materialized_at(instance, key)]
        last = max((at for at in asked if at is not None), default=None)
        newest = max((at for at in inputs if at is not None), default=None)
        if newest is None or None in inputs or (last is not None and last >= newest):
            return nothing
        whole = view.get_full_subset(key=key)
        busy = await view.compute_run_in_progress_subset(key=key, from_subset=whole)
        return AutomationResult(context, whole.compute_difference(busy))


def _materialized_at(instance: dg.DagsterInstance, key: AssetKey) -> float | None:
    event = instance.get_latest_materialization_event(key)
    return event.timestamp if event is not None else None


def _asked_at(instance: dg.DagsterInstance, key: AssetKey) -> float | None:
    """When the asset was last planned in a run, whatever came of it."""
    records = instance.event_log_storage.get_asset_records([key])
    run_id = records[0].asset_entry.last_run_id if records else None
    run = instance.get_run_record_by_id(run_id) if run_id else None
    return run.create_timestamp.timestamp() if run is not None else None
