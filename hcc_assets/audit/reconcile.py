"""The trail against what stands: every version, acceptance, withdrawal, tombstone and confirmation
has its line. Pure; what stands is gathered in `operate.trail_check`.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hcc_assets.audit.chain import AuditEntry, canonical

MATERIALIZE, ACCEPT, WITHDRAW, ERASE = "materialize", "accept", "withdraw", "erase"
CONFIRM, MIGRATE = "query confirm", "migrate"


@dataclass(frozen=True)
class StandingVersion:
    """A version that stands, as its manifest says; ``acts`` are decisions of people that it
    follows (`assets.acts`)."""

    asset: str
    sample: str | None
    data_version: str
    fingerprint: str
    run_id: str
    at: dt.datetime
    acts: tuple[Mapping[str, Any], ...] = ()

    @property
    def name(self) -> str:
        return f"{self.asset} of {self.sample}" if self.sample else self.asset


@dataclass(frozen=True)
class Found:
    """What a home holds beside the trail.

    Attributes
    ----------
    accepted
        Export and content of acceptances in a file of an earlier version.
    withdrawn
        Digest of the subject and first day whose data are not used.
    erased
        Digests of erased subjects.
    confirmed
        Query and digest of each confirmation (`operate.query_answers`).
    """

    versions: tuple[StandingVersion, ...] = ()
    accepted: tuple[tuple[str, str], ...] = ()
    withdrawn: tuple[tuple[str, str], ...] = ()
    erased: tuple[str, ...] = ()
    confirmed: tuple[tuple[str, str], ...] = field(default=())


def reconciliation(entries: Iterable[AuditEntry], found: Found) -> list[str]:
    """What stands without its line, and what has its line and is gone, a sentence each.

    Parameters
    ----------
    entries
        The genuine entries, in file order.
    """
    lines: dict[str, list[AuditEntry]] = defaultdict(list)
    for entry in entries:
        lines[entry.action].append(entry)
    if found.versions and not lines:
        return [f"{len(found.versions)} versions stand and there is no audit trail"]
    said = {e.action: e for e in lines[MIGRATE]}
    began = dt.datetime.fromisoformat(said[MIGRATE].at) if MIGRATE in said else None
    told = list(_versions(lines, found.versions, began))
    known = {(str(e.details.get("export")), e.to_hash) for e in lines[ACCEPT]}
    told += [
        f"the acceptance of export {export} has no line in the trail"
        for export, content in sorted(set(found.accepted) - known)
    ]
    told += _people(lines, found)
    told += _confirmations(lines, found.confirmed)
    return told


def _versions(
    lines: Mapping[str, list[AuditEntry]],
    versions: Iterable[StandingVersion],
    began: dt.datetime | None,
) -> Iterator[str]:
    made: dict[tuple[Any, Any], list[AuditEntry]] = defaultdict(list)
    for entry in lines[MATERIALIZE]:
        made[entry.details.get("asset"), entry.details.get("sample")].append(entry)
    acts = {
        canonical({"action": action, **entry.details})
        for action, found in lines.items()
        for entry in found
        if "asset" in entry.details and action != MATERIALIZE
    }
    for version in versions:
        if began is not None and version.at <= began:  # its line names it as version 0.1 did
            continue
        own = made[version.asset, version.sample]
        places = [i for i, entry in enumerate(own) if _is_of(entry, version)]
        if not places:
            yield f"the version of {version.name} that stands has no line in the trail"
            continue
        # a later line that replaced this very version
        if any(entry.from_hash == version.data_version for entry in own[places[-1] + 1 :]):
            yield f"{version.name} was put back to an earlier version behind the trail"
        for act in version.acts:
            place = {"asset": version.asset, "sample": version.sample}
            if canonical({**place, **act}) not in acts:
                yield f"{act.get('action')} in {version.name} has no line in the trail"


def _is_of(entry: AuditEntry, version: StandingVersion) -> bool:
    return (
        entry.to_hash == version.data_version
        and entry.details.get("fingerprint") == version.fingerprint
        and entry.details.get("run_id") == version.run_id
    )


def _people(lines: Mapping[str, list[AuditEntry]], found: Found) -> list[str]:
    """Withdrawals and erasures, in both directions; an erased subject has no row of its own."""
    stones = set(found.erased)
    erased = {str(e.subject) for e in lines[ERASE]}
    withdrawn = {(str(e.subject), str(e.details.get("from"))) for e in lines[WITHDRAW]}
    rows = set(found.withdrawn)
    return [
        *(
            f"a withdrawal from {day} has no line in the trail; record it with hcc withdraw"
            for subject, day in sorted(rows - withdrawn)
        ),
        *(
            f"a withdrawal from {day} has its line ({subject}) and no row in withdrawals.csv"
            for subject, day in sorted(withdrawn - rows)
            if subject not in stones | erased
        ),
        *(f"the tombstone of {s} has no line in the trail" for s in sorted(stones - erased)),
        *(f"the tombstone of {s} is gone; the trail has its line" for s in sorted(erased - stones)),
    ]


def _confirmations(
    lines: Mapping[str, list[AuditEntry]], confirmed: Iterable[tuple[str, str]]
) -> list[str]:
    believed = set(believed_confirmations(lines[CONFIRM], confirmed))
    return [
        f"the confirmation of query {query} has no line in the trail"
        for query, digest in sorted(set(confirmed) - believed)
    ]


def believed_confirmations(
    entries: Iterable[AuditEntry], confirmed: Iterable[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Those of ``confirmed`` (query, digest) that have a line: one that names the digest, or, of
    before lines named one, as many as there are lines of the query."""
    named: set[tuple[str, str]] = set()
    old: Counter[str] = Counter()
    for entry in entries:
        query = str(entry.details.get("query"))
        if "entry" in entry.details:
            named.add((query, str(entry.details["entry"])))
        else:
            old[query] += 1
    believed = []
    for query, digest in confirmed:
        if (query, digest) in named:
            believed.append((query, digest))
        elif old[query] > 0:
            old[query] -= 1
            believed.append((query, digest))
    return believed
