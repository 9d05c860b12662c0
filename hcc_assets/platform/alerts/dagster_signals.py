"""What fails in Dagster itself, as signals: runs that failed without a check that says why, sensors and schedules that raise. Assets are judged elsewhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import dagster as dg

from hcc_assets.platform.alerts.records import Severity, Signal

ERROR_AFTER_TICKS = 3
PARTITION_TAG = "dagster/partition"
OWNER = "operator"


def dagster_signals(instance: dg.DagsterInstance, now: dt.datetime, *, look_back_days: float = 14, limit: int = 500) -> list[Signal]:
    """Everything that fails in Dagster now.

    A failed run is a signal until a later run of the same job and partition succeeds, or ``look_back_days`` have passed; a run in which a check failed
    is told by that check. A sensor or schedule whose newest tick raised is a warning, after three in a row an error. No text of an exception is taken.

    Parameters
    ----------
    instance
        Where runs and ticks are.
    now
        Aware time.
    look_back_days, limit
        How far back runs are looked at.
    """
    return [*_runs(instance, now - dt.timedelta(days=look_back_days), limit), *_ticks(instance)]


def _runs(instance: dg.DagsterInstance, since: dt.datetime, limit: int) -> Iterable[Signal]:
    ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
    newest: dict[tuple[str, str | None], dg.DagsterRun] = {}
    failures: dict[tuple[str, str | None], int] = {}
    for record in instance.get_run_records(dg.RunsFilter(statuses=ended, updated_after=since), limit=limit):
        run = record.dagster_run
        key = (run.job_name, run.tags.get(PARTITION_TAG))
        newest.setdefault(key, run)
        if newest[key].status is dg.DagsterRunStatus.FAILURE and run.status is dg.DagsterRunStatus.FAILURE:
            failures[key] = failures.get(key, 0) + 1
    for (job, partition), run in sorted(newest.items(), key=lambda item: (item[0][0], item[0][1] or "")):
        if run.status is dg.DagsterRunStatus.FAILURE and not _told_by_a_check(instance, run.run_id):
            yield Signal(
                asset=job,
                partition=partition,
                check="run_succeeded",
                title="A run failed",
                value=failures[job, partition],
                threshold=0,
                owner=OWNER,
                what_to_do="Look at the run in the web UI; the versions that stand stay.",
                run_id=run.run_id,
            )


def _told_by_a_check(instance: dg.DagsterInstance, run_id: str) -> bool:
    page = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    for record in page.records:
        event = record.event_log_entry.dagster_event
        if event is not None and not event.asset_check_evaluation_data.passed:
            return True
    return False


def _ticks(instance: dg.DagsterInstance) -> Iterable[Signal]:
    from dagster._core.scheduler.instigation import InstigatorStatus, TickStatus

    done = [TickStatus.FAILURE, TickStatus.SUCCESS, TickStatus.SKIPPED]
    for state in sorted(instance.all_instigator_state(), key=lambda s: s.instigator_name):
        if state.status is InstigatorStatus.STOPPED:
            continue
        ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=ERROR_AFTER_TICKS, statuses=done)
        failed = next((i for i, tick in enumerate(ticks) if tick.status is not TickStatus.FAILURE), len(ticks))
        if failed:
            yield Signal(
                asset=state.instigator_name,
                check="ticks",
                severity=Severity.ERROR if failed >= ERROR_AFTER_TICKS else Severity.WARN,
                title=f"A {state.instigator_type.value.lower()} raises",
                value=failed,
                threshold=0,
                owner=OWNER,
                what_to_do="Look at Automation in the web UI; nothing is lost, the next good tick catches up.",
            )
