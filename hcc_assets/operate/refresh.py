"""``hcc refresh``: bring everything up to date through the same plan, assets, checks and storage
as the daemon. What runs next is decided in `assets.waves`."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from hcc_assets.assets.attempts import TRIED_AGAIN
from hcc_assets.assets.definition import Asset
from hcc_assets.assets.healing import Healed, Healing
from hcc_assets.assets.inputs import Node
from hcc_assets.assets.plan import Plan, make_plan
from hcc_assets.assets.view import HomeView
from hcc_assets.assets.waves import Run, next_runs
from hcc_assets.home.paths import Home
from hcc_assets.home.versions import Versions
from hcc_assets.operate.jobs import run_assets
from hcc_assets.operate.sensors import delivered_bytes, register_samples

if TYPE_CHECKING:
    import dagster as dg

Progress = Callable[[str, str], None]
"""Called with a short label and a state, for the person who waits."""

Tried = set[tuple[Node, str | None]]
"""Nodes with the fingerprint that they were tried for."""


class SampleWorkers(Protocol):
    """Where the work on samples is done: processes of this machine (`workers.Workers`) or a Ray
    cluster (`ray.engine.RayWorkers`)."""

    def run(self, runs: list[Run], sizes: Mapping[str, int]) -> list[str]:
        """Run the assets of each sample; ``sizes`` are bytes delivered by key. Returns run ids."""

    def rest(self) -> None:
        """Give back the memory that workers without work hold; `run` starts them again."""

    def close(self) -> None:
        """End what was started."""


@dataclass
class Change:
    """What an asset (of one sample, by its id) came to in this refresh."""

    asset: str
    sample: str | None
    state: str
    rows_before: int | None = None
    rows: int | None = None
    reason: str = ""


@dataclass
class Finding:
    """A check of something new that did not pass."""

    asset: str
    sample: str | None
    check: str
    severity: str
    description: str


@dataclass
class Summary:
    """What a refresh did, for a person or a program."""

    changes: list[Change] = field(default_factory=list)
    new_samples: list[str] = field(default_factory=list)
    settling: list[str] = field(default_factory=list)
    seconds: float = 0.0
    runs: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    trail: list[str] = field(default_factory=list)
    alerts: dict[str, Any] = field(default_factory=dict)
    healed: list[Healed] = field(default_factory=list)

    @property
    def troubled(self) -> list[Change]:
        return [c for c in self.changes if c.state in ("held", "failed")]


def wait_until_settled(
    view: HomeView, progress: Progress, *, sleep: Callable[[float], None] = time.sleep
) -> list[str]:
    """Wait for deliveries that are still settling, at most twice the settling time; returns those
    that still are."""
    seconds = view.config.samples.settle_seconds
    limit = time.monotonic() + 2 * seconds + 5
    told: set[str] = set()
    while view.landing.settling and time.monotonic() < limit:
        for delivery in view.landing.settling:
            if delivery.path not in told:
                told.add(delivery.path)
                progress(delivery.path, f"waiting: {delivery.reason}")
        ages = (min((f.age for f in d.files), default=0.0) for d in view.landing.settling)
        sleep(min(max(seconds - min(ages, default=0.0), 0.2), 5.0))
        view.forget()
    return [d.path for d in view.landing.settling]


class Refresher:
    """Runs what is stale on a Dagster instance.

    Parameters
    ----------
    workers
        Where samples are worked on side by side; closed at the end.
    force
        Nodes that are computed first, although they are fresh.
    """

    def __init__(
        self,
        home: Home,
        assets: Mapping[str, Asset],
        instance: dg.DagsterInstance,
        progress: Progress,
        workers: SampleWorkers,
        force: Collection[Node] = (),
    ):
        self.home = home
        self.assets = assets
        self.instance = instance
        self.progress = progress
        self.summary = Summary()
        self._workers = workers
        self._force = force
        self._before: dict[Node, tuple[str | None, int | None]] = {}
        self._tried: Tried = set()

    def run(self) -> Summary:
        """Refresh until nothing changes any more."""
        try:
            return self._run()
        finally:
            self._workers.close()

    def _view(self) -> HomeView:
        return HomeView(self.home, self.assets)

    def _run(self) -> Summary:
        started = time.monotonic()
        view = self._view()
        self.summary.settling = wait_until_settled(view, self.progress)
        new = register_samples(self.instance, view)
        self.summary.new_samples = [view.people.sample(key) for key in new]
        self._mend()
        self._forced(view)
        while True:
            plan = self._without_tried(make_plan(self._view(), again=True))
            runs = next_runs(plan)
            if not runs:
                break
            nodes = [node for run in runs for node in run.nodes]
            self._tried |= {(n, _fingerprint(plan, n)) for n in nodes if _is_stale(plan, n)}
            self._execute(plan, runs)
        self._tell_what_is_left(make_plan(self._view()))
        self.summary.seconds = time.monotonic() - started
        return self.summary

    def _mend(self) -> None:
        """Put back what can be put back, before anything is read: the rest is stale."""
        view = Healing(self.home, self.assets)
        plan = make_plan(view)
        for node in [n for n in plan.states if view.versions.damages(*n)]:
            view.mend(*node)

    def _forced(self, view: HomeView) -> None:
        keys: dict[str | None, list[str]] = {}
        for name, key in self._force:
            keys.setdefault(key, []).append(name)
        for key, names in keys.items():
            self._remember(view, [(name, key) for name in names])
            run = run_assets(self.home, self.instance, names, key, force=names)
            self.summary.runs.append(run)
            self._note([(name, key) for name in names])

    def _without_tried(self, plan: Plan) -> Plan:
        """What was tried for exactly these inputs in this refresh is not tried again."""
        for node in plan.of("stale"):
            if (node, _fingerprint(plan, node)) in self._tried:
                plan.states[node] = replace(plan.states[node], state="held")
        return plan

    def _execute(self, plan: Plan, runs: list[Run]) -> None:
        nodes = [node for run in runs for node in run.nodes]
        self._remember(plan.view, nodes)
        for run in (r for r in runs if r.key is None):
            self._workers.rest()
            self.progress(f"{len(run.assets)} tables", "running")
            made = run_assets(self.home, self.instance, run.assets, None, progress=self.progress)
            self.summary.runs.append(made)
        samples = [run for run in runs if run.key is not None]
        if samples:
            sizes = {str(r.key): delivered_bytes(plan.view, str(r.key)) for r in samples}
            self.summary.runs += self._workers.run(samples, sizes)
        self._note(nodes)

    def _remember(self, view: HomeView, nodes: Iterable[Node]) -> None:
        for node in nodes:
            manifest = view.versions.current(*node)
            self._before[node] = (
                (manifest.data_version, manifest.rows) if manifest else (None, None)
            )

    def _note(self, nodes: Iterable[Node]) -> None:
        versions, people = Versions(self.home), self._view().people
        order = {name: i for i, name in enumerate(self.assets)}
        for node in sorted(set(nodes), key=lambda n: (order[n[0]], n[1] or "")):
            sample = people.sample(node[1]) if node[1] else None
            held, current = versions.held(*node), versions.current(*node)
            before, rows_before = self._before[node]
            if held is not None and held.code != "ended":
                state = "failed" if held.code in TRIED_AGAIN else "held"
                reason = people.in_ids(held.reason)
                self.summary.changes.append(Change(node[0], sample, state, reason=reason))
            elif current is not None and current.data_version != before:
                state = "new" if before is None else "changed"
                self.summary.changes.append(
                    Change(node[0], sample, state, rows_before=rows_before, rows=current.rows)
                )
                self.summary.findings += [
                    Finding(node[0], sample, c.name, c.severity, people.in_ids(c.description))
                    for c in current.checks
                    if not c.passed
                ]

    def _tell_what_is_left(self, plan: Plan) -> None:
        """Tell also what was held before this refresh, an export that waits while an older one
        stands, reference files that are not used, and what has neither a version nor a refusal:
        it waits behind what failed, or its run was ended."""
        people = plan.view.people
        told = {(c.asset, c.sample) for c in self.summary.troubled}
        found = {node: (plan.states[node].reason, "held") for node in plan.of("held")}
        export = plan.view.versions.current("clinical_export")
        for check in export.checks if export else []:
            if check.name == "newest_export_taken" and not check.passed:
                found.setdefault(("clinical_export", None), (check.description, "held"))
        failed = {node for node in plan.of("held") if _code(plan, node) in TRIED_AGAIN}
        behind = _behind(plan)
        for node in plan.of("stale"):
            if (node, _fingerprint(plan, node)) not in self._tried:
                continue
            held = plan.view.versions.held(*node)
            before = behind.get(node)
            ended = held.reason if held is not None else "its run was ended before it was done"
            found[node] = (f"waits for {before}" if before else ended, "failed")
        for node, (reason, state) in found.items():
            sample = people.sample(node[1]) if node[1] else None
            if (node[0], sample) not in told:
                state = "failed" if node in failed else state
                reason = people.in_ids(reason)
                self.summary.changes.append(Change(node[0], sample, state, reason=reason))
        for delivery in plan.view.landing.beside:
            if delivery.state == "refused":
                reason = f"{delivery.path}: {delivery.reason}"
                self.summary.changes.append(Change("landing", None, "held", reason=reason))


def _fingerprint(plan: Plan, node: Node) -> str | None:
    return plan.view.fingerprint(plan.view.assets[node[0]], node[1])


def _is_stale(plan: Plan, node: Node) -> bool:
    return plan.states[node].state == "stale"


def _behind(plan: Plan) -> dict[Node, str]:
    """What rests on something that failed, directly or not, and the name of that."""
    failed = {node for node in (*plan.of("held"), *plan.of("stale")) if _code(plan, node)}
    found: dict[Node, str] = {}
    for node in plan.states:
        ups = plan.upstream(node)
        before = (up[0] if up in failed else found.get(up) for up in ups)
        if name := next((name for name in before if name), None):
            found[node] = name
    return found


def _code(plan: Plan, node: Node) -> str:
    held = plan.view.versions.held(*node)
    return held.code if held is not None else ""
