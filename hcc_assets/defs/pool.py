"""Samples side by side on one machine: worker processes, admission by estimated memory. What is done to a sample is in the recipes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait

import dagster as dg

from hcc_assets.defs.jobs import run_assets
from hcc_assets.platform.home import Home

BASE_MB = 450
MB_PER_DELIVERED_MB = 14.0
"""Peak memory of a worker: interpreter and libraries, and a slope over the size of the compressed delivery (measured, see docs/performance.md)."""


def estimate_mb(delivered_bytes: int) -> float:
    """Expected peak memory of the work on one sample, MB."""
    return BASE_MB + MB_PER_DELIVERED_MB * delivered_bytes / 1e6


def _start_worker(dagster_home: str) -> None:
    os.environ["DAGSTER_HOME"] = dagster_home
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def _work(root: str, sample: str, assets: list[str]) -> str:
    with dg.DagsterInstance.get() as instance:
        return run_assets(Home.at(root), instance, assets, sample)


def run_samples(
    home: Home,
    instance: dg.DagsterInstance,
    by_sample: Mapping[str, list[str]],
    *,
    sizes: Mapping[str, int],
    jobs: int,
    memory_mb: int,
    progress: Callable[[str, str], None],
) -> list[str]:
    """Run each sample's assets in one run of its own, ``jobs`` at a time as memory allows.

    A sample that alone is larger than ``memory_mb`` runs alone.

    Returns
    -------
    list of str
        Run ids.
    """
    waiting = sorted(by_sample, key=lambda s: (-sizes.get(s, 0), s))
    total = len(waiting)
    if total == 1 or jobs == 1:
        runs = []
        for i, sample in enumerate(sorted(by_sample), start=1):
            progress(f"sample {sample}", "running")
            runs.append(run_assets(home, instance, by_sample[sample], sample))
            progress(f"sample {sample}", f"done ({i} of {total})")
        return runs
    runs = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, total), mp_context=context, initializer=_start_worker, initargs=(str(home.dagster_home),)) as pool:
        running: dict[Future[str], str] = {}
        used: dict[str, float] = {}
        while waiting or running:
            for sample in list(waiting):
                needed = estimate_mb(sizes.get(sample, 0))
                if len(running) < jobs and (not running or sum(used.values()) + needed <= memory_mb):
                    waiting.remove(sample)
                    used[sample] = needed
                    running[pool.submit(_work, str(home.root), sample, by_sample[sample])] = sample
                    progress(f"sample {sample}", "running")
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                sample = running.pop(future)
                used.pop(sample)
                runs.append(future.result())
                progress(f"sample {sample}", f"done ({total - len(waiting) - len(running)} of {total})")
    return runs
