"""Post-baseline visits in time order: by date, by number where a date is partial or missing. Which
visit is the baseline is decided on reading (``reading.assessments``)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hcc_assets.clinical.recist.readings import NONE


def _last_possible(flag: str | None, date: pd.Timestamp) -> pd.Timestamp:
    return date + (pd.offsets.YearEnd(0) if flag == "M" else pd.offsets.MonthEnd(0))


def _place_soft_visits(visits: pd.DataFrame) -> pd.Series:
    """Order date of visits whose date is partial or absent: after the visit with the next smaller
    number, within the month that is given."""
    order = visits["last"].copy()
    for series in visits.loc[visits["soft"], "series"].unique():
        block = visits[visits["series"] == series].sort_values("VISITNUM")
        previous = pd.NaT
        for index, visit in block.iterrows():
            date = visit["last"]
            if visit["soft"]:
                if pd.isna(date):
                    date = previous
                elif not pd.isna(previous) and date < previous:
                    date = min(previous, _last_possible(visit["flag"], date))
                order.loc[index] = date
            previous = (
                date if pd.isna(previous) or (not pd.isna(date) and date > previous) else previous
            )
    return order


def _first_text(values: pd.Series, keys: pd.Series) -> pd.Series:
    """First text of each group in alphabetical order, whatever the order of rows."""
    pairs = (
        pd.DataFrame({"key": keys, "text": values})
        .dropna()
        .drop_duplicates()
        .sort_values(["key", "text"])
    )
    return pairs.drop_duplicates("key").set_index("key")["text"]


def visit_table(follow: pd.DataFrame, baseline: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Post-baseline visits in time order, and the visit code of each follow-up row (-1: visit lies
    before the baseline)."""
    undated = follow["VISITNUM"].isna()
    by_date = follow["date"].mask(~undated)
    key = (
        follow.groupby(["series", "VISITNUM", "part", by_date], dropna=False, sort=True)
        .ngroup()
        .to_numpy()
    )
    done = follow["kind"].to_numpy() != NONE
    first = pd.Series(key).drop_duplicates().sort_values()
    visits = follow.iloc[first.index][["series", "VISITNUM"]].reset_index(drop=True)
    keys = pd.Series(key, index=follow.index)
    visits["VISIT"] = _first_text(follow["VISIT"], keys).reindex(visits.index)
    visits["last"] = follow["date"].where(done).groupby(keys).max().reindex(visits.index)
    visits["last"] = visits["last"].fillna(follow["date"].groupby(keys).max())
    visits["soft"] = ~(follow["imputed"].isna() & follow["date"].notna()).groupby(
        keys
    ).any().reindex(visits.index, fill_value=False).astype(bool)
    visits["flag"] = _first_text(follow["imputed"], keys).reindex(visits.index)
    start = baseline.groupby("series")["date"].min()
    first_number = baseline.groupby("series")["VISITNUM"].min()
    before = (visits["last"] < visits["series"].map(start)).to_numpy()
    before |= (
        visits["last"].isna() & (visits["VISITNUM"] < visits["series"].map(first_number))
    ).to_numpy()
    visits["order"] = _place_soft_visits(visits)
    visits["last"] = visits["last"].where(~visits["soft"] | visits["last"].isna(), visits["order"])
    # a visit is its number and its day: a partial date may fall on another scan of its number
    same = visits.groupby(["series", "VISITNUM", "order"], dropna=False).ngroup().to_numpy()
    _, one = np.unique(same, return_index=True)
    one = one[same]
    kept = visits[~before & (one == np.arange(len(visits)))].sort_values(
        ["series", "order", "VISITNUM"], kind="stable", na_position="last"
    )
    code = np.full(len(visits), -1)
    code[kept.index] = np.arange(len(kept))
    return kept.reset_index(drop=True)[["series", "VISITNUM", "VISIT", "last"]], code[one][key]
