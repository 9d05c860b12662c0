"""Typed domains to the validated clinical tables: joins, readers, locations, treatment dates.

Reading files is in ``formats``, rules on the result in ``checks``.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from hcc_assets.clinical.issues import IssueLog
from hcc_assets.clinical.reading.assessments import FRAGMENT, mark_baseline
from hcc_assets.clinical.reading.dates import impute
from hcc_assets.schemas.base import Table, columns, conform
from hcc_assets.schemas.clinical import (
    AdverseEvents,
    Disposition,
    Exposure,
    ReportedResponses,
    Subjects,
    TumourAssessments,
)
from hcc_assets.study.codelists import (
    INVESTIGATOR,
    LESION_GROUP_SPELLINGS,
    NEW_THERAPY,
    SURVIVAL_STATUS,
)


def _finish(model: type[Table], frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Conform and sort by key, then by content, so that the order of delivered rows never
    matters."""
    rest = [name for name in columns(model) if name not in keys and name != "SRCROW"]
    ordered = conform(model, frame[list(columns(model))])
    names = [*keys, *rest, "SRCROW"] if ordered.duplicated(keys).any() else keys
    return ordered.sort_values(names, kind="stable", na_position="last").reset_index(drop=True)


def _with_date(frame: pd.DataFrame, source: str, target: str, day: pd.Series) -> None:
    frame[target] = day
    frame[target + "F"] = frame[f"{source}.flag"]


