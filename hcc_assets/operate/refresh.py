"""``hcc refresh``: bring everything up to date through the same assets, checks and storage as the UI. What is stale is decided in ``platform.plan``.

Order: clinical tables first (they are cheap and people wait for them), then the samples side by side, then everything across samples in one run. A reference
without labels is made as soon as the first samples allow it; the others go on with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.plan import Node, Plan, make_plan
from hcc_assets.assets.recipes import Recipe
from hcc_assets.home.paths import Home
from hcc_assets.home.versions import Versions

if TYPE_CHECKING:
    import dagster as dg

Progress = Callable[[str, str], None]
"""Called with a short label and a state, for the person who waits."""


class SampleWorkers(Protocol):
    """Where the work on samples is done: processes of this machine (`pool.Workers`) or a Ray cluster (`ray_engine.RayWorkers`)."""

    def run(
        self, chains: list[list[str]], assets: Mapping[str, list[str]], sizes: Mapping[str, int]
    ) -> list[str]:
        """Run the assets of each sample, the samples of a chain in their order; returns run ids."""

    def rest(self) -> None:
        """Give back the memory that workers without work hold; `run` starts them again."""

    def close(self) -> None:
        """End what was started."""


@dataclass
class Change:
    """What an asset (of one sample) came to in this refresh."""

    asset: str
    sample: str | None
    state: str
    rows_before: int | None = None
    rows: int | None = None
    reason: str = ""


@dataclass
class Summary:
    """What a refresh did, for a person or a program."""

    changes: list[Change] = field(default_factory=list)
    new_samples: list[str] = field(default_factory=list)
    settling: list[str] = field(default_factory=list)
    seconds: float = 0.0
    runs: list[str] = field(default_factory=list)
    alerts: dict[str, Any] = field(default_factory=dict)

    @property
    def troubled(self) -> list[Change]:
        return [c for c in self.changes if c.state in ("held", "failed")]


def wait_until_settled(
    bench: Workbench, progress: Progress, *, sleep: Callable[[float], None] = time.sleep
) -> list[str]:
    """Wait for deliveries that are still settling, at most twice the settling time; returns those that still are."""
    limit = time.monotonic() + 2 * bench.config.samples.settle_seconds + 5
    told: set[str] = set()
    while bench.landing.settling and time.monotonic() < limit:
        for delivery in bench.landing.settling:
            if delivery.path not in told:
                told.add(delivery.path)
                progress(delivery.path, f"waiting: {delivery.reason}")
        youngest = min(
            (min((f.age for f in d.files), default=0.0) for d in bench.landing.settling),
            default=0.0,
        )
        sleep(min(max(bench.config.samples.settle_seconds - youngest, 0.2), 5.0))
        bench.forget()
    return [d.path for d in bench.landing.settling]


class Refresher:
    """Runs what is stale on a Dagster instance.

    Parameters
    ----------
    workers
        Where samples are worked on side by side; closed at the end.
    """

    def __init__(
        self,
        home: Home,
        recipes: Mapping[str, Recipe],
        instance: dg.DagsterInstance,
        progress: Progress,
        workers: SampleWorkers,
    ):
        self.home = home
        self.recipes = recipes
        self.instance = instance
        self.progress = progress
        self.summary = Summary()
        self._before: dict[Node, str | None] = {}
        self._workers = workers

    def run(self) -> Summary:
        """Refresh until nothing changes any more."""
        try:
            return self._run()
        finally:
            self._workers.close()

    def _run(self) -> Summary:
        started = time.monotonic()
        bench = Workbench(self.home, self.recipes)
        self.summary.settling = wait_until_settled(bench, self.progress)
        tried: set[tuple[Node, str | None]] = set()
        while True:
            plan = make_plan(Workbench(self.home, self.recipes), again=True)
            self._register(plan)
            todo = [
                n for n in plan.states if n in plan.dirty and (n, self._key(plan, n)) not in tried
            ]
            wave = self._next_wave(plan, todo)
            if not wave:
                break
            tried |= {(n, self._key(plan, n)) for n in wave}
            self._execute(plan, wave)
        left = make_plan(plan.bench)
        self._still_held(left)
        self._left_undone(left, tried)
        self.summary.seconds = time.monotonic() - started
        return self.summary

    @staticmethod
    def _key(plan: Plan, node: Node) -> str | None:
        return plan.bench.fingerprint(plan.bench.recipes[node[0]], node[1])

    def _register(self, plan: Plan) -> None:
        known = set(self.instance.get_dynamic_partitions("sample"))
        new = [s for s in plan.samples if s not in known]
        self.summary.new_samples += new
        if new:
            self.instance.add_dynamic_partitions("sample", new)

    def _still_held(self, plan: Plan) -> None:
        """Tell also what was held before this refresh, an export that waits while an older one stands, and reference files that are not used."""
        told = {(c.asset, c.sample) for c in self.summary.troubled}
        held = {node: plan.states[node].reason for node in plan.of("held")}
        export = plan.bench.versions.current("clinical_export")
        for check in export.checks if export else []:
            if check.name == "newest_export_taken" and not check.passed:
                held.setdefault(("clinical_export", None), check.description)
        for (asset, sample), reason in held.items():
            if (asset, sample) not in told:
                self.summary.changes.append(Change(asset, sample, "held", reason=reason))
        refused = (d for d in plan.bench.landing.references if d.state == "refused")
        self.summary.changes += [
            Change("landing", None, "held", reason=f"{d.path}: {d.reason}") for d in refused
        ]

    def _left_undone(self, plan: Plan, tried: set[tuple[Node, str | None]]) -> None:
        """Tell what was tried for exactly these inputs and has neither a version nor a refusal: it was skipped behind what failed, or its run was ended."""
        for node in plan.of("stale"):
            troubled = {(c.asset, c.sample) for c in self.summary.troubled}
            if (node, self._key(plan, node)) in tried and node not in troubled:
                before = next((up[0] for up in plan.upstream(node) if up in troubled), None)
                reason = (
                    f"waits for {before}"
                    if before
                    else "its run was ended before it was done, more than once; the next refresh tries again"
                )
                self.summary.changes.append(Change(*node, "failed", reason=reason))

    def _next_wave(self, plan: Plan, todo: list[Node]) -> list[Node]:
        """The next nodes to run together: clinical tables, else what is ready before all samples are, else work within samples, else across samples.

        A node is in the wave when each of its open inputs is in the same wave (and runs before it) and everything it needs is or will be there.
        """
        open_nodes = set(todo)
        ready, now = self._early(plan.bench, todo)
        kinds: tuple[Callable[[Node], bool], ...] = (
            lambda n: not self._rests_on_samples(n[0]),
            lambda n: n in ready,
            lambda n: n[1] in now,
            lambda n: n[1] is None,
        )
        for kind in kinds:
            wave: dict[Node, None] = {}
            for node in todo:
                blocked = node not in ready and any(
                    up in open_nodes and up not in wave for up in plan.upstream(node)
                )
                if kind(node) and not blocked and self._reachable(plan, node, wave):
                    wave[node] = None
            if wave:
                return list(wave)
        return []

    def _early(self, bench: Workbench, todo: list[Node]) -> tuple[list[Node], set[str]]:
        """What across samples need not wait for the others, and the samples to work on now: until the reference is ready the earliest ones, some at a time."""
        samples = {s for _, s in todo if s is not None}
        ready: list[Node] = []
        for node in (n for n in todo if n[1] is None):
            recipe = self.recipes[node[0]]
            waiting = {s for name, s in todo if s is not None and name in recipe.inputs}
            if recipe.ready is None or not waiting:
                continue
            if recipe.ready(bench, waiting):
                ready.append(node)
            else:
                number = max(
                    bench.config.single_cell.reference_min_samples, len(bench.standing("qc_cells"))
                )
                samples -= waiting - set(bench.by_collection(waiting)[:number])
        return ready, samples

    def _reachable(self, plan: Plan, node: Node, usable: Mapping[Node, None]) -> bool:
        """True when every required input has a version or is about to get one."""
        recipe = self.recipes[node[0]]
        for name in recipe.inputs:
            upstream = self.recipes[name]
            if upstream.partitioned and not recipe.partitioned:
                continue
            up = (name, node[1] if upstream.partitioned else None)
            if up not in usable and plan.bench.versions.current(*up) is None:
                return False
        return True

    def _rests_on_samples(self, name: str) -> bool:
        recipe = self.recipes[name]
        return recipe.partitioned or any(
            self._rests_on_samples(i) for i in (*recipe.inputs, *recipe.optional)
        )

    def _execute(self, plan: Plan, wave: list[Node]) -> None:
        self._before = {n: _version(plan.bench.versions, n) for n in wave}
        by_sample: dict[str, list[str]] = {}
        for name, sample in wave:
            if sample is not None:
                by_sample.setdefault(sample, []).append(name)
        if by_sample:
            self._run_samples(plan, by_sample)
        else:
            from hcc_assets.operate.jobs import run_assets

            names = [name for name, _ in wave]
            self._workers.rest()
            self.progress(f"{len(names)} tables", "running")
            self.summary.runs.append(
                run_assets(
                    self.home, self.instance, names, None, progress=lambda a, s: self.progress(a, s)
                )
            )
        self._note(wave)

    def _run_samples(self, plan: Plan, by_sample: Mapping[str, list[str]]) -> None:
        landing = plan.bench.landing
        sizes = {
            s: sum(f.size for f in landing.samples[s].files) if s in landing.samples else 0
            for s in by_sample
        }
        order = {t: i for i, t in enumerate(plan.bench.config.samples.timepoints)}
        rows = landing.sheet.rows
        chains: dict[str, list[str]] = {}
        for sample in sorted(
            by_sample, key=lambda s: (order[rows[s].timepoint] if s in rows else 0, s)
        ):
            chains.setdefault(rows[sample].subject_id if sample in rows else sample, []).append(
                sample
            )
        self.summary.runs += self._workers.run(list(chains.values()), by_sample, sizes)

    def _note(self, wave: Iterable[Node]) -> None:
        versions = Versions(self.home)
        for node in wave:
            held = versions.held(*node)
            current = versions.current(*node)
            after = current.data_version if current else None
            if held is not None:
                self.summary.changes.append(
                    Change(
                        node[0],
                        node[1],
                        "held" if held.permanent and held.code != "error" else "failed",
                        reason=held.reason,
                    )
                )
            elif after != self._before.get(node):
                rows = current.rows if current else None
                self.summary.changes.append(
                    Change(
                        node[0],
                        node[1],
                        "new" if self._before.get(node) is None else "changed",
                        rows=rows,
                    )
                )


def _version(versions: Versions, node: Node) -> str | None:
    manifest = versions.current(*node)
    return manifest.data_version if manifest else None
