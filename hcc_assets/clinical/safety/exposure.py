"""Exposure of each treated subject: duration, dose and its modifications.

Where treatment begins and ends is in ``course``, dosing records day by day in ``doses``, adverse
events in ``events``.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from hcc_assets.clinical.treatment.doses import closed_records, dose_days
from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.exposure import ExposureSummary
from hcc_assets.study.config import StudyConfig


def exposure_summary(
    course: pd.DataFrame, exposure: pd.DataFrame, config: StudyConfig, *, cutoff: dt.date
) -> pd.DataFrame:
    """Exposure per treated subject (CLINICAL rules, section 7).

    Parameters
    ----------
    course, exposure
        Frames of ``schemas.exposure.TreatmentCourse`` and ``schemas.clinical.Exposure``.
    config
        ``treatment.dose_levels_mg``: its highest level is the planned daily dose of the relative
        dose intensity.
    cutoff
        Last day that counts.

    Returns
    -------
    pandas.DataFrame
        ``schemas.exposure.ExposureSummary``, one row per subject of the safety set. Durations are
        in days with both ends counted, amounts in mg. Dose intensity is over the days up to the
        last dosing record: what has not been entered yet is no interruption.
    """
    if course.empty:
        return conform(ExposureSummary, empty(ExposureSummary))
    period = course[["USUBJID", "TRTSDT", "TRTEDT"]].assign(ongoing=course["STATUS"] == "ONGOING")
    days = dose_days(course, exposure, cutoff=cutoff).merge(
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
    entered = days.groupby("USUBJID")["day"].max().reindex(out.index)
    out["unrecorded_days"] = (out["TRTEDT"] - entered).dt.days.clip(lower=0).fillna(0.0)
    recorded = out["duration_days"] - out["unrecorded_days"]
    out["gap_days"] = (recorded - inside.reindex(out.index).fillna(0.0)).clip(lower=0)
    out["cumulative_mg"] = on.groupby("USUBJID")["mg"].sum(min_count=1)
    out.loc[out.index.isin(on.loc[on["mg"].isna(), "USUBJID"]), "cumulative_mg"] = np.nan
    out["dose_intensity"] = out["cumulative_mg"] / recorded
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
    out["records"] = _taken(course, exposure, cutoff)
    out["records"] = out["records"].fillna(0).astype("int64")
    return conform(ExposureSummary, out.reset_index())


def _taken(course: pd.DataFrame, exposure: pd.DataFrame, cutoff: dt.date) -> pd.Series:
    """Dosing records by subject."""
    ends = course.rename(columns={"TRTEDT": "close"})
    return closed_records(ends, exposure, cutoff).groupby("USUBJID").size()
