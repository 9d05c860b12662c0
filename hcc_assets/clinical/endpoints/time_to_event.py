"""Time to event of the treated set: PFS under two policies, TTP, OS, duration of response and time
to it.

Curves are in ``stats.kaplan_meier``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Set

import pandas as pd

from hcc_assets.clinical.endpoints.best_response import first_response
from hcc_assets.clinical.endpoints.courses import Course, build_courses
from hcc_assets.clinical.endpoints.progression import (
    DEATH,
    Ending,
    progression_free,
    time_to_progression,
)
from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.endpoints import TimeToEvent
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.criteria import delivered


def overall_survival(course: Course) -> Ending:
    """Death, or censored at the last date on which the subject was known to be alive."""
    if course.death is not None:
        return Ending(max(course.death, course.start), False, DEATH, None, "DM", "DTHDTC")
    alive = course.last_alive
    return Ending(
        max(alive.date, course.start),
        True,
        course.ended or "ALIVE",
        "last known alive",
        alive.domain,
        alive.variable,
    )


def _record(
    course: Course, parameter: str, start: pd.Timestamp, ending: Ending
) -> dict[str, object]:
    date = max(ending.date, start)
    return {
        "USUBJID": course.subject,
        "PARAMCD": parameter,
        "STARTDT": start,
        "ADT": date,
        "AVAL": float((date - start).days + 1),
        "CNSR": int(ending.censored),
        "EVNTDESC": ending.event,
        "CNSDTDSC": ending.censoring,
        "SRCDOM": ending.domain,
        "SRCVAR": ending.variable,
        "SRCSEQ": ending.record,
    }


def _records(course: Course, config: StudyConfig, criterion: str) -> list[dict[str, object]]:
    endings = {
        policy: progression_free(course, policy, config.pfs.max_gap_days)
        for policy in ("PFS_TP", "PFS_FDA")
    }  # type: ignore[arg-type]
    rows = [_record(course, policy, course.start, ending) for policy, ending in endings.items()]
    rows.append(_record(course, "TTP", course.start, time_to_progression(course)))
    if criterion == config.recist.criteria[0]:
        rows.append(_record(course, "OS", course.start, overall_survival(course)))
    response = first_response(course, config.recist)
    if response is not None:
        rows.append(_record(course, "DOR", response.date, endings[config.pfs.primary]))
        seen = Ending(
            response.date,
            False,
            f"FIRST {'CONFIRMED ' if config.recist.headline == 'CBOR' else ''}RESPONSE",
            None,
            "RESPONSES",
            "ADT",
            response.visit,
        )
        rows.append(_record(course, "TTR", course.start, seen))
    return [{"CRITERION": criterion, **row} for row in rows]


def derive_time_to_event(
    subjects: pd.DataFrame,
    tumour_assessments: pd.DataFrame,
    responses: pd.DataFrame,
    disposition: pd.DataFrame,
    config: StudyConfig,
    *,
    cutoff: dt.date | None = None,
    blocked: Set[str] = frozenset(),
) -> pd.DataFrame:
    """Time-to-event records of the treated set.

    ``PFS_TP``, ``PFS_FDA`` and ``TTP`` start at first dose and are always there; ``OS`` ends with
    death or the last contact; ``DOR`` runs from the first response of the headline source to the
    end of the primary PFS, ``TTR`` from first dose to that response (responders only). AVAL = ADT -
    STARTDT + 1 days.

    Parameters
    ----------
    subjects, tumour_assessments, responses, disposition, config, cutoff, blocked
        As for ``best_response.derive_best_responses``. A blocked subject has its PFS censored at
        day 1 as ``data blocked``; its OS stays.

    Returns
    -------
    DataFrame
        ``schemas.endpoints.TimeToEvent`` sorted by subject, then PFS_TP, PFS_FDA, TTP, OS, DOR,
        TTR.
    """
    rows = [
        row
        for criterion in delivered(tumour_assessments, config.recist.criteria)
        for course in build_courses(
            *(subjects, tumour_assessments, responses, disposition, config),
            criterion=criterion,
            cutoff=cutoff,
            blocked=blocked,
        )
        for row in _records(course, config, criterion)
    ]
    return conform(TimeToEvent, pd.DataFrame(rows)) if rows else empty(TimeToEvent)
