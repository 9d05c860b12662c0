"""Runs whose process died or fell silent are reported as failed and their slot freed; a run that is
reported as failed may not write any more (`assets.factory`). Retrying is the driver's work.

Dagster's default launcher never notices a killed run; ours show that they live (`life`).
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from hcc_assets.operate.watch.life import (
    BEAT_SECONDS,
    HOST,
    PID,
    PROCESS,
    SEVERAL_PROCESSES,
    age,
    alive,
)

GONE = "its process is gone"
SILENCE_LIMIT_SECONDS = 120.0
"""A disk that hangs for a minute kills nobody; a run that is dead holds its sample up for two."""
ACTIVE = (
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


@dataclass(frozen=True)
class Reaped:
    """A run that was given up: why, and whether its process was still there and was ended."""

    run_id: str
    job_name: str
    reason: str
    killed: bool


def reap(
    instance: dg.DagsterInstance,
    now: dt.datetime,
    *,
    heartbeats: Path,
    limit_s: float = SILENCE_LIMIT_SECONDS,
    kill: bool = True,
    look_again_s: float = BEAT_SECONDS + 1,
) -> list[Reaped]:
    """Give up every active run whose process is gone from this host, or that has been silent for
    longer than ``limit_s``.

    The order is: end what is left of the process (on this host, only if it is the very process that
    the run names), report the run as failed. A run without our tags and without a heartbeat is left
    to Dagster's run monitoring, but for one over assets that started and began no step.

    Parameters
    ----------
    instance
        Where the runs are.
    now
        Aware time, used for heartbeats of other hosts only.
    heartbeats
        Folder that is shared with the writers.
    limit_s
        Silence after which a run is given up, seconds.
    kill
        End a silent process of this host, so that not even a write that has passed the fence can
        follow.
    look_again_s
        A silent run is looked at once more after so many seconds: a machine that wakes from sleep
        finds every run silent until its next beat.
    """
    found = _dead(instance, heartbeats, now, limit_s)
    if any(reason != GONE for _, reason in found.values()):
        time.sleep(look_again_s)
        later = _dead(instance, heartbeats, now + dt.timedelta(seconds=look_again_s), limit_s)
        found = {run_id: later[run_id] for run_id in found if run_id in later}
    given_up = (
        give_up(instance, run, reason, heartbeats=heartbeats, kill=kill)
        for run, reason in found.values()
    )
    return [one for one in given_up if one is not None]


def _dead(
    instance: dg.DagsterInstance, heartbeats: Path, now: dt.datetime, limit_s: float
) -> dict[str, tuple[dg.DagsterRun, str]]:
    """Active runs that show no life, with the reason."""
    found = {}
    for record in instance.get_run_records(dg.RunsFilter(statuses=list(ACTIVE))):
        run = record.dagster_run
        reason = _why(run.tags, heartbeats / f"{run.run_id}.beat", now, limit_s) or _never_began(
            record, now, limit_s
        )
        if reason is not None:
            found[run.run_id] = (run, reason)
    return found


def _never_began(record: dg.RunRecord, now: dt.datetime, limit_s: float) -> str | None:
    """A run over assets names its process when its first step begins, at once after its start; one
    killed in between has no name and never beats."""
    run = record.dagster_run
    if (
        PID in run.tags
        or SEVERAL_PROCESSES in run.tags
        or run.asset_selection is None
        or record.start_time is None
    ):
        return None
    if now.timestamp() - record.start_time <= limit_s:
        return None
    return f"started and began no step within {limit_s:.0f} s"


def give_up(
    instance: dg.DagsterInstance,
    run: dg.DagsterRun,
    reason: str,
    *,
    heartbeats: Path,
    kill: bool = True,
) -> Reaped | None:
    """End what is left of the process of a run on this host and report it as failed, which refuses
    its late write; None when it ended in order meanwhile."""
    killed = kill and _kill(run.tags)
    current = instance.get_run_by_id(run.run_id)
    if current is None or current.is_finished:  # it ended in order while it was being judged
        return None
    if current.status is dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(current, message=f"Given up by the reaper: {reason}")
    else:
        instance.report_run_failed(current, message=f"Given up by the reaper: {reason}")
    storage = instance.event_log_storage
    if storage.supports_global_concurrency_limits:
        storage.free_concurrency_slots_for_run(run.run_id)
    (heartbeats / f"{run.run_id}.beat").unlink(missing_ok=True)
    return Reaped(run.run_id, run.job_name, reason, killed)


def _why(tags: Mapping[str, str], beat: Path, now: dt.datetime, limit_s: float) -> str | None:
    here = tags.get(HOST) == socket.gethostname()
    if here and tags.get(PID, "").isdigit() and not alive(tags):
        return GONE
    silent = age(beat, now)
    if silent is not None and silent > limit_s:
        again = silent == float("inf")
        return "the machine was started again" if again else f"no sign of life for {silent:.0f} s"
    return None


def _kill(tags: Mapping[str, str]) -> bool:
    pid = tags.get(PID, "")
    if (
        tags.get(HOST) != socket.gethostname()
        or not pid.isdigit()
        or PROCESS not in tags
        or int(pid) == os.getpid()
        or not alive(tags)
    ):
        return False
    try:
        os.kill(int(pid), signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True
