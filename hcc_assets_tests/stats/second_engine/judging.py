"""The checks of the second engine as the catalogue has them, and tables with one planted fault. No
assertions on results belong here."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hcc_assets.assets.definition import Verdict
from hcc_assets.catalogue.loading import all_assets


def judge(asset: str, **given: Any) -> Verdict:
    (check,) = [c for c in all_assets()[asset].checks if c.name == "second_engine_agrees"]
    assert check.severity == "ERROR"
    assert check.judge is not None
    return check.judge(**given)


def spoilt(table: pd.DataFrame, row: Any, column: str) -> pd.DataFrame:
    """The table with one figure that is wrong by a millionth, or there where none can be, or one
    off."""
    wrong = table.copy()
    value = wrong.at[row, column]
    if pd.isna(value):
        wrong.at[row, column] = 0.5
    else:
        whole = pd.api.types.is_integer_dtype(wrong[column])
        wrong.at[row, column] = value + (1 if whole else 1e-6 * max(abs(value), 0.1))
    return wrong
