"""Deaths known at the cutoff, and the spelling of coded words they are read by."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd

NULL: Any = None
"""The null of text columns."""


def words(column: pd.Series) -> pd.Series:
    """Coded words in upper case with single spaces; null stays null."""
    known = {
        value: " ".join(str(value).upper().split()) or None for value in column.dropna().unique()
    }
    return column.map(known).astype(object).where(column.notna(), NULL)


def known_deaths(
    subjects: pd.DataFrame, disposition: pd.DataFrame | None, *, cutoff: dt.date
) -> pd.DataFrame:
    """Deaths on or before the cutoff: of DM, or of the DS record DEATH where DM has no date.

    A death that DM states without a date counts.

    Returns
    -------
    pandas.DataFrame
        ``USUBJID, DTHDT, died``, one row per subject, sorted by USUBJID; ``DTHDT`` is null where
        the date is not known or lies after the cutoff.
    """
    limit: Any = pd.Timestamp(cutoff)
    out = subjects[["USUBJID", "DTHDT", "DTHFL"]].sort_values("USUBJID").reset_index(drop=True)
    if disposition is not None:
        records = disposition.loc[
            (disposition["DOMAIN"] == "DS") & words(disposition["DSDECOD"]).eq("DEATH")
        ]
        out["DTHDT"] = out["DTHDT"].fillna(
            out["USUBJID"].map(records.groupby("USUBJID")["DSSTDT"].min())
        )
    stated = words(out["DTHFL"]).eq("Y") & out["DTHDT"].isna()
    out["died"] = stated | (out["DTHDT"] <= limit)
    out["DTHDT"] = out["DTHDT"].where(out["DTHDT"] <= limit)
    return out[["USUBJID", "DTHDT", "died"]]
