"""Findings on laboratory values and vital signs: units, numbers, and values against reported events
both ways. Every one names its subject. Titles and rules are in ``checks.on_labs``.
"""

from __future__ import annotations

from typing import Final

import pandas as pd

from hcc_assets.clinical.checks.ctcae import match_key
from hcc_assets.clinical.issues import IssueLog
from hcc_assets.clinical.laboratory.results import (
    NO_NUMBER,
    NO_UNIT,
    UNKNOWN_UNIT,
    all_results,
    differing,
    read_results,
)
from hcc_assets.clinical.reading.dates import parse_dates
from hcc_assets.clinical.safety.events import grade_number
from hcc_assets.study.lab_rules import event_terms

AROUND: Final = pd.Timedelta(days=7)
"""Before and after an event a value still belongs to it: one week, the visit window of the
protocol; labs are drawn at visits and events begin between them (our choice)."""

SEVERE: Final = 3
"""Grade from which a value without an event is asked for [CLINICAL.md 11.12]."""

_BEFORE_ALL, _AFTER_ALL = pd.Timestamp(1800, 1, 1), pd.Timestamp(2200, 1, 1)
"""Open start and end of an event: outside the years in which dates are read (`reading.dates`)."""

_MOST: Final = 20
"""Rows that one finding names; enough to see the pattern (our choice)."""

_TEXTS: Final = {
    NO_UNIT: "a result of this test has no unit and is not converted; without it the result has no "
    "grade where the rule is an amount: add the unit",
    UNKNOWN_UNIT: "the unit of a result of this test is not known and not guessed; it has no grade "
    "where the rule is an amount: correct the unit",
    NO_NUMBER: "the result of this test is no number and no known word; correct it",
}
_IDS: Final = {NO_UNIT: "01", UNKNOWN_UNIT: "01", NO_NUMBER: "02"}


def lab_findings(
    lab_results: pd.DataFrame,
    vital_signs: pd.DataFrame | None,
    labs: pd.DataFrame | None,
    adverse_events: pd.DataFrame | None,
    subjects: pd.DataFrame | None,
) -> pd.DataFrame:
    """All findings on values.

    Parameters
    ----------
    lab_results, vital_signs, adverse_events, subjects
        Frames of ``schemas.clinical``; what is null is not compared with.
    labs
        ``schemas.labs.Labs`` of them, or null.

    Returns
    -------
    pandas.DataFrame
        ``DataIssues`` frame: one finding per subject, test and fault; messages carry no value.
    """
    log = IssueLog()
    results = all_results(lab_results, vital_signs)
    values = read_results(results)
    for fault, text in _TEXTS.items():
        for domain, rows in values[values["fault"] == fault].groupby("DOMAIN"):
            _tell(log, f"{domain}{_IDS[fault]}", str(domain), text, rows, ["USUBJID", "test"])
    text = (
        "LBORRES with its unit and LBSTRESN with its unit are different amounts; correct one of "
        "them (LBSTRESN is used)"
    )
    _tell(log, "LB05", "LB", text, differing(results), ["USUBJID", "LBTESTCD"])
    if subjects is not None:
        strangers = results[~results["USUBJID"].isin(subjects["USUBJID"])]
        text = "the subject is not in DM; its values are left out: correct USUBJID or add it to DM"
        for domain, rows in strangers.groupby("DOMAIN"):
            _tell(log, f"{domain}06", str(domain), text, rows, ["USUBJID"])
    if labs is not None and adverse_events is not None and len(labs):
        _without_event(log, labs, adverse_events)
        _not_borne(log, labs, adverse_events)
    return log.frame()


def _tell(
    log: IssueLog, check: str, domain: str, text: str, rows: pd.DataFrame, keys: list[str]
) -> None:
    """One finding for each group, at its rows."""
    for key, found in rows.groupby(keys, sort=True):
        places = sorted(int(r) for r in found["SRCROW"])
        log.add(check, "Q", domain, text, subject=str(key[0]), rows=places[:_MOST])


