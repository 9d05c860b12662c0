"""The audit trail: who did what to what, when (UTC), from which hash to which. Append-only, hash-chained, keyed. No decision is taken here.

Each line is one JSON object. Its ``hash`` is an HMAC over the other fields, ``prev`` is the hash of the line before, and a head record beside the
trail (sequence number and hash of the last line) makes a missing last line visible. Subjects are named by HMAC only, from the first line on: callers
give ``subject_id`` and ``redact`` (sample ids and other names that contain it), and every occurrence in any text of the entry becomes the digest.

Whoever can read the key and write the folder can rewrite the trail: write ``AuditTrail.head()`` down elsewhere from time to time.
"""

from __future__ import annotations

import datetime as dt
import getpass
import hashlib
import hmac
import itertools
import json
import os
import re
import socket
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, ValidationError

from hcc_assets.platform.subject_keys import subject_digest

GENESIS = "0" * 64
HEAD_LOST = "audit.head_lost"
TORN_LINE = "audit.torn_line"


class AuditEntry(BaseModel):
    """One line of the trail. ``at`` is ISO 8601 in UTC; ``subject`` an HMAC; ``from_hash`` and ``to_hash`` content hashes."""

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


@dataclass(frozen=True)
class Problem:
    """A fault of the chain: ``kind`` is one of changed, unreadable, missing, order, duplicate, chain, head; ``line`` counts from 1, 0 is the head."""

    line: int
    kind: str
    message: str

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class Head:
    seq: int
    hash: str


