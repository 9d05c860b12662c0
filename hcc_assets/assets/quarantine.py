"""Quarantine: what was refused, with the reason beside it. Landing itself is never touched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hcc_assets.home import files
from hcc_assets.home.manifests import digest
from hcc_assets.home.paths import is_local

if TYPE_CHECKING:
    from upath import UPath

    from hcc_assets.assets.definition import Asset, Refused, SetAside
    from hcc_assets.assets.view import HomeView
    from hcc_assets.home.landing.deliveries import Delivery

PRIVATE_CODES = frozenset({"personal_data"})
"""Refusals whose files are not copied: a second copy of personal data helps nobody. The reason
names file and hash."""


def quarantine(
    view: HomeView, asset: Asset, key: str | None, refusal: Refused, deliveries: Mapping[str, str]
) -> None:
    """Keep the refused delivery and ``reason.json``."""
    delivery = view.delivery(key) if key is not None else None
    folder = view.home.quarantine / asset.name / (key or "all") / digest(dict(deliveries))
    reason: dict[str, object] = {
        "asset": asset.name,
        "sample": key,
        "code": refusal.code,
        "reason": view.people.in_keys(refusal.reason),
        "deliveries": {view.people.in_keys(k): v for k, v in deliveries.items()},
        "refused_at": view.now.isoformat(),
        "copied": False,
    }
    if delivery is not None and refusal.code not in PRIVATE_CODES:
        reason["not_copied"] = _copy(view, delivery, folder)
        reason["copied"] = True
    _write(folder / "reason.json", reason)


def _write(path: UPath, reason: Mapping[str, object]) -> None:
    text = json.dumps(reason, indent=1, sort_keys=True, ensure_ascii=False)
    files.write_bytes(path, text.encode())


def _copy(view: HomeView, delivery: Delivery, folder: UPath) -> list[str]:
    """Copy the plain files of a delivery; returns those that could not be read or lead
    elsewhere."""
    source = view.home.landing / delivery.path
    single = len(delivery.files) == 1 and source.name == delivery.files[0].name
    left = []
    for file in delivery.files:
        # the name of a single file may be that of the sample
        name = f"matrix{source.suffix}" if single else file.name
        target = folder / "delivery" / name
        if is_local(target) and target.exists():
            continue
        try:
            if file.size < 0:
                raise PermissionError
            data = (source if single else source / file.name).read_bytes()
        except OSError:
            left.append(file.name)
            continue
        files.write_bytes(target, data)
    return left


def set_aside(view: HomeView, asset: str, part: SetAside) -> None:
    """Keep the reason why a part of a clinical delivery was not taken. Its files stay in landing
    and are named with their hashes, never copied."""
    content = digest(part.code, part.reason, dict(part.deliveries))
    name = view.people.in_keys(part.name)
    path = view.home.quarantine / asset / name / content / "reason.json"
    if path.exists():
        return
    reason = {
        "asset": asset,
        "part": name,
        "code": part.code,
        "reason": view.people.in_keys(part.reason),
        "deliveries": {view.people.in_keys(k): v for k, v in part.deliveries.items()},
        "refused_at": view.now.isoformat(),
        "copied": False,
    }
    _write(path, reason)
