"""Reader of CDISC Dataset-JSON 1.0, 1.1 and its line-wise form. Other formats are in
``binary_files`` and ``text_files``."""

from __future__ import annotations

import decimal
import json
from typing import Any

from hcc_assets.clinical.reading.cell_text import typed_table
from hcc_assets.clinical.reading.raw_table import RawTable
from hcc_assets.clinical.reading.refusal import DomainRefused


class _Number(str):
    """A JSON number with a fraction, as written."""


def read_dataset_json(data: bytes) -> RawTable:
    """CDISC Dataset-JSON 1.0 (``clinicalData``/``itemGroupData``), 1.1 (``columns``/``rows``) and
    its line-wise form (NDJSON).

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
    return typed_table(names, columns, len(rows), encoding="utf-8")


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
