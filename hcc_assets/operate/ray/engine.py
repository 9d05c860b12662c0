"""Samples side by side on a Ray cluster: the work on each sample is one Ray task. What is done to a
sample is in the catalogue.

Ray itself repeats nothing here: before work that was lost is sent again, its task is given up in
Dagster's storage and its run reported as failed. So the event log says what happened, a node that
was only cut off starts nothing new, and what it had begun may not write any more (the fence of
`assets.factory`). Task arguments are names only; every node reads and writes the home itself.
"""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import dagster as dg

from hcc_assets.assets.attempts import StaleWriter
from hcc_assets.assets.waves import Run
from hcc_assets.home.paths import Home
from hcc_assets.operate.dagster_yaml import DATABASE_VARIABLE
from hcc_assets.operate.jobs import run_assets
from hcc_assets.operate.ray.site import (
    RayUnfit,
    Site,
    answering,
    code_digest,
    require_ray,
    several_hosts,
)
from hcc_assets.operate.watch.reaper import ACTIVE, give_up
from hcc_assets.operate.workers import THREAD_VARIABLES, estimate_mb

TASK = "hcc/task"
"""Run tag: the Ray task that a run belongs to."""
GIVEN_UP = "hcc/given-up/"
"""Prefix of the keys in Dagster's run storage that name tasks which were given up."""
ATTEMPTS = 3
"""How often a sample is sent at most, each time with twice the memory of the time before: as often
as an asset is tried (`assets.engine.MAX_ATTEMPTS`)."""
LOOK_SECONDS = 10.0
"""Between two looks at the nodes while nothing ends: Ray itself takes that long to notice a
loss."""
NO_NODE_SECONDS = 60.0
"""A cluster that has had no core for so long is given up: a node that restarts is back sooner."""


@dataclass(frozen=True)
class Sent:
    """A sample that is at work on the cluster."""

    run: Run
    memory: float
    attempt: int = 1
    task: str = ""


def given_up(instance: dg.DagsterInstance, task: str) -> bool:
    """True when somebody took the work of this task away from it."""
    key = GIVEN_UP + task
    return key in instance.run_storage.get_cursor_values({key})


def _work(site: Site, task: str, run: Run) -> str:
    """On a node: one sample, unless the task was given up before it began."""
    os.environ["DAGSTER_HOME"] = site.dagster_home
    problem = site.problem()
    if problem is not None:
        raise RayUnfit(problem)
    with dg.DagsterInstance.get() as instance:
        if given_up(instance, task):
            raise StaleWriter(f"task {task} was given up; another has its work")
        return run_assets(Home.at(site.root), instance, run.assets, run.key, tags={TASK: task})


