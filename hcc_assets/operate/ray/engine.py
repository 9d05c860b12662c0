"""Samples side by side on a Ray cluster: the chains of ``defs.pool`` as Ray tasks. What is done to
a sample is in the recipes.

Ray itself repeats nothing here: before a chain that was lost is sent again, its run is given up in
Dagster and its lease revoked, so that the event log says what happened and a node that was only cut
off cannot write late. Task arguments are names only; every node reads and writes the home itself.
"""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from hcc_assets.assets.closure import has_module, lock_hash
from hcc_assets.home.paths import Home
from hcc_assets.home.versions import digest
from hcc_assets.operate.dagster_yaml import DATABASE_VARIABLE
from hcc_assets.operate.jobs import run_assets
from hcc_assets.operate.watch.reaper import give_up
from hcc_assets.operate.workers import THREAD_VARIABLES, estimate_mb

TASK = "hcc/task"
"""Run tag: the Ray task that a run belongs to."""
ATTEMPTS = 3
"""How often a chain is sent at most, each time with twice the memory of the time before."""
LOOK_SECONDS = 10.0
NO_NODE_SECONDS = 60.0
INSTALL = "pip install 'hcc-assets[ray]' (in a checkout: .venv/bin/uv pip install --require-hashes -r requirements-ray.lock)"
_OPEN = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


class RayUnfit(RuntimeError):
    """The cluster cannot do this work; the text says what is missing and what to do."""


@dataclass(frozen=True)
class Site:
    """What a node must have before it may work: the home, Dagster's folder, the same code, the same
    storage."""

    root: str
    dagster_home: str
    code: str
    only_host: str | None
    database: bool

    def problem(self) -> str | None:
        """Why this node may not work, or None."""
        here = socket.gethostname()
        if self.only_host not in (None, here):
            return _several_hosts([here])
        if self.database and not os.environ.get(DATABASE_VARIABLE):
            return f"node {here} has no {DATABASE_VARIABLE}; set it in the environment in which ray start is called there"
        if not (Path(self.dagster_home) / "locks" / "refresh.lock").exists():
            return f"node {here} does not see {self.dagster_home}; DAGSTER_HOME must be one folder that all nodes share under one path"
        home = Home.at(self.root)
        if not (home.landing.exists() or home.store.exists()):
            return f"node {here} does not see the home {self.root}; it must be one that all nodes reach under one name"
        if code_digest() != self.code:
            return f"node {here} has another version of hcc_assets or of its packages; install the same one, then restart Ray there"
        return None


@dataclass(frozen=True)
class _Sent:
    chain: list[str]
    assets: list[tuple[str, list[str]]]
    memory: float
    attempt: int
    task: str


def code_digest() -> str:
    """Hash over the code of all assets and the locked packages."""
    from hcc_assets.catalogue.loading import all_assets

    return digest(sorted((name, r.code_version) for name, r in all_assets().items()), lock_hash())


def require_ray() -> None:
    """Raise `RayUnfit` with the command that installs Ray, where it is not installed."""
    if not has_module("ray"):
        raise RayUnfit(f"Ray is not installed here; install it with: {INSTALL}")


def _answering(address: str) -> str:
    """The address, when something answers there; Ray itself would go on trying for minutes."""
    from ray._private.services import canonicalize_bootstrap_address

    if address.startswith("ray://"):
        return address
    found: str | None = canonicalize_bootstrap_address(address)
    if found is None:
        raise ConnectionError(
            "no cluster was found on this machine, and none is named in RAY_ADDRESS"
        )
    host, _, port = found.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
    return found


def _several_hosts(others: list[str]) -> str:
    return (
        f"the cluster has other hosts than this one ({', '.join(others)}), and Dagster's storage is SQLite, which serves one host only; "
        f"set {DATABASE_VARIABLE} to a PostgreSQL database before the first start"
    )


