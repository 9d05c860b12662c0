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

from hcc_assets.clinical.reading.files.cell_text import to_text, typed_table
from hcc_assets.clinical.reading.files.cells import (
    MAX_CELLS,
    MAX_ROWS,
    MAX_UNPACKED,
    Cells,
    judge_bytes,
    judge_size,
)
from hcc_assets.clinical.reading.refusal import DomainRefused

_XPT_RECORD = 80
"""Bytes of a record, in the layout that SAS publishes for its transport files (TS-140)."""

_DAMAGED = (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError)
"""What ``openpyxl`` raises for most damaged workbooks."""

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


def read_xlsx(path: Path) -> Cells:
    """One sheet of an Excel workbook: the one named as the file (the domain), else the only one.

    Formulas count by their stored result.

    Raises
    ------
    DomainRefused
        No workbook, several sheets and none named as the domain, more cells than are read, a
        formula without a stored result, or values beside or outside the header.
    """
    import openpyxl

    try:
        with zipfile.ZipFile(path) as packed:
            judge_bytes(sum(part.file_size for part in packed.infolist()), MAX_UNPACKED)
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        formulas = openpyxl.load_workbook(path, read_only=True, data_only=False)
    except DomainRefused:
        raise
    except _DAMAGED:
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
            grid = _grid(book[names[0]], formulas[names[0]])
        except DomainRefused:
            raise
        except _DAMAGED:
            raise DomainRefused(
                "format", "the sheet is damaged or was cut; send the workbook again"
            ) from None
    finally:
        book.close()
        formulas.close()
    while grid and all(value is None for value in grid[0]):
        grid.pop(0)
    if not grid:
        raise DomainRefused("empty", "the sheet is empty: not even a header")
    header = [to_text(value) or "" for value in grid[0]]
    width = max(len(row) for row in grid)
    header += [""] * (width - len(header))
    body = [[*row, *[None] * (width - len(row))] for row in grid[1:]]
    return typed_table(header, list(zip(*body, strict=True)) if body else [()] * width)


def _grid(sheet: Any, formulas: Any) -> list[list[Any]]:
    """Values of a sheet, row by row; ``formulas`` is the same sheet as formulas."""
    for side in (sheet, formulas):
        judge_size(side.max_row or 0, side.max_column or 0)
        side.reset_dimensions()  # what the sheet says of itself may be less than it holds
    grid: list[list[Any]] = []
    width = 0
    for number, (cells, asked) in enumerate(
        zip(sheet.iter_rows(), formulas.iter_rows(), strict=False)
    ):
        if not cells and number <= MAX_ROWS:  # a row that the sheet leaves out
            grid.append([])
            continue
        values = [_excel_cell(cell) for cell in cells]
        width = max(width, len(values))
        judge_size(number, width)
        if any(
            value is None and cell.data_type == "f"
            for value, cell in zip(values, asked, strict=False)
        ):
            raise DomainRefused(
                "formula",
                f"row {number}: a formula has no stored result; save the workbook with values",
            )
        grid.append(values)
    return grid


def _sas_column(values: Sequence[Any]) -> list[Any]:
    return [None if isinstance(value, float) and value != value else value for value in values]


def _read_sas(read: Any, path: Path, kind: str) -> Cells:
    import pyreadstat

    attempts: tuple[dict[str, str], ...] = ({}, {"encoding": "GB18030"})
    for attempt in attempts:
        try:
            _, said = read(str(path), output_format="dict", metadataonly=True, **attempt)
            width = max(1, len(said.column_names))
            judge_size(max(0, said.number_rows or 0), width)
            most = MAX_CELLS // width + 1
            data, meta = read(str(path), output_format="dict", row_limit=most, **attempt)
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
        judge_size(n_rows, len(names))
        if any(
            n is not None and n >= 0 and n != n_rows for n in (said.number_rows, meta.number_rows)
        ):
            raise DomainRefused(
                "cut",
                f"the file announces another number of rows than it holds ({n_rows}); it was "
                "cut: send it again",
            )
        return typed_table(names, columns, encoding=attempt.get("encoding", "").lower())
    raise DomainRefused(
        "encoding", f"the text of the {kind} is neither UTF-8 nor GB18030/GBK and is not guessed"
    )


def read_xpt(path: Path) -> Cells:
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


def read_sas7bdat(path: Path) -> Cells:
    """A SAS data set."""
    import pyreadstat

    return _read_sas(pyreadstat.read_sas7bdat, path, "SAS data set")


def read_parquet(path: Path) -> Cells:
    """A Parquet file; integers, floats, dates and timestamps become text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            judge_size(file.metadata.num_rows, file.metadata.num_columns)
            _judge_kinds(file.schema_arrow)
            table = file.read()
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
        values: Sequence[Any]
        if pa.types.is_float32(column.type):
            values = [None if v is None else np.float32(v) for v in column.to_pylist()]
        elif pa.types.is_timestamp(column.type):
            values = column.cast(pa.timestamp("us")).to_pylist()
        else:
            values = column.to_pylist()
        names.append(name)
        columns.append(values)
    return typed_table(names, columns)


def _judge_kinds(schema: Any) -> None:
    import pyarrow as pa

    for number, field in enumerate(schema, start=1):
        if pa.types.is_nested(field.type):
            raise DomainRefused(
                "format", f"column {number} holds lists or structures; send one value per cell"
            )
