"""What a backup says of itself: ``backup.json``, written last, with the SHA-256 of every file. A
folder without it is no backup. Taking and restoring are elsewhere."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel, ValidationError

LISTING = "backup.json"
HOME, KEYS = "home", "keys"
"""Folders of a backup: everything but the keys, and the keys where they are not kept elsewhere."""
FORMAT = 1


class BackupDamaged(ValueError):
    """A backup is not what its listing says, or has none; the text names the first files."""


class Refusal(ValueError):
    """The place given cannot be used; nothing was written."""


class Entry(BaseModel):
    """One file: its content, and what else is restored with it."""

    sha256: str
    size: int
    mode: int
    mtime_ns: int


class Listing(BaseModel):
    """Every file of a backup by its path below the home.

    Attributes
    ----------
    files, keys
        Of the folder ``home``, and of the keys wherever they are.
    at
        When the cut was made, UTC.
    entries
        Lines of the audit trail that it holds.
    """

    format: int = FORMAT
    at: dt.datetime
    entries: int = 0
    files: dict[str, Entry]
    keys: dict[str, Entry]

    def bytes(self) -> bytes:
        """With a hash over itself."""
        body = json.loads(self.model_dump_json())
        return json.dumps({**body, "sha256": _digest(body)}, indent=0, sort_keys=True).encode()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(e.size for e in (*self.files.values(), *self.keys.values()))


def _digest(body: Any) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def read_listing(folder: Path) -> Listing:
    """The listing of a backup.

    Raises
    ------
    BackupDamaged
        There is none, or it was changed.
    """
    path = folder / LISTING
    try:
        body = json.loads(path.read_bytes())
        said = body.pop("sha256", None)
        whole = said == _digest(body)
        listing = Listing.model_validate(body) if whole else None
    except FileNotFoundError:
        raise BackupDamaged(f"{folder} has no {LISTING}: it is no backup, or one cut off") from None
    except (ValueError, AttributeError, ValidationError):
        listing = None
    if listing is None or listing.format != FORMAT:
        raise BackupDamaged(f"{path} was changed, or is of another version; nothing was restored")
    for name in (*listing.files, *listing.keys):
        if name.startswith("/") or ".." in name.split("/"):
            raise BackupDamaged(f"{path} names a file outside the home; nothing was restored")
    return listing


def copy_file(source: Path, target: Path) -> Entry:
    """Copy one file while it is hashed, with its times and permissions, and sync it.

    Raises
    ------
    FileNotFoundError
        It is gone.
    """
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as read, _new(target) as write:
        seen = _stat(read.fileno())
        while chunk := read.read(1 << 20):
            digest.update(chunk)
            size += len(chunk)
            write.write(chunk)
        _finish(write)
    return _placed(
        target, Entry(sha256=digest.hexdigest(), size=size, mode=seen[0], mtime_ns=seen[1])
    )


def write_content(data: bytes, target: Path, mode: int, mtime_ns: int) -> Entry:
    """The same for bytes that are at hand."""
    with _new(target) as write:
        write.write(data)
        _finish(write)
    sha = hashlib.sha256(data).hexdigest()
    return _placed(target, Entry(sha256=sha, size=len(data), mode=mode, mtime_ns=mtime_ns))


def few(names: Iterable[str], shown: int = 3) -> str:
    """The first of some names, for a sentence."""
    ordered = sorted(names)
    more = f" and {len(ordered) - shown} more" if len(ordered) > shown else ""
    return ", ".join(ordered[:shown]) + more


def _new(target: Path) -> BinaryIO:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)  # of an earlier cut; it may be one that nobody may write
    return target.open("wb")


def _stat(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return stat.S_IMODE(found.st_mode), found.st_mtime_ns


def _finish(handle: Any) -> None:
    handle.flush()
    os.fsync(handle.fileno())


def _placed(target: Path, entry: Entry) -> Entry:
    os.utime(target, ns=(entry.mtime_ns, entry.mtime_ns))
    target.chmod(entry.mode)
    return entry