def _graded(labs: pd.DataFrame) -> pd.DataFrame:
    """``USUBJID, term, ADT, grade, clinical, TRTEMFL, DOMAIN, SRCROW``: each grade of a value, one
    row for each direction; ``clinical`` where it rests on a convention and not on the number."""
    parts = []
    for way in "LH":
        part = labs[labs[f"ATOXGR{way}"].notna() & labs["ADT"].notna()]
        part = part[["USUBJID", "ADT", "TRTEMFL", "DOMAIN", "SRCROW"]].assign(
            term=part[f"TERM{way}"],
            grade=part[f"ATOXGR{way}"].astype(float),
            clinical=part["CONVENTION"].notna(),
        )
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _events(adverse_events: pd.DataFrame) -> pd.DataFrame:
    """``USUBJID, term, start, end, surely, surely_to, grade, SRCROW``: events of a laboratory term,
    one row for each term that their preferred term can mean; an unknown start or end is open. From
    ``surely`` to ``surely_to`` the event lasted whatever a partial date means; that may be never.
    """
    known: dict[str, list[str]] = {}
    for term, names in event_terms().items():
        for name in names:
            known.setdefault(match_key(name), []).append(term)
    said = adverse_events["AEDECOD"].dropna().unique()
    words = {w: known.get(match_key(str(w)), []) for w in said}
    events = adverse_events.assign(
        term=adverse_events["AEDECOD"].map(lambda w: words.get(w, []) if w is not None else []),
        start=adverse_events["AESTDT"].fillna(_BEFORE_ALL),
        end=adverse_events["AEENDT"].fillna(_AFTER_ALL),
        surely=parse_dates(adverse_events["AESTDTC"])["high"].fillna(_BEFORE_ALL),
        surely_to=parse_dates(adverse_events["AEENDTC"])["low"].fillna(_AFTER_ALL),
        grade=grade_number(adverse_events["AETOXGR"]),
    )
    kept = ["USUBJID", "term", "start", "end", "surely", "surely_to", "grade", "SRCROW", "AEDECOD"]
    events = events[kept]
    return events.explode("term").dropna(subset=["term"])


def _without_event(log: IssueLog, labs: pd.DataFrame, adverse_events: pd.DataFrame) -> None:
    """LB03: the first severe value of each subject and term that no event covers."""
    values = _graded(labs)
    values = values[
        (values["grade"] >= SEVERE) & (values["TRTEMFL"] == "Y") & ~values["clinical"]
    ].reset_index(drop=True)
    events = _events(adverse_events)[["USUBJID", "term", "start", "end"]]
    pairs = values.reset_index().merge(events, on=["USUBJID", "term"])
    near = (pairs["ADT"] >= pairs["start"] - AROUND) & (pairs["ADT"] <= pairs["end"] + AROUND)
    alone = values[~values.index.isin(pairs.loc[near, "index"])]
    text = (
        "a value under treatment is of CTCAE grade 3 or 4 and no adverse event of its term covers "
        "it; report the event, or correct the value"
    )
    for domain, rows in alone.groupby("DOMAIN"):
        _tell(log, "LB03", str(domain), text, rows, ["USUBJID", "term"])


def _not_borne(log: IssueLog, labs: pd.DataFrame, adverse_events: pd.DataFrame) -> None:
    """LB04: events whose grade the values of their time do not show. Events during which nothing
    was measured, for certain, are not judged."""
    events = _events(adverse_events)
    events = events[events["grade"].between(1, 4)].reset_index(drop=True)
    if events.empty:
        return
    pairs = events.reset_index().merge(
        _graded(labs), on=["USUBJID", "term"], suffixes=("", "_value")
    )
    near = (pairs["ADT"] >= pairs["start"] - AROUND) & (pairs["ADT"] <= pairs["end"] + AROUND)
    within = (pairs["ADT"] >= pairs["surely"]) & (pairs["ADT"] <= pairs["surely_to"])
    pairs = pairs.assign(
        near_grade=pairs["grade_value"].where(near),
        inside=within,
        within_grade=pairs["grade_value"].where(within & ~pairs["clinical"]),
    )
    keys = ["USUBJID", "SRCROW"]  # of all terms that one event can mean
    seen = pairs.groupby(keys).agg(
        near=("near_grade", "max"),
        within=("within_grade", "max"),
        grade=("grade", "first"),
        inside=("inside", "any"),
    )
    # a higher grade that another row of the same time reports is no fault of this one
    other = pairs.merge(events, on=["USUBJID", "term"], suffixes=("", "_other"))
    other = other[
        (other["SRCROW"] != other["SRCROW_other"])
        & (other["start_other"] <= other["ADT"] + AROUND)
        & (other["end_other"] >= other["ADT"] - AROUND)
    ]
    reported = other.groupby(keys)["grade_other"].max().reindex(seen.index)
    low = seen["inside"] & (seen["near"] < seen["grade"])
    high = (seen["within"] > seen["grade"]) & ~(reported >= seen["within"])
    for mask, text in (
        (
            low,
            "the values of the time of the event are of a lower CTCAE grade than AETOXGR; confirm "
            "that the grade rests on symptoms or treatment, or correct it",
        ),
        (
            high,
            "a value within the event is of a higher CTCAE grade than AETOXGR and no other event "
            "reports it; correct the grade",
        ),
    ):
        for subject, row in seen.index[mask.to_numpy(dtype=bool)]:
            log.add("LB04", "Q", "AE", text, subject=str(subject), rows=[int(row)])
