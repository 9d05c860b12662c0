"""Where does a name still stand? Every byte of every file below a folder, also inside what is compressed or encoded. Removing is in `erasure`.

A file is searched as it lies on the disk and as it reads: gzip, bzip2, xz and zip (xlsx, npz) unpacked, strings of HDF5 and Parquet decoded, text of
SQLite, base64 in HTML. Pixels are not read: a figure that shows a name is found by its file name or not at all, so figures are made anew.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import gzip
import io
import json
import lzma
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

from hcc_assets.home.people.subject_keys import is_weak
from hcc_assets.privacy import traces_formats as formats

CHUNK = 1 << 20
MAX_UNPACKED = 16 << 30
MAX_NESTED = 256 << 20
OVERLAP = 512
MAX_DEPTH = 4
_DATA_URI = re.compile(rb"base64,([A-Za-z0-9+/=\s]{16,})")


@dataclass(frozen=True)
class Trace:
    """A place where a name stands: path relative to the root, what was read (``bytes``, ``name``, ``gzip``, ``column USUBJID`` …).

    ``certain`` is false for a short or purely numeric name met in running bytes, where it may as well be a number.
    """

    path: str
    where: str
    certain: bool = True


@dataclass(frozen=True)
class Search:
    """What was found, and what could not be read in its decoded form (the bytes as they lie were searched nevertheless)."""

    traces: tuple[Trace, ...]
    unread: tuple[str, ...]
    files: int


@dataclass
class Names:
    """Names made ready for searching."""

    names: Collection[str]
    others: Collection[str] = ()
    anywhere: bool = False
    patterns: list[tuple[bytes, bool, list[tuple[bytes, int]]]] = field(init=False)

    def __post_init__(self) -> None:
        self.patterns = []
        for name in sorted({n.strip().lower() for n in self.names if n.strip()}):
            weak = is_weak(name)
            longer = [o.lower() for o in self.others if name in o.lower() and o.lower() != name]
            longer = [o for o in longer if not any(o == n.lower() for n in self.names)]
            forms = [name.encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be")]
            if not name.isascii():
                forms += [name.encode("gb18030"), json.dumps(name)[1:-1].encode()]
                self.patterns += [(form, False, []) for form in forms]
                continue
            if self.anywhere:
                self.patterns += [(form, False, []) for form in forms]
                continue
            for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
                exceptions = [
                    (o.encode(encoding), len(o[: o.index(name)].encode(encoding))) for o in longer
                ]
                self.patterns.append((name.encode(encoding), weak, exceptions))

    def in_bytes(self, data: bytes) -> tuple[bool, bool]:
        """Found for certain, found perhaps, in one block of bytes."""
        low = data.lower()
        certain = perhaps = False
        for pattern, weak, exceptions in self.patterns:
            wide = b"\0" in pattern
            at = low.find(pattern)
            while at >= 0:
                if self.anywhere or self._stands_alone(
                    low, at, pattern, exceptions, weak=weak, wide=wide
                ):
                    perhaps = True
                    certain = certain or not weak
                at = low.find(pattern, at + 1)
        return certain, perhaps

    def in_value(self, value: str) -> bool:
        """A string that is a value of its own (a cell, a key): equal, or containing the name between separators."""
        data = value.encode("utf-8", errors="replace")
        found, perhaps = self.in_bytes(data)
        return found or perhaps

    @staticmethod
    def _stands_alone(
        data: bytes,
        at: int,
        pattern: bytes,
        exceptions: list[tuple[bytes, int]],
        *,
        weak: bool,
        wide: bool,
    ) -> bool:
        step, end = (2 if wide else 1), at + len(pattern)
        joined = b"._-" if weak else b""
        for neighbour in (data[max(at - step, 0) : at], data[end : end + step]):
            letter = neighbour.strip(b"\0") if wide else neighbour
            if len(letter) == 1 and (letter.isalnum() or letter in joined):
                return False
        return not any(
            data[max(at - before, 0) : at - before + len(whole)] == whole
            for whole, before in exceptions
        )


def find_traces(
    root: Path,
    names: Collection[str],
    *,
    others: Collection[str] = (),
    skip: Collection[Path] = (),
    only: Collection[Path] | None = None,
    anywhere: bool = False,
) -> Search:
    """Search every file below ``root``.

    Parameters
    ----------
    root
        Folder; symbolic links are not followed, their names and targets are searched.
    names
        Ids to look for, in any case, as UTF-8 and UTF-16. An id stands between characters that are neither letter nor digit.
    others
        Ids of others that contain one of the names (``S-1-2`` beside ``S-1``): such a place is theirs.
    skip
        Files that are not searched.
    only
        Search just these files.
    anywhere
        Also as part of a longer word or number, and for certain: for canaries.

    Returns
    -------
    Search
        At most one trace per file and place.
    """
    wanted = Names(names, others, anywhere)
    skipped = {p.resolve() for p in skip}
    found: dict[tuple[str, str], Trace] = {}
    unread: list[str] = []
    files = 0
    for path in sorted(only if only is not None else root.rglob("*")):
        relative = str(path.relative_to(root))
        if path.is_symlink():
            if wanted.in_value(str(path.readlink())):
                found[relative, "link"] = Trace(relative, "link")
        elif path.is_file() and path.resolve() in skipped:
            continue
        if wanted.in_value(path.name):
            found[relative, "name"] = Trace(relative, "name")
        if path.is_symlink() or not path.is_file():
            continue
        files += 1
        for where, certain in _in_file(path, wanted, relative, unread):
            known = found.get((relative, where))
            if known is None or (certain and not known.certain):
                found[relative, where] = Trace(relative, where, certain)
    return Search(
        tuple(sorted(found.values(), key=lambda t: (t.path, t.where))), tuple(unread), files
    )


def _in_file(
    path: Path, wanted: Names, relative: str, unread: list[str]
) -> Iterator[tuple[str, bool]]:
    with path.open("rb") as handle:
        yield from _in_stream(handle, wanted, "bytes")
        handle.seek(0)
        yield from _decoded(handle, path, wanted, relative, unread, "", 0)


def _in_stream(stream: IO[bytes], wanted: Names, where: str) -> Iterator[tuple[str, bool]]:
    """Search a stream block by block; blocks overlap, so that a name on the edge is met."""
    tail, certain, perhaps, read = b"", False, False, 0
    while block := stream.read(CHUNK):
        read += len(block)
        if where != "bytes" and read > MAX_UNPACKED:
            raise ValueError("unpacks to too much")
        sure, maybe = wanted.in_bytes(tail + block)
        certain, perhaps = certain or sure, perhaps or maybe
        tail = (tail + block)[-OVERLAP:]
    if perhaps:
        yield where, certain


def _decoded(
    handle: IO[bytes],
    path: Path | None,
    wanted: Names,
    relative: str,
    unread: list[str],
    prefix: str,
    depth: int,
) -> Iterator[tuple[str, bool]]:
    """Search a file in its decoded form, by its first bytes."""
    magic = handle.read(16)
    handle.seek(0)
    try:
        if magic[:2] == b"\x1f\x8b":
            yield from _unpacked(
                partial(_again, gzip.GzipFile, handle),
                wanted,
                relative,
                unread,
                f"{prefix}gzip",
                depth,
            )
        elif magic[:3] == b"BZh":
            yield from _unpacked(
                partial(_again, bz2.BZ2File, handle),
                wanted,
                relative,
                unread,
                f"{prefix}bzip2",
                depth,
            )
        elif magic[:6] == b"\xfd7zXZ\0":
            yield from _unpacked(
                partial(_again, lzma.LZMAFile, handle),
                wanted,
                relative,
                unread,
                f"{prefix}xz",
                depth,
            )
        elif magic[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(handle) as archive:
                for member in archive.infolist():
                    if wanted.in_value(member.filename):
                        yield f"{prefix}zip name", True
                    yield from _unpacked(
                        partial(archive.open, member),
                        wanted,
                        relative,
                        unread,
                        f"{prefix}zip",
                        depth,
                    )
        elif magic[:8] == b"\x89HDF\r\n\x1a\n":
            yield from formats.in_hdf5(path or handle, wanted)
        elif magic[:4] == b"PAR1":
            yield from formats.in_parquet(handle, wanted, prefix)
        elif magic[:16] == b"SQLite format 3\0" and path is not None:
            yield from formats.in_sqlite(path, wanted)
        elif path is not None and path.suffix.lower() in (
            ".html",
            ".htm",
            ".svg",
            ".md",
            ".json",
            ".db",
        ):
            yield from _in_data_uris(handle.read(), wanted, relative, unread, depth)
        elif path is not None and path.suffix.lower() in (".csv", ".tsv", ".txt"):
            yield from formats.in_id_columns(handle, wanted)
        elif path is not None and path.suffix.lower() == ".sas7bdat":
            yield from formats.in_sas(path, wanted)
    except (
        OSError,
        EOFError,
        ValueError,
        KeyError,
        RuntimeError,
        zlib.error,
        lzma.LZMAError,
        zipfile.BadZipFile,
        formats.DatabaseError,
    ) as error:
        unread.append(
            f"{relative}: {prefix or 'content'} could not be decoded ({type(error).__name__})"
        )


def _again(kind: Any, handle: IO[bytes]) -> Any:
    """Open a compressed file from its beginning."""
    handle.seek(0)
    return kind(filename=handle) if kind is not gzip.GzipFile else gzip.GzipFile(fileobj=handle)


def _unpacked(
    open_: Any, wanted: Names, relative: str, unread: list[str], where: str, depth: int
) -> Iterator[tuple[str, bool]]:
    with open_() as stream:
        yield from _in_stream(stream, wanted, where)
    if depth < MAX_DEPTH:
        with open_() as stream:
            head = stream.read(16)
        if (
            head[:2] in (b"\x1f\x8b", b"PK")
            or head[:4] in (b"PAR1", b"\x89HDF")
            or head[:3] == b"BZh"
        ):
            with open_() as stream:
                content = stream.read(MAX_NESTED + 1)
                if len(content) > MAX_NESTED:
                    raise ValueError("a file within a file is too large")
                yield from _decoded(
                    io.BytesIO(content), None, wanted, relative, unread, f"{where} > ", depth + 1
                )


def _in_data_uris(
    data: bytes, wanted: Names, relative: str, unread: list[str], depth: int
) -> Iterator[tuple[str, bool]]:
    for match in _DATA_URI.finditer(data):
        try:
            content = base64.b64decode(match.group(1), validate=False)
        except binascii.Error:
            continue
        yield from _in_stream(io.BytesIO(content), wanted, "base64")
        if depth < MAX_DEPTH:
            yield from _decoded(
                io.BytesIO(content), None, wanted, relative, unread, "base64 > ", depth + 1
            )
