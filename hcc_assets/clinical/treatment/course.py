"""Treatment course: when each subject's treatment began, whether it goes on, when it ended and how
that is known.

A closed dosing record does not end treatment: in a running trial EX is closed visit by visit and
entry lags. Treatment ends by an end of treatment in DS, by death or by withdrawal, and by nothing
else (CLINICAL rules, 11.1). Safety window, exposure, swimmer and ADSL rest on this table.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import numpy as np
import pandas as pd

from hcc_assets.clinical.treatment.deaths import known_deaths, words
from hcc_assets.clinical.treatment.doses import closed_records
from hcc_assets.schemas.base import conform
from hcc_assets.schemas.exposure import TreatmentCourse
from hcc_assets.study.config import StudyConfig

END_OF_TREATMENT: Final = "END OF TREATMENT"
"""DSSCAT of the record that ends treatment (CDISC code list DSSCAT)."""

LAG_DAYS: Final = 28
"""Last recorded dose and end of treatment may lie this far apart without a word; further apart,
dosing entry lags. The longest pause without a record of it [CLINICAL.md 2, EX07]."""

_INTERVALS_KNOWN: Final = 2
"""Without DS, treatment goes on as far as known while the last record is not older than this many
visit intervals [CLINICAL.md 11.1]."""


def ends_of_treatment(disposition: pd.DataFrame, config: StudyConfig) -> pd.DataFrame:
    """DS records that end treatment: DSSCAT END OF TREATMENT, or a DSDECOD of ``[dialect]
    end_of_treatment``, or DEATH."""
    ds = disposition.loc[disposition["DOMAIN"] == "DS"]
    said = {" ".join(word.upper().split()) for word in config.dialect.end_of_treatment}
    decoded = words(ds["DSDECOD"])
    return ds.loc[
        words(ds["DSSCAT"]).eq(END_OF_TREATMENT) | decoded.isin(said) | decoded.eq("DEATH")
    ]


def treatment_course(
    subjects: pd.DataFrame,
    exposure: pd.DataFrame,
    disposition: pd.DataFrame,
    config: StudyConfig,
    *,
    cutoff: dt.date,
) -> pd.DataFrame:
    """First and last day of treatment of every treated subject, as known at the cutoff.

    Parameters
    ----------
    subjects, exposure, disposition
        Frames of ``schemas.clinical``; a disposition without any DS row counts as not delivered.
    config
        ``[dialect] end_of_treatment`` and ``[recist] visit_interval_days``.
    cutoff
        Records that start after it are ignored; later ends are cut to it.

    Returns
    -------
    pandas.DataFrame
        ``schemas.exposure.TreatmentCourse``, one row per subject of the safety set (first dose on
        or before the cutoff), sorted by USUBJID. A subject whose dosing records cannot be used
        keeps the last dose that ``subjects`` gives.
    """
    limit: Any = pd.Timestamp(cutoff)
    out = subjects.loc[
        subjects["TRTSDT"].notna() & (subjects["TRTSDT"] <= limit),
        ["USUBJID", "TRTSDT", "TRTEDT", "WTHDT"],
    ].sort_values("USUBJID")
    out = out.reset_index(drop=True)
    deaths = known_deaths(subjects, disposition, cutoff=cutoff).set_index("USUBJID")
    death = out["USUBJID"].map(deaths["DTHDT"]).astype("datetime64[ns]")
    died = out["USUBJID"].map(deaths["died"]).eq(True)
    withdrawn = out["WTHDT"].where(out["WTHDT"] <= limit)
    ends = ends_of_treatment(disposition, config)
    dated = ends.loc[ends["DSSTDT"] <= limit].groupby("USUBJID")["DSSTDT"].min()
    stated = out["USUBJID"].map(dated).astype("datetime64[ns]")
    undated = out["USUBJID"].isin(ends.loc[ends["DSSTDT"].isna(), "USUBJID"])

    end = pd.concat([stated, death, withdrawn], axis=1).min(axis=1).astype("datetime64[ns]")
    ended = end.notna() | died | undated
    close = end.fillna(limit)
    records = closed_records(out.assign(close=close), exposure, cutoff)
    dosed = records.loc[records["EXDOSE"] > 0]
    recorded = out["USUBJID"].map(dosed.groupby("USUBJID")["end"].max()).astype("datetime64[ns]")
    recorded = recorded.fillna(out["TRTEDT"].clip(upper=limit)).fillna(out["TRTSDT"])
    recorded = recorded.where(recorded >= out["TRTSDT"], out["TRTSDT"])
    still = out["USUBJID"].isin(dosed.loc[dosed["open"], "USUBJID"])
    paused = out["USUBJID"].isin(_paused_at_the_end(records))
    delivered = bool((disposition["DOMAIN"] == "DS").any())

    fresh = (limit - recorded).dt.days <= _INTERVALS_KNOWN * config.recist.visit_interval_days
    going = ~ended & (still | delivered | fresh)
    lags = ended & delivered & ~paused & ((end - recorded).dt.days > LAG_DAYS)
    status = np.select([ended, going], ["ENDED", "ONGOING"], "UNKNOWN")
    source = np.select(
        [
            stated.notna() & (stated == end),
            withdrawn.notna() & (withdrawn == end),
            death.notna() | died,
            undated,
            going & still,
            going & delivered,
            going,
        ],
        [
            "DS: end of treatment",
            "withdrawal of consent",
            "death",
            "DS: end of treatment without a date",
            "EX: the last record has no end",
            "no end of treatment in DS",
            "DS is not delivered; the last dosing record is recent",
        ],
        "DS is not delivered; the last dosing record is old",
    )
    last = recorded.mask(lags, end).mask(going, limit)
    return conform(
        TreatmentCourse,
        pd.DataFrame(
            {
                "USUBJID": out["USUBJID"],
                "TRTSDT": out["TRTSDT"],
                "TRTEDT": last.where(last >= out["TRTSDT"], out["TRTSDT"]),
                "STATUS": status,
                "ENDDT": end.fillna(recorded).where(ended),
                "SOURCE": source,
                "LSTEXDT": recorded,
            }
        ),
    )


def _paused_at_the_end(records: pd.DataFrame) -> pd.Series:
    """Subjects whose last record is an interruption: their last dose is known."""
    last = records.sort_values(["USUBJID", "start", "end"], kind="stable")
    last = last.drop_duplicates("USUBJID", keep="last")
    return last.loc[last["EXDOSE"] == 0, "USUBJID"]
