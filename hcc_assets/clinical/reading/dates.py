"""ISO 8601 dates of clinical data, whole and partial: what they can mean and how they are imputed.

Comparing records of a subject belongs to ``checks``.

A partial date is an interval. ``parse_dates`` gives its first and last possible day, so that a
check can ask "certainly before?" instead of trusting an imputed day. Nothing but SDTM's form of ISO
8601 is read: ``2024``, ``2024-03``, ``2024-03-15``, ``2024---15`` (month unknown), each whole date
with or without a time. ``03/04/2024``, ``15MAR2024`` or ``20240315`` are never guessed.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from typing import Literal

import numpy as np
import pandas as pd

_DATE = re.compile(
    r"(?P<year>\d{4}|-)(?:-(?P<month>\d{2}|-)(?:-(?P<day>\d{2}|-))?)?"
    r"(?P<time>[T ](?:\d{2}|-)(?::(?:\d{2}|-)(?::(?:\d{2}(?:[.,]\d+)?|-))?)?"
    r"(?:Z|[+-]\d{2}(?::?\d{2})?)?)?"
)
_FIRST_YEAR, _LAST_YEAR = 1900, 2100
"""Ours: years in which no date of a trial lies are typing errors."""

_LAST_HOUR = 24
"""ISO 8601 writes the end of a day as 24:00."""

OK, BAD, NO_YEAR = "", "bad", "no year"


def _parse_one(text: str) -> tuple[dt.date | None, dt.date | None, str | None, str]:
    match = _DATE.fullmatch(text)
    if match is None:
        return None, None, None, BAD
    year_text, month_text, day_text = match["year"], match["month"], match["day"]
    month = int(month_text) if month_text and month_text != "-" else None
    day = int(day_text) if day_text and day_text != "-" else None
    if (month is not None and not 1 <= month <= 12) or (day is not None and not 1 <= day <= 31):
        return None, None, None, BAD
    hour = match["time"][1:3] if match["time"] else None
    if hour and hour[0] != "-" and int(hour) > _LAST_HOUR:
        return None, None, None, BAD
    if year_text == "-":
        return (None, None, None, BAD if month is None and day is None else NO_YEAR)
    year = int(year_text)
    if not _FIRST_YEAR <= year <= _LAST_YEAR or (match["time"] and (month is None or day is None)):
        return None, None, None, BAD
    first_month, last_month = (month, month) if month else (1, 12)
    try:
        low = dt.date(year, first_month, day or 1)
        high = dt.date(year, last_month, day or calendar.monthrange(year, last_month)[1])
    except ValueError:
        return None, None, None, BAD
    return low, high, "M" if month is None else "D" if day is None else None, OK


def parse_dates(texts: pd.Series) -> pd.DataFrame:
    """What delivered dates can mean.

    Parameters
    ----------
    texts
        Text as delivered, null allowed.

    Returns
    -------
    pandas.DataFrame
        Index of ``texts`` and the columns ``low`` and ``high`` (first and last possible day,
        ``datetime64[ns]``), ``flag`` (ADaM date imputation flag: ``D`` day, ``M`` month and day
        imputed, null when whole) and ``status`` (``""`` fine or null, ``"bad"`` not an ISO date or
        impossible, ``"no year"``).
    """
    codes, uniques = pd.factorize(texts)
    parsed = [_parse_one(str(text)) for text in uniques]
    empty: tuple[dt.date | None, dt.date | None, str | None, str] = (None, None, None, OK)
    columns = list(zip(*[*parsed, empty], strict=True))
    low = np.array(columns[0], dtype="datetime64[D]").astype("datetime64[ns]")
    high = np.array(columns[1], dtype="datetime64[D]").astype("datetime64[ns]")
    return pd.DataFrame(
        {
            "low": low[codes],
            "high": high[codes],
            "flag": np.array(columns[2], dtype=object)[codes],
            "status": np.array(columns[3], dtype=object)[codes],
        },
        index=texts.index,
    )


def impute(
    parsed: pd.DataFrame,
    side: Literal["first", "last"],
    *,
    not_before: pd.Series | None = None,
    unless_over: pd.Series | None = None,
) -> pd.Series:
    """One day for each date: the first possible day for a start, the last possible one for an end.

    Parameters
    ----------
    parsed
        Result of ``parse_dates``.
    not_before
        A day per row: an imputed first day moves up to it where it lies in the same possible period
        (CTCAE reporting: an onset in the month of the first dose is not placed before that dose).
    unless_over
        Last possible end per row: where it lies before ``not_before`` the record was over by then
        and nothing is moved.
    """
    day = parsed["low"] if side == "first" else parsed["high"]
    if not_before is None:
        return day.copy()
    moved = parsed["flag"].notna() & (not_before > day) & (not_before <= parsed["high"])
    if unless_over is not None:
        moved &= ~(unless_over < not_before)
    return day.where(~moved, not_before)
