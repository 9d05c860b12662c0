"""Probes of what a home itself must hold: key, audit trail, files of the versions that stand, and a
clock that goes forward. Each looks at names and sizes, and reads no data: ``hcc verify`` compares
hashes."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from upath import UPath

from hcc_assets.audit.trail import audit_path
from hcc_assets.home.paths import Home
from hcc_assets.home.people.subject_keys import KEY_FILE, KeyDamaged, key_for_home, keys_folder
from hcc_assets.operate.watch.probes import Probe

CLOCK_SECONDS = 300.0
"""Own choice: more than clocks without a time server part in weeks, less than an hour put back."""
SHOWN = 3
"""Names in one sentence: own choice, it is to be read."""
_LAST_LINE = 65536
"""Bytes from the end of the trail in which its last line ends: entries are below a few kilobytes,
since reasons are cut (`assets.engine`)."""
_ENDS = {".parquet": (b"PAR1", b"PAR1"), ".h5ad": (b"\x89HDF\r\n\x1a\n", b"")}
"""First and last bytes by kind of file: Apache Parquet, File format; HDF5 File Format
Specification 3.0, II.A."""
_END_OF_FILE = {0: 40, 1: 44, 2: 28, 3: 28}
"""Offset of the end-of-file address in the superblock by its version, for addresses of eight
bytes: same specification, II.A."""


def key(home: Home) -> Probe:
    """The key of the home, where something was signed with it."""
    path = keys_folder(home) / KEY_FILE
    signed = audit_path(home).exists() or home.tombstones_json.exists()
    todo = "Restore it from the backup of the keys; do not let a new one be made."
    if not path.exists():
        if signed:
            sentence = "the key of the home is gone; nothing that it signed can be checked."
            return Probe("key", False, sentence, todo)
        return Probe("key", True, "none yet.")
    try:
        key_for_home(path.parent)
    except (KeyDamaged, OSError):
        return Probe("key", False, "the key of the home cannot be read.", todo)
    return Probe("key", True, "there.")


def trail_is_there(home: Home) -> Probe:
    """A trail beside whatever stands in the store."""
    path = audit_path(home)
    if path.exists() and path.stat().st_size > 0:
        return Probe("audit file", True, "there.")
    if any(True for _ in _manifests(home)):
        return Probe(
            "audit file",
            False,
            "the audit trail is gone, though versions stand that it told of.",
            "Restore the folder audit from a backup; hcc audit verify says what is missing.",
        )
    return Probe("audit file", True, "nothing has happened yet.")


def standing_files(home: Home) -> Probe:
    """Every file that a manifest in force names is there and whole at both ends."""
    wrong: dict[str, int] = {}
    unread, count = [], 0
    for folder, place, manifest in _manifests(home):
        if manifest is None:
            unread.append(place)
            continue
        for name in manifest.get("files", {}):
            count += 1
            size = manifest.get("sizes", {}).get(name)
            if not _looks_whole(Path(str(folder)) / name, size):
                wrong[place] = wrong.get(place, 0) + 1
    todo = "Run hcc verify, which names them, and hcc refresh."
    if unread:
        names = _few(sorted(unread))
        return Probe("store", False, f"manifests in the store cannot be read: {names}.", todo)
    if wrong:
        n = sum(wrong.values())
        names = _few(sorted(wrong))
        sentence = f"{n} file{'s' if n > 1 else ''} in the store gone or cut off: {names}."
        return Probe("store", False, sentence, todo)
    return Probe("store", True, f"{count} files of what stands are there.")


def published_files(home: Home) -> Probe:
    """What the versions that stand publish is there, of the size that it has in the store."""
    sizes: dict[str, set[int]] = {}
    for folder, _, manifest in _manifests(home):
        if manifest is None:
            continue
        version = Path(str(folder)) / (manifest.get("version") or manifest.get("data_version", ""))
        for name, file in manifest.get("published", {}).items():
            # a figure of a subject is that of one of its samples
            sizes.setdefault(name, set()).update(_sizes(version / file))
    here = Path(str(home.published))
    wrong = [n for n, known in sizes.items() if known.isdisjoint(_sizes(here / n)) and known]
    if wrong:
        sentence = f"gone or changed: {_few(sorted(wrong))}."
        return Probe("published", False, sentence, "Run hcc refresh, which puts them back.")
    return Probe("published", True, "as the versions that stand.")


def clock(home: Home, now: dt.datetime) -> Probe:
    """What was written bears no time to come."""
    times = [_last_entry(home), *(_at(home.dagster_home / n) for n in ("daemon.json",))]
    latest = max((t for t in times if t is not None), default=None)
    ahead = (latest - now).total_seconds() if latest is not None else 0.0
    if ahead > CLOCK_SECONDS:
        return Probe(
            "clock",
            False,
            f"the clock was set back: what was written last bears a time {ahead / 60:.0f} min "
            "ahead.",
            "Set the clock of the machine right (chrony, ntpd); until then ages mean nothing.",
        )
    return Probe("clock", True, "goes forward.")


def _manifests(home: Home) -> Iterator[tuple[UPath, str, dict[str, Any] | None]]:
    """Folder, name and manifest (None: unreadable) of everything that stands in a local store."""
    if not home.is_local or not home.store.exists():
        return
    store = Path(str(home.store))
    for asset in sorted(p for p in store.iterdir() if p.is_dir()):
        for path in (asset / "current.json", *sorted(asset.glob("*/current.json"))):
            try:
                found = json.loads(path.read_bytes())
            except FileNotFoundError:
                continue
            except (OSError, ValueError):
                found = None
            place = path.parent.relative_to(store).as_posix()
            yield UPath(path.parent), place, found if isinstance(found, dict) else None


def _looks_whole(path: Path, written: int | None = None) -> bool:
    """Of the size that was written, or, where none is known, with the ends of its kind."""
    if written is not None:
        return _sizes(path) == [written]
    first, last = _ENDS.get(path.suffix, (b"", b""))
    try:
        with path.open("rb") as handle:
            size = os.fstat(handle.fileno()).st_size
            head = handle.read(64)
            if not head.startswith(first):
                return False
            if last:
                handle.seek(-len(last), os.SEEK_END)
                return handle.read() == last
    except OSError:
        return False
    if path.suffix == ".h5ad":
        at = _END_OF_FILE.get(head[8])
        return at is None or size >= int.from_bytes(head[at : at + 8], "little")
    return True


def _sizes(path: Path) -> list[int]:
    """Size of a file; nothing where there is none."""
    try:
        return [path.stat().st_size]
    except FileNotFoundError:
        return []


def _few(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(name[:60] for name in names[:SHOWN]) + more


def _at(path: Path) -> dt.datetime | None:
    try:
        return _moment(json.loads(path.read_bytes())["at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _last_entry(home: Home) -> dt.datetime | None:
    try:
        with audit_path(home).open("rb") as handle:
            handle.seek(max(0, handle.seek(0, os.SEEK_END) - _LAST_LINE))
            return _moment(json.loads(handle.read().splitlines()[-1])["at"])
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def _moment(text: str) -> dt.datetime | None:
    found = dt.datetime.fromisoformat(text)
    return found if found.tzinfo is not None else None
