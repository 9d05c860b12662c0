"""What is fresh, stale, held or waiting, and why: one function that the command line, the daemon,
the alerts and the report all ask. Nothing is computed here; what to run next is in `waves`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from hcc_assets.assets.attempts import TRIED_AGAIN
from hcc_assets.assets.definition import Asset
from hcc_assets.assets.kind import Basis, Declared, Node, View
from hcc_assets.assets.view import HomeView
from hcc_assets.home.damage import Damaged
from hcc_assets.home.looking import unfinished
from hcc_assets.home.manifests import Manifest

UNPUBLISHED = "its run was ended before it was published"

D = TypeVar("D", bound=Declared)


@dataclass(frozen=True)
class State:
    """State of one node.

    Attributes
    ----------
    state
        ``fresh``, ``stale`` (to be computed), ``held`` (refused, or given up, for exactly these
        inputs), ``waiting`` (an input has no version).
    reasons
        Why, in sentences; of a stale one which input, setting or code changed.
    since
        When the version that stands was made, ISO.
    """

    state: str
    reasons: tuple[str, ...] = ()
    since: str = ""

    @property
    def reason(self) -> str:
        return "; ".join(self.reasons)


@dataclass
class Plan:
    """States of all nodes at one moment, in the order in which they can be computed."""

    view: HomeView
    states: dict[Node, State] = field(default_factory=dict)

    def of(self, state: str) -> list[Node]:
        return [n for n, s in self.states.items() if s.state == state]

    @cached_property
    def dirty(self) -> frozenset[Node]:
        """Stale nodes and everything automatic that rests on them: what may change when they are
        computed."""
        found: set[Node] = set()
        for node, state in self.states.items():
            if not self.view.assets[node[0]].automatic:
                continue
            if state.state == "stale" or any(up in found for up in self.upstream(node)):
                found.add(node)
        return frozenset(found)

    def upstream(self, node: Node) -> tuple[Node, ...]:
        """Direct inputs of a node, as nodes of this plan."""
        if node not in self._upstream:
            asset = self.view.assets[node[0]]
            settled = self.view.settled(asset, node[1]) is not None
            kinds = () if settled else asset.inputs.values()
            found = (up for kind in kinds for up in _nodes(self.view, kind, node[1]))
            self._upstream[node] = tuple(dict.fromkeys(u for u in found if u in self.states))
        return self._upstream[node]

    @cached_property
    def _upstream(self) -> dict[Node, tuple[Node, ...]]:
        return {}

    def lacks(self, node: Node, coming: Iterable[Node]) -> bool:
        """True while a required input has no version and none is coming before it."""
        there = set(coming)
        asset = self.view.assets[node[0]]
        for kind in asset.inputs.values():
            if kind.optional or kind.basis(self.view, node[1]) is not None:
                continue
            needed = [up for up in kind.nodes(self.view, node[1]) if up in self.states]
            if not needed or not all(up in there for up in needed):
                return True
        return False


def ordered(assets: Mapping[str, D]) -> list[D]:
    """Assets with every input before what reads it.

    Raises
    ------
    ValueError
        The inputs go round in a circle, or one is not in the catalogue.
    """
    unknown = {f"{a.name} reads {r}" for a in assets.values() for r in a.reads if r not in assets}
    if unknown:
        raise ValueError(f"no such asset in the catalogue: {', '.join(sorted(unknown))}")
    done: dict[str, D] = {}
    waiting = dict(sorted(assets.items()))
    while waiting:
        # an asset may read its own earlier samples
        ready = [a for a in waiting.values() if all(r in done or r == a.name for r in a.reads)]
        if not ready:
            raise ValueError(f"circular inputs among {', '.join(waiting)}")
        for one in ready:
            done[one.name] = waiting.pop(one.name)
    return list(done.values())


def nodes_of(view: View) -> list[Node]:
    """Every asset and, for a per-sample asset, every sample, in the order of computation; samples
    of one asset by timepoint."""
    order = {t: i for i, t in enumerate(view.config.samples.timepoints)}
    keys = sorted(view.keys, key=lambda k: (order[view.rows[k].timepoint], view.rows[k].sample_id))
    found: list[Node] = []
    for asset in ordered(view.assets):
        found += [(asset.name, key) for key in keys] if asset.per_sample else [(asset.name, None)]
    return found


def make_plan(view: HomeView, *, again: bool = False) -> Plan:
    """Compare, for every asset and sample, today's fingerprint with that of what stands.

    Parameters
    ----------
    again
        Count what was given up after unexpected errors (a full disk, say) as stale: a person who
        asks has removed the cause. Refusals stay refused.
    """
    view.versions.glance()
    plan = Plan(view)
    for node in nodes_of(view):
        plan.states[node] = state_of(view, node, again=again)
    for node in view.versions.noted:  # found damaged when another one read it
        if node in plan.states:
            plan.states[node] = state_of(view, node, again=again)
    return plan


def state_of(view: HomeView, node: Node, *, again: bool = False) -> State:
    """State of one node."""
    current = view.versions.current(*node)
    since = current.at.isoformat() if current else ""
    hurt = tuple(map(str, view.versions.damages(*node)))
    try:
        return _state_of(view, node, current, hurt, since, again=again)
    except Damaged as error:
        view.versions.note(error.damage)
        return State("waiting", (*hurt, str(error)), since)


def _state_of(
    view: HomeView,
    node: Node,
    current: Manifest | None,
    hurt: tuple[str, ...],
    since: str,
    *,
    again: bool,
) -> State:
    asset = view.assets[node[0]]
    held = view.versions.held(*node)
    if not hurt and unfinished(current, held):
        return State("stale", (UNPUBLISHED,), since)
    if not hurt and view.settled(asset, node[1]) is not None:
        return State("fresh", since=since)
    fingerprint = view.fingerprint(asset, node[1])
    if fingerprint is None:
        if current is not None and not hurt:
            return State("fresh", since=since)
        return State("waiting", (*hurt, f"{_missing(view, asset, node[1])} has no version yet"))
    if current is not None and current.fingerprint == fingerprint and not hurt:
        return State("fresh", since=since)
    same = held is not None and held.fingerprint == fingerprint and held.permanent
    if held is not None and same and not (again and held.code in TRIED_AGAIN):
        return State("held", (held.reason,), since)
    return State("stale", hurt or why_stale(view, node, current), since)


def _nodes(view: HomeView, kind: Any, key: str | None) -> Iterable[Node]:
    """Nodes of a kind of input; every one that it could mean while what it asks is damaged."""
    try:
        return tuple(kind.nodes(view, key))
    except Damaged as error:
        view.versions.note(error.damage)
        every = ((name, view.assets[name].per_sample) for name in kind.assets)
        return tuple((n, k) for n, each in every for k in (view.keys if each else (None,)))


def _missing(view: HomeView, asset: Asset, key: str | None) -> str:
    for name, kind in asset.inputs.items():
        if not kind.optional and kind.basis(view, key) is None:
            return ", ".join(kind.assets) or name
    return "an input"


def why_stale(view: HomeView, node: Node, current: Manifest | None) -> tuple[str, ...]:
    """Which input, delivery, setting or module of code differs from what stands."""
    if current is None:
        return ("no version yet",)
    asset = view.assets[node[0]]
    basis = view.basis(asset, node[1]) or Basis()
    reasons = [
        *_changes("input {}", current.inputs, basis.versions),
        *_changes("delivery {}", current.deliveries, told(view, basis.deliveries)),
        *_changes("setting {}", current.settings, basis.settings, values=True),
        *_changes("code of {}", current.code, asset.closure.modules),
    ]
    return tuple(reasons) or ("the way it is declared changed",)


def told(view: HomeView, deliveries: Mapping[str, str]) -> dict[str, str]:
    """Deliveries as a manifest names them: ids in paths are keys."""
    return {view.people.in_keys(path): content for path, content in deliveries.items()}


def _changes(
    what: str, before: Mapping[str, Any], after: Mapping[str, Any], *, values: bool = False
) -> list[str]:
    found = []
    for name in sorted({*before, *after}):
        if name not in before:
            found.append(f"{what.format(name)} is new")
        elif name not in after:
            found.append(f"{what.format(name)} is gone")
        elif before[name] != after[name]:
            change = f": {before[name]} → {after[name]}" if values else " changed"
            found.append(what.format(name) + change)
    return found
