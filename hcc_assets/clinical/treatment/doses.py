"""Dosing records as closed intervals, and dosing day by day.

Records are laid out day by day, so that overlapping records count a day once (the record that
starts later is the more specific one and wins) and an interruption written inside a longer dosing
record is an interruption. Where treatment ends is in ``course``.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

DOSES_PER_DAY = {"QD": 1.0, "BID": 2.0, "TID": 3.0, "QID": 4.0, "QOD": 0.5, "Q2D": 0.5, "ONCE": 1.0}
"""Doses a day by CDISC frequency; a missing one is QD, the study's [CLINICAL.md 1, EXDOSFRQ], any
other leaves amounts null."""

_DAY = np.timedelta64(1, "D")


def closed_records(treated: pd.DataFrame, exposure: pd.DataFrame, cutoff: dt.date) -> pd.DataFrame:
    """Dosing records that start on or before the cutoff, each with a closed interval.

    Parameters
    ----------
    treated
        ``USUBJID`` and ``close``, the day on which a last record without an end is closed; rows of
        other subjects are left out.
    exposure
        Frame of ``schemas.clinical.Exposure``.
    cutoff
        Later ends are cut to it.

    Returns
    -------
    pandas.DataFrame
        The records with ``start, end`` and ``open`` (the subject's last start and no end that is on
        or before the cutoff). An end that is missing is the day before the next record starts; an
        end before its start (EX01) is taken as the start.
    """
    limit: Any = pd.Timestamp(cutoff)
    records = exposure.merge(treated[["USUBJID", "close"]], on="USUBJID", how="inner")
    records = records.loc[
        records["EXSTDT"].notna() & (records["EXSTDT"] <= limit) & records["EXDOSE"].notna()
    ]
    keys, rising = (
        ["USUBJID", "EXSTDT", "EXSEQ", "EXDOSE", "SRCROW"],
        [True, True, True, False, True],
    )
    records = records.sort_values(keys, ascending=rising, na_position="first").reset_index(
        drop=True
    )
    starts = records.drop_duplicates(["USUBJID", "EXSTDT"])[["USUBJID", "EXSTDT"]]
    following = starts.assign(following=starts.groupby("USUBJID")["EXSTDT"].shift(-1))
    later = records[["USUBJID", "EXSTDT"]].merge(following, on=["USUBJID", "EXSTDT"], how="left")[
        "following"
    ]
    end = records["EXENDT"].fillna(later - pd.Timedelta(days=1)).fillna(records["close"])
    end = end.clip(upper=limit)
    records["start"] = records["EXSTDT"]
    records["end"] = end.where(end >= records["EXSTDT"], records["EXSTDT"])
    records["open"] = (records["EXENDT"].isna() & later.isna()) | (records["EXENDT"] > limit)
    return records


def dose_days(course: pd.DataFrame, exposure: pd.DataFrame, *, cutoff: dt.date) -> pd.DataFrame:
    """Dosing day by day.

    Parameters
    ----------
    course
        Frame of ``schemas.exposure.TreatmentCourse``: an open record ends with the course.

    Returns
    -------
    pandas.DataFrame
        ``USUBJID, day (date), mg`` (daily dose, NaN when unit or frequency is unknown), ``dosed``
        (dose above 0); one row per subject and recorded day. Where records overlap, the one that
        starts later counts; of two that start together, the one with the later EXSEQ, then the
        lower dose.
    """
    records = closed_records(course.rename(columns={"TRTEDT": "close"}), exposure, cutoff)
    records["order"] = np.arange(len(records))
    length = (
        ((records["end"] - records["start"]).dt.days + 1).to_numpy(dtype=np.int64)
        if len(records)
        else np.zeros(0, dtype=np.int64)
    )
    index = np.repeat(np.arange(len(records)), length)
    offset = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    frequency = (
        records["EXDOSFRQ"].fillna("QD").astype(str).str.strip().str.upper().map(DOSES_PER_DAY)
    )
    unit = records["EXDOSU"].fillna("mg").astype(str).str.strip().str.lower().eq("mg")
    daily = (records["EXDOSE"] * frequency).where(unit).mask(records["EXDOSE"] == 0, 0.0)
    days = pd.DataFrame(
        {
            "USUBJID": records["USUBJID"].to_numpy()[index],
            "day": records["start"].to_numpy()[index] + offset * _DAY,
            "mg": daily.to_numpy(dtype=float)[index],
            "dosed": (records["EXDOSE"] > 0).to_numpy()[index],
            "order": index,
        }
    )
    code = pd.factorize(days["USUBJID"], sort=True)[0]
    number = days["day"].to_numpy().astype("datetime64[D]").astype(np.int64)
    days = days.iloc[np.lexsort((days["order"].to_numpy(), number, code))]
    return (
        days.drop_duplicates(["USUBJID", "day"], keep="last")
        .drop(columns="order")
        .reset_index(drop=True)
    )
