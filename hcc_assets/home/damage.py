"""Damage of stored files: what a version lacks, found by a look (existence, size, time of change)
or by comparing every byte with its hash. What is done about it is decided in `assets.healing`.

A file that was written after its manifest is not believed for its size alone: it is compared.
Where a comparison fails, the file's time of change is set to now, so that whoever looks next, in
this process or another, compares it too and finds the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from upath import UPath

from hcc_assets.home import objects
from hcc_assets.home.manifests import Manifest
from hcc_assets.home.paths import is_local

MISSING, CHANGED = "is missing", "is not what was written"
SIZE = "has another size than what was written"


@dataclass(frozen=True)
class Damage:
    """One damaged file.

    Attributes
    ----------
    file
        Path below the folder of the asset (of the sample): ``<version>/table.parquet``,
        ``current.json``.
    what
        What is wrong, as the end of a sentence.
    """

    asset: str
    partition: str | None
    file: str
    what: str

    @property
    def node(self) -> tuple[str, str | None]:
        return (self.asset, self.partition)

    @property
    def path(self) -> str:
        """Path below the home."""
        return "/".join(["store", self.asset, *filter(None, [self.partition]), self.file])

    @property
    def told(self) -> str:
        """``file`` for trail, reasons and alerts: the name of a figure or letter, which may hold
        the id of a subject, is a hash there."""
        version, _, name = self.file.partition("/")
        if "/" not in name:
            return self.file
        folder, _, last = name.rpartition("/")
        ending = last.rpartition(".")[2]
        return f"{version}/{folder}/{hashlib.sha256(last.encode()).hexdigest()[:12]}.{ending}"

    def __str__(self) -> str:
        return f"damaged: {replace(self, file=self.told).path} {self.what}"


class Damaged(RuntimeError):
    """A stored file is not what its manifest says; it must not be used."""

    def __init__(self, damage: Damage):
        super().__init__(str(damage))
        self.damage = damage


def checked_bytes(folder: UPath, manifest: Manifest, name: str) -> bytes:
    """The bytes of a file of a version, after they were compared with their hash.

    Parameters
    ----------
    folder
        The folder of the asset (of the sample).
    name
        Path below the folder of the version.

    Raises
    ------
    Damaged
        The file is missing or changed.
    """
    file = f"{manifest.folder}/{name}"
    try:
        data: bytes = (folder / file).read_bytes()
    except OSError:
        raise Damaged(_of(manifest, file, MISSING)) from None
    if hashlib.sha256(data).hexdigest() != manifest.sha(name):
        mark(folder / file)
        raise Damaged(_of(manifest, file, CHANGED))
    return data


def check_file(folder: UPath, manifest: Manifest, name: str) -> None:
    """The same for a file that is too large to be held in memory twice: once in a process, as
    long as its size and time of change stay.

    Raises
    ------
    Damaged
        The file is missing or changed.
    """
    file = f"{manifest.folder}/{name}"
    path, wanted = folder / file, manifest.sha(name)
    if not wanted:  # of a version from before the bytes of an h5ad had a hash
        return
    try:
        same = _sha_of(path) == wanted
    except OSError:
        raise Damaged(_of(manifest, file, MISSING)) from None
    if not same:
        mark(path)
        raise Damaged(_of(manifest, file, CHANGED))


def _of(manifest: Manifest, file: str, what: str) -> Damage:
    return Damage(manifest.asset, manifest.partition, file, what)


def _sha_of(path: UPath) -> str:
    if not is_local(path):
        return _digest(path)
    seen = Path(str(path)).stat()
    return _remembered(str(path), seen.st_mtime_ns, seen.st_size, seen.st_ino)


@lru_cache(maxsize=4096)
def _remembered(path: str, _mtime_ns: int, _size: int, _inode: int) -> str:
    return _digest(Path(path))


def _digest(path: UPath | Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def mark(path: UPath) -> None:
    """Let whoever looks next compare the file, which has a time of change after its manifest's."""
    if not is_local(path):
        return
    file = Path(str(path))
    with contextlib.suppress(OSError):  # somebody who may only read finds it each time anew
        manifest = file.parent / "manifest.json"
        after = manifest.stat().st_mtime if manifest.exists() else 0.0
        moment = max(time.time(), after + 1)
        os.utime(file, (moment, moment))


def damages_of(
    folder: UPath,
    manifest: Manifest,
    *,
    every_byte: bool = False,
    there: dict[str, objects.Listed] | None = None,
) -> Iterator[Damage]:
    """What is wrong with the files of one version.

    Parameters
    ----------
    folder
        The folder of the asset (of the sample).
    every_byte
        Compare the content of every file; else only of those written after the manifest.
    there
        Objects below the folder by name, for a home on an object store; nothing is looked at
        there without them.
    """
    if is_local(folder):
        base = str(folder)
        copy = stat_of(f"{base}/{manifest.folder}/manifest.json") or stat_of(f"{base}/current.json")
        written = copy.st_mtime_ns if copy is not None else None
        for file in manifest.files:
            what = _wrong(base, file, manifest, every_byte, written)
            if what:
                yield _of(manifest, file, what)
        return
    for file in manifest.files:
        found = there.get(file) if there is not None else None
        size = manifest.sizes.get(file)
        if there is not None and found is None:
            yield _of(manifest, file, MISSING)
        elif found is not None and size is not None and found.size != size:
            yield _of(manifest, file, SIZE)
        elif every_byte:
            try:
                check_file(folder, manifest, file.partition("/")[2])
            except Damaged as error:
                yield error.damage


def stat_of(path: str | UPath) -> os.stat_result | None:
    """What the disk says of a local file; None where it is not there."""
    try:
        return os.stat(str(path))  # noqa: PTH116 - thousands at a look
    except OSError:
        return None


def _wrong(base: str, file: str, manifest: Manifest, every_byte: bool, written: int | None) -> str:
    """What is wrong with a local file, empty where nothing is."""
    seen = stat_of(f"{base}/{file}")
    if seen is None:
        return MISSING
    if seen.st_size != manifest.sizes.get(file, seen.st_size):
        return SIZE
    later = written is None or seen.st_mtime_ns > written
    if not (every_byte or later):
        return ""
    wanted = manifest.sha(file.partition("/")[2])
    try:
        path = UPath(f"{base}/{file}")
        same = not wanted or wanted == (_digest(path) if every_byte else _sha_of(path))
    except OSError:
        return MISSING
    if not same:
        mark(UPath(f"{base}/{file}"))
    return "" if same else CHANGED
