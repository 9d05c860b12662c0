"""Hostile files of each format, by name (`RELIABILITY.md`, fault 45)."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

_SHEET = "xl/worksheets/sheet1.xml"
_HEAD = (
    '<?xml version="1.0"?>'
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
)


def workbook(rows: list[list[object]], sheet: str = "AE") -> bytes:
    """A workbook of one sheet."""
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def with_part(data: bytes, part: str, content: bytes) -> bytes:
    """A workbook with one part of it replaced."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, content if name == part else old.read(name))
    return out.getvalue()


def _sheet(rows: str, dimension: str = "") -> bytes:
    size = f'<dimension ref="{dimension}"/>' if dimension else ""
    xml = f"{_HEAD}{size}<sheetData>{rows}</sheetData></worksheet>"
    return with_part(workbook([["a"]]), _SHEET, xml.encode())


def _cell(place: str, value: str = "x") -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'


def declared_workbook() -> bytes:
    """Three rows that say they are a whole sheet."""
    rows = f'<row r="1">{_cell("A1")}</row><row r="1048576">{_cell("A1048576")}</row>'
    return _sheet(rows, "A1:XFD1048576")


def undeclared_workbook() -> bytes:
    """A row at the end of the sheet, and nothing that says so."""
    return _sheet(f'<row r="1">{_cell("A1")}</row><row r="1048576">{_cell("A1048576")}</row>')


def wide_workbook() -> bytes:
    """A cell in the last column, and nothing that says so."""
    return _sheet(f'<row r="1">{_cell("A1")}</row><row r="2">{_cell("XFD2")}</row>')


def zip_bomb() -> bytes:
    """A workbook whose parts say that they unpack to a gigabyte."""
    out = io.BytesIO(workbook([["a"]]))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/more.xml", b" ")
        book.filelist[-1].file_size = 1 << 30
    return out.getvalue()


def repeated_parquet() -> bytes:
    """Twenty million rows of one value in a few kilobytes."""
    values = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int8()), ["S1"])
    out = io.BytesIO()
    table = pa.table({"USUBJID": values})
    with pq.ParquetWriter(out, table.schema) as writer:
        for _ in range(20):
            writer.write_table(table)
    return out.getvalue()


def nested_parquet() -> bytes:
    """A list in a cell."""
    out = io.BytesIO()
    pq.write_table(pa.table({"USUBJID": ["S1"], "AETERM": [["a", "b"]]}), out)
    return out.getvalue()


def dataset(rows: str, columns: str = '[{"name":"USUBJID"},{"name":"AESEQ"}]') -> bytes:
    """Dataset-JSON 1.1 of these columns and rows."""
    return f'{{"columns":{columns},"rows":{rows}}}'.encode()


HOSTILE: dict[str, tuple[str, str, Callable[[], bytes]]] = {
    "a workbook that says it fills its sheet": (".xlsx", "too_large", declared_workbook),
    "a workbook with a row at the end of the sheet": (".xlsx", "too_large", undeclared_workbook),
    "a workbook with a cell in the last column": (".xlsx", "too_large", wide_workbook),
    "a zip bomb": (".xlsx", "too_large", zip_bomb),
    "no workbook": (".xlsx", "format", lambda: b"PK\x03\x04 and nothing"),
    "XML without an end": (".xlsx", "unreadable", lambda: _sheet("<row")),
    "Parquet of repeated rows": (".parquet", "too_large", repeated_parquet),
    "Parquet with lists": (".parquet", "format", nested_parquet),
    "JSON nested without an end": (".json", "format", lambda: b"[" * 200_000),
    "JSON nested deep": (
        ".json",
        "format",
        lambda: dataset("[" * 3000 + "]" * 3000),
    ),
    "columns without a name": (".json", "format", lambda: dataset('[["a"]]', '[{"x":1}]')),
    "columns that are a number": (".json", "format", lambda: dataset('[["a"]]', "5")),
    "a name that is a number": (".json", "format", lambda: dataset('[["a"]]', '[{"name":5}]')),
    "a name that is null": (".json", "format", lambda: dataset('[["a"]]', '[{"name":null}]')),
    "rows that are numbers": (".json", "format", lambda: dataset("[5]")),
    "rows that are null": (".json", "format", lambda: dataset("null")),
    "an object in a cell": (".json", "format", lambda: dataset('[["S1",{"a":1}]]')),
    "an integer of 5,000 digits": (".json", "number", lambda: dataset(f'[["S1",{"1" * 5000}]]')),
    "a number beyond all numbers": (".json", "number", lambda: dataset('[["S1",1.5e999999999]]')),
    "half a character": (".json", "encoding", lambda: dataset('[["S1","\\ud800"]]')),
    "half a character in a name": (
        ".json",
        "encoding",
        lambda: dataset('[["a"]]', '[{"name":"\\udc00"}]'),
    ),
    "lines nested deep": (
        ".ndjson",
        "format",
        lambda: json.dumps({"columns": []}).encode() + b"\n" + b"[" * 5000,
    ),
    "CSV of delimiters": (".csv", "too_large", lambda: b"a,b\n" + b"," * 11_000_000),
    "CSV of empty lines": (".csv", "too_large", lambda: b"a,b\n" + b",\n" * 600_000),
    "a cell without an end": (".json", "too_large", lambda: dataset(f'[["S1","{"x" * 200_000}"]]')),
}
"""What it is: ending, code of the refusal, content."""


def put(folder: Path, name: str) -> Path:
    """Write one of `HOSTILE` as ``ae`` and give its path."""
    ending, _, content = HOSTILE[name]
    path = folder / f"ae{ending}"
    path.write_bytes(content())
    return path
