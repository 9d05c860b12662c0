"""The audit trail: who did what to what, when (UTC), from which hash to which. Append-only,
hash-chained, keyed. No decision is taken here.

Each line is one JSON object. Its ``hash`` is an HMAC over the other fields, ``prev`` is the hash of
the line before, and a head record beside the trail (sequence number and hash of the last line)
makes a missing last line visible. Subjects are named by HMAC only, from the first line on: callers
give ``subject_id`` and ``redact`` (sample ids and other names that contain it), and every
occurrence in any text of the entry becomes the digest.

Whoever can read the key and write the folder can rewrite the trail: write ``AuditTrail.head()``
down elsewhere from time to time.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import getpass
import hashlib
import hmac
import json
import os
import socket
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hcc_assets.audit.chain import (
    HEAD_LOST,
    AuditEntry,
    Head,
    Problem,
    canonical,
    chain_problems,
    without,
)
from hcc_assets.home import leases
from hcc_assets.home.people.subject_keys import subject_digest

GENESIS = "0" * 64
"""What the first entry follows: a SHA-256 that no content has."""
TORN_LINE = "audit.torn_line"
_BARE = {"why": "", "subject": None, "from_hash": None, "to_hash": None}


class AuditTrail:
    """An append-only trail in ``path`` with its head record in ``path`` + ``.head`` and its lock in
    ``path`` + ``.lock``.

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
        self._lock_path = path.with_name(path.name + ".lock")

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
            Subject that the entry is about, and further names that must not be kept (sample ids):
            each is replaced by the digest wherever it stands.
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
        body = {
            "at": moment.isoformat(timespec="microseconds"),
            "who": without(who or _whoami(), hidden),
            "action": action,
            "why": without(why, hidden),
            "subject": subject,
            "from_hash": from_hash,
            "to_hash": to_hash,
            "details": without(dict(details or {}), hidden),
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.still():
            return self._append(body)

    def entries(self) -> Iterator[AuditEntry]:
        """The readable entries in file order; `verify` tells whether they can be believed."""
        for _, entry, _ in self._lines():
            if entry is not None:
                yield entry

    def head(self) -> Head | None:
        """Sequence number and hash of the last entry, from the head record; None when there is none
        or it is not genuine."""
        try:
            raw = json.loads(self._head_path.read_text(encoding="utf-8"))
            head = Head(int(raw["seq"]), str(raw["hash"]))
            genuine = hmac.compare_digest(
                str(raw["mac"]), self._mac({"head": head.seq, "hash": head.hash})
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return head if genuine else None

    def verify(self) -> list[Problem]:
        """Every fault of the chain, in file order; empty when the trail is whole."""
        if not self.path.exists() and not self._head_path.exists():
            return []
        with self.still():
            lines, head = list(self._lines()), self.head()
        return chain_problems(lines, head, self._genuine)

    def still(self) -> contextlib.AbstractContextManager[leases.Lease]:
        """While it lasts nobody writes into the trail."""
        return leases.hold(self._lock_path)

    def look(self) -> list[Problem]:
        """As `verify`, where nothing can or may be written; a line that is just being written is
        looked at once more."""
        problems: list[Problem] = []
        for _ in range(3):
            problems = chain_problems(list(self._lines()), self.head(), self._genuine)
            if not problems:
                break
            time.sleep(0.05)
        return problems

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
                head = self._write(head, body | _BARE | {"action": HEAD_LOST, "details": {}})[0]
        elif last is not None and last.seq == head.seq + 1 and last.prev == head.hash:
            head = Head(last.seq, last.hash)  # its writer died before the head was moved
        if torn is not None:
            piece = {"bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest()}
            head = self._write(head, body | _BARE | {"action": TORN_LINE, "details": piece})[0]
        return self._write(head, body)[1]

    def _write(self, head: Head, body: Mapping[str, Any]) -> tuple[Head, AuditEntry]:
        content = {"seq": head.seq + 1, **body, "prev": head.hash}
        entry = AuditEntry.model_validate({**content, "hash": self._mac(content)})
        created = not self.path.exists()
        with self.path.open("ab", buffering=0) as handle:
            before = handle.tell()
            try:
                line = canonical(entry.model_dump()) + b"\n"
                if handle.write(line) != len(line):
                    raise OSError(errno.ENOSPC, "the audit entry was written in part")
                os.fsync(handle.fileno())
            except OSError:
                handle.truncate(
                    before
                )  # nothing was acknowledged; half a line would look like tampering
                raise
        if created:
            _sync_folder(self.path.parent)
        new = Head(entry.seq, entry.hash)
        self._write_head(new)
        return new, entry

    def _write_head(self, head: Head) -> None:
        temporary = self._head_path.with_name(f".{self._head_path.name}.new")
        record = {
            "seq": head.seq,
            "hash": head.hash,
            "mac": self._mac({"head": head.seq, "hash": head.hash}),
        }
        with temporary.open("wb") as handle:
            handle.write(canonical(record) + b"\n")
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(self._head_path)
        _sync_folder(self.path.parent)

    def _cut_torn_line(self) -> bytes | None:
        """Remove what a dying process left without an end of line (never acknowledged); its length
        and hash become an entry of their own."""
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
        """The last genuine entry; from the end of the file, so that an append costs the same in the
        tenth year as on the first day."""
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
        return next(
            (
                entry
                for _, entry, genuine in reversed(list(self._lines()))
                if entry is not None and genuine
            ),
            None,
        )

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
                    yield (
                        number,
                        entry,
                        self._genuine(entry)
                        and canonical(entry.model_dump()) == line.rstrip(b"\n"),
                    )

    def _genuine(self, entry: AuditEntry) -> bool:
        return hmac.compare_digest(entry.hash, self._mac(entry.model_dump(exclude={"hash"})))

    def _mac(self, content: Mapping[str, Any]) -> str:
        return hmac.new(self._key, b"audit\0" + canonical(content), hashlib.sha256).hexdigest()


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


__all__ = ["HEAD_LOST", "TORN_LINE", "AuditEntry", "AuditTrail", "Head", "Problem"]
