"""Sensors and schedules of the code location. None of them decides what is stale: that is the plan
(`operate.driver`). The landing sensor registers and observes; the daily schedules ask the plan
once a day, for a home whose driver was switched off.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import dagster as dg

from hcc_assets.assets.definition import Asset
from hcc_assets.assets.factory import SAMPLE
from hcc_assets.assets.plan import Plan, make_plan
from hcc_assets.assets.view import HomeView
from hcc_assets.assets.waves import next_runs
from hcc_assets.home.paths import Home
from hcc_assets.home.published import put_back
from hcc_assets.operate.build import CONFIRMATORY_JOB, SAMPLE_JOB, TABLES_JOB
from hcc_assets.operate.driver import Driver, busy_nodes
from hcc_assets.operate.history import restore
from hcc_assets.operate.kubernetes import run_tags
from hcc_assets.operate.scrub import scrub
from hcc_assets.operate.status import manifests_of

LOOK_SECONDS = 10
"""Between two looks at landing and plan: a look at 60 samples costs a fifth of a second."""

RESTORE_SECONDS = 20.0
"""What one tick writes of a lost history: Dagster takes about 40 events a second on an idle disk
and ends a tick after a minute."""

Places = Callable[[], Home]
Ticked = Iterator[dg.RunRequest | dg.SkipReason]


def register_samples(instance: dg.DagsterInstance, view: HomeView) -> list[str]:
    """Give keys and partitions to samples that are new; returns their keys."""
    view.register()
    known = set(instance.get_dynamic_partitions("sample"))
    new = [key for key in view.by_collection(view.keys) if key not in known]
    if new:
        instance.add_dynamic_partitions("sample", new)
    return new


def landing_sensor(home: Places, assets: Mapping[str, Asset]) -> dg.SensorDefinition:
    """Registers what has landed, and tells Dagster what stands where its history was lost."""

    def look(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        view = HomeView(home(), assets)
        view.register()
        known = set(context.instance.get_dynamic_partitions("sample"))
        new = [key for key in view.by_collection(view.keys) if key not in known]
        if new:
            seen = [
                dg.AssetObservation("raw_counts", partition=key, metadata={"state": "delivered"})
                for key in new
            ]
            requests = [SAMPLE.build_add_request(new)]
            return dg.SensorResult(dynamic_partitions_requests=requests, asset_events=seen)
        written = restore(context.instance, make_plan(view), seconds=RESTORE_SECONDS)
        if written:
            return dg.SkipReason(f"{written} events of what stands were written into the history")
        settling = view.landing.settling
        return dg.SkipReason(
            f"{len(settling)} deliveries are still settling" if settling else "nothing new landed"
        )

    return dg.SensorDefinition(
        name="landing_sensor",
        evaluation_fn=look,
        minimum_interval_seconds=LOOK_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Registers new samples and observes deliveries; requests nothing.",
    )


def driver_sensor(home: Places, assets: Mapping[str, Asset]) -> dg.SensorDefinition:
    """The automation sensor: requests what the plan says."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        driver = Driver(
            "driver",
            target=dg.AssetSelection.all(),
            use_user_code_server=True,
            # one run for each sample, not a backfill over samples
            emit_backfills=False,
            default_status=dg.DefaultSensorStatus.RUNNING,
            minimum_interval_seconds=LOOK_SECONDS,
        )

    def tags_of(instance: dg.DagsterInstance, key: str | None) -> Mapping[str, str]:
        if key is None:
            return {"dagster/priority": "5"}
        return run_tags(instance, delivered_bytes(HomeView(home(), assets), key))

    driver.tags_of = tags_of
    return driver


def delivered_bytes(view: HomeView, key: str) -> int:
    """Size of a sample's delivery; 0 where there is none."""
    delivery = view.delivery(key)
    return sum(max(f.size, 0) for f in delivery.files) if delivery else 0


def requests(
    plan: Plan, context: dg.ScheduleEvaluationContext, *, samples: bool
) -> list[dg.RunRequest]:
    """What the plan would run now: of samples, or of tables."""
    known = set(context.instance.get_dynamic_partitions("sample"))
    return [
        dg.RunRequest(
            run_key=f"{run.key or 'tables'} {context.scheduled_execution_time:%Y-%m-%d %H:%M}",
            asset_selection=[dg.AssetKey(name) for name in run.assets],
            partition_key=run.key,
        )
        for run in next_runs(plan, busy_nodes(context.instance))
        if (run.key is not None) is samples and (run.key is None or run.key in known)
    ]


def schedules(
    home: Places, assets: Mapping[str, Asset], jobs: Mapping[str, Any]
) -> list[dg.ScheduleDefinition]:
    """All schedules of the code location."""

    def tables(context: dg.ScheduleEvaluationContext) -> Ticked:
        plan = make_plan(HomeView(home(), assets))
        # published files that were deleted or changed from outside are put back
        put_back(plan.view.versions, manifests_of(plan))
        found = requests(plan, context, samples=False)
        yield from found
        if not found:
            yield dg.SkipReason("every table is up to date or waits for samples")

    def samples(context: dg.ScheduleEvaluationContext) -> Ticked:
        plan = make_plan(HomeView(home(), assets))
        found = requests(plan, context, samples=True)
        yield from found
        if not found:
            yield dg.SkipReason("every sample is up to date")

    def scrubbed(context: dg.ScheduleEvaluationContext) -> Ticked:
        read, found = scrub(home(), assets, context.scheduled_execution_time.date())
        plan = make_plan(HomeView(home(), assets))
        wanted = requests(plan, context, samples=False) if found else []
        yield from wanted
        if not wanted:
            yield dg.SkipReason(f"{read} stored files were read, {len(found)} were damaged")

    daily = {
        TABLES_JOB: ("daily_tables", "0 5 * * *", tables),
        SAMPLE_JOB: ("daily_samples", "30 4 * * *", samples),
    }
    text = "Once a day, whatever the driver did: asks the same plan for what is stale."
    found = [
        _schedule(name, jobs[job], cron, text, tick)
        for job, (name, cron, tick) in daily.items()
        if job in jobs
    ]
    if TABLES_JOB in jobs:
        text = "Reads a thirtieth of the store every night; what is damaged is computed again."
        found.append(_schedule("nightly_scrub", jobs[TABLES_JOB], "30 3 * * *", text, scrubbed))
    if CONFIRMATORY_JOB in jobs:
        text = "Once a week: the confirmatory engine, which is too slow for every refresh."
        found.append(_schedule("weekly_confirmatory", jobs[CONFIRMATORY_JOB], "0 2 * * 6", text))
    return found


def _schedule(
    name: str, job: Any, cron: str, text: str, tick: Callable[..., Any] | None = None
) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name=name,
        job=job,
        cron_schedule=cron,
        execution_timezone="UTC",
        execution_fn=tick,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=text,
    )
