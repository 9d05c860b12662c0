"""Whole processes measured from outside: wall time, CPU of the process tree, memory of the largest
process and of all together.

This module stays small on purpose (no numpy, no pandas): the measuring process must not be large
itself. What is measured is in the other modules.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[2]
SAMPLING_S = 0.05


@dataclass
class Measured:
    """One run of a command.

    Attributes
    ----------
    wall_s, cpu_s
        Seconds from start to end, and user plus system seconds of the process and all its
        descendants.
    peak_mb, peak_sum_mb
        Resident memory (MB, 10^6 bytes): the largest process, and the largest sum over processes at
        one moment (shared pages counted in each).
    answer
        The JSON object that the command printed last, where it printed one.
    stopped
        It was ended because it took more memory than it was allowed.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float
    peak_sum_mb: float
    answer: dict[str, Any] = field(default_factory=dict)
    stopped: bool = False


class MeasurementFailed(RuntimeError):
    """The measured command did not end in order."""


def environment(**more: str) -> dict[str, str]:
    """Environment of measured processes: bytecode may be cached, as on a user's machine."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if k not in ("PYTHONDONTWRITEBYTECODE", "DAGSTER_HOME", "HCC_HOME", "PYTHONUNBUFFERED")
    }
    return kept | {"PYTHONPATH": str(TOP), "PYTHONWARNINGS": "ignore"} | more


def run(
    command: Sequence[str],
    *,
    ok: Iterable[int] = (0,),
    variables: Mapping[str, str] | None = None,
    memory_mb: float | None = None,
) -> Measured:
    """Run a command to its end and measure it.

    Parameters
    ----------
    command
        Arguments; the first is the program.
    ok
        Exit codes that count as success.
    variables
        Added to the environment.
    memory_mb
        It is ended when it and its descendants take more.

    Raises
    ------
    MeasurementFailed
        Another exit code; the end of what it printed is in the text.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        child = subprocess.Popen(
            list(command), stdout=out, stderr=err, cwd=TOP, env=environment(**(variables or {}))
        )
        watcher = _Watcher(child.pid, memory_mb)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        watcher.stop()
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        printed, told = out.read().decode(errors="replace"), err.read().decode(errors="replace")
    if child.returncode not in set(ok) and not watcher.stopped:
        raise MeasurementFailed(
            f"{' '.join(map(str, command))} ended with "
            f"{child.returncode}:\n{printed[-1500:]}\n{told[-3000:]}"
        )
    return Measured(
        wall,
        usage.ru_utime + usage.ru_stime,
        watcher.largest / 1e6,
        watcher.together / 1e6,
        _answer(printed),
        watcher.stopped,
    )


def python(
    module: str, *arguments: object, ok: Iterable[int] = (0,), memory_mb: float | None = None
) -> Measured:
    """`run` a module with this interpreter."""
    return run([sys.executable, "-m", module, *map(str, arguments)], ok=ok, memory_mb=memory_mb)


def hcc(home: Path, command: str, *arguments: object) -> Measured:
    """`run` a command of the platform on a home; something held or failed is success here (exit
    code 1), its summary is in the answer."""
    words = ["--json"] if command in ("refresh", "status") else []
    return python("hcc_assets", command, "--home", home, *words, *arguments, ok=(0, 1))


def median(measurements: Sequence[Measured]) -> Measured:
    """Median of each quantity; the largest of the memory."""
    return Measured(
        statistics.median(m.wall_s for m in measurements),
        statistics.median(m.cpu_s for m in measurements),
        max(m.peak_mb for m in measurements),
        max(m.peak_sum_mb for m in measurements),
        measurements[-1].answer,
    )


def repeated(times: int, once: Callable[[], Measured]) -> Measured:
    """`median` of several runs."""
    return median([once() for _ in range(times)])


def row(measured: Measured, **names: object) -> dict[str, Any]:
    """A row of a table."""
    return {
        **names,
        "wall_s": round(measured.wall_s, 3),
        "cpu_s": round(measured.cpu_s, 3),
        "peak_mb": round(measured.peak_mb),
        "peak_sum_mb": round(measured.peak_sum_mb),
    }


def slope(points: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Least-squares line ``(intercept, slope)`` through points; slope 0 for a single point."""
    xs, ys = zip(*points, strict=True)
    if len(set(xs)) < 2:
        return ys[0], 0.0
    line = statistics.linear_regression(xs, ys)
    return line.intercept, line.slope


def _answer(printed: str) -> dict[str, Any]:
    """The whole output, else its last line, as a JSON object; empty when neither is one."""
    lines = printed.strip().splitlines()
    for text in (printed, lines[-1] if lines else ""):
        try:
            found = json.loads(text)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    return {}


class _Watcher:
    """Samples the memory of a process and its descendants from ``/proc``, and ends it above a
    limit; knows nothing where there is none."""

    def __init__(self, pid: int, limit_mb: float | None = None):
        self.largest = self.together = 0
        self.stopped = False
        self._limit = None if limit_mb is None else limit_mb * 1e6
        self._root = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            now = 0
            for pid in self._tree():
                resident, high = _memory(pid)
                now += resident
                self.largest = max(self.largest, high)
            self.together = max(self.together, now, self.largest)
            if self._limit is not None and now > self._limit and not self.stopped:
                self.stopped = True
                os.kill(self._root, signal.SIGKILL)
            if self._stop.wait(SAMPLING_S):
                return

    def _tree(self) -> list[int]:
        found, waiting = [], [self._root]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            for task in _entries(Path(f"/proc/{pid}/task")):
                waiting += [int(c) for c in _text(task / "children").split()]
        return found


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # the process is gone
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process is gone
        return ""


def _memory(pid: int) -> tuple[int, int]:
    """Resident bytes now, and at the most since the program was loaded."""
    found: Mapping[str, str] = dict(
        line.split(":", 1)
        for line in _text(Path(f"/proc/{pid}/status")).splitlines()
        if line.startswith("Vm")
    )
    now, high = (int(found[k].split()[0]) * 1024 if k in found else 0 for k in ("VmRSS", "VmHWM"))
    return now, max(now, high)
