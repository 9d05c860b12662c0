"""Quarantine: what was refused, with the reason beside it. Landing itself is never touched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hcc_assets.platform import stores
from hcc_assets.platform.home import is_local
from hcc_assets.platform.recipes import Recipe, Refused
from hcc_assets.platform.versions import digest

if TYPE_CHECKING:
    from hcc_assets.platform.engine import Workbench

PRIVATE_CODES = frozenset({"personal_data"})
"""Refusals whose files are not copied: a second copy of personal data helps nobody. The reason names file and hash."""


def quarantine(bench: Workbench, recipe: Recipe, partition: str | None, refusal: Refused) -> None:
    """Keep the refused delivery and ``reason.json``."""
    deliveries = (recipe.external(bench, partition) or {}) if recipe.external else {}
    delivery = bench.landing.samples.get(partition or "") if recipe.partitioned else None
    folder = bench.home.quarantine / recipe.name / (partition or "all") / digest(deliveries)
    reason = {
        "asset": recipe.name,
        "sample": partition,
        "code": refusal.code,
        "reason": refusal.reason,
        "deliveries": deliveries,
        "refused_at": bench.now.isoformat(),
        "copied": False,
    }
    if delivery is not None and refusal.code not in PRIVATE_CODES:
        source = bench.home.landing / delivery.path
        single = source.is_file()
        for file in delivery.files:
            if file.size < 0:
                continue
            origin = source if single else source / file.name
            target = folder / "delivery" / file.name
            if is_local(target) and target.exists():
                continue
            stores.copy_file(origin, target)
        reason["copied"] = True
    stores.write_bytes(folder / "reason.json", json.dumps(reason, indent=1, sort_keys=True).encode())
