"""What fails in Dagster itself, as signals: runs that failed without a check that says why, sensors
and schedules that raise. Assets are judged elsewhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import dagster as dg

from hcc_assets.alerts.alerting import tell
from hcc_assets.alerts.records import Severity, Signal
from hcc_assets.alerts.store_damage import damage_signals
from hcc_assets.assets.plan import Plan
from hcc_assets.catalogue.native import native_checks

ERROR_AFTER_TICKS = 3
"""Once may be a file that was being written; three times in a row is half a minute."""
PARTITION_TAG = "dagster/partition"
OWNER = "operator"


def tell_of(plan: Plan, instance: dg.DagsterInstance, *, at_once: bool) -> dict[str, Any]:
    """`alerting.tell` of a plan, with what fails in Dagster itself."""
    view = plan.view
    extra = dagster_signals(instance, dt.datetime.now(dt.UTC))
    extra += native_signals(instance, native_checks())
    extra += damage_signals(plan, dt.datetime.now(dt.UTC))
    return tell(view.home, view, plan, extra=extra, at_once=at_once)


def dagster_signals(
    instance: dg.DagsterInstance, now: dt.datetime, *, look_back_days: float = 14, page: int = 500
) -> list[Signal]:
    """Everything that fails in Dagster now.

    A failed run is a signal until a later run of the same job and partition succeeds, or
    ``look_back_days`` have passed; a run in which a check failed is told by that check. A sensor or
    schedule whose newest tick raised is a warning, after three in a row an error. No text of an
    exception is taken.

    Parameters
    ----------
    instance
        Where runs and ticks are.
    now
        Aware time.
    look_back_days
        How far back runs are looked at.
    page
        Runs read at a time.
    """
    return [*_runs(instance, now - dt.timedelta(days=look_back_days), page), *_ticks(instance)]


def native_signals(
    instance: dg.DagsterInstance, checks: Collection[dg.AssetCheckKey]
) -> list[Signal]:
    """Checks of stock assets (those beside the catalogue's own) whose newest evaluation failed."""
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(checks))
    found = []
    for key, record in sorted(records.items(), key=lambda item: str(item[0])):
        evaluation = record.evaluation if record is not None else None
        if evaluation is None or evaluation.passed:
            continue
        error = evaluation.severity is dg.AssetCheckSeverity.ERROR
        found.append(
            Signal(
                asset=key.asset_key.path[-1],
                check=key.name,
                severity=Severity.ERROR if error else Severity.WARN,
                title=f"Not met: {key.name}",
                owner=OWNER,
                what_to_do="Look at the check of this asset in the web UI.",
                run_id=record.run_id if record is not None else None,
            )
        )
    return found


def _runs(instance: dg.DagsterInstance, since: dt.datetime, page: int) -> Iterable[Signal]:
    failed: dict[tuple[str, str], list[dg.RunRecord]] = {}
    for record in _newest_first(instance, dg.DagsterRunStatus.FAILURE, since, page):
        failed.setdefault(_work(record), []).append(record)
    oldest = min((records[0].storage_id for records in failed.values()), default=0)
    for record in _newest_first(instance, dg.DagsterRunStatus.SUCCESS, since, page):
        if not failed or record.storage_id < oldest:
            break
        if _work(record) in failed and failed[_work(record)][0].storage_id < record.storage_id:
            del failed[_work(record)]
    for (job, partition), records in sorted(failed.items()):
        run_id = records[0].dagster_run.run_id
        if not _told_by_a_check(instance, run_id):
            yield Signal(
                asset=job,
                partition=partition or None,
                check="run_succeeded",
                title="A run failed",
                value=len(records),
                threshold=0,
                owner=OWNER,
                what_to_do="Look at the run in the web UI; the versions that stand stay.",
                run_id=run_id,
            )


def _work(record: dg.RunRecord) -> tuple[str, str]:
    return record.dagster_run.job_name, record.dagster_run.tags.get(PARTITION_TAG, "")


def _newest_first(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus, since: dt.datetime, page: int
) -> Iterator[dg.RunRecord]:
    """All of them: after a first load a home has a thousand runs in a day, and a failure among them
    must not drop out unseen."""
    cursor = None
    while True:
        records = instance.get_run_records(
            dg.RunsFilter(statuses=[status], updated_after=since), limit=page, cursor=cursor
        )
        yield from records
        if len(records) < page:
            return
        cursor = records[-1].dagster_run.run_id


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
        ticks = instance.get_ticks(
            state.instigator_origin_id, state.selector_id, limit=ERROR_AFTER_TICKS, statuses=done
        )
        failed = next(
            (i for i, tick in enumerate(ticks) if tick.status is not TickStatus.FAILURE), len(ticks)
        )
        if failed:
            yield Signal(
                asset=state.instigator_name,
                check="ticks",
                severity=Severity.ERROR if failed >= ERROR_AFTER_TICKS else Severity.WARN,
                title=f"A {state.instigator_type.value.lower()} raises",
                value=failed,
                threshold=0,
                owner=OWNER,
                what_to_do="Look at Automation in the web UI; nothing is lost, the next good tick "
                "catches up.",
            )
