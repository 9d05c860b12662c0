"""The strings inside HDF5, Parquet, SQLite, delimited and SAS files, searched for names. How files are walked and unpacked is in `traces`."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any, Protocol

from hcc_assets.privacy.packed import unpacked
from hcc_assets.privacy.row_removal import ID_COLUMNS

DatabaseError = sqlite3.Error


class Names(Protocol):
    """What is looked for, see `traces.Names`."""

    names: Collection[str]

    def in_value(self, value: str) -> bool:
        """A value of its own names it."""

    def in_bytes(self, data: bytes) -> tuple[bool, bool]:
        """Found for certain, found perhaps."""


def in_hdf5(source: Any, wanted: Names) -> Iterator[tuple[str, bool]]:
    """Names, attributes and string values; numbers hold no id. Uncompressed strings were met in the bytes already."""
    import h5py
    import numpy as np

    found: list[str] = []

    def values(data: Any) -> bool:
        array = np.asarray(data)
        if array.dtype.names:
            return any(values(array[n]) for n in array.dtype.names)
        if array.dtype.kind not in "OSU":
            return False
        texts = {
            v.decode("utf-8", errors="replace") if isinstance(v, bytes) else str(v)
            for v in array.ravel().tolist()
        }
        return any(wanted.in_value(t) for t in texts)

    def visit(name: str, item: Any) -> None:
        if wanted.in_value(name.rpartition("/")[2]):
            found.append("hdf5 name")
        if any(wanted.in_value(k) or values(v) for k, v in item.attrs.items()):
            found.append("hdf5 attribute")
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "OSUV" and item.shape is not None:
            rows = item.shape[0] if item.shape else 0
            blocks = (
                (item[i : i + 100_000] for i in range(0, rows, 100_000))
                if item.shape
                else iter([item[()]])
            )
            if any(values(block) for block in blocks):
                found.append("hdf5 value")

    with h5py.File(source, "r") as file:
        visit("/", file)
        file.visititems(visit)
    yield from ((where, True) for where in dict.fromkeys(found))


def in_parquet(handle: IO[bytes], wanted: Names, prefix: str) -> Iterator[tuple[str, bool]]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    file = pq.ParquetFile(handle)
    for key, value in (file.schema_arrow.metadata or {}).items():
        if any(wanted.in_bytes(part)[0] for part in (key, value)):
            yield f"{prefix}parquet metadata", True
    for field_ in file.schema_arrow:
        if wanted.in_value(field_.name):
            yield f"{prefix}parquet column name", True
        kind = field_.type.value_type if pa.types.is_dictionary(field_.type) else field_.type
        if (
            pa.types.is_integer(kind)
            or pa.types.is_floating(kind)
            or pa.types.is_boolean(kind)
            or pa.types.is_temporal(kind)
        ):
            continue
        perhaps = False
        for group in range(file.num_row_groups):
            column = file.read_row_group(group, columns=[field_.name]).column(0)
            text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
            values = pc.unique(column).to_pylist() if text else column.to_pylist()
            found = [
                _in_text(
                    v.decode("utf-8", errors="replace") if isinstance(v, bytes) else str(v), wanted
                )
                for v in values
                if v is not None
            ]
            perhaps = perhaps or any(maybe for _, maybe in found)
            if any(certain for certain, _ in found):
                yield f"{prefix}parquet column {field_.name}", True
                break
        else:
            if perhaps:
                yield f"{prefix}parquet column {field_.name}", False


def in_sqlite(path: Path, wanted: Names) -> Iterator[tuple[str, bool]]:
    """Text of every table, for the name of the place; freed pages were met in the bytes."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
        connection.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
        tables = [
            row[0]
            for row in connection.execute("select name from sqlite_master where type = 'table'")
        ]
        for table in tables:
            quoted, perhaps = table.replace('"', '""'), False
            for row in connection.execute(f'select * from "{quoted}"'):  # noqa: S608  (the name comes from the database itself)
                texts = [
                    v if isinstance(v, str) else v.decode("utf-8", errors="replace")
                    for v in row
                    if isinstance(v, str | bytes)
                ]
                found = [_in_text(text, wanted) for t in texts for text in (t, *unpacked(t))]
                perhaps = perhaps or any(maybe for _, maybe in found)
                if any(certain for certain, _ in found):
                    yield f"table {table}", True
                    break
            else:
                if perhaps:
                    yield f"table {table}", False


def _in_text(text: str, wanted: Names) -> tuple[bool, bool]:
    """Found for certain, found perhaps: a short or numeric name for certain where it is the whole text or a quoted value, as `scrubbing` replaces it."""
    certain, perhaps = wanted.in_bytes(text.encode("utf-8", errors="replace"))
    if perhaps and not certain:
        own = {name.strip().lower() for name in wanted.names}
        certain = any(part.rstrip("\\").lower() in own for part in text.split('"'))
    return certain, perhaps


def in_id_columns(handle: IO[bytes], wanted: Names) -> Iterator[tuple[str, bool]]:
    """Cells of columns that hold ids, so that a short or numeric id is met for certain there."""
    text = io.TextIOWrapper(handle, encoding="latin-1", newline="")
    try:
        rows = csv.reader(text)
        header = [h.strip().strip('ï»¿"').lower() for h in next(rows, [])]
        chosen = [i for i, h in enumerate(header) if h in ID_COLUMNS]
        for row in rows:
            if any(i < len(row) and wanted.in_value(row[i].strip()) for i in chosen):
                yield "id column", True
                return
    except csv.Error as error:
        raise ValueError(str(type(error))) from None
    finally:
        text.detach()


def in_sas(path: Path, wanted: Names) -> Iterator[tuple[str, bool]]:
    import pyreadstat

    frame, _ = pyreadstat.read_sas7bdat(str(path))
    for column in frame.select_dtypes(include=["object", "string"]):
        if any(wanted.in_value(str(v)) for v in frame[column].dropna().unique()):
            yield f"column {column}", True
