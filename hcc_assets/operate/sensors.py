"""Sensors and schedules: what makes the daemon act. They ask ``platform.plan`` what is stale and keep no state of their own that could be lost.

Content decides, not cursors: every tick compares what should stand with what stands. A run key is the content that the run is to bring in, and the
number of the attempt, so that a failed run is asked for again and a finished one never twice.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import dagster as dg

from hcc_assets.alerts.dagster_signals import dagster_signals
from hcc_assets.assets.engine import MAX_ATTEMPTS, Workbench
from hcc_assets.assets.factory import SAMPLE, HomeResource
from hcc_assets.assets.plan import Node, Plan, make_plan
from hcc_assets.home.mending import mend
from hcc_assets.home.versions import digest
from hcc_assets.operate.jobs import CONFIRMATORY_JOB, SAMPLE_JOB, TABLES_JOB
from hcc_assets.operate.kubernetes import run_tags
from hcc_assets.operate.retention import trim_runs
from hcc_assets.operate.watch.fencing import Leases
from hcc_assets.operate.watch.heartbeat import write_heartbeat
from hcc_assets.operate.watch.reaper import reap

_ACTIVE = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]
_KILLED = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
_DAILY_ATTEMPTS = 365
TABLES_TAG = "hcc/tables"
Job: TypeAlias = Any
"""A job definition, resolved or not: Dagster has no public name for both."""


def _workbench(home: HomeResource) -> Workbench:
    from hcc_assets.defs.catalogue import all_recipes

    return Workbench(home.home(), all_recipes())


def _key(plan: Plan, nodes: list[Node]) -> str:
    """What a run is to bring in and what it is to replace: content that comes back after a correction is another request than the first time."""
    bench = plan.bench
    requests = []
    for node in nodes:
        standing, held = bench.versions.current(*node), bench.versions.held(*node)
        before = standing.at.isoformat() if standing else ""
        requests.append(
            (
                node,
                bench.fingerprint(bench.recipes[node[0]], node[1]),
                before,
                held.attempts if held else 0,
            )
        )
    return digest(requests)


def _asked(instance: dg.DagsterInstance, key: str, most: int) -> str | None:
    """The run key for a content: Dagster never asks again for one whose run failed, so that each run that was killed makes a new one.

    None when ``most`` runs for the content were killed one after the other: then a person has to look, and the failed run is an alert.
    """
    for name in (key, *(f"{key}:{n}" for n in range(1, most))):
        asked = instance.get_run_records(dg.RunsFilter(tags={"dagster/run_key": name}), limit=1)
        if not asked or asked[0].dagster_run.status not in _KILLED:
            return name
    return None


def _active(instance: dg.DagsterInstance, tags: dict[str, str]) -> bool:
    return bool(instance.get_run_records(dg.RunsFilter(statuses=_ACTIVE, tags=tags), limit=1))


def _tables_at_work(instance: dg.DagsterInstance) -> bool:
    """True while any run over tables is queued or going, whoever asked for it: what it leaves stale is seen by the next tick."""
    records = instance.get_run_records(
        dg.RunsFilter(statuses=_ACTIVE)
    )  # all: a first load has hundreds of samples in the queue
    return any("dagster/partition" not in r.dagster_run.tags for r in records)


def sample_requests(
    plan: Plan, instance: dg.DagsterInstance, *, most: int = MAX_ATTEMPTS
) -> Iterator[dg.RunRequest]:
    """One run for each sample that has work which its inputs allow."""
    for sample in plan.samples:
        nodes: list[Node] = []
        for node in plan.states:
            ready = all(
                up not in plan.dirty or up in nodes for up in plan.upstream(node)
            ) and not _earlier_is_open(plan, node)
            if node[1] == sample and node in plan.dirty and ready:
                nodes.append(node)
        if (
            nodes
            and not _active(instance, {"dagster/partition": sample})
            and (key := _asked(instance, f"{sample}:{_key(plan, nodes)}", most))
        ):
            yield dg.RunRequest(
                run_key=key,
                job_name=SAMPLE_JOB,
                partition_key=sample,
                asset_selection=[dg.AssetKey(n[0]) for n in nodes],
                tags={
                    "dagster/priority": "0",
                    **run_tags(instance, _delivered_bytes(plan, sample)),
                },
            )


def _delivered_bytes(plan: Plan, sample: str) -> int:
    landed = plan.bench.landing.samples.get(sample)
    return sum(f.size for f in landed.files) if landed else 0


def _earlier_is_open(plan: Plan, node: Node) -> bool:
    """True while calls of an earlier sample of the same subject are to be made: its copy-number profile serves the later one."""
    if node[0] != "annotated_cells":
        return False
    rows = plan.bench.landing.sheet.rows
    order = {t: i for i, t in enumerate(plan.bench.config.samples.timepoints)}
    own = rows.get(node[1] or "")
    if own is None:
        return False
    earlier = (
        s
        for s, r in rows.items()
        if r.subject_id == own.subject_id and order[r.timepoint] < order[own.timepoint]
    )
    return any(
        (node[0], s) in plan.dirty and plan.states[(node[0], s)].state != "held" for s in earlier
    )


def table_requests(
    plan: Plan, instance: dg.DagsterInstance, *, most: int = MAX_ATTEMPTS
) -> Iterator[dg.RunRequest]:
    """One run for the tables that are stale and wait for nothing; clinical work goes before cell work."""
    nodes: list[Node] = []
    for node in plan.states:
        waits = any(up in plan.dirty and up not in nodes for up in plan.upstream(node))
        if (
            node[1] is None
            and node in plan.dirty
            and not waits
            and plan.states[node].state in ("stale", "fresh")
        ):
            nodes.append(node)
    if (
        nodes
        and not _tables_at_work(instance)
        and (key := _asked(instance, f"tables:{_key(plan, nodes)}", most))
    ):
        yield dg.RunRequest(
            run_key=key,
            job_name=TABLES_JOB,
            asset_selection=[dg.AssetKey(n[0]) for n in nodes],
            tags={TABLES_TAG: "yes", "dagster/priority": "5"},
        )


def landing_tick(
    context: dg.SensorEvaluationContext, home: HomeResource
) -> dg.SensorResult | dg.SkipReason:
    """Compare landing and store by content; register new samples and request what is missing."""
    bench = _workbench(home)
    plan = make_plan(bench)
    known = set(context.instance.get_dynamic_partitions("sample"))
    new = [s for s in plan.samples if s not in known]
    requests = [*table_requests(plan, context.instance), *sample_requests(plan, context.instance)]
    if not requests and not new:
        settling = bench.landing.settling
        if plan.dirty:
            return dg.SkipReason(
                "what is stale waits for a run that is at work, or was given up after several runs were killed"
            )
        return dg.SkipReason(
            f"{len(settling)} deliveries are still settling"
            if settling
            else "everything is up to date"
        )
    return dg.SensorResult(
        run_requests=requests,
        dynamic_partitions_requests=[SAMPLE.build_add_request(new)] if new else [],
    )


def alert_tick(context: dg.SensorEvaluationContext, home: HomeResource) -> dg.SkipReason:
    """Advance the alerts, give up dead runs, send what is due. Its state is the outbox, so a tick that fails loses nothing."""
    from hcc_assets.alerts.alerting import tell

    place = home.home()
    now = dt.datetime.now(dt.UTC)
    reaped = reap(context.instance, now, heartbeats=place.heartbeats, leases=Leases(place.leases))
    bench = _workbench(home)
    plan = make_plan(bench)
    told = tell(place, bench, plan, extra=dagster_signals(context.instance, now))
    trim_runs(context.instance, plan, now, limit=20)
    write_heartbeat(place.dagster_home / "daemon.json", now, who="alert sensor")
    return dg.SkipReason(
        f"{len(told['open'])} alerts are open, {told['sent']} messages were sent, {len(reaped)} dead runs were given up"
    )


def daily_tables_tick(
    context: dg.ScheduleEvaluationContext, home: HomeResource
) -> list[dg.RunRequest] | dg.SkipReason:
    """The sensor's question once a day; a day that was missed is made up for by the next, since content decides.

    Published files that were deleted or changed from outside are put back. When nothing is stale the report is looked at all the same (and kept as it
    is), so that its freshness says that the schedule lives.
    """
    bench = _workbench(home)
    if not _tables_at_work(context.instance):
        mend(bench)
    plan = make_plan(bench)
    requests = list(table_requests(plan, context.instance, most=_DAILY_ATTEMPTS))
    if requests or _tables_at_work(context.instance):
        return requests or dg.SkipReason("a run over tables is at work")
    day = context.scheduled_execution_time.date().isoformat()
    return [
        dg.RunRequest(
            run_key=f"report:{day}",
            asset_selection=[dg.AssetKey("trial_report")],
            tags={TABLES_TAG: "yes"},
        )
    ]


def daily_samples_tick(
    context: dg.ScheduleEvaluationContext, home: HomeResource
) -> list[dg.RunRequest] | dg.SkipReason:
    """Once a day: samples whose work was not done, for whatever reason."""
    plan = make_plan(_workbench(home))
    known = set(context.instance.get_dynamic_partitions("sample"))
    requests = [
        r
        for r in sample_requests(plan, context.instance, most=_DAILY_ATTEMPTS)
        if r.partition_key in known
    ]
    return requests or dg.SkipReason("every sample is up to date")


def sensors(jobs: Mapping[str, Job]) -> list[dg.SensorDefinition]:
    """All sensors of the code location."""
    return [
        dg.SensorDefinition(
            name="landing_sensor",
            jobs=[job for name, job in jobs.items() if name != CONFIRMATORY_JOB],
            evaluation_fn=landing_tick,
            minimum_interval_seconds=30,
            default_status=dg.DefaultSensorStatus.RUNNING,
            description="Registers new samples and asks for what new or changed deliveries make stale.",
        ),
        dg.SensorDefinition(
            name="alert_sensor",
            evaluation_fn=alert_tick,
            minimum_interval_seconds=30,
            default_status=dg.DefaultSensorStatus.RUNNING,
            description="Tells what fails: into the outbox and out through the channels. Gives up runs whose process is gone.",
        ),
        dg.AutomationConditionSensorDefinition(
            "automation",
            target=dg.AssetSelection.all(),
            default_status=dg.DefaultSensorStatus.RUNNING,
            minimum_interval_seconds=30,
        ),
    ]


def schedules(jobs: Mapping[str, Job]) -> list[dg.ScheduleDefinition]:
    """All schedules of the code location: what the sensors should have done by then is asked for again."""
    weekly = (
        [
            dg.ScheduleDefinition(
                name="weekly_confirmatory",
                job=jobs[CONFIRMATORY_JOB],
                cron_schedule="0 2 * * 6",
                execution_timezone="UTC",
                default_status=dg.DefaultScheduleStatus.RUNNING,
                description="Once a week: the confirmatory engine, which is too slow for every refresh.",
            )
        ]
        if CONFIRMATORY_JOB in jobs
        else []
    )
    ticks = {
        TABLES_JOB: ("daily_tables", "0 5 * * *", daily_tables_tick),
        SAMPLE_JOB: ("daily_samples", "30 4 * * *", daily_samples_tick),
    }
    return weekly + [
        dg.ScheduleDefinition(
            name=name,
            job=jobs[job],
            cron_schedule=cron,
            execution_timezone="UTC",
            execution_fn=tick,  # type: ignore[arg-type]  # resources are passed by name, which the annotation does not say
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description="Once a day, whatever the sensors did: asks for what is stale.",
        )
        for job, (name, cron, tick) in ticks.items()
        if job in jobs
    ]
