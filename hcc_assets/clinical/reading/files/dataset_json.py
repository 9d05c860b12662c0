"""Reader of CDISC Dataset-JSON 1.0, 1.1 and its line-wise form. Other formats are in
``binary_files`` and ``text_files``."""

from __future__ import annotations

import decimal
import json
from typing import Any

from hcc_assets.clinical.reading.files.cell_text import typed_table
from hcc_assets.clinical.reading.files.cells import Cells, judge_bytes, judge_size
from hcc_assets.clinical.reading.refusal import DomainRefused

_MAX_EXPONENT = 400
"""Ours: beyond the largest double (1.8e308), so that no number that anything can hold is lost."""

_NOT_ONE_TABLE = "the JSON file is no Dataset-JSON of version 1.0 or 1.1 with one table"


class _Number(str):
    """A JSON number with a fraction, as written."""


def read_dataset_json(data: bytes) -> Cells:
    """CDISC Dataset-JSON 1.0 (``clinicalData``/``itemGroupData``), 1.1 (``columns``/``rows``) and
    its line-wise form (NDJSON).

    Raises
    ------
    DomainRefused
        No Dataset-JSON, more than one table, or the announced number of records is not there.
    """
    judge_bytes(len(data))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DomainRefused(
            "encoding", "Dataset-JSON must be UTF-8; the file is not, or was cut"
        ) from None
    content = _parsed(text)
    if isinstance(content, dict) and "columns" in content and "rows" in content:
        items, rows, announced = content["columns"], content["rows"], content.get("records")
        names = _names(items)
    else:
        names, rows, announced = _version_1_0(content)
    if not isinstance(rows, list):
        raise DomainRefused("format", _NOT_ONE_TABLE)
    judge_size(len(rows), len(names))
    if announced is not None and announced != len(rows):
        said = announced if isinstance(announced, int) and abs(announced) < 10**12 else "other"
        raise DomainRefused(
            "cut", f"the file announces {said} records and holds {len(rows)}; send it again"
        )
    _same_length(rows, names)
    columns = [[_json_value(row[i], n) for n, row in enumerate(rows, 1)] for i in range(len(names))]
    return typed_table(names, columns, encoding="utf-8")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_float=_Number)
    except json.JSONDecodeError:
        return _from_lines(text)
    except RecursionError:
        raise DomainRefused("format", "the JSON is nested too deeply; send one table") from None
    except ValueError:  # Python reads integers of up to 4,300 digits
        raise DomainRefused("number", "a number has thousands of digits; correct it") from None


def _names(items: Any) -> list[str]:
    names = [item.get("name") if isinstance(item, dict) else None for item in _listed(items)]
    for number, name in enumerate(names, start=1):
        if not isinstance(name, str):
            raise DomainRefused("format", f"column {number} has no name that is a text; name it")
    return [str(name) for name in names]


def _listed(items: Any) -> list[Any]:
    if not isinstance(items, list):
        raise DomainRefused("format", _NOT_ONE_TABLE)
    return items


def _same_length(rows: list[Any], names: list[str]) -> None:
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list):
            raise DomainRefused("format", f"row {number}: is no list of values; correct the file")
        if len(row) != len(names):
            raise DomainRefused(
                "short_row",
                f"row {number}: {len(row)} values for {len(names)} columns; correct the file",
            )


def _json_value(value: Any, row: int) -> Any:
    if isinstance(value, _Number):
        number = decimal.Decimal(value)
        if abs(number.adjusted()) > _MAX_EXPONENT:
            raise DomainRefused("number", f"row {row}: a number is too large; correct it")
        return number
    if isinstance(value, list | dict):
        raise DomainRefused("format", f"row {row}: a value is a list or an object; correct it")
    return value


def _from_lines(text: str) -> Any:
    try:
        lines = [
            json.loads(line, parse_float=_Number) for line in text.splitlines() if line.strip()
        ]
    except (ValueError, RecursionError):
        raise DomainRefused(
            "format", "the file is no readable Dataset-JSON or was cut; send it again"
        ) from None
    if not lines or not isinstance(lines[0], dict):
        raise DomainRefused(
            "format", "the file is no Dataset-JSON: the first line must hold the metadata"
        )
    return {**lines[0], "rows": lines[1:]}


def _version_1_0(content: Any) -> tuple[list[str], Any, Any]:
    part = (
        content.get("clinicalData") or content.get("referenceData")
        if isinstance(content, dict)
        else None
    )
    groups = part.get("itemGroupData") if isinstance(part, dict) else None
    if not isinstance(groups, dict) or len(groups) != 1:
        raise DomainRefused("format", _NOT_ONE_TABLE)
    group = next(iter(groups.values()))
    if not isinstance(group, dict) or "items" not in group:
        raise DomainRefused("format", _NOT_ONE_TABLE)
    items, rows = group["items"], _listed(group.get("itemData") or [])
    names = _names(items)
    sequence = {
        i
        for i, item in enumerate(items)
        if names[i] == "ITEMGROUPDATASEQ" or item.get("OID") == "ITEMGROUPDATASEQ"
    }
    kept = [i for i in range(len(names)) if i not in sequence]
    judge_size(len(rows), len(names))
    _same_length(rows, names)
    return [names[i] for i in kept], [[row[i] for i in kept] for row in rows], group.get("records")
