"""The texts inside HDF5, Parquet, SQLite, delimited and SAS files, each with the name of its
place. How files are walked and unpacked is in `traces`, what is looked for in `names`."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import re
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any

from hcc_assets.privacy.row_removal import ID_COLUMNS

DatabaseError = sqlite3.Error
PAGES = (".html", ".htm", ".svg", ".md", ".json", ".db")
"""Suffixes of text that may hold files as base64."""
ROWS = 100_000
"""Rows of an HDF5 data set that are read at once: some megabytes of short strings."""

_ENCODED = re.compile(rb"(?:base64,|(?<![A-Za-z0-9+/])[01](?=eJ))([A-Za-z0-9+/=\s]{16,})")
"""A data URI, and the cursor of Dagster's automation sensor: its version, then what zlib packed."""

Values = Iterator[tuple[str, Iterable[str]]]
"""Name of a place, and texts that stand there."""


def values_of(magic: bytes, handle: IO[bytes], path: Path | None) -> Values | None:
    """The texts of a file of a known format, else None.

    Parameters
    ----------
    magic
        First 16 bytes.
    handle
        The file, at its beginning.
    path
        Where it lies; None for a file within a file.
    """
    if magic[:8] == b"\x89HDF\r\n\x1a\n":
        return _hdf5(path or handle)
    if magic[:4] == b"PAR1":
        return _parquet(handle)
    if path is None:
        return None
    if magic == b"SQLite format 3\0":
        return _sqlite(path)
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv", ".txt"):
        return _id_columns(handle)
    return _sas(path) if suffix == ".sas7bdat" else None


def holds_more(head: bytes) -> bool:
    """True when what was unpacked is itself a file to be decoded."""
    return head.startswith((b"\x1f\x8b", b"PK", b"PAR1", b"\x89HDF", b"BZh"))


def encoded_in(data: bytes) -> Iterator[bytes]:
    """What stands in a text as base64, unpacked where zlib packed it."""
    for match in _ENCODED.finditer(data):
        try:
            content = base64.b64decode(match.group(1), validate=False)
        except binascii.Error:
            continue
        try:
            yield zlib.decompress(content)
        except zlib.error:  # most are not packed
            yield content


def _hdf5(source: Any) -> Values:
    """Names, attributes and string values; numbers hold no id."""
    import h5py

    with h5py.File(source, "r") as file:
        items: list[Any] = [file]
        file.visititems(lambda _, item: items.append(item))
        for item in items:
            yield "hdf5 name", [str(item.name).rpartition("/")[2]]
            yield "hdf5 attribute", [t for k, v in item.attrs.items() for t in (k, *_texts(v))]
            if not isinstance(item, h5py.Dataset) or item.shape is None:
                continue
            if item.dtype.kind not in "OSUV":
                continue
            if not item.shape:
                yield "hdf5 value", _texts(item[()])
                continue
            for start in range(0, item.shape[0], ROWS):
                yield "hdf5 value", _texts(item[start : start + ROWS])


def _texts(data: Any) -> set[str]:
    import numpy as np

    array = np.asarray(data)
    if array.dtype.names:
        return {text for name in array.dtype.names for text in _texts(array[name])}
    if array.dtype.kind not in "OSU":
        return set()
    return {_text(value) for value in array.ravel().tolist()}


def _text(value: Any) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def _parquet(handle: IO[bytes]) -> Values:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    file = pq.ParquetFile(handle)
    told = (file.schema_arrow.metadata or {}).items()
    yield "parquet metadata", [_text(part) for pair in told for part in pair]
    for column in file.schema_arrow:
        yield "parquet column name", [column.name]
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if pa.types.is_primitive(kind):  # numbers, times
            continue
        text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        for group in range(file.num_row_groups):
            values = file.read_row_group(group, columns=[column.name]).column(0)
            found = pc.unique(values).to_pylist() if text else values.to_pylist()
            yield f"parquet column {column.name}", [_text(v) for v in found if v is not None]


def _sqlite(path: Path) -> Values:
    """Text of every table, for the name of the place; freed pages were met in the bytes."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
        connection.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
        tables = connection.execute("select name from sqlite_master where type = 'table'")
        for (table,) in tables.fetchall():
            quoted = table.replace('"', '""')
            for row in connection.execute(f'select * from "{quoted}"'):  # noqa: S608 (its own name)
                texts = [_text(v) for v in row if isinstance(v, str | bytes)]
                packed = [_text(c) for t in texts for c in encoded_in(t.encode())]
                yield f"table {table}", texts + packed


def _id_columns(handle: IO[bytes]) -> Values:
    """Cells of columns that hold ids, so that a short or numeric id is met for certain there."""
    text = io.TextIOWrapper(handle, encoding="latin-1", newline="")
    try:
        rows = csv.reader(text)
        header = [h.strip().strip('ï»¿"').lower() for h in next(rows, [])]
        chosen = [i for i, h in enumerate(header) if h in ID_COLUMNS]
        if chosen:
            yield "id column", {row[i].strip() for row in rows for i in chosen if i < len(row)}
    except csv.Error as error:
        raise ValueError(str(type(error))) from None
    finally:
        text.detach()


def _sas(path: Path) -> Values:
    import pyreadstat

    try:
        frame, _ = pyreadstat.read_sas7bdat(str(path))
    except pyreadstat.ReadstatError as error:  # an Exception and nothing narrower
        raise ValueError(str(type(error))) from None
    for column in frame.select_dtypes(include=["object", "string"]):
        yield f"column {column}", [str(v) for v in frame[column].dropna().unique()]
