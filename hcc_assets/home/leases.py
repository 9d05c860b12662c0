"""Locks of the files of a home that hold nobody up for longer than a lease: a process that was
killed frees its lock with its death, one that was stopped is ended by the first who waits in vain.

The lock is the kernel's (``flock``); the lock file names its holder, and its time is renewed while
a long holder lives. Whoever waits watches holder and time with a clock of its own, so that no clock
that is set matters. What is judged under a lock is written by compare-and-swap or in one step, so
that ending a holder anywhere is a crash like any other.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from hcc_assets.home.objects import Overtaken

LEASE_SECONDS = 120.0
"""A holder that shows no life for so long is given up: as `operate.watch.reaper` does with runs. A
disk that hangs for a minute ends nobody."""
STOPPED_SECONDS = 20.0
"""The same for a process that was stopped (SIGSTOP, Ctrl-Z), which cannot be mistaken for a slow
one. Own choice: long enough for a person who stops and goes on at once."""
BEAT_SECONDS = 5.0
"""Between two renewals by a long holder: as of a run (`operate.watch.life`)."""
LOOK_SECONDS = 0.02
"""Between two tries for the lock: it is held for milliseconds, a refresh aside."""

TOLD_SECONDS = 0.2
"""Waiting that a person would notice: own choice."""

Tell = Callable[[str], None]


class LeaseLost(Overtaken):
    """This process was silent for longer than its lease, and another holds the lock now."""


class Lease:
    """A held lock: given by `hold`."""

    def __init__(self, path: Path, descriptor: int):
        self._path, self._descriptor = path, descriptor

    def check(self) -> None:
        """Before a step that cannot be taken back.

        Raises
        ------
        LeaseLost
            Another process took the lock over.
        """
        if not _same(self._path, self._descriptor):
            raise LeaseLost(
                f"this process stood still for too long and lost {self._path.name}; another one "
                "goes on with the work"
            )


@contextlib.contextmanager
def hold(
    path: Path,
    *,
    beats: bool = False,
    lease_s: float = LEASE_SECONDS,
    stopped_s: float = STOPPED_SECONDS,
    waiting: Tell = lambda _: None,
) -> Iterator[Lease]:
    """Hold the lock ``path`` (made when absent, mode 0600).

    Parameters
    ----------
    beats
        The lock may be held for longer than a lease: its time is renewed by a thread.
    lease_s, stopped_s
        Seconds without a sign of life after which a holder is ended, or, where it cannot be
        (another machine, another user), its lock replaced.
    waiting
        Told once when somebody else holds it, and again when a holder is given up.

    Raises
    ------
    OSError
        The lock file cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = _acquire(path, lease_s, stopped_s, waiting)
    stop = threading.Event()
    thread = threading.Thread(target=_beat, args=(descriptor, stop), name="lease", daemon=True)
    try:
        if beats:
            thread.start()
        yield Lease(path, descriptor)
    finally:
        stop.set()
        if beats:
            thread.join()
        os.close(descriptor)


def _beat(descriptor: int, stop: threading.Event) -> None:
    while not stop.wait(BEAT_SECONDS):
        with contextlib.suppress(OSError):  # a full disk is told by health
            os.utime(descriptor)


def holder_of(path: Path) -> dict[str, Any]:
    """Who holds, or held, the lock: ``pid``, ``host``, ``process``; empty when nobody says."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _acquire(path: Path, lease_s: float, stopped_s: float, waiting: Tell) -> int:
    seen: tuple[Any, ...] | None = None
    since, told = time.monotonic(), False
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if _locked(descriptor) and _same(path, descriptor):
                _sign(descriptor)
                return descriptor
            holder, life = holder_of(path), os.fstat(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        mark = (life.st_ino, life.st_mtime_ns, holder.get("pid"), holder.get("process"))
        if mark != seen:
            seen, since = mark, time.monotonic()
        silent = time.monotonic() - since
        if not told and silent > TOLD_SECONDS:
            told = True
            waiting(f"{_named(holder)} is at work here; waiting for it")
        if silent > (stopped_s if _stopped(holder) else lease_s):
            waiting(f"{_named(holder)} showed no life for {silent:.0f} s and was given up")
            _give_up(path, holder, life.st_ino)
            seen = None
        time.sleep(LOOK_SECONDS)


def _give_up(path: Path, holder: dict[str, Any], inode: int) -> None:
    """End the silent holder; where that cannot be done, or somebody inherited its lock, put a new
    lock file in place of the one that it holds."""
    if holder and _is_here(holder):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(int(holder["pid"]), signal.SIGKILL)
            for _ in range(100):
                if not _is_here(holder):
                    break
                time.sleep(LOOK_SECONDS)
    probe = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _locked(probe) and os.fstat(probe).st_ino == inode and _same(path, probe):
            path.unlink(missing_ok=True)
    finally:
        os.close(probe)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True


def _same(path: Path, descriptor: int) -> bool:
    """True while the lock file that is open is the one that others find."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _sign(descriptor: int) -> None:
    record = {"pid": os.getpid(), "host": socket.gethostname(), "process": _started(os.getpid())}
    # a disk that is full takes no name: the lock holds all the same
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(record).encode(), 0)


def _started(pid: int) -> float | None:
    """When the process began: a pid that was given anew is another process."""
    try:
        process = psutil.Process(pid)
        gone = process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        return None if gone else round(process.create_time(), 2)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def _is_here(holder: dict[str, Any]) -> bool:
    """True when the very process that the lock names runs on this machine, and is not this one."""
    pid, process = holder.get("pid"), holder.get("process")
    return (
        holder.get("host") == socket.gethostname()
        and isinstance(pid, int)
        and pid > 1
        and pid != os.getpid()
        and process is not None
        and _started(pid) == process
    )


def _stopped(holder: dict[str, Any]) -> bool:
    if not _is_here(holder):
        return False
    try:
        return bool(psutil.Process(holder["pid"]).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False


def _named(holder: dict[str, Any]) -> str:
    if not holder:
        return "another process"
    return f"process {holder.get('pid')} on {holder.get('host')}"
