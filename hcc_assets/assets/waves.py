"""What to run next: from a plan to the runs that can start now. Both drivers ask this one
function: ``hcc refresh``, and the automation condition of the daemon.

A run is either the open work of one sample, from raw counts to pseudobulk, or tables across
samples that wait for nothing. What else is open is asked for when these are done.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from hcc_assets.assets.inputs import Node
from hcc_assets.assets.plan import Plan


@dataclass(frozen=True)
class Run:
    """Assets to bring up to date in one run, in order; of one sample, or across samples."""

    key: str | None
    assets: tuple[str, ...]

    @property
    def nodes(self) -> frozenset[Node]:
        return frozenset((asset, self.key) for asset in self.assets)


def next_runs(plan: Plan, busy: Collection[Node] = ()) -> list[Run]:
    """The runs that can start now.

    Parameters
    ----------
    busy
        Nodes that are queued or at work; they and what rests on them are not asked for.

    Returns
    -------
    list of Run
        Tables first, then samples: earlier timepoints before later ones of the same subject.
    """
    runs = [_run(plan, None, busy)]
    taken: set[Node] = {*busy, *runs[0].nodes}
    for key in _first(plan):
        run = _run(plan, key, busy)
        if _comes_soon(plan, run, taken):
            # and so does what rests on it
            taken |= {node for node in plan.dirty if node[1] == key}
        elif run.assets:
            runs.append(run)
            taken |= run.nodes
    return [run for run in runs if run.assets]


def _run(plan: Plan, key: str | None, busy: Collection[Node]) -> Run:
    """Open nodes of one sample (or across samples) that wait for nothing outside this run."""
    chosen: dict[Node, None] = {}
    for node in plan.states:
        if node[1] != key or node not in plan.dirty or node in busy:
            continue
        ups = plan.upstream(node)
        waits = any(up in busy or (up in plan.dirty and up not in chosen) for up in ups)
        if not waits and not plan.lacks(node, chosen):
            chosen[node] = None
    return Run(key, tuple(name for name, _ in chosen))


def _comes_soon(plan: Plan, run: Run, taken: Collection[Node]) -> bool:
    """True when the rest of a sample's work waits only for tables (a reference that is built now)
    and other samples that are at work: it is better done in one run, when they are ready."""
    for node in plan.states:
        if node[1] != run.key or node not in plan.dirty or node in run.nodes:
            continue
        waits = [u for u in plan.upstream(node) if u in plan.dirty and u not in run.nodes]
        if waits and all(u in taken and u[1] != run.key for u in waits):
            return True
    return False


def _first(plan: Plan) -> list[str]:
    """Samples in the order to work on, without those that should wait until what is built from
    the first ones (a reference of the cohort) is there."""
    keys = list(dict.fromkeys(node[1] for node in plan.states if node[1] is not None))
    chosen = set(keys)
    for node in plan.dirty:
        if node[1] is None:
            waiting = {up[1] for up in plan.upstream(node) if up in plan.dirty and up[1]}
            for kind in plan.view.assets[node[0]].inputs.values():
                first = kind.first(plan.view, waiting) if waiting else None
                chosen -= waiting - set(waiting if first is None else first)
    return [key for key in keys if key in chosen]