def _work(site: Site, task: str, chain: list[tuple[str, list[str]]]) -> list[str]:
    """On a node: the samples of a chain one after the other, until the task is given up."""
    os.environ["DAGSTER_HOME"] = site.dagster_home
    problem = site.problem()
    if problem is not None:
        raise RayUnfit(problem)
    home = Home.at(site.root)
    may_go_on = Leases(home.leases).fence(task)
    runs = []
    with dg.DagsterInstance.get() as instance:
        for sample, assets in chain:
            may_go_on()
            runs.append(run_assets(home, instance, assets, sample, tags={TASK: task}))
    return runs


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
        self._sent: dict[Any, _Sent] = {}
        self._ray = ray
        self._leases = Leases(home.leases)
        try:
            ray.init(
                address=_answering(address),
                log_to_driver=False,
                logging_level=logging.ERROR,
                runtime_env={"env_vars": dict.fromkeys(THREAD_VARIABLES, "1")},
            )
        except (OSError, RuntimeError, ValueError) as error:
            raise RayUnfit(
                f"no Ray cluster could be joined at {address} ({type(error).__name__}); start one with: ray start --head --disable-usage-stats"
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
            raise RayUnfit(_several_hosts(others))
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

    def run(
        self, chains: list[list[str]], assets: Mapping[str, list[str]], sizes: Mapping[str, int]
    ) -> list[str]:
        """Run the assets of each sample in one run; the samples of a chain (one subject's, earlier
        ones first) go one after the other on one node.

        A task reserves one core and the memory that its largest sample is expected to need, at most
        what the largest node has. A chain whose node or process is lost is sent again, `ATTEMPTS`
        times in all; one that is lost each time is told, and the others go on.

        Returns
        -------
        list of str
            Run ids.
        """
        for chain in sorted(chains, key=lambda c: (-max(sizes.get(s, 0) for s in c), c)):
            memory = max(estimate_mb(sizes.get(s, 0)) for s in chain) * 1e6
            self._send(_Sent(chain, [(s, assets[s]) for s in chain], memory, 1, uuid.uuid4().hex))
        runs: list[str] = []
        done = 0
        alone_since: float | None = None
        while self._sent:
            finished, _ = self._ray.wait(list(self._sent), num_returns=1, timeout=LOOK_SECONDS)
            for reference in finished:
                sent = self._sent[reference]
                outcome = self._outcome(reference)
                del self._sent[reference]
                label = f"sample {', '.join(sent.chain)}"
                if isinstance(outcome, list):
                    self._leases.drop(sent.task)
                    runs += outcome
                    done += 1
                    self._progress(label, f"done ({done} of {len(chains)})")
                    continue
                self._give_up(sent, outcome)
                if sent.attempt < ATTEMPTS:
                    self._progress(label, f"sent again: {outcome}")
                    self._send(
                        _Sent(
                            sent.chain,
                            sent.assets,
                            2 * sent.memory,
                            sent.attempt + 1,
                            uuid.uuid4().hex,
                        )
                    )
                else:
                    self._progress(label, f"failed: {outcome}, {ATTEMPTS} times")
            alone_since = None if self._nodes() else alone_since or time.monotonic()
            if alone_since is not None and time.monotonic() - alone_since > NO_NODE_SECONDS:
                raise RayUnfit(
                    f"the cluster has had no node with a core for {NO_NODE_SECONDS:.0f} s"
                )
            if not finished:
                self._recall_what_fits_nowhere()
        return runs

    def _send(self, sent: _Sent) -> None:
        nodes = self._nodes()
        memory = min(
            [sent.memory, *([max(n["Resources"]["memory"] for n in nodes)] if nodes else [])]
        )
        task = self._ray.remote(_work).options(num_cpus=1, memory=int(memory), max_retries=0)
        reference = task.remote(self._site, sent.task, sent.assets)
        self._sent[reference] = _Sent(sent.chain, sent.assets, memory, sent.attempt, sent.task)

    def _outcome(self, reference: Any) -> list[str] | str:
        """Run ids, or how the task was lost."""
        from ray import exceptions as lost

        try:
            runs: list[str] = self._ray.get(reference)
        except lost.RayTaskError as error:
            if isinstance(error.cause, RayUnfit):
                raise RayUnfit(str(error.cause)) from None
            raise
        except lost.OutOfMemoryError:
            return "its node had no memory left"
        except lost.NodeDiedError:
            return "its node was lost"
        except (lost.WorkerCrashedError, lost.RuntimeEnvSetupError):
            return "its process was ended from outside"
        except (lost.TaskCancelledError, lost.TaskUnschedulableError):
            return "the node that it needed was lost"
        return runs

    def _give_up(self, sent: _Sent, reason: str) -> None:
        """The task may start no further sample, and its run is closed in Dagster."""
        self._leases.revoke(sent.task, reason)
        for record in self._instance.get_run_records(
            dg.RunsFilter(tags={TASK: sent.task}, statuses=_OPEN)
        ):
            give_up(
                self._instance,
                record.dagster_run,
                reason,
                heartbeats=self._home.heartbeats,
                leases=self._leases,
            )

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
