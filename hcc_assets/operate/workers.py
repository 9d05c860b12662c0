"""Samples side by side on one machine: worker processes, admission by estimated memory.

What is done to a sample is in the catalogue.
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

import dagster as dg
from threadpoolctl import threadpool_limits

from hcc_assets.assets.waves import Run
from hcc_assets.home.paths import Home
from hcc_assets.operate.jobs import run_assets
from hcc_assets.operate.watch.reaper import reap

BASE_MB = 450
MB_PER_DELIVERED_MB = 14.0
"""Peak memory of a worker: interpreter and libraries, and a slope over the size of the compressed
delivery. Own choice beside the measured line of a whole refresh (docs/performance.md: 514 MB + 11.0
MB per delivered MB): steeper, since large samples are what fills a machine."""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

WORTH_A_PROCESS = 10_000_000
"""Bytes of delivered matrices below which starting worker processes costs more than it saves."""


def estimate_mb(delivered_bytes: int) -> float:
    """Expected peak memory of the work on one sample, MB."""
    return BASE_MB + MB_PER_DELIVERED_MB * delivered_bytes / 1e6


def _start_worker(dagster_home: str) -> None:
    os.environ["DAGSTER_HOME"] = dagster_home
    for name in THREAD_VARIABLES:
        os.environ[name] = "1"
    threadpool_limits(1)  # numpy was loaded with this module, before the variables were set


def _work(root: str, run: Run) -> str:
    with dg.DagsterInstance.get() as instance:
        return run_assets(Home.at(root), instance, run.assets, run.key)


class Workers:
    """Worker processes of one refresh, started when first needed and ended when other work comes
    first.

    Parameters
    ----------
    jobs
        Samples worked on side by side.
    memory_mb
        What they may use together; a sample that alone needs more runs alone.
    """

    def __init__(
        self,
        home: Home,
        instance: dg.DagsterInstance,
        *,
        jobs: int,
        memory_mb: int,
        progress: Callable[[str, str], None],
    ):
        self._home, self._instance, self._progress = home, instance, progress
        self._jobs, self._memory_mb = jobs, memory_mb
        self._pool: ProcessPoolExecutor | None = None

    def rest(self) -> None:
        """End the worker processes: starting them again is a second or two, what they hold may be
        as much as the tables need."""
        self.close()

    def close(self) -> None:
        """End the worker processes."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def run(self, runs: list[Run], sizes: Mapping[str, int]) -> list[str]:
        """Run the assets of each sample, each sample in a run of its own.

        Where a worker process is ended from outside, its sample and those that went down with it
        run once more, each alone; one that is ended again is left as it was and told, and the
        others go on.

        Parameters
        ----------
        sizes
            Bytes delivered by key of the sample.

        Returns
        -------
        list of str
            Run ids.
        """
        small = sum(sizes.values()) < WORTH_A_PROCESS
        if self._jobs == 1 or len(runs) == 1 or small:
            found = []
            for number, run in enumerate(runs, start=1):
                self._progress(f"sample {run.key}", "running")
                found.append(run_assets(self._home, self._instance, run.assets, run.key))
                self._progress(f"sample {run.key}", f"done ({number} of {len(runs)})")
            return found
        found, lost = self._side_by_side(runs, sizes)
        for run in lost:
            self._give_up_dead_runs()
            more, ended = self._side_by_side([run], sizes)
            found += more
            if ended:
                self._give_up_dead_runs()
                why = "failed: its process was ended from outside, perhaps for want of memory"
                self._progress(f"sample {run.key}", why)
        return found

    def _give_up_dead_runs(self) -> None:
        """A run whose worker was ended would stay STARTED for ever, and its sample would not be
        asked for again."""
        reap(self._instance, dt.datetime.now(dt.UTC), heartbeats=self._home.heartbeats)

    def _side_by_side(
        self, runs: list[Run], sizes: Mapping[str, int]
    ) -> tuple[list[str], list[Run]]:
        """Run ids, and the runs that were not finished: a worker ended from outside breaks the
        pool and takes the others of the moment along."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._jobs,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_start_worker,
                initargs=(str(self._home.dagster_home),),
            )
        waiting = sorted(runs, key=lambda r: (-sizes.get(str(r.key), 0), str(r.key)))
        total = len(waiting)
        found: list[str] = []
        running: dict[Future[str], Run] = {}
        used: dict[str, float] = {}
        while waiting or running:
            for run in list(waiting):
                needed = estimate_mb(sizes.get(str(run.key), 0))
                fits = not running or sum(used.values()) + needed <= self._memory_mb
                if len(running) < self._jobs and fits:
                    waiting.remove(run)
                    used[str(run.key)] = needed
                    running[self._pool.submit(_work, str(self._home.root), run)] = run
                    self._progress(f"sample {run.key}", "running")
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                run = running.pop(future)
                used.pop(str(run.key))
                try:
                    found.append(future.result())
                except BrokenProcessPool:
                    self.close()
                    lost = [run, *running.values(), *waiting]
                    return found, sorted(lost, key=lambda r: str(r.key))
                done = total - len(waiting) - len(running)
                self._progress(f"sample {run.key}", f"done ({done} of {total})")
        return found, []
