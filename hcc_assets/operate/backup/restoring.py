"""A home out of a backup: every byte is compared with the listing on its way to a folder beside,
and only when all agree does that folder become the home. Nothing is computed: versions, published
files and trail are what they were, and Dagster's history is written again by the next refresh."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from pathlib import Path

from hcc_assets.audit.signing import STATE_FILE
from hcc_assets.audit.trail import audit_path, trail_of
from hcc_assets.home.files import sha256_file
from hcc_assets.home.paths import Home
from hcc_assets.home.people.subject_keys import keys_folder
from hcc_assets.operate.backup.listing import (
    HOME,
    KEYS,
    BackupDamaged,
    Entry,
    Listing,
    Refusal,
    copy_file,
    few,
    read_listing,
)

STAGE = ".restoring-"
"""Prefix of the folder in which a home is put together."""
INNOCENT = frozenset({"lost+found"})
"""What may lie in a home that holds nothing: of a disk of its own (mke2fs(8))."""


def restore_backup(
    home: Home, source: Path, *, keys: Path | None = None, own_dagster_home: bool = True
) -> Listing:
    """Restore a backup into a home that holds nothing.

    Parameters
    ----------
    keys
        Where the keys are, when not in the backup.
    own_dagster_home
        Whether ``DAGSTER_HOME`` is to be that of this home, and empty too.

    Raises
    ------
    Refusal
        The home holds data, or is on an object store.
    BackupDamaged
        A file is missing or not what it was; nothing stands then.
    """
    if not home.is_local:
        raise Refusal("hcc restore writes into a local folder")
    root = Path(str(home.root))
    _must_be_empty({root, home.dagster_home} if own_dagster_home else {root})
    listing = read_listing(source)
    stage = _stage(root)
    try:
        _bring(source / HOME, listing.files, stage)
        guarded = stage / keys_folder(home).relative_to(root)
        _bring(keys or source / KEYS, listing.keys, guarded)
        if guarded.is_dir():
            guarded.chmod(0o700)
        _put_in_place(stage, root)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    if audit_path(home).exists():
        trail_of(home).append(
            "restore",
            why="from a backup",
            details={"at": listing.at.isoformat(timespec="seconds"), "files": len(listing.files)},
        )
    return listing


def differences(listing: Listing, root: Path, keys: Path) -> list[str]:
    """Files of a home that are not what the listing says, trail and its key aside, which go on."""
    wrong = []
    for place, entries in ((root, listing.files), (keys, listing.keys)):
        for name, entry in entries.items():
            if name.startswith("audit/") or name == STATE_FILE:
                continue
            if not _is(place / name, entry):
                wrong.append(name)
    return sorted(wrong)


def _is(path: Path, entry: Entry) -> bool:
    return path.is_file() and sha256_file(path) == entry.sha256


def _must_be_empty(places: set[Path]) -> None:
    for place in places:
        if not place.exists():
            continue
        if not place.is_dir() or {p.name for p in place.iterdir()} - INNOCENT:
            raise Refusal(
                f"{place} holds data; restore into an empty HCC_HOME, nothing was overwritten"
            )


def _stage(root: Path) -> Path:
    """A new folder on the disk of the home."""
    name = f"{STAGE}{uuid.uuid4().hex[:8]}"
    if os.path.ismount(root):
        stage = root / name
    else:
        root.parent.mkdir(parents=True, exist_ok=True)
        stage = root.parent / name
    stage.mkdir(mode=0o700)
    return stage


def _bring(source: Path, entries: dict[str, Entry], target: Path) -> None:
    missing, changed = [], []
    for name, entry in entries.items():
        try:
            copied = copy_file(source / name, target / name)
        except (FileNotFoundError, NotADirectoryError):
            missing.append(name)
            continue
        if (copied.sha256, copied.size) != (entry.sha256, entry.size):
            changed.append(name)
            continue
        os.utime(target / name, ns=(entry.mtime_ns, entry.mtime_ns))
        (target / name).chmod(entry.mode)
    if missing or changed:
        parts = [f"{len(changed)} changed ({few(changed)})"] if changed else []
        parts += [f"{len(missing)} missing ({few(missing)})"] if missing else []
        hint = "; keys kept elsewhere are given with --keys" if missing and not changed else ""
        raise BackupDamaged(
            f"the backup is damaged, nothing was restored: {', '.join(parts)}{hint}"
        )


def _put_in_place(stage: Path, root: Path) -> None:
    """Make the folder the home: in one step, or on a disk of its own entry by entry, the store
    last."""
    if stage.parent == root:
        for path in sorted(stage.iterdir(), key=lambda p: (p.name == "store", p.name)):
            path.rename(root / path.name)
        return
    with contextlib.suppress(FileNotFoundError):
        root.rmdir()
    stage.chmod(0o700)
    stage.rename(root)
