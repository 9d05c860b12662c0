"""Typed TR, TU and RS to the validated tables of tumour assessments and reported responses:
readers, criteria, locations, repeats. What a lesion and a visit are is in ``lesions`` and
``assessments``.
"""

from __future__ import annotations

import pandas as pd

from hcc_assets.clinical.issues import IssueLog
from hcc_assets.clinical.reading.assessments import FRAGMENT, mark_baseline, visit_parts
from hcc_assets.clinical.reading.finishing import finish, with_date
from hcc_assets.clinical.reading.lesions import lesion_ids, one_row_for_a_group
from hcc_assets.schemas.clinical import ReportedResponses, TumourAssessments
from hcc_assets.study.codelists import INVESTIGATOR, LESION_GROUP_SPELLINGS
from hcc_assets.study.criteria import DERIVED, criterion_of


def evaluator(identifier: pd.Series, role: pd.Series) -> pd.Series:
    """Reader of each row: the identifier, else the role, else the investigator."""
    reader = identifier.where(identifier.notna(), role)
    reader = reader.where(reader.notna(), INVESTIGATOR)
    return reader.where(reader.str.upper() != INVESTIGATOR, INVESTIGATOR)


def _locations(tr: pd.DataFrame, tu: pd.DataFrame, log: IssueLog) -> pd.Series:
    """Location per row: of ``tr``, else of ``tu`` for the same reader, else of ``tu`` where all
    readers agree; a fragment takes its parent's."""
    marks = tu.assign(EVALUATOR=evaluator(tu["TUEVALID"], tu["TUEVAL"])).dropna(
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
    key = ["USUBJID", "EVALUATOR", "CRITERION", "TRLNKID", "VISITNUM", "part", "TRTESTCD"]
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


def _accepted(frame: pd.DataFrame, rs: pd.DataFrame | None) -> pd.Series:
    """TRACPTFL of each row; where a subject has none, that of the one reader whose responses
    RSACPTFL accepts (adjudication is often recorded in RS alone)."""
    flag = frame["TRACPTFL"]
    if rs is None or rs.empty:
        return flag
    accepted = rs[rs["RSACPTFL"] == "Y"]
    readers = evaluator(accepted["RSEVALID"], accepted["RSEVAL"]).groupby(accepted["USUBJID"])
    alone = readers.first()[readers.nunique() == 1]
    none = ~(flag == "Y").groupby(frame["USUBJID"]).transform("any")
    theirs = frame["USUBJID"].map(alone) == frame["EVALUATOR"]
    return flag.mask(none & theirs, "Y")


def build_tumour_assessments(
    tr: pd.DataFrame,
    tu: pd.DataFrame | None,
    doses: pd.DataFrame,
    log: IssueLog,
    rs: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The table ``tumour_assessments`` from typed ``tr`` and ``tu``, with the accepted readers of
    ``rs``; partial dates become their first possible day."""
    frame = tr.copy()
    frame["EVALUATOR"] = evaluator(frame["TREVALID"], frame["TREVAL"])
    frame["TRACPTFL"] = _accepted(frame, rs)
    frame["CRITERION"] = criterion_of(frame["TRCAT"])
    frame["TRGRPID"] = frame["TRGRPID"].replace(LESION_GROUP_SPELLINGS)
    frame["TRLNKID"] = lesion_ids(frame)
    other = frame[~frame["CRITERION"].isin(DERIVED)]
    text = "TRCAT names a criterion that responses are not derived by; the rows are kept"
    log.add_rows("TR28", "I", "tr", text, other.drop_duplicates(["USUBJID", "CRITERION"]))
    frame["TULOC"] = _locations(frame, tu, log) if tu is not None and len(tu) else frame["TULOC"]
    with_date(frame, "TRDTC")
    frame = one_row_for_a_group(frame)
    frame["part"] = visit_parts(frame)
    frame = _collapse(frame, log)
    frame["BASELINE"] = mark_baseline(frame, doses["TRTSDT"])
    return finish(
        TumourAssessments,
        frame,
        ["USUBJID", "EVALUATOR", "CRITERION", "VISITNUM", "TRLNKID", "TRTESTCD"],
    )


def build_reported_responses(rs: pd.DataFrame) -> pd.DataFrame:
    """The table ``reported_responses`` from typed ``rs``."""
    frame = rs.assign(
        EVALUATOR=evaluator(rs["RSEVALID"], rs["RSEVAL"]), CRITERION=criterion_of(rs["RSCAT"])
    )
    with_date(frame, "RSDTC")
    frame = frame[frame["RSTESTCD"].notna()]
    return finish(
        ReportedResponses, frame, ["USUBJID", "EVALUATOR", "CRITERION", "VISITNUM", "RSTESTCD"]
    )