class AuditTrail:
    """An append-only trail in ``path`` with its head record in ``path`` + ``.head`` and its lock in ``path`` + ``.lock``.

    Parameters
    ----------
    path
        The trail, JSON lines. Created by the first entry.
    key
        The key of the home (`subject_keys.key_for_home`).
    """

    def __init__(self, path: Path, key: bytes):
        self.path = path
        self._key = key
        self._head_path = path.with_name(path.name + ".head")
        self._lock = FileLock(str(path.with_name(path.name + ".lock")), timeout=60)

    def append(
        self,
        action: str,
        *,
        why: str = "",
        who: str | None = None,
        subject_id: str | None = None,
        from_hash: str | None = None,
        to_hash: str | None = None,
        details: Mapping[str, Any] | None = None,
        redact: Collection[str] = (),
        at: dt.datetime | None = None,
    ) -> AuditEntry:
        """Write one entry; on return it is on the disk.

        Parameters
        ----------
        action
            What was done, ``withdraw``, ``erase``, ``accept``, ``publish`` and so on.
        why, who
            Reason as given by the operator; person or process (default: user at host).
        subject_id, redact
            Subject that the entry is about, and further names that must not be kept (sample ids): each is replaced by the digest wherever it stands.
        from_hash, to_hash
            Content hash before and after.
        details
            JSON-able facts; never a value from the data.
        at
            Time of the entry, aware; default now.
        """
        moment = (at or dt.datetime.now(dt.UTC)).astimezone(dt.UTC)
        subject = subject_digest(self._key, subject_id) if subject_id is not None else None
        hidden = {name: subject for name in (subject_id,) if name is not None and subject} | {
            name: subject_digest(self._key, name) for name in redact if name and name != subject_id
        }
        body = _without(
            {
                "at": moment.isoformat(timespec="microseconds"),
                "who": who or _whoami(),
                "action": action,
                "why": why,
                "subject": subject,
                "from_hash": from_hash,
                "to_hash": to_hash,
                "details": dict(details or {}),
            },
            hidden,
        )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock:
            return self._append(body)

    def entries(self) -> Iterator[AuditEntry]:
        """The readable entries in file order; `verify` tells whether they can be believed."""
        for _, entry, _ in self._lines():
            if entry is not None:
                yield entry

    def head(self) -> Head | None:
        """Sequence number and hash of the last entry, from the head record; None when there is none or it is not genuine."""
        try:
            raw = json.loads(self._head_path.read_text(encoding="utf-8"))
            head = Head(int(raw["seq"]), str(raw["hash"]))
            genuine = hmac.compare_digest(str(raw["mac"]), self._mac({"head": head.seq, "hash": head.hash}))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return head if genuine else None

    def verify(self) -> list[Problem]:
        """Every fault of the chain, in file order; empty when the trail is whole."""
        if not self.path.exists() and not self._head_path.exists():
            return []
        with self._lock:
            lines, head = list(self._lines()), self.head()
        problems: list[Problem] = []
        seen: dict[int, tuple[int, AuditEntry]] = {}
        highest = 0
        for line, entry, genuine in lines:
            if entry is None:
                problems.append(Problem(line, "unreadable", f"line {line} is not an audit entry"))
                continue
            if not genuine:
                problems.append(Problem(line, "changed", f"line {line} (entry {entry.seq}) was changed after it was written"))
                if entry.seq not in seen and entry.seq == highest + 1:  # its place is known: the entry is damaged, not missing
                    seen[entry.seq], highest = (line, entry), entry.seq
                continue
            if entry.seq in seen:
                problems.append(Problem(line, "duplicate", f"line {line} repeats entry {entry.seq}"))
                continue
            if entry.seq < highest:
                problems.append(Problem(line, "order", f"line {line} (entry {entry.seq}) is out of order"))
            elif entry.action == HEAD_LOST:
                problems.append(
                    Problem(line, "head", f"before line {line} (entry {entry.seq}) the head record was lost; entries may be missing there")
                )
            seen[entry.seq], highest = (line, entry), max(highest, entry.seq)
        last = max(highest, head.seq if head else 0)
        present = set(seen)
        for seq in sorted(set(range(1, last + 1)) - present):
            after = max((seen[s][0] for s in present if s < seq), default=0)
            problems.append(Problem(after + 1, "missing", f"entry {seq} is missing after line {after}"))
        by_seq = sorted(seen.items())
        for (seq, (_, entry)), (following, (line, successor)) in itertools.pairwise(by_seq):
            if following == seq + 1 and successor.prev != entry.hash and self._genuine(entry) and self._genuine(successor):
                problems.append(Problem(line, "chain", f"line {line} (entry {following}) does not follow entry {seq}"))
        problems += self._head_problems(head, seen)
        return sorted(problems, key=lambda p: (p.line == 0, p.line))

    def _head_problems(self, head: Head | None, seen: Mapping[int, tuple[int, AuditEntry]]) -> list[Problem]:
        if head is None:
            return [Problem(0, "head", "the head record is missing or was changed; a missing last entry could not be noticed")]
        if head.seq in seen and self._genuine(seen[head.seq][1]) and seen[head.seq][1].hash != head.hash:
            return [Problem(0, "head", f"the head record does not name entry {head.seq} as it stands")]
        beyond = max(seen, default=0) - head.seq
        if beyond > 1:  # one is a process that died between line and head; the next entry adopts it
            return [Problem(0, "head", f"the head record is {beyond} entries behind; it was put back to an earlier state")]
        return []

    def _append(self, body: dict[str, Any]) -> AuditEntry:
        head, torn = self.head(), self._cut_torn_line()
        begun = self.path.exists() and self.path.stat().st_size > 0
        last = self._last_entry() if begun else None
        if head is None:
            lost = begun or self._head_path.exists()
            head = Head(last.seq, last.hash) if last else Head(0, GENESIS)
            if not begun:
                self._write_head(head)
            if lost:
                head = self._write(head, body | {"action": HEAD_LOST, "why": "", "subject": None, "from_hash": None, "to_hash": None, "details": {}})[
                    0
                ]
        elif last is not None and last.seq == head.seq + 1 and last.prev == head.hash:
            head = Head(last.seq, last.hash)  # its writer died before the head was moved
        if torn is not None:
            note = {"action": TORN_LINE, "why": "", "subject": None, "from_hash": None, "to_hash": None}
            head = self._write(head, body | note | {"details": {"bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest()}})[0]
        return self._write(head, body)[1]

    def _write(self, head: Head, body: Mapping[str, Any]) -> tuple[Head, AuditEntry]:
        content = {"seq": head.seq + 1, **body, "prev": head.hash}
        entry = AuditEntry.model_validate({**content, "hash": self._mac(content)})
        created = not self.path.exists()
        with self.path.open("ab") as handle:
            handle.write(_canonical(entry.model_dump()) + b"\n")
            handle.flush()
            os.fsync(handle.fileno())
        if created:
            _sync_folder(self.path.parent)
        new = Head(entry.seq, entry.hash)
        self._write_head(new)
        return new, entry

    def _write_head(self, head: Head) -> None:
        temporary = self._head_path.with_name(f".{self._head_path.name}.{os.getpid()}")
        record = {"seq": head.seq, "hash": head.hash, "mac": self._mac({"head": head.seq, "hash": head.hash})}
        with temporary.open("wb") as handle:
            handle.write(_canonical(record) + b"\n")
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(self._head_path)
        _sync_folder(self.path.parent)

    def _cut_torn_line(self) -> bytes | None:
        """Remove what a dying process left without an end of line (never acknowledged); its length and hash become an entry of their own."""
        if not self.path.exists():
            return None
        with self.path.open("rb+") as handle:
            content = handle.read()
            keep = content.rfind(b"\n") + 1
            if keep == len(content):
                return None
            handle.truncate(keep)
            os.fsync(handle.fileno())
        return content[keep:]

    def _last_entry(self) -> AuditEntry | None:
        """The last genuine entry; from the end of the file, so that an append costs the same in the tenth year as on the first day."""
        tail = b""
        with self.path.open("rb") as handle:
            position = handle.seek(0, os.SEEK_END)
            while position > 0 and len(tail.split(b"\n")) < 3:
                step = min(65536, position)
                position = handle.seek(position - step)
                tail = handle.read(step) + tail
        try:
            last = AuditEntry.model_validate_json(tail.split(b"\n")[-2])
        except ValidationError:
            last = None
        if last is not None and self._genuine(last):
            return last
        return next((entry for _, entry, genuine in reversed(list(self._lines())) if entry is not None and genuine), None)

    def _lines(self) -> Iterator[tuple[int, AuditEntry | None, bool]]:
        if not self.path.exists():
            return
        with self.path.open("rb") as handle:
            for number, line in enumerate(handle, start=1):
                try:
                    entry = AuditEntry.model_validate_json(line)
                except ValidationError:
                    yield number, None, False
                else:
                    yield number, entry, self._genuine(entry) and _canonical(entry.model_dump()) == line.rstrip(b"\n")

    def _genuine(self, entry: AuditEntry) -> bool:
        return hmac.compare_digest(entry.hash, self._mac(entry.model_dump(exclude={"hash"})))

    def _mac(self, content: Mapping[str, Any]) -> str:
        return hmac.new(self._key, b"audit\0" + _canonical(content), hashlib.sha256).hexdigest()


def _without(value: Any, hidden: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for name in sorted(hidden, key=len, reverse=True):
            value = re.sub(re.escape(name), hidden[name], value, flags=re.IGNORECASE)
        return value
    if isinstance(value, Mapping):
        return {_without(str(k), hidden): _without(v, hidden) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_without(v, hidden) for v in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _without(str(value), hidden)


def _canonical(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _whoami() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no such user id in the password file, as in many containers
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
