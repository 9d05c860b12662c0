"""Files of one delivery: what there is, what it may be called, what it hashes to.

Whether a delivery is taken is decided in `deliveries`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from upath import UPath

from hcc_assets.home import objects
from hcc_assets.home.files import sha256_file, write_bytes
from hcc_assets.home.paths import Home, is_local

_TELLABLE = re.compile(r"[A-Za-z0-9._ ()/+-]*")
_LONG_NUMBER = re.compile(r"\d{11}")
_MOMENT = re.compile(
    r"(?<!\d)20\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])([01]\d|2[0-3])[0-5]\d([0-5]\d)?(?!\d)"
)
CONTROL_FILES = ("manifest.sha256", "_DONE")
ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".7z", ".rar")
UNREADABLE = "unreadable"


@dataclass(frozen=True)
class LandedFile:
    """One file of a delivery: name relative to the delivery, size in bytes, a stamp that changes
    with its content, seconds since its last change."""

    name: str
    size: int
    stamp: str
    age: float


def list_files(folder: UPath, now: float) -> tuple[LandedFile, ...]:
    """Files below ``folder`` (or the file itself), sorted by name.

    Links that leave the folder, what is no plain file and what may not be looked at are listed with
    size -1 (``stamp`` says which).
    """
    return _local_files(Path(str(folder)), now) if is_local(folder) else _objects(folder, now)


def _local_files(base: Path, now: float) -> tuple[LandedFile, ...]:
    paths: Iterable[Path] = sorted(_below(base)) if base.is_dir() else [base]
    out = []
    for path in paths:
        name = path.name if path == base else path.relative_to(base).as_posix()
        if path.is_symlink() and leaves(path, base):
            out.append(LandedFile(name, -1, "link", 1e9))
            continue
        try:
            found = path.stat()
        except FileNotFoundError:
            continue
        except OSError:
            out.append(LandedFile(name, -1, UNREADABLE, 1e9))
            continue
        age = now - max(found.st_mtime, found.st_ctime)
        size = found.st_size if stat.S_ISREG(found.st_mode) else -1
        shut = stat.S_ISDIR(found.st_mode) and not path.is_symlink()
        stamp = UNREADABLE if shut else f"{found.st_mtime_ns}.{found.st_ctime_ns}"
        out.append(LandedFile(name, size, stamp, age))
    return tuple(out)


def _below(base: Path) -> Iterator[Path]:
    """Everything below a folder that is no folder, and the folders that may not be looked into:
    these must not look empty."""
    shut: list[Path] = []
    for folder, folders, files in os.walk(
        base, onerror=lambda error: shut.append(Path(error.filename))
    ):
        yield from (Path(folder) / name for name in files)
        yield from (Path(folder) / name for name in folders if (Path(folder) / name).is_symlink())
    yield from shut


def _objects(folder: UPath, now: float) -> tuple[LandedFile, ...]:
    return tuple(
        LandedFile(o.name, o.size, o.tag, now - o.changed.timestamp() if o.changed else 1e9)
        for o in objects.listed(folder).values()
    )


def leaves(link: Path, base: Path) -> bool:
    """True for a link that leaves ``base``, or that leads nowhere in a circle."""
    try:
        return not link.resolve().is_relative_to(base.resolve())
    except (OSError, RuntimeError):
        return True


def matrix_names(files: tuple[LandedFile, ...]) -> str:
    """Empty when the names make a complete matrix, else what is missing."""
    names = {PurePosixPath(f.name).name for f in files}
    if any(n.endswith((".h5", ".h5ad")) for n in names):
        return ""
    have = {
        part
        for part in ("matrix.mtx", "barcodes.tsv", "features.tsv", "genes.tsv")
        if part in names or f"{part}.gz" in names
    }
    missing = [p for p in ("matrix.mtx", "barcodes.tsv") if p not in have]
    if not have & {"features.tsv", "genes.tsv"}:
        missing.append("features.tsv (or genes.tsv)")
    return f"waiting for {', '.join(missing)}" if missing else ""


def archived(files: tuple[LandedFile, ...]) -> bool:
    """True when a file is an archive by its name.

    Archives are never opened: their members could lead anywhere and grow to any size.
    """
    return any(f.name.lower().endswith(ARCHIVES) for f in files)


def safe_name(name: str) -> str:
    """A file name as it may be told: one that could carry a person's name or number is replaced by
    a part of its hash.

    Date and time in one number (``20261122093000``), as EDC systems name their exports, are not a
    person's: a phone has 11 digits, an identity number 15 or 18.
    """
    if _TELLABLE.fullmatch(name) and not _LONG_NUMBER.search(_MOMENT.sub("-", name)):
        return name
    return f"name-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


class LandingIndex:
    """Remembers content hashes by path, size and stamp."""

    def __init__(self, home: Home):
        self.path = home.store / "landing_index.json"
        try:
            self.known: dict[str, list[object]] = json.loads(self.path.read_bytes())
        except (FileNotFoundError, json.JSONDecodeError):
            self.known = {}
        self.fresh: dict[str, list[object]] = {}

    def hashes(self, folder: UPath, label: str, files: tuple[LandedFile, ...]) -> dict[str, str]:
        out = {}
        single = len(files) == 1 and folder.name == files[0].name
        for file in files:
            if file.name in CONTROL_FILES or file.size < 0:
                continue
            told = safe_name(file.name)
            key = f"{label}/{told}"
            known = self.fresh.get(key) or self.known.get(key)
            unchanged = known is not None and known[:2] == [file.size, file.stamp]
            sha = (
                str(known[2])
                if known is not None and unchanged
                else sha256_file(folder if single else folder / file.name)
            )
            self.fresh[key] = [file.size, file.stamp, sha]
            out[told] = sha
        return out

    def save(self) -> None:
        """Keep what was hashed.

        The index only saves work: where it cannot be written (a full disk, a home mounted
        read-only) looking still works.
        """
        if self.fresh != self.known:
            with contextlib.suppress(OSError):
                write_bytes(self.path, json.dumps(self.fresh, sort_keys=True).encode())
