"""A backup of a home that may be at work: one cut of what stands, whole and in order.

While the audit trail stands still for a moment, the trail, the keys, every pointer of the store and
every small record are read; then the files of the versions that these name are copied at leisure:
a version is never changed, and a refresh removes it only after several newer ones, in which case
the cut is made anew. ``published/`` is made from the cut, so that it is that of the versions in it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from hcc_assets.audit.trail import audit_path, trail_of
from hcc_assets.home import files
from hcc_assets.home.looking import CURRENT, HELD, is_version, unfinished
from hcc_assets.home.manifests import Held, Manifest
from hcc_assets.home.paths import Home
from hcc_assets.home.people.subject_keys import keys_folder
from hcc_assets.home.published import expected
from hcc_assets.operate.backup.listing import (
    HOME,
    KEYS,
    LISTING,
    Entry,
    Listing,
    Refusal,
    copy_file,
    write_content,
)

CUTS = 20
"""Cuts that are tried while a refresh goes on: own choice; the second has always been enough."""
SETTLE_SECONDS = 30.0
"""For a version that was committed and is just being published and told: milliseconds, on a busy
machine seconds."""
LOOK_SECONDS = 0.05
"""Between two looks at it: own choice, it takes some milliseconds."""
RECOPIED = 5
"""Times that a delivery which changes while it is copied is copied again; it is settling, and is
taken as it is then."""
PRIVATE = 0o600
"""Of the copies of keys, whatever the originals have."""

FIRST = "run hcc refresh, or hcc verify, before a backup"

Progress = Callable[[str], None]
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


def take_backup(
    home: Home, target: Path, *, keys: Path | None = None, progress: Progress = lambda _: None
) -> Listing:
    """Write a backup of a local home into an empty folder.

    Parameters
    ----------
    keys
        Where the keys go; None: the folder ``keys`` of the backup. Mode 0600 either way.

    Raises
    ------
    Refusal
        The home is on an object store, or the place is not empty or lies in the home.
    """
    root = _root(home)
    keys = keys or target / KEYS
    _may_write(root, target)
    _may_write(root, keys)
    for number in range(CUTS):
        try:
            cut = _cut(home, root)
            listing = Listing(at=cut.at, entries=cut.entries, files={}, keys={})
            _copy_versions(root, target / HOME, cut, listing)
            break
        except FileNotFoundError:
            progress("a version was replaced meanwhile; looking again")
            if number == CUTS - 1:
                raise
    _write_small(target / HOME, cut, listing)
    _write_published(home, root, target / HOME, cut, listing)
    _copy_rest(root, target / HOME, listing)
    _copy_dagster(home, target / HOME, listing)
    keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys.chmod(0o700)
    for name, (data, mtime) in cut.keys.items():
        listing.keys[name] = write_content(data, keys / name, PRIVATE, mtime)
    _remove_unlisted(target / HOME, listing)
    write_content(listing.bytes(), target / LISTING, PRIVATE, time.time_ns())
    return listing


def _root(home: Home) -> Path:
    if not home.is_local:
        raise Refusal(
            "hcc backup works on a local home; on an object store keep versions there, and back up "
            "DAGSTER_HOME, which holds keys and audit trail"
        )
    return Path(str(home.root))


def _may_write(root: Path, target: Path) -> None:
    if target.resolve().is_relative_to(root.resolve()):
        raise Refusal(f"{target} lies in the home itself; choose a folder outside")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Refusal(f"{target} is not empty; choose a new folder")


def _cut(home: Home, root: Path) -> Cut:
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
    for path in (p for p in root.iterdir() if p.is_file() and _counts(p)):
        with contextlib.suppress(FileNotFoundError):
            _keep(cut, root, path)
    for path in _files(audit_path(home).parent):
        _keep(cut, root, path)
    trail = cut.small.get(audit_path(home).relative_to(root).as_posix())
    cut.entries = trail[0].count(b"\n") if trail else 0
    folder = keys_folder(home)
    for path in _files(folder):
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
            elif _counts(path):
                yield path


def _keep(cut: Cut, root: Path, path: Path) -> bytes:
    data, seen = path.read_bytes(), path.stat()
    name = path.relative_to(root).as_posix()
    cut.small[name] = (data, stat.S_IMODE(seen.st_mode), seen.st_mtime_ns)
    return data


def _copy_versions(root: Path, target: Path, cut: Cut, listing: Listing) -> None:
    """Versions that stand, which must be there, and earlier ones as far as they are."""
    for place, manifest in cut.manifests.items():
        folder = root / "store" / place
        for version in (p for p in folder.iterdir() if p.is_dir() and is_version(p)):
            stands = version.name == manifest.folder
            copied: dict[str, Entry] = {}
            try:
                for path in _files(version):
                    name = path.relative_to(root).as_posix()
                    copied[name] = copy_file(path, target / name)
            except FileNotFoundError:
                if stands:
                    raise
                continue
            if stands or f"store/{place}/{version.name}/manifest.json" in copied:
                listing.files.update(copied)
        for name in manifest.files:
            wanted = manifest.sha(name.partition("/")[2])
            copied_as = listing.files.get(f"store/{place}/{name}")
            if copied_as is None and (folder / name).exists():
                raise FileNotFoundError(folder / name)
            if copied_as is None or wanted not in ("", copied_as.sha256):
                raise Refusal(f"{name} of {place} is missing or damaged; {FIRST}")


def _whole(found: T | None, place: str) -> T:
    if found is None:
        raise Refusal(f"what the store says of {place} is damaged; {FIRST}")
    return found


def _write_small(target: Path, cut: Cut, listing: Listing) -> None:
    for name, (data, mode, mtime) in cut.small.items():
        listing.files[name] = write_content(data, target / name, mode, mtime)


def _write_published(home: Home, root: Path, target: Path, cut: Cut, listing: Listing) -> None:
    """What the versions of the cut publish, and files of others that lie beside."""
    published = Path(str(home.published))
    there = expected(_in_order(home, cut))
    for name, (manifest, file) in there.items():
        place = "/".join(filter(None, ("store", manifest.asset, manifest.partition)))
        source = target / place / manifest.folder / file
        if source.exists():
            to = f"published/{name}"
            listing.files[to] = copy_file(source, target / to)
    for path in _files(published):
        name = path.relative_to(published).as_posix()
        if name not in there:
            with contextlib.suppress(FileNotFoundError):
                to = path.relative_to(root).as_posix()
                listing.files[to] = copy_file(path, target / to)


def _in_order(home: Home, cut: Cut) -> list[Manifest]:
    """As a refresh publishes them: of one subject's samples the latest counts, which is the one
    whose bytes lie in ``published/`` where several publish one file."""
    published = Path(str(home.published))

    def lies(manifest: Manifest) -> int:
        there = 0
        for name, file in manifest.published.items():
            path = published / name
            with contextlib.suppress(FileNotFoundError):
                there += files.sha256_file(path) == manifest.sha(file)
        return there

    shared: dict[str, int] = {}
    for manifest in cut.manifests.values():
        for name in manifest.published:
            shared[name] = shared.get(name, 0) + 1
    several = {name for name, n in shared.items() if n > 1}

    def rank(manifest: Manifest) -> int:
        return lies(manifest) if several & set(manifest.published) else 0

    return sorted(cut.manifests.values(), key=rank)


def _copy_rest(root: Path, target: Path, listing: Listing) -> None:
    """Everything else that lies in the home: deliveries, quarantine, releases."""
    apart = {"store", "published", "audit", "keys", "dagster"}
    for folder in sorted(p for p in root.iterdir() if p.is_dir() and p.name not in apart):
        for path in _files(folder):
            name = path.relative_to(root).as_posix()
            for _ in range(RECOPIED):
                try:
                    entry = copy_file(path, target / name)
                    listing.files[name] = entry
                    now = path.stat()
                except FileNotFoundError:
                    listing.files.pop(name, None)
                    break
                if (now.st_size, now.st_mtime_ns) == (entry.size, entry.mtime_ns):
                    break


def _copy_dagster(home: Home, target: Path, listing: Listing) -> None:
    """Settings of Dagster, and the outbox with its silences and open alerts, where it is SQLite."""
    settings, outbox = home.dagster_home / "dagster.yaml", home.dagster_home / "alerts.db"
    if settings.exists():
        listing.files["dagster/dagster.yaml"] = copy_file(settings, target / "dagster/dagster.yaml")
    if not outbox.exists():
        return
    to = target / "dagster" / "alerts.db"
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        with (
            contextlib.closing(sqlite3.connect(f"file:{outbox}?mode=ro", uri=True)) as source,
            contextlib.closing(sqlite3.connect(to)) as copy,
        ):
            source.backup(copy)
    except sqlite3.DatabaseError:  # damaged: hcc health tells it, and alerts are found again
        to.unlink(missing_ok=True)
        return
    data, mtime = to.read_bytes(), outbox.stat().st_mtime_ns
    listing.files["dagster/alerts.db"] = write_content(data, to, PRIVATE, mtime)


def _remove_unlisted(target: Path, listing: Listing) -> None:
    """What an earlier cut, or a version that was being written, left."""
    for path in _files(target):
        if path.relative_to(target).as_posix() not in listing.files:
            path.unlink()
    for folder, _, _ in os.walk(target, topdown=False):
        with contextlib.suppress(OSError):
            Path(folder).rmdir()


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and _counts(p))


def _counts(path: Path) -> bool:
    """Neither an unfinished file nor a lock."""
    name = path.name
    return not name.startswith(files.TEMPORARY) and not name.endswith(".lock")
