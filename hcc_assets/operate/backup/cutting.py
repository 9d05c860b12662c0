"""The cut of a backup: what stood at one moment, while the audit trail stands still. What is copied
of it is in `taking`.

A writer says what it is about to replace, replaces it and tells the trail, in that order: whoever
holds the trail sees each version either told, or said to be under way.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from hcc_assets.audit.trail import audit_path, trail_of
from hcc_assets.home import files
from hcc_assets.home.looking import CURRENT, HELD, is_version, unfinished
from hcc_assets.home.manifests import Held, Manifest
from hcc_assets.home.paths import Home
from hcc_assets.home.people.subject_keys import keys_folder
from hcc_assets.operate.backup.listing import Refusal

SETTLE_SECONDS = 30.0
"""For a version that was committed and is just being published and told: milliseconds, on a busy
machine seconds."""
LOOK_SECONDS = 0.05
"""Between two looks at it: own choice, it takes some milliseconds."""
FIRST = "run hcc refresh, or hcc verify, before a backup"
T = TypeVar("T")


@dataclass
class Cut:
    """What stood at one moment: small files with their bytes by path below the home."""

    at: dt.datetime
    small: dict[str, tuple[bytes, int, int]] = field(default_factory=dict)
    keys: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    """By the folder of the asset (and sample) below the store."""
    entries: int = 0


def make_cut(home: Home, root: Path) -> Cut:
    """What stands at a moment in which nothing is half told."""
    until = time.monotonic() + SETTLE_SECONDS
    while True:
        with trail_of(home).still() as lock:
            cut, half = _look(home, root)
            lock.check()
        if not half or time.monotonic() > until:
            return cut
        time.sleep(LOOK_SECONDS)


def _look(home: Home, root: Path) -> tuple[Cut, bool]:
    cut = Cut(dt.datetime.now(dt.UTC))
    store = Path(str(home.store))
    held: dict[str, Held] = {}
    for path in _small_of_store(store):
        with contextlib.suppress(FileNotFoundError):
            data = _keep(cut, root, path)
            place = path.parent.relative_to(store).as_posix()
            if path.name == CURRENT:
                cut.manifests[place] = _whole(Manifest.read(data), place)
            elif path.name == HELD:
                held[place] = _whole(Held.read(data), place)
    for path in (p for p in root.iterdir() if p.is_file() and counts(p)):
        with contextlib.suppress(FileNotFoundError):
            _keep(cut, root, path)
    for path in files_below(audit_path(home).parent):
        _keep(cut, root, path)
    trail = cut.small.get(audit_path(home).relative_to(root).as_posix())
    cut.entries = trail[0].count(b"\n") if trail else 0
    folder = keys_folder(home)
    for path in files_below(folder):
        seen = path.stat()
        cut.keys[path.relative_to(folder).as_posix()] = (path.read_bytes(), seen.st_mtime_ns)
    half = any(unfinished(m, held.get(place)) for place, m in cut.manifests.items())
    return cut, half


def _small_of_store(store: Path) -> Iterator[Path]:
    """Every file of the store that is not of a version: pointers, holds, acceptances, layout."""
    folders = [store] if store.exists() else []
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if path.is_dir():
                if not is_version(path):
                    folders.append(path)
            elif counts(path):
                yield path


def _keep(cut: Cut, root: Path, path: Path) -> bytes:
    data, seen = path.read_bytes(), path.stat()
    name = path.relative_to(root).as_posix()
    cut.small[name] = (data, stat.S_IMODE(seen.st_mode), seen.st_mtime_ns)
    return data


def _whole(found: T | None, place: str) -> T:
    if found is None:
        raise Refusal(f"what the store says of {place} is damaged; {FIRST}")
    return found


def files_below(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and counts(p))


def counts(path: Path) -> bool:
    """Neither an unfinished file nor a lock."""
    name = path.name
    return not name.startswith(files.TEMPORARY) and not name.endswith(".lock")
