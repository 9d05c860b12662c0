"""Exposure: treatment period and, per subject, duration, dose and its modifications. Adverse events belong to ``clinical.safety``.

Dosing records are laid out day by day, so that overlapping records count a day once (the record that starts later is the more specific one and wins)
and an interruption written inside a longer dosing record is an interruption.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.exposure import ExposureSummary
from hcc_assets.study.config import StudyConfig

DOSES_PER_DAY = {"QD": 1.0, "BID": 2.0, "TID": 3.0, "QID": 4.0, "QOD": 0.5, "Q2D": 0.5, "ONCE": 1.0}
"""Known dosing frequencies; a missing one is QD, any other leaves amounts null."""

_DAY = np.timedelta64(1, "D")


def _records(subjects: pd.DataFrame, exposure: pd.DataFrame, cutoff: dt.date) -> pd.DataFrame:
    """Dosing records of treated subjects that start on or before the cutoff, each with a closed interval.

    An end that is missing is the day before the next record starts, and for the last record the cutoff or, if earlier, the death; an end before its
    start (EX01) is taken as the start. Columns added: ``start, end, open`` and the ``TRTSDT, DTHDT`` of the subject.
    """
    limit: Any = pd.Timestamp(cutoff)
    treated = subjects.loc[
        subjects["TRTSDT"].notna() & (subjects["TRTSDT"] <= limit), ["USUBJID", "TRTSDT", "DTHDT"]
    ]
    records = exposure.merge(treated, on="USUBJID", how="inner")
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
    close = records["DTHDT"].where(records["DTHDT"] < limit, limit)
    end = records["EXENDT"].fillna(later - pd.Timedelta(days=1)).fillna(close).clip(upper=limit)
    records["start"] = records["EXSTDT"]
    records["end"] = end.where(end >= records["EXSTDT"], records["EXSTDT"])
    records["open"] = records["EXENDT"].isna() & later.isna() | (records["EXENDT"] > limit)
    return records


def treatment_period(
    subjects: pd.DataFrame, exposure: pd.DataFrame, *, cutoff: dt.date
) -> pd.DataFrame:
    """First and last dose of every treated subject as seen at the cutoff.

    Parameters
    ----------
    subjects, exposure
        Frames of ``schemas.clinical.Subjects`` and ``Exposure``.
    cutoff
        Records that start after it are ignored; later ends are cut to it.

    Returns
    -------
    pandas.DataFrame
        ``USUBJID, TRTSDT, TRTEDT, ongoing``, one row per subject of the safety set (first dose on or before the cutoff), sorted by USUBJID.
        ``TRTEDT`` of a subject still on treatment is the cutoff, or the death if earlier. A subject whose dosing records cannot be used keeps the
        last dose that ``subjects`` gives.
    """
    limit: Any = pd.Timestamp(cutoff)
    out = subjects.loc[
        subjects["TRTSDT"].notna() & (subjects["TRTSDT"] <= limit),
        ["USUBJID", "TRTSDT", "TRTEDT", "DTHDT"],
    ].sort_values("USUBJID")
    dosed = _records(subjects, exposure, cutoff).query("EXDOSE > 0")
    last = dosed.groupby("USUBJID")["end"].max()
    still = dosed.loc[dosed["open"]].groupby("USUBJID").size().index
    given = out["TRTEDT"].clip(upper=limit).fillna(out["TRTSDT"])
    ended = out["USUBJID"].map(last).fillna(given)
    alive = ~(out["DTHDT"] <= limit)
    return pd.DataFrame(
        {
            "USUBJID": out["USUBJID"],
            "TRTSDT": out["TRTSDT"],
            "TRTEDT": ended.where(ended >= out["TRTSDT"], out["TRTSDT"]),
            "ongoing": out["USUBJID"].isin(still) & alive,
        }
    ).reset_index(drop=True)


def dose_days(subjects: pd.DataFrame, exposure: pd.DataFrame, *, cutoff: dt.date) -> pd.DataFrame:
    """Dosing day by day.

    Returns
    -------
    pandas.DataFrame
        ``USUBJID, day (date), mg`` (daily dose, NaN when unit or frequency is unknown), ``dosed`` (dose above 0); one row per subject and recorded
        day. Where records overlap, the one that starts later counts; of two that start together, the one with the later EXSEQ, then the lower dose.
    """
    records = _records(subjects, exposure, cutoff)
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


def exposure_summary(
    subjects: pd.DataFrame, exposure: pd.DataFrame, config: StudyConfig, *, cutoff: dt.date
) -> pd.DataFrame:
    """Exposure per treated subject (CLINICAL rules, section 7).

    Parameters
    ----------
    subjects, exposure
        Frames of ``schemas.clinical.Subjects`` and ``Exposure``.
    config
        ``treatment.dose_levels_mg``: its highest level is the planned daily dose of the relative dose intensity.
    cutoff
        Last day that counts.

    Returns
    -------
    pandas.DataFrame
        ``schemas.safety.ExposureSummary``, one row per subject of the safety set. Durations are in days with both ends counted, amounts in mg.
    """
    period = treatment_period(subjects, exposure, cutoff=cutoff)
    if period.empty:
        return conform(ExposureSummary, empty(ExposureSummary))
    days = dose_days(subjects, exposure, cutoff=cutoff).merge(
        period[["USUBJID", "TRTSDT", "TRTEDT"]], on="USUBJID"
    )
    days = days.loc[days["day"] >= days["TRTSDT"]]
    on = days.loc[days["dosed"]]
    off = days.loc[~days["dosed"]]
    out = period.set_index("USUBJID")
    out["duration_days"] = (out["TRTEDT"] - out["TRTSDT"]).dt.days + 1.0
    out["days_on_drug"] = on.groupby("USUBJID").size()
    out["interruption_days"] = off.groupby("USUBJID").size()
    inside = days.loc[days["day"] <= days["TRTEDT"]].groupby("USUBJID").size()
    for column in ("days_on_drug", "interruption_days"):
        out[column] = out[column].fillna(0.0)
    out["gap_days"] = (out["duration_days"] - inside.reindex(out.index).fillna(0.0)).clip(lower=0)
    out["cumulative_mg"] = on.groupby("USUBJID")["mg"].sum(min_count=1)
    out.loc[out.index.isin(on.loc[on["mg"].isna(), "USUBJID"]), "cumulative_mg"] = np.nan
    out["dose_intensity"] = out["cumulative_mg"] / out["duration_days"]
    planned = max(config.treatment.dose_levels_mg, default=np.nan)
    out["relative_dose_intensity"] = 100.0 * out["dose_intensity"] / planned
    lower = on["mg"].lt(on.groupby("USUBJID")["mg"].shift())
    out["reductions"] = lower.groupby(on["USUBJID"]).sum()
    broken = (off["day"] - off.groupby("USUBJID")["day"].shift()).dt.days.ne(1)
    out["interruptions"] = broken.groupby(off["USUBJID"]).sum()
    for column in ("reductions", "interruptions"):
        out[column] = out[column].fillna(0).astype("int64")
    out["first_dose_mg"] = on.drop_duplicates("USUBJID", keep="first").set_index("USUBJID")["mg"]
    out["last_dose_mg"] = on.drop_duplicates("USUBJID", keep="last").set_index("USUBJID")["mg"]
    out["records"] = _records(subjects, exposure, cutoff).groupby("USUBJID").size()
    out["records"] = out["records"].fillna(0).astype("int64")
    return conform(ExposureSummary, out.reset_index())
