"""What a child process does to itself before it opens a delivered file. It is told its job, a JSON
object, on standard input."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

OUT_OF_MEMORY = 3
"""Exit code of a child that could not have the memory that a file asks for. Ours: none that Python
gives by itself."""

_OPEN_FILES = 64
"""Ours: a reader opens a few files and some dozen shared libraries one after another."""


def job() -> dict[str, Any]:
    """Read the job, then set the limits that it names (``memory_mb``, ``cpu_s``)."""
    told: dict[str, Any] = json.load(sys.stdin)
    confine(int(told["memory_mb"]), int(told["cpu_s"]))
    return told


def confine(memory_mb: int, cpu_s: int) -> None:
    """Limit this process for good, and take the network from it."""
    _limit(memory_mb, cpu_s)
    _no_network()


def allow_cpu(seconds: int) -> None:
    """End this process after so many more seconds of processor time, below its limit for good."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    wanted = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(
        resource.RLIMIT_CPU, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
    )


def hand_back(target: Path, result: Any) -> None:
    """Write one JSON result; what is there is whole."""
    part = target.with_suffix(".part")
    part.write_text(json.dumps(result), encoding="ascii")
    part.replace(target)


def leave(code: int) -> None:
    """End without what a library would do at exit."""
    sys.stdout.flush()
    os._exit(code)


def _limit(memory_mb: int, cpu_s: int) -> None:
    """Memory of data (not of address space: BLAS reserves that), processor time, file size; no core
    file, few open files.
    """
    import resource

    def lower(which: int, value: int) -> None:
        hard = resource.getrlimit(which)[1]
        top = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(
            ValueError, OSError
        ):  # a platform may not know a limit: the parent's clock still ends the child
            resource.setrlimit(which, (top, top))

    lower(resource.RLIMIT_DATA, memory_mb << 20)
    lower(resource.RLIMIT_CPU, cpu_s)
    lower(resource.RLIMIT_FSIZE, memory_mb << 20)
    lower(resource.RLIMIT_NOFILE, _OPEN_FILES)
    lower(resource.RLIMIT_CORE, 0)


def _no_network() -> None:
    """A network namespace of its own where the kernel allows; in any case no socket from Python."""
    import socket

    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError("a parser has no network")

    class Refused(socket.socket):
        """A class still: libraries that are loaded later derive theirs from it."""

        __init__ = refuse

    socket.socket = Refused  # type: ignore[misc]
    socket.create_connection = refuse
    socket.getaddrinfo = refuse
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).unshare(0x10000000 | 0x40000000)
