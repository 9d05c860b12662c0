"""The machine that was measured on, in words that name no host and no path."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

import psutil

_PACKAGES = ("dagster", "scanpy", "anndata", "numpy", "scipy", "pandas", "numba")


def describe() -> dict[str, str]:
    """Processor, cores, memory, load at the start, system, Python and packages."""
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{psutil.virtual_memory().total / 1e9:.1f} GB",
        "load at the start": (
            f"{os.getloadavg()[0]:.2f} (a value near 0 means that nothing else was running)"
        ),
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "Python": platform.python_version(),
        "packages": ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES),
    }


def free_mb() -> float:
    """Memory that a program may take now, MB."""
    return psutil.virtual_memory().available / 1e6


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")),
        platform.processor() or platform.machine(),
    )
