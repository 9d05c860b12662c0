"""Decisions of people in the audit trail: one line when a decision comes into force with a version,
one when it is taken back.

The lines are written before the version stands: should the run end in between, the trail says too
much for a while and never too little.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hcc_assets.audit.log import AuditTrail
from hcc_assets.home.manifests import Manifest, digest
from hcc_assets.home.people.register import People

TAKEN_BACK = "taken back"


@dataclass(frozen=True)
class Act:
    """What a person decided and this value follows: a line of the audit trail of its own when it
    comes into force and when it is taken back.

    Attributes
    ----------
    who, why
        As the person gave them; they are kept in the trail and nowhere else.
    details
        What it does, without ids.
    """

    action: str
    who: str
    why: str
    details: Mapping[str, Any]


def acts_in_force(acts: Iterable[Act]) -> dict[str, dict[str, Any]]:
    """What a manifest keeps of them."""
    return {_digest(act): {"action": act.action, **act.details} for act in acts}


def record_acts(
    trail: AuditTrail,
    people: People,
    manifest: Manifest,
    acts: Iterable[Act],
    before: Manifest | None,
) -> None:
    """Write the lines of what differs from the version that stands.

    Parameters
    ----------
    people
        For keys in place of ids.
    manifest
        Of the version that is about to stand.
    before
        The version that stands, or None.
    """
    known = before.acts if before is not None else {}
    place = {"asset": manifest.asset, "sample": manifest.partition}
    hashes = (before.data_version if before is not None else None, manifest.data_version)
    for act in acts:
        if _digest(act) not in known:
            trail.append(
                act.action,
                who=people.in_keys(act.who),
                why=people.in_keys(act.why),
                details={**place, **act.details},
                from_hash=hashes[0],
                to_hash=hashes[1],
            )
    for name, details in known.items():
        if name not in manifest.acts:
            rest = {k: v for k, v in details.items() if k != "action"}
            trail.append(
                f"{details['action']} {TAKEN_BACK}",
                details={**place, **rest},
                from_hash=hashes[0],
                to_hash=hashes[1],
            )


def _digest(act: Act) -> str:
    return digest(act.action, act.who, act.why, dict(act.details))
