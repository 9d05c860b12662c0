"""The audit trail: who did what to what, when (UTC), from which hash to which. Append-only,
hash-chained, keyed. No decision is taken here.

Each line is one JSON object. Its ``hash`` is an HMAC over the other fields, ``prev`` is the hash of
the line before, and a head record beside the trail (sequence number and hash of the last line)
makes a missing last line visible. Subjects are named by HMAC only, from the first line on: callers
give ``subject_id`` and ``redact`` (sample ids and other names that contain it), and every
occurrence in any text of the entry becomes the digest.

With a key file each line is also signed by a key of its own (`signing`), so that whoever takes
the home cannot write anew what was written before. Write ``AuditTrail.head()`` down elsewhere all
the same: only that shows a home that was put back as a whole.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import hmac
import json
import os
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hcc_assets.audit.chain import (
    HEAD_LOST,
    KEY_LOST,
    SIGNED,
    AuditEntry,
    Head,
    Problem,
    canonical,
    chain_problems,
    key_problems,
    without,
)
from hcc_assets.audit.lines import append_line, cut_torn_line, last_line, sync_folder
from hcc_assets.audit.signing import KeyFile, Signer, is_signed, keep_outside, kept_outside
from hcc_assets.audit.who import whoami
from hcc_assets.home import leases
from hcc_assets.home.people.subject_keys import subject_digest

GENESIS = "0" * 64
"""What the first entry follows: a SHA-256 that no content has."""
TORN_LINE = "audit.torn_line"


class AuditTrail:
    """An append-only trail in ``path`` with its head record in ``path`` + ``.head`` and its lock in
    ``path`` + ``.lock``.

    Parameters
    ----------
    path
        The trail, JSON lines. Created by the first entry.
    key
        The key of the home (`subject_keys.key_for_home`).
    signing
        File of the signing key; without one lines are chained and not signed.
    """

    def __init__(self, path: Path, key: bytes, signing: Path | None = None):
        self.path = path
        self._keys = KeyFile(signing) if signing is not None else None
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
            "who": without(who or whoami(), hidden),
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

    def verify(self, *, signatures: bool = True) -> list[Problem]:
        """Every fault of the chain, in file order; empty when the trail is whole."""
        return self.look(signatures=signatures)[1]

    def look(
        self, *, signatures: bool = True, still: bool = True
    ) -> tuple[list[AuditEntry], list[Problem]]:
        """The genuine entries, and every fault of the chain.

        Parameters
        ----------
        signatures
            Check them too: five times the time of keyed hashes and chain of keys.
        still
            Hold back writers, which writes; without it a line that is being written is a fault.
        """
        signer = self._keys.read() if self._keys is not None else None
        if not self.path.exists() and not self._head_path.exists():
            return [], key_problems([], signer.seq if signer is not None else None, None)
        with self.still() if still else contextlib.nullcontext():
            signer = self._keys.read() if self._keys is not None else None
            lines, head = list(self._lines(signatures)), self.head()
        following = signer.seq if signer is not None else None
        problems = chain_problems(lines, head, partial(self._genuine, signatures=signatures))
        problems += key_problems(lines, following, kept_outside())
        found = [entry for _, entry, genuine in lines if entry is not None and genuine]
        return found, sorted(problems, key=lambda p: (p.line == 0, p.line))

    def of_action(self, action: str) -> list[AuditEntry]:
        """The genuine entries of one action, in file order; the others are not even parsed."""
        begins = b'{"action":' + json.dumps(action).encode() + b","
        with self.path.open("rb") as handle:
            lines = [line for line in handle if line.startswith(begins)]
        found = (self._read(line) for line in lines)
        return [entry for entry, genuine in found if entry is not None and genuine]

    def still(self) -> contextlib.AbstractContextManager[leases.Lease]:
        """While it lasts nobody writes into the trail."""
        return leases.hold(self._lock_path)

    def _append(self, body: dict[str, Any]) -> AuditEntry:
        head, torn = self.head(), cut_torn_line(self.path)
        begun = self.path.exists() and self.path.stat().st_size > 0
        last = self._last_entry() if begun else None
        note = dict.fromkeys(("subject", "from_hash", "to_hash")) | {"why": "", "details": {}}
        notes: list[dict[str, Any]] = []
        if head is None:
            lost = begun or self._head_path.exists()
            head = Head(last.seq, last.hash) if last else Head(0, GENESIS)
            if not begun:
                self._write_head(head)
            if lost:
                notes.append({"action": HEAD_LOST})
        elif last is not None and last.seq == head.seq + 1 and last.prev == head.hash:
            head = Head(last.seq, last.hash)  # its writer died before the head was moved
        if torn is not None:
            facts = {"bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest()}
            notes.append({"action": TORN_LINE, "details": facts})
        signer, told = self._signer(head, last)
        for each in (*told, *notes):
            head, signer, _ = self._write(head, body | note | each, signer)
        return self._write(head, body, signer)[2]

    def _signer(
        self, head: Head, last: AuditEntry | None
    ) -> tuple[Signer | None, list[dict[str, Any]]]:
        """The key of the next line, and what has to be told before it: that signatures begin, or
        that the key of before is gone or was ahead of the trail."""
        if self._keys is None:
            return None, []
        seq, found = head.seq + 1, self._keys.read()
        signed = last is not None and last.key is not None
        if found is not None:
            signer = found.at(seq)
            if signer is not None and (not signed or last is None or signer.public == last.next):
                return signer, []
            # the trail is behind its key (deleted, cut, put back), or the key is of another trail
        signer = Signer.fresh(seq)
        self._keys.write(signer)
        if found is not None or signed:
            return signer, [{"action": KEY_LOST}]
        keep_outside(signer.public)
        return signer, [{"action": SIGNED}] if last is not None else []

    def _write(
        self, head: Head, body: Mapping[str, Any], signer: Signer | None
    ) -> tuple[Head, Signer | None, AuditEntry]:
        content = {"seq": head.seq + 1, **body, "prev": head.hash}
        following = signer.following() if signer is not None else None
        if signer is not None and following is not None:
            content |= {"key": signer.public, "next": following.public}
        content["hash"] = self._mac(content)
        if signer is not None:
            content["sig"] = signer.sign(canonical(content))
        entry = AuditEntry.model_validate(content)
        append_line(self.path, canonical(entry.content()))
        new = Head(entry.seq, entry.hash)
        self._write_head(new)
        if self._keys is not None and following is not None:
            self._keys.write(following)
        return new, following, entry

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
        sync_folder(self.path.parent)

    def _last_entry(self) -> AuditEntry | None:
        """The last genuine entry."""
        last, genuine = self._read(last_line(self.path))
        if last is not None and genuine:
            return last
        return next(
            (
                entry
                for _, entry, genuine in reversed(list(self._lines()))
                if entry is not None and genuine
            ),
            None,
        )

    def _lines(self, signatures: bool = True) -> Iterator[tuple[int, AuditEntry | None, bool]]:
        if not self.path.exists():
            return
        with self.path.open("rb") as handle:
            for number, line in enumerate(handle, start=1):
                yield number, *self._read(line, signatures)

    def _read(self, line: bytes, signatures: bool = True) -> tuple[AuditEntry | None, bool]:
        """An entry, and whether it is genuine and spelt as it was written."""
        try:
            entry = AuditEntry.model_validate_json(line)
        except ValidationError:
            return None, False
        genuine = self._genuine(entry, signatures=signatures)
        return entry, genuine and canonical(entry.content()) == line.rstrip(b"\n")

    def _genuine(self, entry: AuditEntry, *, signatures: bool = True) -> bool:
        if not hmac.compare_digest(entry.hash, self._mac(entry.content("hash", "sig"))):
            return False
        if entry.key is None or not signatures:
            return True
        return is_signed(entry.key, entry.sig or "", canonical(entry.content("sig")))

    def _mac(self, content: Mapping[str, Any]) -> str:
        return hmac.new(self._key, b"audit\0" + canonical(content), hashlib.sha256).hexdigest()


__all__ = ["HEAD_LOST", "TORN_LINE", "AuditEntry", "AuditTrail", "Head", "Problem"]
