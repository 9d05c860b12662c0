"""Entries of the audit trail and the faults that a chain of them can have, as pure functions.
Reading, writing and keys are in `audit`."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

HEAD_LOST = "audit.head_lost"
KEY_LOST = "audit.key_lost"
SIGNED = "audit.signed"
"""From this line on a trail that was begun without signatures has them."""


class AuditEntry(BaseModel):
    """One line of the trail. ``at`` is ISO 8601 in UTC; ``subject`` an HMAC; ``from_hash`` and
    ``to_hash`` content hashes. ``key`` is the public key that ``sig`` is of, ``next`` that of the
    line after (`signing`); lines of before there were signatures have none."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    seq: int
    at: str
    who: str
    action: str
    why: str = ""
    subject: str | None = None
    from_hash: str | None = None
    to_hash: str | None = None
    details: dict[str, Any] = {}
    prev: str
    hash: str
    key: str | None = None
    next: str | None = None
    sig: str | None = None

    def content(self, *without: str) -> dict[str, Any]:
        """The fields as they are written, but for those named."""
        unsigned = () if self.key is not None else ("key", "next", "sig")
        return self.model_dump(exclude={*without, *unsigned})


@dataclass(frozen=True)
class Problem:
    """A fault of the chain: ``kind`` is one of changed, unreadable, missing, order, duplicate,
    chain, head, key; ``line`` counts from 1, 0 is the head."""

    line: int
    kind: str
    message: str

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class Head:
    seq: int
    hash: str


def chain_problems(
    lines: Iterable[tuple[int, AuditEntry | None, bool]],
    head: Head | None,
    genuine_: Callable[[AuditEntry], bool],
) -> list[Problem]:
    """Every fault of a chain.

    Parameters
    ----------
    lines
        Line number, entry (None when unreadable), and whether its hash is right.
    head
        The head record; None when missing or not genuine.
    genuine_
        Whether an entry's hash is right.
    """
    problems: list[Problem] = []
    seen: dict[int, tuple[int, AuditEntry]] = {}
    highest = 0
    for line, entry, genuine in lines:
        if entry is None:
            problems.append(Problem(line, "unreadable", f"line {line} is not an audit entry"))
            continue
        if not genuine:
            problems.append(
                Problem(
                    line,
                    "changed",
                    f"line {line} (entry {entry.seq}) was changed after it was written",
                )
            )
            if (
                entry.seq not in seen and entry.seq == highest + 1
            ):  # its place is known: the entry is damaged, not missing
                seen[entry.seq], highest = (line, entry), entry.seq
            continue
        if entry.seq in seen:
            problems.append(Problem(line, "duplicate", f"line {line} repeats entry {entry.seq}"))
            continue
        if entry.seq < highest:
            problems.append(
                Problem(line, "order", f"line {line} (entry {entry.seq}) is out of order")
            )
        elif entry.action == HEAD_LOST:
            problems.append(
                Problem(
                    line,
                    "head",
                    f"before line {line} (entry {entry.seq}) the head record was lost; "
                    "entries may be missing there",
                )
            )
        seen[entry.seq], highest = (line, entry), max(highest, entry.seq)
    last = max(highest, head.seq if head else 0)
    present = set(seen)
    for seq in sorted(set(range(1, last + 1)) - present):
        after = max((seen[s][0] for s in present if s < seq), default=0)
        problems.append(Problem(after + 1, "missing", f"entry {seq} is missing after line {after}"))
    by_seq = sorted(seen.items())
    for (seq, (_, entry)), (following, (line, successor)) in itertools.pairwise(by_seq):
        if (
            following == seq + 1
            and successor.prev != entry.hash
            and genuine_(entry)
            and genuine_(successor)
        ):
            problems.append(
                Problem(
                    line, "chain", f"line {line} (entry {following}) does not follow entry {seq}"
                )
            )
    problems += _head_problems(head, seen, genuine_)
    return sorted(problems, key=lambda p: (p.line == 0, p.line))


