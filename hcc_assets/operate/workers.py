"""Samples side by side on one machine: worker processes, admission by estimated memory. What is done to a sample is in the recipes."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

import dagster as dg
from threadpoolctl import threadpool_limits

from hcc_assets.home.paths import Home
from hcc_assets.operate.jobs import run_assets
from hcc_assets.operate.watch.fencing import Leases
from hcc_assets.operate.watch.reaper import reap

BASE_MB = 450
MB_PER_DELIVERED_MB = 14.0
"""Peak memory of a worker: interpreter and libraries, and a slope over the size of the compressed delivery."""

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


def _work(root: str, chain: list[tuple[str, list[str]]]) -> list[str]:
    with dg.DagsterInstance.get() as instance:
        return [run_assets(Home.at(root), instance, assets, sample) for sample, assets in chain]


class Workers:
    """Worker processes of one refresh, started when first needed and ended when other work comes first.

    Parameters
    ----------
    jobs
        Chains worked on side by side.
    memory_mb
        What they may use together; a chain that alone needs more runs alone.
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
        """End the worker processes: starting them again is a second or two, what they hold may be as much as the tables need."""
        self.close()

    def close(self) -> None:
        """End the worker processes."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def run(
        self, chains: list[list[str]], assets: Mapping[str, list[str]], sizes: Mapping[str, int]
    ) -> list[str]:
        """Run the assets of each sample in one run; the samples of a chain (one subject's, earlier ones first) go one after the other.

        Where a worker process is ended from outside, its chain and those that went down with it run once more, each alone; one that is ended again is
        left as it was and told, and the others go on.

        Returns
        -------
        list of str
            Run ids.
        """
        if self._jobs == 1 or len(chains) == 1 or sum(sizes.values()) < WORTH_A_PROCESS:
            runs = []
            for sample in (s for chain in chains for s in chain):
                self._progress(f"sample {sample}", "running")
                runs.append(run_assets(self._home, self._instance, assets[sample], sample))
                self._progress(f"sample {sample}", "done")
            return runs
        runs, lost = self._side_by_side(chains, assets, sizes)
        for chain in lost:
            self._give_up_dead_runs()
            more, ended = self._side_by_side([chain], assets, sizes)
            runs += more
            if ended:
                self._give_up_dead_runs()
                self._progress(
                    f"sample {', '.join(chain)}",
                    "failed: its process was ended from outside, perhaps for want of memory",
                )
        return runs

    def _give_up_dead_runs(self) -> None:
        """A run whose worker was ended would stay STARTED for ever, and its sample would not be asked for again."""
        reap(
            self._instance,
            dt.datetime.now(dt.UTC),
            heartbeats=self._home.heartbeats,
            leases=Leases(self._home.leases),
        )

    def _side_by_side(
        self, chains: list[list[str]], assets: Mapping[str, list[str]], sizes: Mapping[str, int]
    ) -> tuple[list[str], list[list[str]]]:
        """Run ids, and the chains that were not finished: a worker ended from outside breaks the pool and takes the others of the moment along."""
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(
                self._jobs,
                mp_context=context,
                initializer=_start_worker,
                initargs=(str(self._home.dagster_home),),
            )
        waiting = sorted(chains, key=lambda c: (-max(sizes.get(s, 0) for s in c), c))
        total = len(waiting)
        runs: list[str] = []
        running: dict[Future[list[str]], list[str]] = {}
        used: dict[str, float] = {}
        while waiting or running:
            for chain in list(waiting):
                needed = max(estimate_mb(sizes.get(s, 0)) for s in chain)
                if len(running) < self._jobs and (
                    not running or sum(used.values()) + needed <= self._memory_mb
                ):
                    waiting.remove(chain)
                    used[chain[0]] = needed
                    running[
                        self._pool.submit(
                            _work, str(self._home.root), [(s, assets[s]) for s in chain]
                        )
                    ] = chain
                    self._progress(f"sample {', '.join(chain)}", "running")
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                chain = running.pop(future)
                used.pop(chain[0])
                try:
                    runs += future.result()
                except BrokenProcessPool:
                    self.close()
                    return runs, sorted([chain, *running.values(), *waiting])
                self._progress(
                    f"sample {', '.join(chain)}",
                    f"done ({total - len(waiting) - len(running)} of {total})",
                )
        return runs, []
