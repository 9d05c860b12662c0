"""Where does a name still stand? Every byte of every file below a folder, also inside what is
compressed or encoded. Removing is in `erasing`.

A file is searched as it lies on the disk and as it reads: gzip, bzip2, xz and zip (xlsx, npz)
unpacked, strings of HDF5, Parquet, SQLite and SAS decoded, base64 in pages and databases. Pixels
are not read: a figure that shows a name is found by its file name or its SVG, so figures are made
anew and those by subject are not put into Dagster's event log.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

from hcc_assets.privacy import traces_formats as formats
from hcc_assets.privacy.names import Names

CHUNK = 1 << 20
"""Bytes that are read at once: a mebibyte, so that memory does not grow with a file."""
OVERLAP = 512
"""Bytes that blocks share: more than four times the longest id (64 letters), in UTF-16 too."""
MAX_UNPACKED = 16 << 30
"""Bytes that one compressed file is unpacked to; four times the largest matrix of DATA.md, so
that a file made to grow without end stops the search of itself alone."""
MAX_NESTED = 256 << 20
"""Bytes of a file within a file, which is held in memory."""
MAX_DEPTH = 4
"""Files within files within files: a zip in a page in a zip is 3."""

_COMPRESSED: dict[bytes, tuple[str, Callable[..., Any]]] = {
    b"\x1f\x8b": ("gzip", gzip.open),
    b"BZh": ("bzip2", bz2.open),
    b"\xfd7zXZ\0": ("xz", lzma.open),
}
_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    RuntimeError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    formats.DatabaseError,
)


@dataclass(frozen=True)
class Trace:
    """A place where a name stands: path relative to the root, what was read (``bytes``, ``name``,
    ``gzip``, ``parquet column USUBJID`` …).

    ``certain`` is false for a short or purely numeric name met in running bytes, where it may as
    well be a number.
    """

    path: str
    where: str
    certain: bool = True


@dataclass(frozen=True)
class Search:
    """What was found, and what could not be read in its decoded form (the bytes as they lie were
    searched nevertheless)."""

    traces: tuple[Trace, ...]
    unread: tuple[str, ...]
    files: int


def find_traces(
    root: Path, names: Collection[str], *, others: Collection[str] = (), anywhere: bool = False
) -> Search:
    """Search every file below ``root``.

    Parameters
    ----------
    root
        Folder; symbolic links are not followed, their names and targets are searched.
    names, others, anywhere
        See `Names`.

    Returns
    -------
    Search
        At most one trace per file and place.
    """
    wanted = Names(names, others, anywhere)
    found: list[Trace] = []
    unread: list[str] = []
    files = 0
    for path in sorted(root.rglob("*")):
        looking = _Looking(wanted)
        looking.note("name", wanted.in_value(path.name))
        if path.is_symlink():
            looking.note("link", wanted.in_value(str(path.readlink())))
        elif path.is_file():
            files += 1
            with path.open("rb") as handle:
                looking.stream(handle, "bytes")
                handle.seek(0)
                looking.decoded(handle, path)
        label = str(path.relative_to(root))
        found += [Trace(label, where, sure) for where, sure in sorted(looking.found.items())]
        unread += [f"{label}: {text}" for text in looking.unread]
    return Search(tuple(found), tuple(unread), files)


@dataclass
class _Looking:
    """One file being searched: places in it to whether the name there is certain."""

    wanted: Names
    found: dict[str, bool] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def note(self, where: str, certain: bool, perhaps: bool = False) -> None:
        if certain or perhaps:
            self.found[where] = self.found.get(where, False) or certain

    def stream(self, stream: IO[bytes], where: str) -> None:
        """Block by block; blocks overlap, so that a name on the edge is met."""
        tail, read = b"", 0
        while block := stream.read(CHUNK):
            read += len(block)
            if where != "bytes" and read > MAX_UNPACKED:
                raise ValueError("unpacks to too much")
            self.note(where, *self.wanted.in_bytes(tail + block))
            tail = (tail + block)[-OVERLAP:]

    def decoded(
        self, handle: IO[bytes], path: Path | None, prefix: str = "", depth: int = 0
    ) -> None:
        """As it reads, by its first bytes; ``path`` where it is a file of its own."""
        magic = handle.read(16)
        handle.seek(0)
        try:
            for start, (word, opened) in _COMPRESSED.items():
                if magic.startswith(start):
                    self._unpacked(partial(_opened, opened, handle), f"{prefix}{word}", depth)
            if magic[:4] == b"PK\x03\x04":
                with zipfile.ZipFile(handle) as archive:
                    for member in archive.infolist():
                        self.note(f"{prefix}zip name", self.wanted.in_value(member.filename))
                        self._unpacked(partial(archive.open, member), f"{prefix}zip", depth)
            elif values := formats.values_of(magic, handle, path):
                self._values(values, prefix)
            elif path is not None and path.suffix.lower() in formats.PAGES:
                for content in formats.encoded_in(handle.read()):
                    self.stream(io.BytesIO(content), "base64")
                    if depth < MAX_DEPTH:
                        self.decoded(io.BytesIO(content), None, "base64 > ", depth + 1)
        except _ERRORS as error:
            what = prefix or "content"
            self.unread.append(f"{what} could not be decoded ({type(error).__name__})")

    def _values(self, values: Iterable[tuple[str, Iterable[str]]], prefix: str) -> None:
        for where, texts in values:
            self.note(prefix + where, *self.wanted.in_text("\n".join(texts)))

    def _unpacked(self, opened: Callable[[], Any], where: str, depth: int) -> None:
        with opened() as stream:
            self.stream(stream, where)
        if depth >= MAX_DEPTH:
            return
        with opened() as stream:
            if not formats.holds_more(stream.read(16)):
                return
        with opened() as stream:
            content = stream.read(MAX_NESTED + 1)
        if len(content) > MAX_NESTED:
            raise ValueError("a file within a file is too large")
        self.decoded(io.BytesIO(content), None, f"{where} > ", depth + 1)


def _opened(open_: Callable[..., Any], handle: IO[bytes]) -> Any:
    """A compressed file from its beginning."""
    handle.seek(0)
    return open_(handle)
