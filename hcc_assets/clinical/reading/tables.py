"""Typed domains to the validated tables of subjects, exposure and adverse events: joins and
treatment dates.

Reading files is in ``formats``, tumour data in ``tumour_tables``, rules on the result in
``checks``.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from hcc_assets.clinical.issues import IssueLog
from hcc_assets.clinical.reading.finishing import finish, with_date
from hcc_assets.schemas.clinical import AdverseEvents, Exposure, Subjects
from hcc_assets.study.codelists import BASELINE_VISITS


def build_exposure(ex: pd.DataFrame, not_before: pd.Series | None = None) -> pd.DataFrame:
    """The table ``exposure`` from typed ``ex``: partial starts become the first possible day,
    partial ends the last.

    Parameters
    ----------
    not_before
        Day by subject (consent, baseline scan) before which nobody is dosed: a partial start moves
        up to it where it lies in the same month or year [CLINICAL.md 11.8].
    """
    frame = ex.copy()
    floor = None
    if not_before is not None:
        floor = frame["USUBJID"].map(not_before).astype("datetime64[ns]")
    with_date(frame, "EXSTDTC", not_before=floor)
    with_date(frame, "EXENDTC")
    return finish(Exposure, frame, ["USUBJID", "EXSTDT", "EXSEQ"])


def not_dosed_before(frames: dict[str, pd.DataFrame]) -> pd.Series:
    """Latest of consent and the scans of a named baseline visit, by subject: a first dose of which
    the year or month alone is known is not before it."""
    days = []
    if (dm := frames.get("dm")) is not None:
        days.append(dm.set_index("USUBJID")["RFICDTC.low"])
    if (tr := frames.get("tr")) is not None:
        named = tr["VISIT"].str.strip().str.upper().isin(BASELINE_VISITS)
        days.append(tr[named].set_index("USUBJID")["TRDTC.low"])
    if not days:
        return pd.Series(dtype="datetime64[ns]")
    return pd.concat(days).groupby(level=0).max()


def treatment_dates(exposure: pd.DataFrame, cutoff: dt.date | None = None) -> pd.DataFrame:
    """First and last dose of each dosed subject.

    Parameters
    ----------
    exposure
        Table ``exposure``.
    cutoff
        Doses that start after it are ignored; one that goes on beyond it counts as ongoing and ends
        there.

    Returns
    -------
    pandas.DataFrame
        Index ``USUBJID``; ``TRTSDT`` the start of the first record with ``EXDOSE > 0``, ``TRTEDT``
        the latest end (start where there is no end) of one, ``ONGOING`` whether the record that
        starts last has no end. Subjects without a dose have no row.
    """
    dosed = exposure[(exposure["EXDOSE"] > 0) & exposure["EXSTDT"].notna()].copy()
    if cutoff is not None:
        limit = pd.Timestamp(cutoff)
        dosed = dosed[dosed["EXSTDT"] <= limit].copy()
        dosed.loc[dosed["EXENDT"] > limit, "EXENDT"] = pd.NaT
    dosed["last"] = (
        dosed["EXENDT"]
        .fillna(dosed["EXSTDT"])
        .where(~(dosed["EXENDT"] < dosed["EXSTDT"]), dosed["EXSTDT"])
    )
    dosed["open"] = dosed["EXENDT"].isna()
    dosed = dosed.sort_values(["USUBJID", "EXSTDT", "open"], kind="stable")
    grouped = dosed.groupby("USUBJID", sort=True)
    return pd.DataFrame(
        {
            "TRTSDT": grouped["EXSTDT"].min(),
            "TRTEDT": grouped["last"].max(),
            "ONGOING": grouped["open"].last().astype(bool),
        }
    )


def build_subjects(dm: pd.DataFrame, doses: pd.DataFrame, log: IssueLog) -> pd.DataFrame:
    """The table ``subjects``: one row per id of typed ``dm`` with the dates of ``treatment_dates``;
    repeated ids are DM01 and the fullest row stays.

    A partial death date becomes its first possible day, moved up to the last dose where that lies
    in the same period: a subject dosed on the 15th did not die on the 1st. A partial consent date
    becomes its first possible day.
    """
    frame = dm.copy()
    frame["_filled"] = -frame.notna().sum(axis=1)
    content = [name for name in dm.columns if name != "SRCROW"]
    frame = frame.sort_values(["USUBJID", "_filled", *content, "SRCROW"], kind="stable")
    repeated = frame[frame.duplicated("USUBJID", keep=False)]
    for subject, rows in repeated.groupby("USUBJID")["SRCROW"]:
        text = "USUBJID stands in more than one row; keep one row per subject"
        log.add("DM01", "E", "dm", text, subject=str(subject), rows=sorted(int(r) for r in rows))
    folded = frame.drop_duplicates("USUBJID").assign(_id=lambda f: f["USUBJID"].str.casefold())
    for subject, row in folded.loc[
        folded.duplicated("_id", keep=False), ["USUBJID", "SRCROW"]
    ].itertuples(index=False):
        log.add(
            "RD09",
            "E",
            "dm",
            "another USUBJID differs in letter case only; write the same subject the same way",
            subject=subject,
            rows=[int(row)],
        )
    frame = frame.drop_duplicates("USUBJID").merge(
        doses, how="left", left_on="USUBJID", right_index=True
    )
    frame["ONGOING"] = frame["ONGOING"].eq(True)
    frame["WTHDT"] = pd.NaT
    with_date(frame, "RFICDTC")
    with_date(frame, "DTHDTC", not_before=frame["TRTEDT"])
    return finish(Subjects, frame, ["USUBJID"])


def build_adverse_events(ae: pd.DataFrame, doses: pd.DataFrame) -> pd.DataFrame:
    """The table ``adverse_events`` from typed ``ae``.

    A partial start becomes its first possible day but not before the first dose of the same period,
    unless the event was over by then; a partial end becomes its last possible day. Grades written
    as ``3.0`` are ``3``.
    """
    frame = ae.copy()
    first_dose = frame["USUBJID"].map(doses["TRTSDT"]).astype("datetime64[ns]")
    with_date(frame, "AESTDTC", not_before=first_dose, unless_over=frame["AEENDTC.high"])
    with_date(frame, "AEENDTC")
    frame["AETOXGR"] = (
        frame["AETOXGR"].str.replace(r"^(\d)\.0+$", r"\1", regex=True)
        if frame["AETOXGR"].notna().any()
        else frame["AETOXGR"]
    )
    frame["AESEQ"] = frame["AESEQ"].astype(np.float64)
    return finish(AdverseEvents, frame, ["USUBJID", "AESTDT", "AEDECOD", "AESEQ"])
