"""What was received, and what became of it: each delivery that lies in ``landing/`` is accepted, quarantined, superseded or left out, and none vanishes.

Read from manifests, holds and quarantine as they stand; nothing is judged here. Shown by ``hcc status``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from hcc_assets.home.landing.delivered_files import CONTROL_FILES, list_files, safe_name

if TYPE_CHECKING:
    from hcc_assets.assets.engine import Workbench
    from hcc_assets.home.landing.deliveries import Delivery

Fate = Literal["accepted", "quarantined", "superseded", "left out", "not yet judged", "arriving"]
RECEIVED: tuple[Fate, ...] = ("accepted", "quarantined", "superseded", "left out", "not yet judged")
"""What is complete and settled. ``left out``: withdrawn, erased, or a reference that nothing reads. ``arriving`` is not received yet."""


@dataclass(frozen=True)
class Received:
    """One delivery and its fate; ``path`` below ``landing/``."""

    kind: str
    path: str
    fate: Fate
    reason: str = ""


def account(bench: Workbench) -> list[Received]:
    """Every delivery with its fate, in order of kind and path."""
    landing = bench.landing
    found = [_sample(bench, d) for d in landing.samples.values()]
    found += [
        Received("sample", f"samples.csv line {n}", "left out", "the subject was erased")
        for n in landing.sheet.erased
    ]
    found += [_export(bench, d) for d in landing.exports] + [
        _reference(bench, d) for d in landing.references
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


def unlisted(bench: Workbench) -> dict[str, int]:
    """Files below ``landing/`` that belong to no delivery, counted by folder: a matrix without a row of ``samples.csv``, or a file in the wrong place.

    The names are as they lie there; they are for the screen of who may look into ``landing/`` and are kept nowhere.
    """
    landing = bench.landing
    known = [
        PurePosixPath(d.path)
        for d in (*landing.samples.values(), *landing.exports, *landing.references)
    ]
    places = {"/".join(p.parts) for p in known}
    counts: Counter[str] = Counter()
    for file in list_files(bench.home.landing, 0.0):
        path = PurePosixPath(file.name)
        if path.name.startswith(".") or file.name == "samples.csv" or path.name in CONTROL_FILES:
            continue
        if not places & {"/".join(path.parts[: i + 1]) for i in range(len(path.parts))}:
            counts["/".join(safe_name(part) for part in path.parts[:2])] += 1
    return dict(sorted(counts.items()))


def _sample(bench: Workbench, delivery: Delivery) -> Received:
    def is_(fate: Fate, reason: str = "") -> Received:
        return Received("sample", delivery.path, fate, reason)

    if delivery.state in ("settling", "incomplete"):
        return is_("arriving", delivery.reason)
    if delivery.id not in bench.registered:
        return is_("left out", "the subject was withdrawn before the sample was collected")
    recipe = bench.recipes["raw_counts"]
    content = recipe.external(bench, delivery.id) if recipe.external else None
    current, held = (
        bench.versions.current("raw_counts", delivery.id),
        bench.versions.held("raw_counts", delivery.id),
    )
    if (
        held is not None
        and held.code != "error"
        and held.fingerprint == bench.fingerprint(recipe, delivery.id)
    ):
        return is_("quarantined", held.reason)
    if current is not None and current.deliveries == content:
        return is_("accepted")
    return is_("not yet judged", held.reason if held else "")


def _export(bench: Workbench, delivery: Delivery) -> Received:
    def is_(fate: Fate, reason: str = "") -> Received:
        return Received("export", delivery.path, fate, reason)

    if delivery.state in ("settling", "incomplete"):
        return is_("arriving", delivery.reason)
    current = bench.versions.current("clinical_export")
    standing = str(bench.versions.facts("clinical_export")["export_id"]) if current else ""
    if current is not None and delivery.id < standing:
        return is_("superseded", f"export {standing} stands")
    told = _reason(bench, delivery)
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


def _reason(bench: Workbench, delivery: Delivery) -> str:
    """Why exactly this content was not taken, from the quarantine; empty when it was not refused."""
    folder = bench.home.quarantine / "clinical_export" / delivery.id
    reasons: list[dict[str, Any]] = []
    for path in folder.glob("*/reason.json") if folder.exists() else []:
        reasons.append(json.loads(path.read_bytes()))
    same = [r for r in reasons if r["deliveries"] == delivery.contents]
    return str(max(same, key=lambda r: str(r["refused_at"]))["reason"]) if same else ""


def _reference(bench: Workbench, delivery: Delivery) -> Received:
    def is_(fate: Fate, reason: str = "") -> Received:
        return Received("reference", delivery.path, fate, reason)

    if delivery.state in ("settling", "incomplete"):
        return is_("arriving", delivery.reason)
    if delivery.state == "refused":
        return is_("quarantined", delivery.reason)
    readers = [
        r
        for r in bench.recipes.values()
        if r.external
        and not r.partitioned
        and delivery.contents.items() <= (r.external(bench, None) or {}).items()
    ]
    for recipe in readers:
        current, held = bench.versions.current(recipe.name), bench.versions.held(recipe.name)
        if current is not None and delivery.contents.items() <= current.deliveries.items():
            return is_("accepted")
        if recipe.settled(bench):
            return is_(
                "left out",
                "the reference that stands is frozen; hcc reference rebuild takes this one",
            )
        if (
            held is not None
            and held.code != "error"
            and held.fingerprint == bench.fingerprint(recipe, None)
        ):
            return is_("quarantined", held.reason)
    return (
        is_("not yet judged") if readers else is_("left out", "no asset reads a file of this name")
    )
