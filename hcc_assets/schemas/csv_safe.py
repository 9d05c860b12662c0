"""CSV that a spreadsheet opens as the table it is: the one writer of every CSV the project
publishes.

Reading deliveries belongs to ``clinical.exports``.
"""

from __future__ import annotations

import datetime as dt
import io
from typing import Any, Final

import numpy as np
import pandas as pd

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""First characters that make a spreadsheet evaluate a text cell (OWASP, CSV injection), full-width
forms included."""

_PATTERN = "^[" + "".join("\\" + c if c in "-" else c for c in FORMULA_STARTS) + "]"


def _date_text(column: pd.Series) -> pd.Series:
    """ISO text of a date column: ``YYYY-MM-DD`` where every value is at midnight, with the time
    otherwise."""
    naive = (
        column.dt.tz_convert("UTC").dt.tz_localize(None)
        if getattr(column.dt, "tz", None) is not None
        else column
    )
    form = (
        "%Y-%m-%d"
        if bool((naive.dropna() == naive.dropna().dt.normalize()).all())
        else "%Y-%m-%dT%H:%M:%S"
    )
    return naive.dt.strftime(form).astype(object).where(column.notna(), None)


def _plain(value: Any) -> str | None:
    """Text of one value of a mixed column."""
    if (
        value is None
        or value is pd.NaT
        or value is pd.NA
        or (isinstance(value, float) and np.isnan(value))
    ):
        return None
    if isinstance(value, dt.datetime):
        return value.isoformat() if value.time() != dt.time(0) else value.date().isoformat()
    return str(value)


def to_csv_bytes(frame: pd.DataFrame) -> bytes:
    """CSV of a table, safe to open in a spreadsheet.

    UTF-8 with byte order mark, comma, ``\\n``, header row, no index. A text that starts with one of
    `FORMULA_STARTS` gets ``'`` in front; numbers never do, so negative numbers stay numbers. Dates
    are ISO, floats the shortest text that reads back to the same number, booleans
    ``true``/``false``, null an empty field without quotes (an empty text is ``""``).

    Parameters
    ----------
    frame
        Any table; column names are taken as text.

    Notes
    -----
    Written by Arrow column by column: 500,000 rows of ten columns take about a second.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv

    arrays = []
    for position in range(frame.shape[1]):
        column = frame.iloc[:, position]
        if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf":
            arrays.append(pa.array(column.to_numpy(), from_pandas=True))
            continue
        if isinstance(column.dtype, pd.api.extensions.ExtensionDtype) and (
            pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column)
        ):
            arrays.append(pa.array(column, from_pandas=True))
            continue
        if pd.api.types.is_datetime64_any_dtype(column):
            column = _date_text(column)
        values = column.astype(object)
        try:
            text = pa.array(values, type=pa.string(), from_pandas=True)
            risky = pc.fill_null(pc.match_substring_regex(text, _PATTERN), False)
        except (pa.ArrowTypeError, pa.ArrowInvalid):
            text = pa.array([_plain(v) for v in values], type=pa.string())
            risky = pa.array([isinstance(v, str) and v.startswith(FORMULA_STARTS) for v in values])
        arrays.append(pc.if_else(risky, pc.binary_join_element_wise("'", text, ""), text))
    names = ["'" + str(c) if str(c).startswith(FORMULA_STARTS) else str(c) for c in frame.columns]
    out = io.BytesIO()
    out.write(b"\xef\xbb\xbf")
    if not names:
        return out.getvalue()
    pyarrow.csv.write_csv(
        pa.table(arrays, names=names), out, pyarrow.csv.WriteOptions(include_header=True)
    )
    return out.getvalue()