def _parsed(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    return frame[[f"{source}.low", f"{source}.high", f"{source}.flag"]].set_axis(
        ["low", "high", "flag"], axis=1
    )


def build_exposure(ex: pd.DataFrame) -> pd.DataFrame:
    """The table ``exposure`` from typed ``ex``: partial starts become the first possible day,
    partial ends the last."""
    frame = ex.copy()
    _with_date(frame, "EXSTDTC", "EXSTDT", frame["EXSTDTC.low"])
    _with_date(frame, "EXENDTC", "EXENDT", frame["EXENDTC.high"])
    return _finish(Exposure, frame, ["USUBJID", "EXSTDT", "EXSEQ"])


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
    for source, target, floor in (
        ("RFICDTC", "RFICDT", None),
        ("DTHDTC", "DTHDT", frame["TRTEDT"]),
    ):
        _with_date(frame, source, target, impute(_parsed(frame, source), "first", not_before=floor))
    return _finish(Subjects, frame, ["USUBJID"])


def _evaluator(identifier: pd.Series, role: pd.Series) -> pd.Series:
    reader = identifier.where(identifier.notna(), role)
    reader = reader.where(reader.notna(), INVESTIGATOR)
    return reader.where(reader.str.upper() != INVESTIGATOR, INVESTIGATOR)


def _locations(tr: pd.DataFrame, tu: pd.DataFrame, log: IssueLog) -> pd.Series:
    """Location per row: of ``tr``, else of ``tu`` for the same reader, else of ``tu`` where all
    readers agree; a fragment takes its parent's."""
    marks = tu.assign(EVALUATOR=_evaluator(tu["TUEVALID"], tu["TUEVAL"])).dropna(
        subset=["TULNKID", "TULOC"]
    )
    found = tr["TULOC"].copy()
    own_key, any_key = ["USUBJID", "TULNKID", "EVALUATOR"], ["USUBJID", "TULNKID"]
    differing = marks[marks.groupby(own_key)["TULOC"].transform("nunique") > 1]
    for (subject, _, _), rows in differing.groupby(own_key)["SRCROW"]:
        text = (
            "one lesion of one reader has two locations; correct TULOC or give the second lesion "
            "its own TULNKID"
        )
        log.add("TR09", "E", "tu", text, subject=str(subject), rows=sorted(int(r) for r in rows))
    clear = marks[~marks.index.isin(differing.index)]
    for ids in (tr["TRLNKID"], tr["TRLNKID"].str.replace(FRAGMENT, r"\1", regex=True)):
        keys = tr[["USUBJID", "EVALUATOR"]].assign(TULNKID=ids)
        own = clear.drop_duplicates(own_key)[[*own_key, "TULOC"]]
        shared = clear[clear.groupby(any_key)["TULOC"].transform("nunique") == 1].drop_duplicates(
            any_key
        )[[*any_key, "TULOC"]]
        for marked, key in ((own, own_key), (shared, any_key)):
            value = keys.merge(marked, how="left", on=key)["TULOC"].set_axis(tr.index)
            found = found.where(found.notna(), value)
    return found


def _collapse(frame: pd.DataFrame, log: IssueLog) -> pd.DataFrame:
    """Identical repeats of one reader, lesion, visit and test become one row (TR10 Q), the latest;
    conflicting ones stay for ``checks`` to find."""
    key = ["USUBJID", "EVALUATOR", "TRLNKID", "VISITNUM", "TRTESTCD"]
    result = ["TRORRES", "TRORRESU", "TRSTAT", "TRGRPID"]
    named = frame[frame[["TRLNKID", "VISITNUM", "TRTESTCD"]].notna().all(axis=1)]
    repeats = named[named.duplicated([*key, *result], keep=False)].sort_values(
        [*key, "TRDT", "SRCROW"], kind="stable", na_position="first"
    )
    gone = repeats.index[repeats.duplicated([*key, *result], keep="last")]
    for values, rows in repeats.groupby(["USUBJID", "EVALUATOR"], sort=True)["SRCROW"]:
        text = (
            "results of one lesion, visit and test were sent more than once with the same value "
            "and count once; remove the repeats"
        )
        log.add("TR10", "Q", "tr", text, subject=str(values[0]), rows=sorted(int(r) for r in rows))
    return frame.drop(index=gone)


def build_tumour_assessments(
    tr: pd.DataFrame, tu: pd.DataFrame | None, doses: pd.DataFrame, log: IssueLog
) -> pd.DataFrame:
    """The table ``tumour_assessments`` from typed ``tr`` and ``tu``; partial dates become their
    first possible day."""
    frame = tr.copy()
    frame["EVALUATOR"] = _evaluator(frame["TREVALID"], frame["TREVAL"])
    frame["TRGRPID"] = frame["TRGRPID"].replace(LESION_GROUP_SPELLINGS)
    frame["TULOC"] = _locations(frame, tu, log) if tu is not None and len(tu) else frame["TULOC"]
    _with_date(frame, "TRDTC", "TRDT", frame["TRDTC.low"])
    frame = _collapse(frame, log)
    frame["BASELINE"] = mark_baseline(frame, doses["TRTSDT"])
    return _finish(
        TumourAssessments, frame, ["USUBJID", "EVALUATOR", "VISITNUM", "TRLNKID", "TRTESTCD"]
    )


def build_reported_responses(rs: pd.DataFrame) -> pd.DataFrame:
    """The table ``reported_responses`` from typed ``rs``."""
    frame = rs.assign(EVALUATOR=_evaluator(rs["RSEVALID"], rs["RSEVAL"]))
    _with_date(frame, "RSDTC", "RSDT", frame["RSDTC.low"])
    frame = frame[frame["RSTESTCD"].notna()]
    return _finish(ReportedResponses, frame, ["USUBJID", "EVALUATOR", "VISITNUM", "RSTESTCD"])


def build_disposition(
    ds: pd.DataFrame | None, cm: pd.DataFrame | None, ss: pd.DataFrame | None
) -> pd.DataFrame:
    """The table ``disposition`` from typed ``ds``, the new anticancer therapies of ``cm`` and the
    survival status rows of ``ss``."""
    parts = []
    for domain, frame, word, date in (
        ("DS", ds, "DSDECOD", "DSSTDTC"),
        ("CM", cm, "CMCAT", "CMSTDTC"),
        ("SS", ss, "SSSTRESC", "SSDTC"),
    ):
        if frame is None:
            continue
        if domain == "CM":
            frame = frame[frame["CMCAT"] == NEW_THERAPY]
        if domain == "SS":
            frame = frame[frame["SSTESTCD"] == SURVIVAL_STATUS]
        part = frame[["USUBJID", "SRCROW"]].assign(
            DOMAIN=domain, DSDECOD=frame[word], DSSTDTC=frame[date]
        )
        parts.append(part.assign(DSSTDT=frame[f"{date}.low"], DSSTDTF=frame[f"{date}.flag"]))
    names = list(columns(Disposition))
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=names)
    return _finish(
        Disposition, frame.astype({"SRCROW": "int64"}), ["USUBJID", "DOMAIN", "DSSTDT", "DSDECOD"]
    )


def build_adverse_events(ae: pd.DataFrame, doses: pd.DataFrame) -> pd.DataFrame:
    """The table ``adverse_events`` from typed ``ae``.

    A partial start becomes its first possible day but not before the first dose of the same period,
    unless the event was over by then; a partial end becomes its last possible day. Grades written
    as ``3.0`` are ``3``.
    """
    frame = ae.copy()
    first_dose = frame["USUBJID"].map(doses["TRTSDT"]).astype("datetime64[ns]")
    _with_date(
        frame,
        "AESTDTC",
        "AESTDT",
        impute(
            _parsed(frame, "AESTDTC"),
            "first",
            not_before=first_dose,
            unless_over=frame["AEENDTC.high"],
        ),
    )
    _with_date(frame, "AEENDTC", "AEENDT", frame["AEENDTC.high"])
    frame["AETOXGR"] = (
        frame["AETOXGR"].str.replace(r"^(\d)\.0+$", r"\1", regex=True)
        if frame["AETOXGR"].notna().any()
        else frame["AETOXGR"]
    )
    frame["AESEQ"] = frame["AESEQ"].astype(np.float64)
    return _finish(AdverseEvents, frame, ["USUBJID", "AESTDT", "AEDECOD", "AESEQ"])
