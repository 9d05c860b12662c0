"""Readers of the formats that carry types: Excel, SAS transport, SAS data sets, Parquet and CDISC Dataset-JSON. Delimited text is in ``readers``."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hcc_assets.clinical.reading.refusal import DomainRefused
from hcc_assets.clinical.reading.text_files import RawTable, finish_raw

_MIDNIGHT = dt.time(0)
_XPT_RECORD = 80
_ZEROS = re.compile(r"0{2,18}")


def plain_number(value: float | np.floating[Any] | decimal.Decimal) -> str | None:
    """Shortest decimal text of a binary number: 15 significant digits, no exponent, no trailing zeros; null for NaN."""
    if isinstance(value, float | np.floating):
        if not np.isfinite(value):
            return None
        text = str(value) if isinstance(value, np.float32) else format(float(value), ".15g")
        value = decimal.Decimal(text)
    elif not value.is_finite():
        return None
    if value == value.to_integral_value():
        return format(
            value.quantize(decimal.Decimal(1))
            if abs(value) < 10**20
            else value.to_integral_value(),
            "f",
        )
    return format(value.normalize(), "f")


def to_text(value: Any) -> str | None:
    """Text of one typed cell; see the module ``readers`` for the forms."""
    if value is None or value is pd.NaT:
        return None
    if isinstance(value, str):
        return value if value and not value.isspace() else None
    if isinstance(value, bool | np.bool_):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating | decimal.Decimal):
        return plain_number(value)
    if isinstance(value, dt.datetime):
        return (
            value.date().isoformat()
            if value.time() == _MIDNIGHT and value.tzinfo is None
            else value.replace(microsecond=0).isoformat()
        )
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8")
    return str(value)


def _column(values: Sequence[Any]) -> np.ndarray:
    out = np.empty(len(values), dtype=object)
    out[:] = [to_text(value) for value in values]
    return out


def _raw(names: list[str], columns: Sequence[Sequence[Any]], n_rows: int, **extra: str) -> RawTable:
    frame = pd.DataFrame(
        {i: _column(values) for i, values in enumerate(columns)}, index=pd.RangeIndex(1, n_rows + 1)
    )
    return finish_raw(names, frame, **extra)


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
    """One sheet of an Excel workbook: the one named as the file (the domain), else the only one. Formulas count by their stored result.

    Raises
    ------
    DomainRefused
        No workbook, several sheets and none named as the domain, a formula without a stored result, or values beside or outside the header.
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
                f"the workbook has {len(book.sheetnames)} sheets and none is named {path.stem.upper()}; name the one to read so",
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
    return _raw(header, columns, len(body))


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
                f"the file announces another number of rows than it holds ({n_rows}); it was cut: send it again",
            )
        return _raw(names, columns, n_rows, encoding=attempt.get("encoding", "").lower())
    raise DomainRefused(
        "encoding", f"the text of the {kind} is neither UTF-8 nor GB18030/GBK and is not guessed"
    )


def read_xpt(path: Path) -> RawTable:
    """A SAS transport file (version 5 or 8). A size that is no multiple of 80 bytes means that the file was cut."""
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
    return _raw(names, columns, table.num_rows)


class _Number(str):
    """A JSON number with a fraction, as written."""


def read_dataset_json(data: bytes) -> RawTable:
    """CDISC Dataset-JSON 1.0 (``clinicalData``/``itemGroupData``), 1.1 (``columns``/``rows``) and its line-wise form (NDJSON).

    Raises
    ------
    DomainRefused
        No Dataset-JSON, more than one table, or the announced number of records is not there.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DomainRefused(
            "encoding", "Dataset-JSON must be UTF-8; the file is not, or was cut"
        ) from None
    try:
        content = json.loads(text, parse_float=_Number)
    except json.JSONDecodeError:
        content = _from_lines(text)
    if isinstance(content, dict) and "columns" in content and "rows" in content:
        names, rows, announced = (
            [c["name"] for c in content["columns"]],
            content["rows"],
            content.get("records"),
        )
    else:
        names, rows, announced = _version_1_0(content)
    if announced is not None and announced != len(rows):
        raise DomainRefused(
            "cut", f"the file announces {announced} records and holds {len(rows)}; send it again"
        )
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            raise DomainRefused(
                "short_row",
                f"row {number}: {len(row)} values for {len(names)} columns; correct the file",
            )
    columns = [[_json_value(row[i]) for row in rows] for i in range(len(names))]
    return _raw(names, columns, len(rows), encoding="utf-8")


def _json_value(value: Any) -> Any:
    return decimal.Decimal(value) if isinstance(value, _Number) else value


def _from_lines(text: str) -> Any:
    try:
        lines = [
            json.loads(line, parse_float=_Number) for line in text.splitlines() if line.strip()
        ]
    except json.JSONDecodeError:
        raise DomainRefused(
            "format", "the file is no readable Dataset-JSON or was cut; send it again"
        ) from None
    if not lines or not isinstance(lines[0], dict):
        raise DomainRefused(
            "format", "the file is no Dataset-JSON: the first line must hold the metadata"
        )
    return {**lines[0], "rows": lines[1:]}


def _version_1_0(content: Any) -> tuple[list[str], list[list[Any]], int | None]:
    problem = DomainRefused(
        "format", "the JSON file is no Dataset-JSON of version 1.0 or 1.1 with one table"
    )
    part = (
        content.get("clinicalData") or content.get("referenceData")
        if isinstance(content, dict)
        else None
    )
    groups = part.get("itemGroupData") if isinstance(part, dict) else None
    if not isinstance(groups, dict) or len(groups) != 1:
        raise problem
    group = next(iter(groups.values()))
    if not isinstance(group, dict) or "items" not in group:
        raise problem
    names = [item["name"] for item in group["items"]]
    rows = group.get("itemData") or []
    sequence = [
        i
        for i, item in enumerate(group["items"])
        if item["name"] == "ITEMGROUPDATASEQ" or item.get("OID") == "ITEMGROUPDATASEQ"
    ]
    kept = [i for i in range(len(names)) if i not in sequence]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            raise DomainRefused(
                "short_row",
                f"row {number}: {len(row)} values for {len(names)} columns; correct the file",
            )
    return [names[i] for i in kept], [[row[i] for i in kept] for row in rows], group.get("records")
