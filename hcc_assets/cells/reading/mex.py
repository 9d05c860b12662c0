"""Reader of Cell Ranger matrix folders (v2 and v3). Which files to read is settled in
``matrix_files``; genes are judged in ``features``.

Text is streamed: what is held is bounded by the claims of the header, and these are checked against
the file size before anything is allocated.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.io import mmread

from hcc_assets.cells.reading.decoded import (
    Decoded,
    as_counts,
    canonical,
    check_barcodes,
    check_features,
    check_shape,
    choose_features,
)
from hcc_assets.cells.reading.matrix_files import MatrixPart
from hcc_assets.cells.reading.refused import MatrixRefused

_RATIO: Final = 1032
"""Deflate cannot pack more than this many bytes into one (zlib's technical note)."""
_LINE: Final = 64
"""Bytes of a line of the matrix, at most: own choice; three 64-bit numbers take 60."""
_PIECE: Final = 1 << 22
"""Entries at a time: own choice, 32 MB of places; no result depends on it."""
_HEADER: Final = 1 << 20
"""Bytes within which the sizes stand: own choice, 1 MB of comments."""


class _Limited(io.RawIOBase):
    """A stream that gives at most ``limit`` bytes and raises beyond: a gzip bomb ends here."""

    def __init__(self, stream: Any, limit: int, name: str):
        self._stream, self._left, self._name = stream, limit, name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(min(len(buffer), self._left + 1))
        if len(data) > self._left:
            raise MatrixRefused("bomb", f"{self._name} unpacks to more than its header allows")
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)


def _open(path: Path) -> Any:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _lines(path: Path, limit_lines: int) -> list[str]:
    """Lines of a barcode or feature table, decoded; at most ``limit_lines``."""
    limit = (
        min(limit_lines * 512, path.stat().st_size * (_RATIO if path.suffix == ".gz" else 1)) + 4096
    )
    try:
        with _open(path) as stream:
            data = io.BufferedReader(_Limited(stream, limit, path.name), 1 << 16).read()
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise MatrixRefused(
            "truncated", f"{path.name} is cut off or damaged; send it again"
        ) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MatrixRefused("bad_text", f"{path.name} is not UTF-8 text") from None
    lines = text.replace("\r\n", "\n").split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    if len(lines) > limit_lines:
        raise MatrixRefused(
            "dimensions", f"{path.name} has more lines than the matrix has room for"
        )
    return lines


def _header(path: Path) -> tuple[int, int, int]:
    """Rows, columns and entries that the matrix claims, checked against the size of its file."""
    try:
        with _open(path) as stream:
            head = stream.read(_HEADER)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise MatrixRefused(
            "truncated", f"{path.name} is cut off or damaged; send it again"
        ) from None
    lines = head.split(b"\n")
    banner = lines[0].decode("latin-1").lower().split()
    if (
        len(banner) != 5
        or banner[:3] != ["%%matrixmarket", "matrix", "coordinate"]
        or banner[3] not in ("integer", "real")
        or banner[4] != "general"
    ):
        raise MatrixRefused(
            "not_a_matrix", f"{path.name} is not a MatrixMarket coordinate matrix of counts"
        )
    sizes = next(
        (line for line in lines[1:] if line.strip() and not line.startswith(b"%")), b""
    ).split()
    if len(sizes) != 3 or not all(s.isdigit() and len(s) < 20 for s in sizes):
        raise MatrixRefused("truncated", f"{path.name} has no line with rows, columns and entries")
    rows, cols, entries = (int(s) for s in sizes)
    check_shape(cols, rows, entries, path.name)
    room = path.stat().st_size * (_RATIO if path.suffix == ".gz" else 1)
    if entries * 6 > room:
        raise MatrixRefused(
            "lying_header", f"{path.name} claims more entries than a file of its size can hold"
        )
    return rows, cols, entries