class RayWorkers:
    """The nodes of a Ray cluster, for one refresh.

    Parameters
    ----------
    address
        As ``ray.init`` takes it: ``auto`` on a node of the cluster, ``host:6379``, or
        ``ray://host:10001`` from outside.

    Raises
    ------
    RayUnfit
        Ray is not installed, no cluster answers, or it spans several hosts while Dagster's storage
        is SQLite.
    """

    def __init__(
        self,
        home: Home,
        instance: dg.DagsterInstance,
        *,
        address: str,
        progress: Callable[[str, str], None],
    ):
        require_ray()
        import ray

        self._home, self._instance, self._progress = home, instance, progress
        self._sent: dict[Any, Sent] = {}
        self._lost: list[Sent] = []
        self._alone_since: float | None = None
        self._ray = ray
        try:
            ray.init(
                address=answering(address),
                log_to_driver=False,
                logging_level=logging.ERROR,
                runtime_env={"env_vars": dict.fromkeys(THREAD_VARIABLES, "1")},
            )
        except (OSError, RuntimeError, ValueError) as error:
            raise RayUnfit(
                f"no Ray cluster could be joined at {address} ({type(error).__name__}); "
                "start one with: ray start --head --disable-usage-stats"
            ) from error
        try:
            self._site = self._checked_site()
        except BaseException:
            ray.shutdown()
            raise

    def _checked_site(self) -> Site:
        from dagster._core.storage.runs import SqliteRunStorage

        sqlite = isinstance(self._instance.run_storage, SqliteRunStorage)
        here = socket.gethostname()
        others = sorted({n["NodeManagerHostname"] for n in self._nodes()} - {here})
        if sqlite and others:
            raise RayUnfit(several_hosts(others))
        return Site(
            root=str(self._home.root),
            dagster_home=str(self._home.dagster_home),
            code=code_digest(),
            only_host=here if sqlite else None,
            database=not sqlite and bool(os.environ.get(DATABASE_VARIABLE)),
        )

    def rest(self) -> None:
        """Nothing: what idle workers of a cluster hold is for the cluster to say."""

    def close(self) -> None:
        """Leave the cluster; what was still at work there is given up in Dagster."""
        open_tasks = list(self._sent.values())
        self._sent.clear()
        self._ray.shutdown()
        for sent in open_tasks:
            self._give_up(sent, "the refresh ended before it")

    def run(self, runs: list[Run], sizes: Mapping[str, int]) -> list[str]:
        """Run the assets of each sample, each sample in a run and a Ray task of its own.

        A task reserves one core and the memory that its sample is expected to need, at most what
        the largest node has. A sample whose node or process is lost is sent again, `ATTEMPTS` times
        in all; one that is lost each time is told, and the others go on.

        Parameters
        ----------
        sizes
            Bytes delivered by key of the sample.

        Returns
        -------
        list of str
            Run ids.
        """
        for run in sorted(runs, key=lambda r: (-sizes.get(str(r.key), 0), str(r.key))):
            self._send(Sent(run, estimate_mb(sizes.get(str(run.key), 0)) * 1e6))
        found: list[str] = []
        while self._sent:
            finished, _ = self._ray.wait(list(self._sent), num_returns=1, timeout=LOOK_SECONDS)
            for reference in finished:
                made = self._ended(reference)
                key = self._sent.pop(reference).run.key
                if made is not None:
                    found.append(made)
                    self._progress(f"sample {key}", f"done ({len(found)} of {len(runs)})")
            self._wait_for_nodes()
            if not finished:
                self._recall_what_fits_nowhere()
        for sent in self._lost:
            # a run that began between the question of its task and the answer
            self._close_runs(sent, "its task was given up")
        self._lost.clear()
        return found

    def _ended(self, reference: Any) -> str | None:
        """The run id; None for work that was lost, which is sent again or told."""
        sent = self._sent[reference]
        made, loss = self._outcome(reference)
        if made is not None:
            return made
        self._give_up(sent, loss)
        label = f"sample {sent.run.key}"
        if sent.attempt < ATTEMPTS:
            self._progress(label, f"sent again: {loss}")
            self._send(replace(sent, memory=2 * sent.memory, attempt=sent.attempt + 1))
        else:
            self._progress(label, f"failed: {loss}, {ATTEMPTS} times")
        return None

    def _send(self, sent: Sent) -> None:
        nodes = self._nodes()
        largest = max((n["Resources"]["memory"] for n in nodes), default=sent.memory)
        sent = replace(sent, memory=min(sent.memory, largest), task=uuid.uuid4().hex)
        # Ray would send it again without a word in Dagster
        work = self._ray.remote(_work).options(num_cpus=1, memory=int(sent.memory), max_retries=0)
        self._sent[work.remote(self._site, sent.task, sent.run)] = sent

    def _outcome(self, reference: Any) -> tuple[str | None, str]:
        """The run id, or how the task was lost."""
        from ray import exceptions as lost

        try:
            return str(self._ray.get(reference)), ""
        except lost.RayTaskError as error:
            if isinstance(error.cause, RayUnfit):
                raise RayUnfit(str(error.cause)) from None
            raise
        except lost.OutOfMemoryError:
            return None, "its node had no memory left"
        except lost.NodeDiedError:
            return None, "its node was lost"
        except (lost.WorkerCrashedError, lost.RuntimeEnvSetupError):
            return None, "its process was ended from outside"
        except (lost.TaskCancelledError, lost.TaskUnschedulableError):
            return None, "the node that it needed was lost"

    def _give_up(self, sent: Sent, reason: str) -> None:
        """The task may begin nothing any more, and its run is closed in Dagster."""
        self._instance.run_storage.set_cursor_values({GIVEN_UP + sent.task: reason})
        self._close_runs(sent, reason)
        self._lost.append(sent)

    def _close_runs(self, sent: Sent, reason: str) -> None:
        open_runs = dg.RunsFilter(tags={TASK: sent.task}, statuses=list(ACTIVE))
        for record in self._instance.get_run_records(open_runs):
            beats = self._home.heartbeats
            give_up(self._instance, record.dagster_run, reason, heartbeats=beats)

    def _wait_for_nodes(self) -> None:
        now = time.monotonic()
        self._alone_since = None if self._nodes() else self._alone_since or now
        if self._alone_since is not None and now - self._alone_since > NO_NODE_SECONDS:
            text = f"the cluster has had no node with a core for {NO_NODE_SECONDS:.0f} s"
            raise RayUnfit(text)

    def _recall_what_fits_nowhere(self) -> None:
        """A task that reserved more memory than any node has left (the largest was lost) would wait
        for ever."""
        largest = max((n["Resources"]["memory"] for n in self._nodes()), default=None)
        for reference, sent in self._sent.items():
            if largest is not None and sent.memory > largest:
                self._ray.cancel(reference)

    def _nodes(self) -> list[dict[str, Any]]:
        """Nodes that live and have a core for tasks."""
        return [n for n in self._ray.nodes() if n["Alive"] and n["Resources"].get("CPU", 0) >= 1]
