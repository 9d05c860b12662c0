"""Writers that fail at a chosen step, disks that are full, refreshes that can be killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class PowerCut(BaseException):
    """The process is gone: nothing catches this."""


@contextmanager
def disk_full_for_tables() -> Iterator[None]:
    """No Parquet file can be written; small files still can."""
    plain = Path.replace

    def replace(self: Path, target: str | Path) -> Path:
        if str(target).endswith(".parquet"):
            raise OSError(28, "No space left on device")
        return plain(self, target)

    Path.replace = replace  # type: ignore[method-assign]
    try:
        yield
    finally:
        Path.replace = plain  # type: ignore[method-assign]


@contextmanager
def writer_that_fails(at: int, error: BaseException, *, after: bool) -> Iterator[list[int]]:
    """Let the ``at``-th replacement of a file fail, before or after it happened."""
    plain, count = Path.replace, [0]

    def replace(self: Path, target: str | Path) -> Path:
        count[0] += 1
        if count[0] == at and not after:
            raise error
        done = plain(self, target)
        if count[0] == at:
            raise error
        return done

    Path.replace = replace  # type: ignore[method-assign]
    try:
        yield count
    finally:
        Path.replace = plain  # type: ignore[method-assign]


def old_or_new(now: dict[str, str], old: dict[str, str], new: dict[str, str]) -> bool:
    return set(now) == set(old) and all(now[name] in (old[name], new[name]) for name in now)


CHILD = """
import os, resource, sys
from pathlib import Path
from hcc_assets_tests.faults.homes import run, without_figures
if sys.argv[2] != "-":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
print("ready", flush=True)
with without_figures():
    summary = run(Path(sys.argv[1]))
print("done", len(summary.troubled), flush=True)
"""


def started(root: Path, limit: str = "-") -> subprocess.Popen[str]:
    """A refresh of the home in a process of its own."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DAGSTER_HOME", "HCC_HOME")} | {
        "OMP_NUM_THREADS": "1"
    }
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(root), limit],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )


def told(process: subprocess.Popen[str]) -> None:
    """A refresh that could not write says so: it names what failed, or ends with an error; it never
    claims to be done."""
    output, _ = process.communicate(timeout=300)
    assert process.returncode != 0 or "done 0" not in output
