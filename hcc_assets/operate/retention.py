"""How long the history of runs is kept, so that a home of five years is as fast as one of a day.
Versions and messages are trimmed where they are written.

What is kept for good: the audit trail, the manifests of the versions that stand, quarantined
deliveries, and whatever is in ``landing/``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import dagster as dg

from hcc_assets.assets.plan import Plan
from hcc_assets.home.paths import Home

RUN_DAYS = 90
"""Finished runs (events, check results, logs) are kept for so many days; those behind what stands,
or is held, are kept as long as that lasts."""

_FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_PAGE = 200
"""Runs read, or deleted, at once: some hundred milliseconds."""
EVALUATION_DAYS = 7
"""What the driver decided stays in the Automation tab for a week: Dagster itself never removes
evaluations of a condition that runs in the code location."""
EMPTY_HOURS = 1
"""A tick that has logged nothing leaves an empty file; no tick takes an hour."""


def trim_runs(
    instance: dg.DagsterInstance,
    plan: Plan,
    now: dt.datetime,
    *,
    days: int = RUN_DAYS,
    limit: int = _PAGE,
) -> int:
    """Delete finished runs that ended more than ``days`` ago and that nothing standing came from.

    Parameters
    ----------
    plan
        Says which runs made what stands or were refused what is held.
    now
        Aware time.
    limit
        Runs deleted at one call at most: a tick of a sensor must stay short, and the next one goes
        on.

    Returns
    -------
    int
        Number of runs deleted.
    """
    before = now.timestamp() - days * 86_400
    kept = _behind(plan)
    old = [run_id for run_id in _ended_before(instance, before) if run_id not in kept][:limit]
    _forget_checks(instance, old)
    for run_id in old:
        instance.compute_log_manager.delete_logs(prefix=[run_id])
        instance.delete_run(run_id)
        for shard in (plan.view.home.dagster_home / "history" / "runs").glob(f"{run_id}.db*"):
            shard.unlink()  # SQLite storage empties a run's own database and leaves the file
    return len(old)


def _forget_checks(instance: dg.DagsterInstance, runs: list[str]) -> None:
    """Results of checks have a table of their own, which `delete_run` leaves as it is: two
    kilobytes for each check of each run, for ever."""
    from dagster._core.storage.event_log import SqlEventLogStorage
    from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable as Checks

    storage = instance.event_log_storage
    if runs and isinstance(storage, SqlEventLogStorage):
        with storage.index_connection() as connection:
            connection.execute(Checks.delete().where(Checks.c.run_id.in_(runs)))


def _behind(plan: Plan) -> set[str]:
    """Runs that made what stands, or whose result was refused."""
    versions = plan.view.versions
    found = (
        record for node in plan.states for record in (versions.current(*node), versions.held(*node))
    )
    return {record.run_id for record in found if record is not None}


def _ended_before(instance: dg.DagsterInstance, limit: float) -> Iterator[str]:
    """Ids of finished runs that ended before, oldest first. One that was made early and ended late
    (queued, then cancelled) holds back no other."""
    cursor = None
    while True:
        page = instance.get_run_records(
            dg.RunsFilter(statuses=_FINISHED), limit=_PAGE, cursor=cursor, ascending=True
        )
        for record in page:
            if record.start_time is not None and record.start_time >= limit:
                return
            if (record.end_time or record.create_timestamp.timestamp()) < limit:
                yield record.dagster_run.run_id
        if len(page) < _PAGE:
            return
        cursor = page[-1].dagster_run.run_id


def trim_evaluations(instance: dg.DagsterInstance, now: dt.datetime) -> None:
    """Delete evaluations of the driver's condition that are older than `EVALUATION_DAYS`."""
    storage = instance.schedule_storage
    if storage is not None:
        before = now - dt.timedelta(days=EVALUATION_DAYS)
        storage.purge_asset_evaluations(before=before.timestamp())


def trim_tick_logs(home: Home, now: dt.datetime) -> int:
    """Delete what ticks of sensors logged more than `EVALUATION_DAYS` ago, and the empty files.

    Dagster makes a file for each tick that could log (of the driver: one every ten seconds) and
    removes none.

    Returns
    -------
    int
        Number of files deleted.
    """
    deleted = 0
    for path in (home.dagster_home / "storage" / "__repository__").glob("*/*"):
        found = path.stat()
        age = now.timestamp() - found.st_mtime
        limit = 24 * EVALUATION_DAYS if found.st_size else EMPTY_HOURS
        if age > 3600 * limit:
            path.unlink()
            deleted += 1
    return deleted
