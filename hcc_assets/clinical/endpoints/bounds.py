"""Bounds of best response and PFS of each subject over every resolution of its open errors.

Each open finding leaves something unknown (``open_findings``); for each unknown the few values that
reach an extreme are tried (``resolutions``), all combinations of a subject are derived by the rules
of ``recist`` and ``endpoints``, in one run for all subjects, and the best and worst are kept.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hcc_assets.clinical.endpoints.courses import build_courses
from hcc_assets.clinical.endpoints.open_case import Finding, OpenCase
from hcc_assets.clinical.endpoints.open_findings import collect, rule_of
from hcc_assets.clinical.endpoints.worlds import ORDER, Outcome, derive_worlds
from hcc_assets.clinical.issues import rows_of as rows_named
from hcc_assets.clinical.reading.assessments import endpoint_readers, visit_parts
from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.endpoint_bounds import ResponsesBounds
from hcc_assets.schemas.endpoints import Responses
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.criteria import rows_of


@dataclass(frozen=True)
class Given:
    """The published tables that bounds rest on; frames of ``schemas.clinical`` and
    ``schemas.endpoints``, ``issues`` of ``clinical_checks``, ``unusable`` and ``markers`` as for
    ``derive_responses``."""

    subjects: pd.DataFrame
    tumour_assessments: pd.DataFrame
    exposure: pd.DataFrame
    disposition: pd.DataFrame
    issues: pd.DataFrame
    best: pd.DataFrame
    times: pd.DataFrame
    unusable: frozenset[int] = frozenset()
    markers: pd.DataFrame | None = None


def derive_bounds(given: Given, config: StudyConfig, *, cutoff: dt.date) -> pd.DataFrame:
    """Bounds of the endpoints of every treated subject, by each criterion.

    Parameters
    ----------
    given
        The tables.
    config
        ``[recist]`` and ``[pfs]``; the PFS that is bounded is ``pfs.primary``.
    cutoff
        Data cut-off: the last day that anything unknown can have happened on.

    Returns
    -------
    pandas.DataFrame
        ``schemas.endpoint_bounds.ResponsesBounds``, in the order of ``best``.
    """
    if given.best.empty:
        return empty(ResponsesBounds)
    findings = _findings(given)
    rows: list[dict[str, Any]] = []
    primary = given.times[given.times["PARAMCD"] == config.pfs.primary]
    times = primary.set_index(["USUBJID", "CRITERION"])[["AVAL", "CNSR"]].to_dict("index")
    for criterion in given.best["CRITERION"].drop_duplicates():
        best = rows_of(given.best, criterion)
        cases, told = _cases(given, findings, set(best["USUBJID"]), criterion, config, cutoff)
        outcomes = derive_worlds(
            cases, given.subjects, given.tumour_assessments, given.markers, config, cutoff=cutoff
        )
        for person in best.to_dict("records"):
            subject = str(person["USUBJID"])
            time = times[(subject, criterion)]
            own = Outcome(person["BOR"], person["CBOR"], time["AVAL"], int(time["CNSR"]))
            found, case = outcomes.get(subject, []), cases.get(subject)
            row = _row(own, [own, *found], told.get(subject, []))
            if case is not None and case.widest:
                row |= _widest(case)
            rows.append(
                {
                    "USUBJID": subject,
                    "CRITERION": criterion,
                    "EVALUATOR": person["EVALUATOR"],
                    "PARAMCD": config.pfs.primary,
                    **row,
                }
            )
    return conform(ResponsesBounds, pd.DataFrame(rows))


def _row(own: Outcome, found: list[Outcome], told: list[str]) -> dict[str, Any]:
    by_bor = sorted((o.bor for o in found), key=ORDER.index)
    by_cbor = sorted((o.cbor for o in found), key=ORDER.index)
    times = sorted((o.days, o.censored) for o in found)
    events = [o.days for o in found if not o.censored]
    return {
        "N_OPEN": len(told),
        "BOR": own.bor,
        "BOR_BEST": by_bor[0],
        "BOR_WORST": by_bor[-1],
        "CBOR": own.cbor,
        "CBOR_BEST": by_cbor[0],
        "CBOR_WORST": by_cbor[-1],
        "PFS_DAYS": own.days,
        "PFS_CNSR": own.censored,
        "PFS_DAYS_MIN": times[0][0],
        "PFS_CNSR_MIN": times[0][1],
        "PFS_DAYS_MAX": times[-1][0],
        "PFS_CNSR_MAX": times[-1][1],
        "PFS_EVENT_MIN": min(events) if events else np.nan,
        "N_RESOLUTIONS": max(1, len(found) - 1),
        "WIDEST": False,
        "REASON": ", ".join(sorted(set(told))) or None,
    }


def _widest(case: OpenCase) -> dict[str, Any]:
    return {
        "BOR_BEST": "CR",
        "BOR_WORST": "PD",
        "CBOR_BEST": "CR",
        "CBOR_WORST": "PD",
        "PFS_DAYS_MIN": 1.0,
        "PFS_CNSR_MIN": 0,
        "PFS_EVENT_MIN": 1.0,
        "PFS_DAYS_MAX": float((case.cutoff - case.start).days + 1),
        "PFS_CNSR_MAX": 1,
        "WIDEST": True,
    }


def _findings(given: Given) -> dict[str, list[Finding]]:
    """Findings by subject that can move an endpoint."""
    found: dict[str, list[Finding]] = {}
    named = given.issues[given.issues["subject_id"].notna()]
    columns = ("subject_id", "check_id", "severity", "domain", "row_key", "message")
    for subject, check, severity, domain, key, message in zip(
        *(named[c].tolist() for c in columns), strict=True
    ):
        if rule_of(check, severity, domain) is not None:
            rows = tuple(rows_named(key if isinstance(key, str) else None))
            found.setdefault(subject, []).append(Finding(check, severity, domain, rows, message))
    return found


def _cases(
    given: Given,
    findings: Mapping[str, list[Finding]],
    treated: set[str],
    criterion: str,
    config: StudyConfig,
    cutoff: dt.date,
) -> tuple[dict[str, OpenCase], dict[str, list[str]]]:
    asked = sorted(treated & set(findings))
    if not asked:
        return {}, {}
    tables = [
        frame[frame["USUBJID"].isin(asked)].reset_index(drop=True)
        for frame in (given.subjects, given.tumour_assessments, given.disposition, given.exposure)
    ]
    subjects, lesions, disposition, exposure = tables
    courses = build_courses(
        *(subjects, lesions, empty(Responses), disposition, config),
        criterion=criterion,
        cutoff=cutoff,
        blocked=set(asked),
    )
    readers = endpoint_readers(rows_of(lesions, criterion), config)
    lesions = rows_of(lesions, criterion)
    lesions = lesions.assign(
        part=visit_parts(lesions), unusable=lesions["SRCROW"].isin(given.unusable)
    )
    parts = [dict(list(f.groupby("USUBJID", sort=False))) for f in (lesions, disposition, exposure)]
    people: dict[str, Any] = {str(p["USUBJID"]): p for p in subjects.to_dict("records")}
    none = (lesions.iloc[:0], disposition.iloc[:0], exposure.iloc[:0])
    cases, told = {}, {}
    for course in courses:
        rows, records, doses = (p.get(course.subject, n) for p, n in zip(parts, none, strict=True))
        reader = readers.get(course.subject)
        mine = rows if reader is None else rows[rows["EVALUATOR"] == reader]
        case = OpenCase(
            subject=course.subject,
            criterion=criterion,
            rows=mine.reset_index(drop=True),
            person=people[course.subject],
            records=records,
            doses=doses,
            start=course.start,
            death=course.death,
            seen_alive=course.last_alive.date,
            cutoff=pd.Timestamp(cutoff),
            config=config,
        )
        checks = collect(case, findings[course.subject])
        if checks:
            cases[course.subject], told[course.subject] = case, checks
    return cases, told