def _head_problems(
    head: Head | None,
    seen: Mapping[int, tuple[int, AuditEntry]],
    genuine: Callable[[AuditEntry], bool],
) -> list[Problem]:
    if head is None:
        return [
            Problem(
                0,
                "head",
                "the head record is missing or was changed; a missing last entry could not be "
                "noticed",
            )
        ]
    if head.seq in seen and genuine(seen[head.seq][1]) and seen[head.seq][1].hash != head.hash:
        return [Problem(0, "head", f"the head record does not name entry {head.seq} as it stands")]
    beyond = max(seen, default=0) - head.seq
    if beyond > 1:  # one is a process that died between line and head; the next entry adopts it
        return [
            Problem(
                0,
                "head",
                f"the head record is {beyond} entries behind; it was put back to an earlier state",
            )
        ]
    return []


def key_problems(
    lines: Iterable[tuple[int, AuditEntry | None, bool]],
    following: int | None,
    first: str | None,
) -> list[Problem]:
    """Faults of the chain of keys.

    Parameters
    ----------
    following
        Number of the line that the key file is for; None where there is no key file.
    first
        The first public key as it is kept outside the home; None where none is configured.
    """
    problems: list[Problem] = []
    begin: AuditEntry | None = None
    last: AuditEntry | None = None
    for line, entry, genuine in lines:
        if entry is None or not genuine:
            continue
        if entry.action == KEY_LOST:
            text = f"before line {line} (entry {entry.seq}) the signing key was lost or replaced"
            problems.append(Problem(line, "key", text))
        elif begin is not None and entry.key is None:
            problems.append(Problem(line, "key", f"line {line} (entry {entry.seq}) is not signed"))
        elif last is not None and last.seq + 1 == entry.seq and last.next not in (None, entry.key):
            text = f"line {line} (entry {entry.seq}) is signed by a key that entry {last.seq} does"
            problems.append(Problem(line, "key", f"{text} not name"))
        begin = begin or (entry if entry.key is not None else None)
        last = entry
    reached = last.seq if last else 0
    if following is not None and following > reached + 1:
        text = f"{following - 1} entries were signed and the trail ends with entry {reached}: it"
        problems.append(Problem(0, "key", f"{text} was deleted, cut or put back"))
    if following is not None and following > 1 and last is not None and last.key is None:
        problems.append(Problem(0, "key", "the trail has a signing key and its end is not signed"))
    known = begin.key if begin is not None else None
    if first is not None and (known is not None or reached) and first != known:
        text = "the first key of the trail is not the one that is kept outside the home"
        problems.append(Problem(0, "key", text))
    return problems


def anchor_problems(entries: Iterable[AuditEntry], anchor: Head) -> list[Problem]:
    """Whether the trail still holds what it held when its head was copied.

    Parameters
    ----------
    entries
        The genuine entries.
    anchor
        The head that was kept elsewhere.
    """
    hashes = {entry.seq: entry.hash for entry in entries}
    last = max(hashes, default=0)
    if hashes.get(anchor.seq) == anchor.hash or anchor.seq == 0:
        return []
    if last < anchor.seq:
        text = f"the trail ends with entry {last}, the anchor names entry {anchor.seq}: the trail"
        return [Problem(0, "anchor", f"{text} was cut, or the home was put back")]
    text = f"entry {anchor.seq} is not the one that the anchor names: the trail was written anew"
    return [Problem(0, "anchor", text)]


def without(value: Any, hidden: Mapping[str, str]) -> Any:
    """A copy of a JSON-able value in which every name of ``hidden`` is replaced, whatever its case;
    not inside a longer word or number."""
    if not hidden:
        return value
    by_name = {name.casefold(): token for name, token in hidden.items()}
    names = "|".join(re.escape(name) for name in sorted(by_name, key=len, reverse=True))
    pattern = re.compile(rf"(?<![^\W_])(?:{names})(?![^\W_])", re.IGNORECASE)
    return _replaced(
        value,
        lambda text: pattern.sub(
            lambda found: by_name.get(found.group().casefold(), "(name)"), text
        ),
    )


def _replaced(value: Any, replace: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return replace(value)
    if isinstance(value, Mapping):
        return {replace(str(k)): _replaced(v, replace) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [
            _replaced(v, replace)
            for v in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)
        ]
    if value is None or isinstance(value, bool | int | float):
        return value
    return replace(str(value))


def canonical(content: Mapping[str, Any]) -> bytes:
    """The one spelling of a JSON object that is hashed and written."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
