"""Signs of life of a run: tags that name its process, and a heartbeat while it works. Who is dead
is judged in `reaper`.

Ages on one host are taken from the clock that no one can set (``CLOCK_BOOTTIME``), so that a clock
that jumps reaps nobody.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
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
BEAT_SECONDS = 5.0
"""Between two beats of a run; twenty-four may be missed before it is given up."""


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


def alive(tags: Mapping[str, str]) -> bool:
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


def age(beat: Path, now: dt.datetime) -> float | None:
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
