"""A backup of a home that may be at work: one cut of what stands, whole and in order.

While the audit trail stands still for a moment, the trail, the keys, every pointer of the store and
every small record are read; then the files of the versions that these name are copied at leisure:
a version is never changed, and a refresh removes it only after several newer ones, in which case
the cut is made anew. ``published/`` is made from the cut, so that it is that of the versions in it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from hcc_assets.home import files
from hcc_assets.home.looking import is_version
from hcc_assets.home.manifests import Manifest
from hcc_assets.home.paths import Home
from hcc_assets.home.published import expected
from hcc_assets.operate.backup.cutting import FIRST, Cut, files_below, make_cut
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
RECOPIED = 5
"""Times that a delivery which changes while it is copied is copied again; it is settling, and is
taken as it is then."""
PRIVATE = 0o600
"""Of the copies of keys, whatever the originals have."""


Progress = Callable[[str], None]


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
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    for number in range(CUTS):
        try:
            cut = make_cut(home, root)
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


def _copy_versions(root: Path, target: Path, cut: Cut, listing: Listing) -> None:
    """Versions that stand, which must be there, and earlier ones as far as they are."""
    for place, manifest in cut.manifests.items():
        folder = root / "store" / place
        for version in (p for p in folder.iterdir() if p.is_dir() and is_version(p)):
            stands = version.name == manifest.folder
            copied: dict[str, Entry] = {}
            try:
                for path in files_below(version):
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
    for path in files_below(published):
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
        for path in files_below(folder):
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
    for path in files_below(target):
        if path.relative_to(target).as_posix() not in listing.files:
            path.unlink()
    for folder, _, _ in os.walk(target, topdown=False):
        with contextlib.suppress(OSError):
            Path(folder).rmdir()
