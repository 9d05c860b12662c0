"""Numbers in the text cells of clinical deliveries, decimal commas among them. Characters are in
``characters``, file formats in ``formats``."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+")
_COMMA_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_POINT_NUMBER = re.compile(r"[+-]?\d*\.\d+")


def to_numbers(texts: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Numbers of a text column.

    Returns
    -------
    tuple
        ``float64`` values (null where there is none) and a boolean mask of texts that are there and
        are no number. A lone ``.`` (SAS for missing) is null.
    """
    codes, uniques = pd.factorize(texts)
    values = np.full(len(uniques) + 1, np.nan)
    wrong = np.zeros(len(uniques) + 1, dtype=bool)
    for i, text in enumerate(uniques):
        if _NUMBER.fullmatch(str(text)):
            values[i] = float(text)
        else:
            wrong[i] = str(text) != "."
    return pd.Series(values[codes], index=texts.index), pd.Series(wrong[codes], index=texts.index)


def decimal_commas(columns: dict[str, pd.Series]) -> dict[str, pd.Series]:
    """Cells whose number is written with a decimal comma.

    A comma is a decimal comma where it can be nothing else (``34,5``). One before three digits
    (``1,234``) may separate thousands: it is a decimal comma only where the column has no decimal
    point and some cell of the table shows a decimal comma that can be nothing else. What remains,
    and grouped thousands, is no number.

    Parameters
    ----------
    columns
        The number columns of one table, index = row number in the file.

    Returns
    -------
    dict
        Column to a boolean mask of those cells; only columns that have some.
    """
    present = {
        name: texts[texts.str.fullmatch(_COMMA_NUMBER).eq(True)] for name, texts in columns.items()
    }
    sure = {name: ~texts.str.fullmatch(_COMMA_THOUSANDS) for name, texts in present.items()}
    proven = any(bool(found.any()) for found in sure.values())
    out = {}
    for name, texts in columns.items():
        pointed = texts.str.fullmatch(_POINT_NUMBER).eq(True).any()
        read = sure[name] | (proven and not pointed)
        if read.any():
            out[name] = read.reindex(texts.index, fill_value=False).astype(bool)
    return out
