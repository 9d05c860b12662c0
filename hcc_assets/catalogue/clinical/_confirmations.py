"""What people said of queries: the value is right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hcc_assets.assets.inputs import Basis, Input, View
from hcc_assets.home.decisions import read_entries
from hcc_assets.home.manifests import digest
from hcc_assets.home.paths import Home

FILE = "query_confirmations.json"
"""Below the store; ``hcc query confirm`` writes it. Values are in it as hashes alone."""

Confirmed = Mapping[str, list[frozenset[str]]]


def confirmations(home: Home) -> list[dict[str, Any]]:
    """Every confirmation: ``query, values, reason, who, at``, oldest first."""
    return read_entries(home.store / FILE)


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
