"""Typed cells of binary formats to text: numbers, dates and flags in the one form that all formats
give. Which format holds them is in ``binary_files`` and ``dataset_json``."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Sequence
from typing import Any

import numpy as np

from hcc_assets.clinical.reading.files.cells import Cells, judge_size

_MIDNIGHT = dt.time(0)

_DIGITS = 15
"""Decimal digits that every double holds (IEEE 754)."""

_QUANTIZED_BELOW = 10**20
"""Ours: below the 28 digits at which ``Decimal.quantize`` gives up."""


def plain_number(value: float | np.floating[Any] | decimal.Decimal) -> str | None:
    """Shortest decimal text of a binary number: 15 significant digits, no exponent, no trailing
    zeros; null for NaN."""
    if isinstance(value, float | np.floating):
        if not np.isfinite(value):
            return None
        text = str(value) if isinstance(value, np.float32) else format(float(value), f".{_DIGITS}g")
        value = decimal.Decimal(text)
    elif not value.is_finite():
        return None
    if value == value.to_integral_value():
        return format(
            value.quantize(decimal.Decimal(1))
            if abs(value) < _QUANTIZED_BELOW
            else value.to_integral_value(),
            "f",
        )
    return format(value.normalize(), "f")


def to_text(value: Any) -> str | None:
    """Text of one typed cell; see the module ``formats`` for the forms."""
    if value is None or value != value:  # NaN, or no time
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


def typed_table(names: list[str], columns: Sequence[Sequence[Any]], **extra: str) -> Cells:
    """Typed columns as cells: every value as its text."""
    judge_size(len(columns[0]) if columns else 0, len(names))
    return Cells(names, [[to_text(value) for value in values] for values in columns], **extra)
