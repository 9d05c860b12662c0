"""Progression-free survival of one subject under both policies: treatment policy (protocol,
EMA-like) and FDA-style censoring.

Used for PFS itself and for the end of a response. Which policy is primary is a setting of the
study; the statistical analysis plan is its source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from hcc_assets.clinical.endpoints.courses import Assessment, Course

Policy = Literal["PFS_TP", "PFS_FDA"]

PROGRESSION, DEATH = "PROGRESSIVE DISEASE", "DEATH"
BLOCKED = "data blocked"


@dataclass(frozen=True)
class Ending:
    """The end of a subject's time: event or censoring, with its reason and its source record."""

    date: pd.Timestamp
    censored: bool
    event: str
    censoring: str | None
    domain: str
    variable: str
    record: float = float("nan")


def _censored_at(course: Course, last: Assessment | None, event: str, reason: str) -> Ending:
    if last is None:
        why = (
            "no baseline assessment"
            if not course.has_baseline
            else "no post-baseline assessment"
            if not course.assessments
            else None
        )
        why = why or "no evaluable post-baseline assessment"
        detail = (
            ""
            if reason == "last evaluable assessment"
            else f", {reason.removeprefix('last evaluable assessment ')}"
        )
        return Ending(course.start, True, event, f"first dose: {why}{detail}", "EX", "EXSTDTC")
    if last.date < course.start:
        return Ending(
            course.start,
            True,
            event,
            "first dose: last evaluable assessment is not after it",
            "EX",
            "EXSTDTC",
        )
    return Ending(last.date, True, event, reason, "RESPONSES", "ADT", last.visit)


def first_event(course: Course) -> Ending | None:
    """Progression or death, whichever is first (progression on the same day); never dated before
    first dose."""
    pd_visit = course.first_pd
    if pd_visit is not None and (course.death is None or pd_visit.date <= course.death):
        return Ending(
            max(pd_visit.date, course.start),
            False,
            PROGRESSION,
            None,
            "RESPONSES",
            "ADT",
            pd_visit.visit,
        )
    if course.death is not None:
        return Ending(max(course.death, course.start), False, DEATH, None, "DM", "DTHDTC")
    return None


def time_to_progression(course: Course) -> Ending:
    """End of the time to progression: progression, else the last evaluable assessment; a death
    without progression is no event [CLINICAL.md 5, TTP]."""
    if course.blocked:
        return Ending(course.start, True, "DATA BLOCKED", BLOCKED, "EX", "EXSTDTC")
    event = first_event(course)
    if event is not None and event.event == PROGRESSION:
        return event
    evaluable = [a for a in course.assessments if a.evaluable and a.response != "PD"]
    before = "last evaluable assessment" + (" before death" if event is not None else "")
    ended = event.event if event is not None else course.ended or "NO PROGRESSION"
    return _censored_at(course, evaluable[-1] if evaluable else None, ended, before)


def progression_free(course: Course, policy: Policy, max_gap_days: int) -> Ending:
    """End of progression-free survival.

    ``PFS_TP``: progression or death whenever, else the last evaluable assessment. ``PFS_FDA``: the
    same, but an event after a new anticancer therapy (an event on its day counts), or more than
    ``max_gap_days`` after the last evaluable assessment (or first dose), is censored at that
    assessment.

    Parameters
    ----------
    course
        The subject.
    policy
        ``PFS_TP`` or ``PFS_FDA``.
    max_gap_days
        Two visit intervals and two windows (2 x 42 + 2 x 7 = 98).
    """
    if course.blocked and course.death is None:
        return Ending(course.start, True, "DATA BLOCKED", BLOCKED, "EX", "EXSTDTC")
    event = first_event(course)
    evaluable = [a for a in course.assessments if a.evaluable and a.response != "PD"]
    if policy == "PFS_FDA":
        therapy = course.new_therapy
        if therapy is not None and (event is None or event.date > therapy):
            before = [a for a in evaluable if a.date <= therapy]
            reason = "last evaluable assessment before new anticancer therapy"
            return _censored_at(
                course, before[-1] if before else None, "NEW ANTICANCER THERAPY", reason
            )
        if event is not None:
            before = [a for a in evaluable if a.date <= event.date]
            reference = max(before[-1].date, course.start) if before else course.start
            if (event.date - reference).days > max_gap_days:
                reason = "last evaluable assessment before two or more missed assessments"
                return _censored_at(
                    course,
                    before[-1] if before else None,
                    f"{event.event} AFTER MISSED ASSESSMENTS",
                    reason,
                )
    if event is not None:
        return event
    return _censored_at(
        course,
        evaluable[-1] if evaluable else None,
        course.ended or "NO PROGRESSION OR DEATH",
        "last evaluable assessment",
    )
