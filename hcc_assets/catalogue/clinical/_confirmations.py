"""What people said of queries: the value is right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hcc_assets.assets.inputs import Basis, Input, View
from hcc_assets.audit.reconcile import CONFIRM, believed_confirmations
from hcc_assets.audit.trail import decided
from hcc_assets.home.decisions import read_entries
from hcc_assets.home.manifests import digest
from hcc_assets.home.paths import Home

FILE = "query_confirmations.json"
"""Below the store; ``hcc query confirm`` writes it. Values are in it as hashes alone; a
confirmation counts when the audit trail has its line."""

Confirmed = Mapping[str, list[frozenset[str]]]


def recorded_confirmations(home: Home) -> list[dict[str, Any]]:
    """What the file holds, whether it can be believed or not."""
    return read_entries(home.store / FILE)


def entry_digest(entry: Mapping[str, Any]) -> str:
    """What the line of a confirmation in the audit trail names it by."""
    return digest(sorted(entry.items()))


def confirmations(home: Home) -> list[dict[str, Any]]:
    """Every confirmation that has its line in the audit trail: ``query, values, reason, who, at``,
    oldest first. On an object store, where each machine has a trail of its own, all of them."""
    found = recorded_confirmations(home)
    if not found or not home.is_local:
        return found
    named = [(str(e["query"]), entry_digest(e)) for e in found]
    believed = set(believed_confirmations(decided(home, CONFIRM), named))
    return [entry for entry, name in zip(found, named, strict=True) if name in believed]


@dataclass(frozen=True)
class Confirmations(Input):
    """Query id to the values that were confirmed."""

    def basis(self, view: View, key: str | None) -> Basis | None:
        found = self.value(view, key)
        said = {name: digest(sorted(sorted(v) for v in values)) for name, values in found.items()}
        return Basis(deliveries={f"confirmed {name}": text for name, text in said.items()})

    def value(self, view: View, key: str | None) -> Confirmed:
        found: dict[str, list[frozenset[str]]] = defaultdict(list)
        for entry in confirmations(view.home):
            found[entry["query"]].append(frozenset(entry["values"]))
        return dict(found)
