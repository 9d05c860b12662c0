"""The last step of every validated table: order, types, and a date beside its text."""

from __future__ import annotations

import pandas as pd

from hcc_assets.clinical.reading.dates import impute
from hcc_assets.schemas.base import Table, columns, conform
from hcc_assets.study.partial_dates import PARTIAL_DATES


def finish(model: type[Table], frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Conform and sort by key, then by content, so that the order of delivered rows never
    matters."""
    rest = [name for name in columns(model) if name not in keys and name != "SRCROW"]
    ordered = conform(model, frame[list(columns(model))])
    names = [*keys, *rest, "SRCROW"] if ordered.duplicated(keys).any() else keys
    return ordered.sort_values(names, kind="stable", na_position="last").reset_index(drop=True)


def with_date(
    frame: pd.DataFrame,
    source: str,
    *,
    not_before: pd.Series | None = None,
    unless_over: pd.Series | None = None,
) -> None:
    """Add the day that a typed date column stands for, by its rule in ``partial_dates``, and its
    imputation flag.

    Parameters
    ----------
    not_before, unless_over
        As for ``dates.impute``; only for a column whose rule names such a day.
    """
    rule = PARTIAL_DATES[source]
    assert not_before is None or rule.not_before, "the rule of the column knows no such day"
    frame[rule.date] = impute(
        parsed(frame, source), rule.side, not_before=not_before, unless_over=unless_over
    )
    frame[rule.date + "F"] = frame[f"{source}.flag"]


def parsed(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """``low, high, flag`` of a typed date column."""
    return frame[[f"{source}.low", f"{source}.high", f"{source}.flag"]].set_axis(
        ["low", "high", "flag"], axis=1
    )
