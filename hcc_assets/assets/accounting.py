"""What was received, and what became of it: each delivery that lies in ``landing/`` is accepted,
quarantined, superseded or left out, and none vanishes.

Read from manifests, holds and quarantine as they stand; nothing is judged here. Shown by ``hcc
status``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from hcc_assets.assets.plan import told
from hcc_assets.home.landing.delivered_files import CONTROL_FILES, list_files, safe_name

if TYPE_CHECKING:
    from hcc_assets.assets.view import HomeView
    from hcc_assets.home.landing.deliveries import Delivery

Fate = Literal["accepted", "quarantined", "superseded", "left out", "not yet judged", "arriving"]
RECEIVED: tuple[Fate, ...] = ("accepted", "quarantined", "superseded", "left out", "not yet judged")
"""What is complete and settled. ``left out``: withdrawn, erased, or a reference that nothing reads.
``arriving`` is not received yet."""


@dataclass(frozen=True)
class Received:
    """One delivery and its fate; ``path`` below ``landing/``."""

    kind: str
    path: str
    fate: Fate
    reason: str = ""


def account(view: HomeView) -> list[Received]:
    """Every delivery with its fate, in order of kind and path."""
    landing = view.landing
    found = [_sample(view, d) for d in landing.samples.values()]
    found += [
        Received("sample", f"samples.csv line {n}", "left out", "the subject was erased")
        for n in landing.sheet.erased
    ]
    found += [_export(view, d) for d in landing.exports] + [
        _beside(view, d) for d in landing.beside
    ]
    return sorted(found, key=lambda r: (r.kind, r.path))


def totals(received: list[Received]) -> dict[str, int]:
    """Deliveries by fate, and ``received``, their sum without those that are still arriving."""
    counts = Counter(r.fate for r in received)
    return {
        "received": sum(counts[f] for f in RECEIVED),
        **{f: counts[f] for f in (*RECEIVED, "arriving")},
    }


def total_line(counts: Mapping[str, int]) -> str:
    """``9 received = 6 accepted + 1 quarantined + 2 superseded, 1 arriving``."""
    shown = [f"{counts[f]} {f}" for f in RECEIVED if counts[f] or f in RECEIVED[:3]]
    return f"{counts['received']} received = {' + '.join(shown)}" + (
        f"; {counts['arriving']} arriving" if counts["arriving"] else ""
    )


def unlisted(view: HomeView) -> dict[str, int]:
    """Files below ``landing/`` that belong to no delivery, counted by folder: a matrix without a
    row of ``samples.csv``, or a file in the wrong place.

    The names are as they lie there; they are for the screen of who may look into ``landing/`` and
    are kept nowhere.
    """
    landing = view.landing
    known = [PurePosixPath(d.path) for d in landing.every]
    places = {"/".join(p.parts) for p in known}
    counts: Counter[str] = Counter()
    for file in list_files(view.home.landing, 0.0):
        path = PurePosixPath(file.name)
        if path.name.startswith(".") or file.name == "samples.csv" or path.name in CONTROL_FILES:
            continue
        if not places & {"/".join(path.parts[: i + 1]) for i in range(len(path.parts))}:
            counts["/".join(safe_name(part) for part in path.parts[:2])] += 1
    return dict(sorted(counts.items()))


def _sample(view: HomeView, delivery: Delivery) -> Received:
    def is_(fate: Fate, reason: str = "") -> Received:
        return Received("sample", delivery.path, fate, reason)

    if delivery.state in ("settling", "incomplete"):
        return is_("arriving", delivery.reason)
    key = next((k for k, row in view.rows.items() if row.sample_id == delivery.id), None)
    if key is None:
        return is_("left out", "the subject was withdrawn before the sample was collected")
    asset = view.assets["raw_counts"]
    basis, fingerprint = view.basis(asset, key), view.fingerprint(asset, key)
    current, held = (
        view.versions.current("raw_counts", key),
        view.versions.held("raw_counts", key),
    )
    refused = held is not None and held.code not in ("error", "ended")
    if held is not None and refused and held.fingerprint == fingerprint:
        return is_("quarantined", view.people.in_ids(held.reason))
    taken = told(view, basis.deliveries) if basis is not None else None
    if current is not None and current.deliveries == taken:
        return is_("accepted")
    return is_("not yet judged", view.people.in_ids(held.reason) if held else "")


def _export(view: HomeView, delivery: Delivery) -> Received:
    def is_(fate: Fate, reason: str = "") -> Received:
        return Received("export", delivery.path, fate, reason)

    if delivery.state in ("settling", "incomplete"):
        return is_("arriving", delivery.reason)
    current = view.versions.current("clinical_export")
    whole = current is not None and not view.versions.damages("clinical_export")
    standing = str(view.versions.facts("clinical_export")["export_id"]) if whole else ""
    if delivery.id < standing:
        return is_("superseded", f"export {standing} stands")
    told = _reason(view, delivery)
    taken = (
        {
            path: sha
            for path, sha in current.deliveries.items()
            if path.startswith(f"{delivery.path}/")
        }
        if current
        else {}
    )
    if delivery.id == standing and taken == delivery.contents:
        return is_("accepted")
    return is_("quarantined", told) if told else is_("not yet judged")


def _reason(view: HomeView, delivery: Delivery) -> str:
    """Why exactly this content was not taken, from the quarantine; empty when it was not
    refused."""
    folder = view.home.quarantine / "clinical_export" / delivery.id
    reasons: list[dict[str, Any]] = []
    for path in folder.glob("*/reason.json") if folder.exists() else []:
        reasons.append(json.loads(path.read_bytes()))
    same = [r for r in reasons if r["deliveries"] == delivery.contents]
    return str(max(same, key=lambda r: str(r["refused_at"]))["reason"]) if same else ""


def _beside(view: HomeView, delivery: Delivery) -> Received:
    def is_(fate: Fate, reason: str = "") -> Received:
        return Received(delivery.kind, delivery.path, fate, reason)

    if delivery.state in ("settling", "incomplete"):
        return is_("arriving", delivery.reason)
    if delivery.state == "refused":
        return is_("quarantined", delivery.reason)
    contents = told(view, delivery.contents).items()
    readers = []
    for asset in view.assets.values():
        if asset.per_sample:
            continue
        kinds = (kind.basis(view, None) for kind in asset.inputs.values())
        read = (told(view, b.deliveries) for b in kinds if b is not None)
        if any(contents <= deliveries.items() for deliveries in read):
            readers.append(asset)
    for asset in readers:
        current, held = view.versions.current(asset.name), view.versions.held(asset.name)
        if current is not None and contents <= current.deliveries.items():
            return is_("accepted")
        if view.settled(asset, None) is not None:
            frozen = "the reference that stands is frozen; hcc reference rebuild takes this one"
            return is_("left out", frozen)
        refused = held is not None and held.code not in ("error", "ended")
        if held is not None and refused and held.fingerprint == view.fingerprint(asset, None):
            return is_("quarantined", view.people.in_ids(held.reason))
    if readers:
        return is_("not yet judged")
    return is_("left out", "no asset reads a file of this name")
