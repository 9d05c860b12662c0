"""Quarantine: what was refused, with the reason beside it. Landing itself is never touched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hcc_assets.assets.recipes import Recipe, Refused, SetAside
from hcc_assets.home import files as stores
from hcc_assets.home.paths import is_local
from hcc_assets.home.versions import digest

if TYPE_CHECKING:
    from upath import UPath

    from hcc_assets.assets.engine import Workbench
    from hcc_assets.home.landing.deliveries import Delivery

PRIVATE_CODES = frozenset({"personal_data"})
"""Refusals whose files are not copied: a second copy of personal data helps nobody. The reason names file and hash."""


def quarantine(bench: Workbench, recipe: Recipe, partition: str | None, refusal: Refused) -> None:
    """Keep the refused delivery and ``reason.json``."""
    deliveries = (recipe.external(bench, partition) or {}) if recipe.external else {}
    delivery = bench.landing.samples.get(partition or "") if recipe.partitioned else None
    folder = bench.home.quarantine / recipe.name / (partition or "all") / digest(deliveries)
    reason: dict[str, object] = {
        "asset": recipe.name,
        "sample": partition,
        "code": refusal.code,
        "reason": refusal.reason,
        "deliveries": deliveries,
        "refused_at": bench.now.isoformat(),
        "copied": False,
    }
    if delivery is not None and refusal.code not in PRIVATE_CODES:
        reason["not_copied"] = _copy(bench, delivery, folder)
        reason["copied"] = True
    stores.write_bytes(
        folder / "reason.json", json.dumps(reason, indent=1, sort_keys=True).encode()
    )


def _copy(bench: Workbench, delivery: Delivery, folder: UPath) -> list[str]:
    """Copy the plain files of a delivery; returns those that could not be read or lead elsewhere."""
    source = bench.home.landing / delivery.path
    single = len(delivery.files) == 1 and source.name == delivery.files[0].name
    left = []
    for file in delivery.files:
        target = folder / "delivery" / file.name
        if is_local(target) and target.exists():
            continue
        try:
            if file.size < 0:
                raise PermissionError
            data = (source if single else source / file.name).read_bytes()
        except OSError:
            left.append(file.name)
            continue
        stores.write_bytes(target, data)
    return left


def set_aside(bench: Workbench, asset: str, part: SetAside) -> None:
    """Keep the reason why a part of a clinical delivery was not taken. Its files stay in landing and are named with their hashes, never copied."""
    path = (
        bench.home.quarantine
        / asset
        / part.name
        / digest(part.code, part.reason, dict(part.deliveries))
        / "reason.json"
    )
    if path.exists():
        return
    reason = {
        "asset": asset,
        "part": part.name,
        "code": part.code,
        "reason": part.reason,
        "deliveries": dict(part.deliveries),
        "refused_at": bench.now.isoformat(),
        "copied": False,
    }
    stores.write_bytes(path, json.dumps(reason, indent=1, sort_keys=True).encode())