def _entries(
    path: Path, entries: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    limit = entries * _LINE + _HEADER
    try:
        with _open(path) as stream:
            read: Any = mmread(io.BufferedReader(_Limited(stream, limit, path.name), 1 << 20))
            if stream.read(1):
                raise MatrixRefused(
                    "dimensions", f"{path.name} goes on after the entries that its header claims"
                )
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise MatrixRefused(
            "truncated", f"{path.name} is cut off or damaged; send it again"
        ) from None
    except OverflowError:
        raise MatrixRefused(
            "overflow", f"{path.name} holds a count beyond the 32-bit range"
        ) from None
    except ValueError as error:
        if isinstance(error, MatrixRefused):
            raise
        text = str(error).lower()
        if "truncated" in text or "too few" in text or "premature" in text:
            raise MatrixRefused(
                "truncated", f"{path.name} ends before the entries that its header claims"
            ) from None
        if "out of range" in text or "overflow" in text:
            raise MatrixRefused(
                "overflow", f"{path.name} holds a number beyond its range"
            ) from None
        if "out of bounds" in text:
            raise MatrixRefused(
                "dimensions", f"{path.name} has an entry outside the size that its header claims"
            ) from None
        raise MatrixRefused(
            "damaged",
            f"{path.name} has a line that is not row, column and count, or more or fewer lines "
            "than claimed",
        ) from None
    return read.row, read.col, read.data


def _features(path: Path, kind: str, rows: int) -> tuple[list[str], list[str], list[str] | None]:
    table = [line.split("\t") for line in _lines(path, rows + 1)]
    if len(table) != rows:
        raise MatrixRefused(
            "dimensions", f"{path.name} has {len(table)} genes; the matrix has {rows}"
        )
    width = {len(r) for r in table}
    if len(width) != 1:
        raise MatrixRefused("damaged", f"{path.name}: lines differ in their number of columns")
    columns = width.pop()
    if kind == "mex_v3" and columns < 3:
        raise MatrixRefused(
            "mixed_versions",
            f"{path.name} (Cell Ranger v3) has no feature type column; a v2 table is named "
            "genes.tsv",
        )
    if kind == "mex_v2" and columns > 2:
        raise MatrixRefused(
            "mixed_versions",
            f"{path.name} (Cell Ranger v2) has more than two columns; a v3 table is named "
            "features.tsv",
        )
    ids = [r[0].strip() for r in table]
    symbols = [r[1].strip() or r[0].strip() for r in table] if columns > 1 else ids
    return ids, symbols, [r[2].strip() for r in table] if kind == "mex_v3" else None


def read_mex(part: MatrixPart, genome: str | None = None) -> Decoded:
    """Decode a matrix folder.

    Parameters
    ----------
    part
        Kind ``mex_v3`` or ``mex_v2``.
    genome
        Wanted genome where ids carry several.

    Raises
    ------
    MatrixRefused
        ``truncated, lying_header, bomb, dimensions, transposed, mixed_versions, duplicate_entries``
        and those of ``decoded``.
    """
    name = part.matrix.name
    rows, cols, entries = _header(part.matrix)
    if part.barcodes is None or part.features is None:
        raise MatrixRefused("incomplete", "the matrix folder lacks its barcodes or features")
    barcodes = [line.split("\t")[0] for line in _lines(part.barcodes, max(cols, rows) + 1)]
    if len(barcodes) != cols:
        features = len(_lines(part.features, max(cols, rows) + 1))
        if len(barcodes) == rows and features == cols:
            raise MatrixRefused(
                "transposed",
                f"{name} has a row per barcode and a column per gene; Cell Ranger writes the "
                "reverse",
            )
        raise MatrixRefused(
            "dimensions",
            f"{part.barcodes.name} has {len(barcodes)} barcodes; the matrix has {cols} columns",
        )
    ids, symbols, types = _features(part.features, part.kind, rows)
    check_barcodes(barcodes, part.barcodes.name)
    check_features(ids, symbols, part.features.name)
    keep, ids, symbols, chosen = choose_features(
        ids, symbols, types, [part.genome] * rows, genome, part.features.name
    )
    row, col, values = _entries(part.matrix, entries)
    counts = as_counts(values, name)
    del values  # as read, it is twice as wide
    matrix = _to_csr(row, col, counts, (cols, rows), name)
    del row, col, counts
    if not keep.all():
        matrix = matrix[:, np.flatnonzero(keep)]
        ids, symbols = (
            [t for t, k in zip(texts, keep, strict=True) if k] for texts in (ids, symbols)
        )
    return canonical(matrix, barcodes, ids, symbols, genome=chosen)


def _to_csr(
    gene: npt.NDArray[Any],
    cell: npt.NDArray[Any],
    values: npt.NDArray[np.int32],
    shape: tuple[int, int],
    name: str,
) -> sparse.csr_matrix:
    """Cells x genes. Cell Ranger writes cell by cell, which is CSR already; any other order is
    sorted first.
    """
    if any((np.diff(part) < 0).any() for part in _pieces(cell)):
        order = np.argsort(cell, kind="stable")
        gene, cell, values = gene[order], cell[order], values[order]
    indptr = np.zeros(shape[0] + 1, dtype=np.int64)
    for part in _pieces(cell, shared=0):
        indptr[1:] += np.bincount(part, minlength=shape[0])
    np.cumsum(indptr, out=indptr)
    matrix = sparse.csr_matrix(
        (
            values,
            gene.astype(np.int32, copy=False),
            indptr.astype(np.int32 if values.size < 2**31 else np.int64),
        ),
        shape=shape,
    )
    matrix.sort_indices()
    same = sum(
        int(((np.diff(one) == 0) & (np.diff(two) == 0)).sum())
        for one, two in zip(_pieces(matrix.indices), _pieces(cell), strict=True)
    )
    if same:
        raise MatrixRefused("duplicate_entries", f"{name} gives {same} entries twice")
    return matrix


def _pieces(values: npt.NDArray[Any], shared: int = 1) -> Iterator[npt.NDArray[Any]]:
    """Views of some entries at a time, each ending on the entry that the next begins with."""
    for a in range(0, len(values), _PIECE):
        yield values[a : a + _PIECE + shared]
