"""Readers of the binary formats: Excel, SAS transport, SAS data sets and Parquet.

CDISC Dataset-JSON is in ``dataset_json``, delimited text in ``text_files``.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hcc_assets.clinical.reading.cell_text import to_text, typed_table
from hcc_assets.clinical.reading.raw_table import RawTable
from hcc_assets.clinical.reading.refusal import DomainRefused

_XPT_RECORD = 80
"""Bytes of a record, in the layout that SAS publishes for its transport files (TS-140)."""

_ZEROS = re.compile(r"0{2,18}")


def _excel_cell(cell: Any) -> Any:
    """Value of an Excel cell; a number shown with leading zeros (format ``000``) keeps them."""
    value = cell.value
    if (
        isinstance(value, int)
        and not isinstance(value, bool)
        and _ZEROS.fullmatch(str(cell.number_format))
    ):
        return str(value).zfill(len(cell.number_format))
    return value


def read_xlsx(path: Path) -> RawTable:
    """One sheet of an Excel workbook: the one named as the file (the domain), else the only one.

    Formulas count by their stored result.

    Raises
    ------
    DomainRefused
        No workbook, several sheets and none named as the domain, a formula without a stored result,
        or values beside or outside the header.
    """
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        formulas = openpyxl.load_workbook(path, read_only=True, data_only=False)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError):
        raise DomainRefused(
            "format", "the file is no readable Excel workbook or was cut; send it again"
        ) from None
    try:
        names = [name for name in book.sheetnames if name.strip().lower() == path.stem.lower()]
        if not names and len(book.sheetnames) == 1:
            names = book.sheetnames
        if len(names) != 1:
            raise DomainRefused(
                "sheets",
                f"the workbook has {len(book.sheetnames)} sheets and none is named "
                f"{path.stem.upper()}; name the one to read so",
            )
        try:
            grid = [[_excel_cell(cell) for cell in row] for row in book[names[0]].iter_rows()]
            asked = [
                [cell.data_type == "f" for cell in row] for row in formulas[names[0]].iter_rows()
            ]
        except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError):
            raise DomainRefused(
                "format", "the sheet is damaged or was cut; send the workbook again"
            ) from None
    finally:
        book.close()
        formulas.close()
    for number, (values, flags) in enumerate(zip(grid, asked, strict=False)):
        if any(flag and value is None for value, flag in zip(values, flags, strict=False)):
            raise DomainRefused(
                "formula",
                f"row {number}: a formula has no stored result; save the workbook with values",
            )
    while grid and all(value is None for value in grid[0]):
        grid.pop(0)
    if not grid:
        raise DomainRefused("empty", "the sheet is empty: not even a header")
    header = [to_text(value) or "" for value in grid[0]]
    width = max(len(row) for row in grid)
    header += [""] * (width - len(header))
    body = [[*row, *[None] * (width - len(row))] for row in grid[1:]]
    columns = list(zip(*body, strict=True)) if body else [()] * width
    return typed_table(header, columns, len(body))


def _sas_column(values: Sequence[Any]) -> list[Any]:
    return [None if isinstance(value, float) and np.isnan(value) else value for value in values]


def _read_sas(read: Any, path: Path, kind: str) -> RawTable:
    import pyreadstat

    attempts: tuple[dict[str, str], ...] = ({}, {"encoding": "GB18030"})
    for attempt in attempts:
        try:
            data, meta = read(str(path), output_format="dict", **attempt)
        except UnicodeDecodeError:
            continue
        except (pyreadstat.PyreadstatError, pyreadstat.ReadstatError) as error:
            if "convert string" in str(error) and not attempt:
                continue
            raise DomainRefused(
                "format", f"the file is no readable {kind} or was cut; send it again"
            ) from None
        names = list(meta.column_names)
        columns = [_sas_column(data[name]) for name in names]
        n_rows = len(columns[0]) if columns else 0
        if meta.number_rows is not None and meta.number_rows >= 0 and meta.number_rows != n_rows:
            raise DomainRefused(
                "cut",
                f"the file announces another number of rows than it holds ({n_rows}); it was "
                "cut: send it again",
            )
        return typed_table(names, columns, n_rows, encoding=attempt.get("encoding", "").lower())
    raise DomainRefused(
        "encoding", f"the text of the {kind} is neither UTF-8 nor GB18030/GBK and is not guessed"
    )


def read_xpt(path: Path) -> RawTable:
    """A SAS transport file (version 5 or 8).

    A size that is no multiple of 80 bytes means that the file was cut.
    """
    import pyreadstat

    if path.stat().st_size % _XPT_RECORD:
        raise DomainRefused(
            "cut",
            "the size is no multiple of 80 bytes, so the transport file was cut; send it again",
        )
    return _read_sas(pyreadstat.read_xport, path, "SAS transport file")


def read_sas7bdat(path: Path) -> RawTable:
    """A SAS data set."""
    import pyreadstat

    return _read_sas(pyreadstat.read_sas7bdat, path, "SAS data set")


def read_parquet(path: Path) -> RawTable:
    """A Parquet file; integers, floats, dates and timestamps become text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError):
        raise DomainRefused(
            "format", "the file is no readable Parquet file or was cut; send it again"
        ) from None
    names, columns = [], []
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name.startswith("__index_level_"):
            continue
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_float32(column.type):
            values: Sequence[Any] = [
                None if v is None else np.float32(v) for v in column.to_pylist()
            ]
        elif pa.types.is_timestamp(column.type):
            values = [
                None if v is None else v.to_pydatetime() if isinstance(v, pd.Timestamp) else v
                for v in column.cast(pa.timestamp("us")).to_pylist()
            ]
        else:
            values = column.to_pylist()
        names.append(name)
        columns.append(values)
    return typed_table(names, columns, table.num_rows)
