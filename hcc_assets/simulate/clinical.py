"""Clinical export of a simulated trial as it would look on any day, with the truth behind it.

Lesions, events, dates and rows are made elsewhere.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from hcc_assets.simulate.characteristics import characteristic_rows
from hcc_assets.simulate.events import Dosing, Event, treat
from hcc_assets.simulate.lesions import scan_course
from hcc_assets.simulate.panel_rows import panel_rows
from hcc_assets.simulate.panels import panels
from hcc_assets.simulate.scans import Scan, best_response, respond
from hcc_assets.simulate.sdtm import (
    COLUMNS,
    Rows,
    SubjectStory,
    as_frame,
    disposition_rows,
    event_row,
    known_by,
    subject_row,
)
from hcc_assets.simulate.sites.dosing_rows import dosing_rows
from hcc_assets.simulate.sites.habits import USUAL, Habits, as_dated, manner_of
from hcc_assets.simulate.sites.procedures import procedures
from hcc_assets.simulate.sites.tumour_rows import scan_rows
from hcc_assets.simulate.sites.unscheduled import first_look, with_unscheduled
from hcc_assets.simulate.sites.viable import viable_scans
from hcc_assets.simulate.spoil import spoil
from hcc_assets.simulate.subjects import START, courses

RECIST, MRECIST = "RECIST 1.1", "mRECIST"
TRIAL_DAYS: Final = 480
"""Days from the first consent to the default date of the export: 300 of enrolment and half a year
of follow-up, so that some subjects are still on treatment."""


@dataclass(frozen=True)
class ClinicalTrial:
    """An export and its truth.

    Attributes
    ----------
    tables
        Domain to frame; every value is text or None.
    responses
        Expected response per subject and visit after the baseline, from the scans known on the day
        of the export.
    progression
        Expected PFS of each treated subject (first progression or death, censored at the last
        evaluable scan), with what drives it.
    endpoints
        Best response and PFS of each treated subject by RECIST 1.1 and, where the viable tumour is
        read, by mRECIST; number of treatment-emergent events.
    issues
        Checks that must fire (``check_id, USUBJID``); empty unless the data were made ugly.
    """

    tables: dict[str, pd.DataFrame]
    responses: pd.DataFrame
    progression: pd.DataFrame
    endpoints: pd.DataFrame
    issues: pd.DataFrame


def stories(
    subjects: int,
    seed: int,
    *,
    hazard_effect: float = -0.5,
    start: dt.date = START,
    habits: Habits = USUAL,
) -> list[SubjectStory]:
    """Every subject's whole story, to about 2.5 years; same arguments, same stories.

    ``habits`` say how sites deliver it; other habits leave sizes, dates and events as they are.
    """
    out = []
    for course in courses(subjects, seed, hazard_effect=hazard_effect, start=start):
        scans = scan_course(course, seed)
        events: list[Event] = []
        dosing: list[Dosing] = []
        therapy = None
        if course.first_dose is not None:
            rng = np.random.default_rng([seed, 10, course.index])
            progressed = scans[-1].date if scans[-1].response.get("OVRLRESP") == "PD" else None
            stop = progressed + dt.timedelta(days=int(rng.integers(1, 8))) if progressed else None
            events, dosing = treat(course, stop, seed)
            if progressed and rng.random() < 0.4:
                therapy = progressed + dt.timedelta(days=int(rng.integers(14, 50)))
                ends = [d for d in (course.death, course.lost) if d is not None]
                therapy = None if any(therapy >= d for d in ends) else therapy
        measured = tuple(panels(course, events, dosing, seed))
        manner = manner_of(course, len(events), habits, seed)
        scans = with_unscheduled(course, scans, manner, habits, seed)
        out.append(
            SubjectStory(
                *(course, scans, events, dosing, therapy, measured, manner),
                first_look=first_look(course, scans, habits, seed),
                viable=tuple(viable_scans(course, scans, seed)) if habits.viable else (),
                procedures=procedures(
                    course, scans, dosing[-1].end if dosing else None, habits, seed
                ),
            )
        )
    return out


def _progression_row(story: SubjectStory, scans: list[Scan], until: dt.date) -> dict[str, Any]:
    course = story.course
    assert course.first_dose is not None
    ends = [s.date for s in scans if s.response.get("OVRLRESP") == "PD"]
    dead = known_by(course.death, until)
    event = min([*ends, *([dead] if dead else [])], default=None)
    evaluable = [s.date for s in scans[1:] if s.response["OVRLRESP"] != "NE"]
    date = event or max(evaluable, default=course.first_dose)
    return {
        "USUBJID": course.usubjid,
        "benefit": course.traits.benefit,
        "latent_days": (course.progression - course.first_dose).days,
        "AVAL": (date - course.first_dose).days + 1,
        "CNSR": 0 if event else 1,
        "event": "none" if event is None else "progression" if event in ends else "death",
    }


def _endpoint_row(
    story: SubjectStory, criterion: str, scans: list[Scan], until: dt.date
) -> dict[str, Any]:
    first = story.course.first_dose
    assert first is not None
    begun = [story.new_therapy, *(p.date for p in story.procedures if p.therapy)]
    known = [d for d in begun if d is not None and first <= d <= until]
    time = _progression_row(story, scans, until)
    return {
        "USUBJID": story.course.usubjid,
        "CRITERION": criterion,
        "BOR": best_response(scans, first, min(known, default=None)),
        "AVAL": time["AVAL"],
        "CNSR": time["CNSR"],
        "TEAE": sum(e.start <= until for e in story.events),
    }


def _known_scans(scans: Iterable[Scan], until: dt.date) -> list[Scan]:
    found = [replace(s, findings=list(s.findings)) for s in scans if s.date <= until]
    return respond(found) if found else found


def export(
    told: list[SubjectStory], *, until: dt.date, ugly: bool = False, seed: int = 0
) -> ClinicalTrial:
    """The export of these stories as of the day ``until``: later records absent, later ends open,
    responses from the scans known by then.

    Parameters
    ----------
    told
        From :func:`stories`.
    until
        Day of the export, included.
    ugly
        Spoil a few subjects; ``issues`` says which checks must fire.
    seed
        Of the spoiling.
    """
    rows: Rows = {domain: [] for domain in COLUMNS}
    responses, progression, endpoints = [], [], []
    for story in told:
        course = story.course
        if course.consent > until:
            continue
        rows["dm"].append(subject_row(course, until))
        scans, viable = (_known_scans(found, until) for found in (story.scans, story.viable))
        look = story.first_look
        earlier = [look] if look is not None and look.date <= until else []
        scan_rows(rows, story, [*earlier, *scans])
        scan_rows(rows, story, viable, MRECIST)
        dosing_rows(rows, story, until)
        rows["ae"] += [
            as_dated(event_row(course.usubjid, e, known_by(course.death, until), until), known)
            for e, known in zip(story.events, story.manner.events, strict=True)
            if e.start <= until
        ]
        disposition_rows(rows, story, until)
        panel_rows(rows, story, until)
        if course.baseline_scan <= until:
            characteristic_rows(rows, story)
        responses += [
            {
                "USUBJID": course.usubjid,
                "VISITNUM": s.visit_number,
                "VISIT": s.name,
                "DATE": s.date,
                **s.response,
            }
            for s in scans[1:]
        ]
        if course.first_dose is not None and course.first_dose <= until:
            progression.append(_progression_row(story, scans, until))
            endpoints.append(_endpoint_row(story, RECIST, scans, until))
            if story.viable:
                endpoints.append(_endpoint_row(story, MRECIST, viable, until))
    tables = {domain: as_frame(domain, found) for domain, found in rows.items()}
    issues = pd.DataFrame(columns=["check_id", "USUBJID"])
    if ugly:
        tables, issues = spoil(tables, seed)
    names = [
        "USUBJID",
        "VISITNUM",
        "VISIT",
        "DATE",
        "BASE",
        "SUMDIAM",
        "NADIR_PRIOR",
        "TRGRESP",
        "NTRGRESP",
        "NEWLPROG",
        "OVRLRESP",
    ]
    return ClinicalTrial(
        tables,
        pd.DataFrame(responses, columns=names),
        pd.DataFrame(
            progression, columns=["USUBJID", "benefit", "latent_days", "AVAL", "CNSR", "event"]
        ),
        pd.DataFrame(endpoints, columns=["USUBJID", "CRITERION", "BOR", "AVAL", "CNSR", "TEAE"]),
        issues,
    )


def simulate_clinical(
    subjects: int,
    seed: int,
    ugly: bool = False,
    *,
    hazard_effect: float = -0.5,
    start: dt.date = START,
    until: dt.date | None = None,
    habits: Habits = USUAL,
) -> dict[str, pd.DataFrame]:
    """SDTM domains of a simulated trial.

    Parameters
    ----------
    subjects, seed
        Same arguments, same tables.
    ugly
        Spoil a few subjects the way sites do.
    hazard_effect
        Log hazard ratio of progression per unit of benefit.
    start
        Day of the first possible consent.
    until
        Day of the export; 480 days after ``start`` by default.
    habits
        How sites deliver.

    Returns
    -------
    dict
        ``dm ex tu tr rs ae ds cm pr ss lb vs sc qs`` to frames of text (None where empty); a
        domain in which nothing has happened has columns only.
    """
    told = stories(subjects, seed, hazard_effect=hazard_effect, start=start, habits=habits)
    return export(
        told, until=until or start + dt.timedelta(days=TRIAL_DAYS), ugly=ugly, seed=seed
    ).tables
