"""What is fresh, stale, held or waiting: one function that the command line, the sensors, the alerts and the report all ask. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.recipes import Recipe

Node = tuple[str, str | None]
"""Asset and, for a per-sample asset, the sample."""


@dataclass(frozen=True)
class State:
    """State of one node: ``fresh``, ``stale`` (to be computed), ``held`` (refused for exactly these inputs), ``waiting`` (an input has no version)."""

    state: str
    reason: str = ""
    since: str = ""


@dataclass
class Plan:
    """States of all nodes at one moment.

    Attributes
    ----------
    states
        By node, in the order in which they can be computed.
    """

    bench: Workbench
    states: dict[Node, State] = field(default_factory=dict)

    def of(self, state: str) -> list[Node]:
        return [n for n, s in self.states.items() if s.state == state]

    @cached_property
    def dirty(self) -> frozenset[Node]:
        """Stale nodes and everything automatic that rests on them: what may change when they are computed."""
        found: set[Node] = set()
        for node in self.states:
            recipe = self.bench.recipes[node[0]]
            if not recipe.automatic:
                continue
            if self.states[node].state == "stale" or any(up in found for up in self.upstream(node)):
                found.add(node)
        return frozenset(found)

    def upstream(self, node: Node) -> Iterable[Node]:
        """Direct inputs of a node, as nodes of this plan."""
        recipe = self.bench.recipes[node[0]]
        if recipe.settled(self.bench):
            return
        for name in (*recipe.inputs, *recipe.optional):
            if not self.bench.recipes[name].partitioned:
                yield (name, None)
            elif recipe.partitioned:
                yield (name, node[1])
            else:
                yield from ((name, sample) for sample in self.samples)

    @cached_property
    def samples(self) -> list[str]:
        """Samples that exist (row and complete matrix) or that have a version, sorted."""
        ready = {
            s
            for s, d in self.bench.landing.samples.items()
            if d.state in ("ready", "refused") and s in self.bench.registered
        }
        return sorted(ready | set(self.bench.standing("raw_counts")))


def ordered(recipes: Mapping[str, Recipe]) -> list[Recipe]:
    """Recipes with every input before what reads it.

    Raises
    ------
    ValueError
        The inputs go round in a circle.
    """
    done: dict[str, Recipe] = {}
    waiting = dict(sorted(recipes.items()))
    while waiting:
        ready = [r for r in waiting.values() if all(i in done for i in (*r.inputs, *r.optional))]
        if not ready:
            raise ValueError(f"circular inputs among {', '.join(waiting)}")
        for recipe in ready:
            done[recipe.name] = waiting.pop(recipe.name)
    return list(done.values())


def make_plan(bench: Workbench, *, again: bool = False) -> Plan:
    """Compare, for every asset and sample, the fingerprint of today's inputs with the one of the version that stands.

    Parameters
    ----------
    again
        Count what was given up after unexpected errors (a full disk, say) as stale: a person who asks has removed the cause. Refusals stay refused.
    """
    bench.versions.glance()
    plan = Plan(bench)
    for recipe in ordered(bench.recipes):
        for partition in plan.samples if recipe.partitioned else [None]:
            plan.states[(recipe.name, partition)] = _state(bench, recipe, partition, again)
    return plan


def _state(bench: Workbench, recipe: Recipe, partition: str | None, again: bool) -> State:
    current = bench.versions.current(recipe.name, partition)
    since = current.at.isoformat() if current else ""
    fingerprint = bench.fingerprint(recipe, partition)
    if fingerprint is None:
        return State("fresh" if current else "waiting", "an input has no version yet", since)
    if current is not None and current.fingerprint == fingerprint:
        return State("fresh", "", since)
    held = bench.versions.held(recipe.name, partition)
    if (
        held is not None
        and held.fingerprint == fingerprint
        and held.permanent
        and not (again and held.code == "error")
    ):
        return State("held", held.reason, since)
    return State(
        "stale", "no version yet" if current is None else "inputs, settings or code changed", since
    )
