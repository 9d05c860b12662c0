"""The last step of every validated table: order, types, and a date beside its text."""

from __future__ import annotations

import pandas as pd

from hcc_assets.schemas.base import Table, columns, conform


def finish(model: type[Table], frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Conform and sort by key, then by content, so that the order of delivered rows never
    matters."""
    rest = [name for name in columns(model) if name not in keys and name != "SRCROW"]
    ordered = conform(model, frame[list(columns(model))])
    names = [*keys, *rest, "SRCROW"] if ordered.duplicated(keys).any() else keys
    return ordered.sort_values(names, kind="stable", na_position="last").reset_index(drop=True)


def with_date(frame: pd.DataFrame, source: str, target: str, day: pd.Series) -> None:
    """Add ``day`` as the date of a text column, with its imputation flag."""
    frame[target] = day
    frame[target + "F"] = frame[f"{source}.flag"]


def parsed(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """``low, high, flag`` of a typed date column."""
    return frame[[f"{source}.low", f"{source}.high", f"{source}.flag"]].set_axis(
        ["low", "high", "flag"], axis=1
    )
