"""Starting a module in a child process that can take no more than its share, and ending it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from hcc_assets.confined.within import OUT_OF_MEMORY

Reason = Literal["timeout", "too_large", "crashed"]


def environment() -> dict[str, str]:
    """What the child may know: where the package is, one thread, no plugin folder; nothing else of
    ours.
    """
    package = str(Path(__file__).resolve().parents[2])
    keep = {
        k: os.environ[k]
        for k in ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "VIRTUAL_ENV")
        if k in os.environ
    }
    return {
        **keep,
        "PYTHONPATH": package,
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "LC_ALL": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "HDF5_PLUGIN_PATH": "/nonexistent",
        "HDF5_PLUGIN_PRELOAD": "::",
    }


def run(
    module: str,
    job: dict[str, Any],
    *,
    folder: str,
    timeout_s: float,
    done: Callable[[], int] = lambda: 0,
) -> int | None:
    """Run ``python -m module`` on a job; everything it prints is dropped: it may quote the file.

    Parameters
    ----------
    module
        Reads its job with `within.job` and writes its results into ``folder``.
    job
        What JSON can carry; ``memory_mb`` and ``cpu_s`` are the limits of the child.
    timeout_s
        Seconds of wall time after which a child is ended that has finished nothing more.
    done
        How many parts of the job are finished.

    Returns
    -------
    int or None
        Exit code; None where the time was up.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
        cwd=folder,
        start_new_session=True,
    )
    told, seen = json.dumps(job).encode(), 0
    try:
        while True:
            try:
                child.communicate(told, timeout=timeout_s)
                return int(child.returncode)
            except subprocess.TimeoutExpired:
                now = done()
                if now <= seen:
                    _kill(child)
                    return None
                seen = now
    except BaseException:
        _kill(child)
        raise


def why_ended(code: int | None) -> Reason:
    """What an exit code other than 0 says; None is that of `run`."""
    if code is None or code == -getattr(signal, "SIGXCPU", 24):
        return "timeout"
    if code in (OUT_OF_MEMORY, -signal.SIGKILL, -signal.SIGABRT):
        return "too_large"
    return "crashed"


def _kill(child: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            child.kill()
    else:
        child.kill()
    child.wait()
