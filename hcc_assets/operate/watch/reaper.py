"""Runs whose process died or fell silent are reported as failed and their slot freed; a run that is
reported as failed may not write any more (`assets.factory`). Retrying is the driver's work.

Dagster's default launcher never notices a killed run. A run of ours carries tags (`process_tags`)
that name its process, and while it works it beats (`Heartbeat`). Ages on one host are taken from
the clock that no one can set (``CLOCK_BOOTTIME``), so that a clock that jumps reaps nobody.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import psutil
from upath import UPath

from hcc_assets.home import files
from hcc_assets.home.paths import Home

HIDDEN = ".dagster/hcc-"
"""Prefix of run tags that the Runs table does not show."""
PID, HOST, STARTED, PROCESS = (HIDDEN + n for n in ("pid", "host", "started", "process"))
SEVERAL_PROCESSES = HIDDEN + "several-processes"
"""Run tag of jobs whose steps are processes that come and go: no single process is the run, and its
heartbeat alone tells whether it lives."""
GONE = "its process is gone"
BEAT_SECONDS = 5.0
SILENCE_LIMIT_SECONDS = 120.0
ACTIVE = (
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


def process_tags() -> dict[str, str]:
    """Run tags that name this process: pid, host, start time, and (on Linux) boot id with start
    ticks, which a reused pid does not share."""
    tags = {
        PID: str(os.getpid()),
        HOST: socket.gethostname(),
        STARTED: f"{psutil.Process().create_time():.2f}",
    }
    identity = _identity(os.getpid())
    return tags | ({PROCESS: identity} if identity else {})


class Heartbeat:
    """Signs of life of a run: ``<folder>/<run id>.beat``, renewed by a thread every 5 s; removed
    when the run ends in order. A context manager."""

    def __init__(self, folder: Path, run_id: str, *, every_s: float = BEAT_SECONDS):
        self._path = folder / f"{run_id}.beat"
        self._every = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"heartbeat of {run_id}", daemon=True
        )

    def __enter__(self) -> Heartbeat:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._beat()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._path.unlink(missing_ok=True)

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            with contextlib.suppress(
                OSError
            ):  # a full disk is told by health; a missed beat is one of many
                self._beat()

    def _beat(self) -> None:
        record = {
            "host": socket.gethostname(),
            "boot": _boot_id(),
            "uptime": _uptime(),
            "at": time.time(),
        }
        files.write_bytes(UPath(self._path), json.dumps(record).encode())


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
    with contextlib.suppress(NotImplementedError):
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    (heartbeats / f"{run.run_id}.beat").unlink(missing_ok=True)
    return Reaped(run.run_id, run.job_name, reason, killed)


@contextlib.contextmanager
def living_run(
    instance: dg.DagsterInstance,
    run_id: str,
    *,
    heartbeats: Path,
    known_tags: Mapping[str, str] | None = None,
    every_s: float = BEAT_SECONDS,
) -> Iterator[None]:
    """Around the body of a run (or of a step in its own process): tags and heartbeat.

    Tags that the run has already (``known_tags``) are not written again: each writing is a
    transaction of the run storage.
    """
    known_tags = known_tags or {}
    tags = {} if SEVERAL_PROCESSES in known_tags else process_tags()
    if any(known_tags.get(name) != value for name, value in tags.items()):
        instance.add_run_tags(run_id, tags)
    with Heartbeat(heartbeats, run_id, every_s=every_s):
        yield


def living(
    instance: dg.DagsterInstance, run: dg.DagsterRun, home: Home
) -> contextlib.AbstractContextManager[None]:
    """`living_run` of a run over a home."""
    return living_run(instance, run.run_id, heartbeats=home.heartbeats, known_tags=run.tags)


def _why(tags: Mapping[str, str], beat: Path, now: dt.datetime, limit_s: float) -> str | None:
    here = tags.get(HOST) == socket.gethostname()
    if here and tags.get(PID, "").isdigit() and not _alive(tags):
        return GONE
    age = _age(beat, now)
    if age is not None and age > limit_s:
        return (
            "the machine was started again"
            if age == float("inf")
            else f"no sign of life for {age:.0f} s"
        )
    return None


def _alive(tags: Mapping[str, str]) -> bool:
    """True when the process that the tags name still runs (a zombie does not)."""
    try:
        process = psutil.Process(int(tags[PID]))
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return False
        if PROCESS in tags:
            return _identity(process.pid) == tags[PROCESS]
        return STARTED not in tags or process.create_time() <= float(tags[STARTED]) + 2
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _kill(tags: Mapping[str, str]) -> bool:
    pid = tags.get(PID, "")
    if (
        tags.get(HOST) != socket.gethostname()
        or not pid.isdigit()
        or PROCESS not in tags
        or int(pid) == os.getpid()
        or not _alive(tags)
    ):
        return False
    try:
        os.kill(int(pid), signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _age(beat: Path, now: dt.datetime) -> float | None:
    """Seconds since the last beat; infinity when this host has been started again since; None when
    there is none."""
    try:
        record = json.loads(beat.read_bytes())
        host, boot, uptime, at = (
            str(record["host"]),
            record["boot"],
            float(record["uptime"]),
            float(record["at"]),
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        return float("inf")
    if host == socket.gethostname():
        return _uptime() - uptime if boot == _boot_id() else float("inf")
    return now.timestamp() - at


def _uptime() -> float:
    return (
        time.clock_gettime(time.CLOCK_BOOTTIME)
        if hasattr(time, "CLOCK_BOOTTIME")
        else time.monotonic()
    )


def _boot_id() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return (
        path.read_text(encoding="ascii").strip() if path.exists() else f"{psutil.boot_time():.0f}"
    )


def _identity(pid: int) -> str | None:
    """Boot id and start ticks of a process (field 22 of ``/proc/<pid>/stat``); None where there is
    no ``/proc``."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return f"{_boot_id()}:{stat.rpartition(')')[2].split()[19]}"
