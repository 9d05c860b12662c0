"""What was decided about subjects: withdrawals (by name, the operator's record) and tombstones of
erased ones (by HMAC only). Acting on it is elsewhere."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Collection
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from upath import UPath

from hcc_assets.home import files, leases
from hcc_assets.home.paths import Home
from hcc_assets.home.people.subject_keys import (
    canonical_subject,
    key_for_home,
    keys_folder,
    subject_digest,
)

WITHDRAWAL_COLUMNS = ("subject_id", "from_date", "reason", "recorded_at")


class RecordDamaged(ValueError):
    """``withdrawals.csv`` or ``tombstones.json`` cannot be read; the text names file and line,
    never a value."""


class Withdrawal(BaseModel):
    """Data of ``subject_id`` from ``from_date`` on are no longer used."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    subject_id: str
    from_date: dt.date
    reason: str
    recorded_at: str


class Tombstone(BaseModel):
    """An erased subject: digests of its id and its sample ids, reference of the request, time
    (UTC)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    subject: str
    samples: tuple[str, ...] = ()
    reference: str
    at: str


def read_withdrawals(path: Path) -> list[Withdrawal]:
    """The rows of ``withdrawals.csv`` (subject_id, from_date, reason, recorded_at); empty when
    there is none.

    Raises
    ------
    RecordDamaged
        A column is missing or a row cannot be read.
    """
    if not path.exists():
        return []
    reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
    missing = [c for c in WITHDRAWAL_COLUMNS[:3] if c not in (reader.fieldnames or [])]
    if missing:
        raise RecordDamaged(f"{path.name} has no column {', '.join(missing)}")
    found = []
    for row in reader:
        try:
            fields = {c: (row.get(c) or "").strip() for c in WITHDRAWAL_COLUMNS}
            found.append(Withdrawal.model_validate(fields))
        except ValidationError as error:
            names = ", ".join(str(p["loc"][0]) for p in error.errors())
            raise RecordDamaged(
                f"{path.name}, line {reader.line_num}: {names} cannot be read (from_date is "
                "YYYY-MM-DD)"
            ) from None
        if not found[-1].subject_id:
            raise RecordDamaged(f"{path.name}, line {reader.line_num}: subject_id is empty")
    return found


def record_withdrawal(
    path: Path, subject_id: str, from_date: dt.date, reason: str, now: dt.datetime
) -> bool:
    """Add a row, replaced in one step; False when the same subject and date are there already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with leases.hold(path.parent / f".{path.name}.lock") as lock:
        rows = read_withdrawals(path)
        if any(
            canonical_subject(r.subject_id) == canonical_subject(subject_id)
            and r.from_date == from_date
            for r in rows
        ):
            return False
        at = now.astimezone(dt.UTC).isoformat(timespec="seconds")
        rows.append(
            Withdrawal(
                subject_id=subject_id,
                from_date=from_date,
                reason=" ".join(reason.split()),
                recorded_at=at,
            )
        )
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(WITHDRAWAL_COLUMNS)
        writer.writerows(
            [[r.subject_id, r.from_date.isoformat(), r.reason, r.recorded_at] for r in rows]
        )
        files.write_bytes(UPath(path), buffer.getvalue().encode(), fence=lock.check)
    return True


class Tombstones:
    """Erased subjects of a home.

    Parameters
    ----------
    path
        ``tombstones.json``.
    key
        Key of the home.
    """

    def __init__(self, path: Path, key: bytes):
        self._path, self._key = path, key

    def all(self) -> list[Tombstone]:
        """Every tombstone, oldest first.

        Raises
        ------
        RecordDamaged
            The file cannot be read: then nobody can tell who was erased, and nothing may be taken
            in.
        """
        if not self._path.exists():
            return []
        try:
            return [
                Tombstone.model_validate(item)
                for item in json.loads(self._path.read_bytes())["tombstones"]
            ]
        except (ValueError, KeyError, TypeError):
            raise RecordDamaged(
                f"{self._path.name} cannot be read; restore it, deliveries are not taken until then"
            ) from None

    def add(
        self, subject_id: str, sample_ids: Collection[str], reference: str, now: dt.datetime
    ) -> Tombstone:
        """Set a tombstone (once); the reference of the request must not hold the subject's name,
        and loses it if it does."""
        digest = subject_digest(self._key, subject_id)
        samples = tuple(sorted(subject_digest(self._key, s) for s in sample_ids))
        for name in sorted([subject_id, *sample_ids], key=len, reverse=True):
            reference = reference.replace(name, "(erased)")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with leases.hold(self._path.parent / f".{self._path.name}.lock") as lock:
            known = self.all()
            same = next((t for t in known if t.subject == digest), None)
            if same is not None:
                samples = tuple(sorted({*same.samples, *samples}))
            at = same.at if same else now.astimezone(dt.UTC).isoformat(timespec="seconds")
            stone = Tombstone(
                subject=digest,
                samples=samples,
                reference=same.reference if same else reference,
                at=at,
            )
            rest = [t for t in known if t.subject != digest]
            content = {"tombstones": [t.model_dump() for t in [*rest, stone]]}
            text = (json.dumps(content, indent=1) + "\n").encode()
            files.write_bytes(UPath(self._path), text, fence=lock.check)
        return stone

    def names(self, subject_or_sample: str) -> bool:
        """True when this subject, or a sample of this name, was erased; whatever the spelling in
        case and width."""
        digest = subject_digest(self._key, subject_or_sample)
        return any(digest == t.subject or digest in t.samples for t in self.all())

    def refused(self, names: Collection[str]) -> set[str]:
        """Those of ``names`` that were erased; one reading for many names."""
        stones = {d for t in self.all() for d in (t.subject, *t.samples)}
        return {n for n in names if subject_digest(self._key, n) in stones} if stones else set()


def tombstones_of(home: Home) -> Tombstones:
    """Erased subjects of ``home``."""
    return Tombstones(home.tombstones_json, key_for_home(keys_folder(home)))
