"""Adverse events and dosing of simulated subjects, consistent with each other: an action written in
an event is seen in the dosing records."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from hcc_assets.simulate.subjects import Course

DOSES: Final = (300, 250, 200)
"""Dose levels of surufatinib, mg once daily: the full dose and two reductions."""


@dataclass(frozen=True)
class Kind:
    """A preferred term with its organ class, rate per 100 days on treatment, and probabilities of
    grades 1 to 4."""

    term: str
    organ_class: str
    rate: float
    grades: tuple[float, float, float, float]
    fatal: bool = False


# Terms of an anti-angiogenic kinase inhibitor in liver disease; rates and grades are our choice,
# made so that every table of safety has rows.
KINDS: Final = (
    Kind("Hypertension", "Vascular disorders", 0.45, (0.2, 0.4, 0.4, 0.0)),
    Kind("Proteinuria", "Renal and urinary disorders", 0.50, (0.4, 0.42, 0.18, 0.0)),
    Kind("Blood bilirubin increased", "Investigations", 0.35, (0.4, 0.4, 0.18, 0.02)),
    Kind("Aspartate aminotransferase increased", "Investigations", 0.40, (0.5, 0.3, 0.18, 0.02)),
    Kind("Alanine aminotransferase increased", "Investigations", 0.30, (0.6, 0.28, 0.12, 0.0)),
    Kind("Gamma-glutamyltransferase increased", "Investigations", 0.15, (0.3, 0.4, 0.3, 0.0)),
    Kind("Platelet count decreased", "Investigations", 0.25, (0.5, 0.3, 0.17, 0.03)),
    Kind("Hypoalbuminaemia", "Metabolism and nutrition disorders", 0.20, (0.6, 0.38, 0.02, 0.0)),
    Kind("Decreased appetite", "Metabolism and nutrition disorders", 0.15, (0.7, 0.27, 0.03, 0.0)),
    Kind("Diarrhoea", "Gastrointestinal disorders", 0.35, (0.6, 0.33, 0.07, 0.0)),
    Kind("Abdominal pain", "Gastrointestinal disorders", 0.20, (0.6, 0.34, 0.06, 0.0)),
    Kind("Vomiting", "Gastrointestinal disorders", 0.12, (0.7, 0.27, 0.03, 0.0)),
    Kind(
        "Upper gastrointestinal haemorrhage",
        "Gastrointestinal disorders",
        0.04,
        (0.1, 0.4, 0.4, 0.1),
        fatal=True,
    ),
    Kind("Hypothyroidism", "Endocrine disorders", 0.15, (0.4, 0.6, 0.0, 0.0)),
    Kind(
        "Fatigue",
        "General disorders and administration site conditions",
        0.30,
        (0.6, 0.35, 0.05, 0.0),
    ),
    Kind(
        "Oedema peripheral",
        "General disorders and administration site conditions",
        0.20,
        (0.7, 0.27, 0.03, 0.0),
    ),
    Kind("Hepatic failure", "Hepatobiliary disorders", 0.02, (0.0, 0.0, 0.8, 0.2), fatal=True),
)

_SURE_OF_DRUG: Final = {
    "Hypertension",
    "Proteinuria",
    "Diarrhoea",
    "Hypothyroidism",
    "Platelet count decreased",
    "Oedema peripheral",
}


@dataclass(frozen=True)
class Event:
    """One adverse event; ``end`` is None while it goes on, ``grade`` 5 is fatal (its
    ``grade_before`` was seen until then)."""

    kind: Kind
    start: dt.date
    end: dt.date | None
    grade: int
    related: bool
    serious: bool
    action: str
    sequelae: bool
    grade_before: int = 4


@dataclass(frozen=True)
class Dosing:
    """One dosing record; ``mg`` 0 is an interruption, ``reason`` why it differs from the record
    before."""

    mg: int
    start: dt.date
    end: dt.date | None
    reason: str | None


def _draw_events(
    course: Course, stop: dt.date, last: dt.date, rng: np.random.Generator
) -> list[Event]:
    assert course.first_dose is not None
    days = (stop - course.first_dose).days + 28
    sensitivity = float(rng.lognormal(-0.2, 0.5))
    out: list[Event] = []
    for kind in KINDS:
        taken: list[tuple[dt.date, dt.date]] = []
        for _ in range(int(min(rng.poisson(kind.rate * days / 100 * sensitivity * 0.6), 4))):
            start = course.first_dose + dt.timedelta(days=int(days * rng.beta(0.8, 1.6)))
            end: dt.date | None = start + dt.timedelta(days=3 + int(rng.exponential(24)))
            if rng.random() < 0.12 or end is None or end > last:
                end = None
            if start > last or any(
                a <= start <= b or start <= a <= (end or last) for a, b in taken
            ):
                continue
            taken.append((start, end or dt.date.max))
            grade = 1 + int(rng.choice(4, p=kind.grades))
            related = kind.term in _SURE_OF_DRUG or bool(rng.random() < 0.45)
            serious = (
                grade == 4
                or (grade == 3 and bool(rng.random() < 0.25))
                or (kind.fatal and grade >= 3)
            )
            chance = rng.random()
            action = "DOSE NOT CHANGED"
            if related and grade >= 3 and start <= stop:
                action = (
                    "DRUG INTERRUPTED"
                    if chance < 0.5
                    else "DOSE REDUCED"
                    if chance < 0.85
                    else "DRUG WITHDRAWN"
                    if chance < 0.9
                    else action
                )
            elif start > stop:
                action = "NOT APPLICABLE"
            out.append(
                Event(kind, start, end, grade, related, serious, action, bool(rng.random() < 0.03))
            )
    return sorted(out, key=lambda e: (e.start, e.kind.term))


def treat(course: Course, stop: dt.date | None, seed: int) -> tuple[list[Event], list[Dosing]]:
    """Events and dosing of one treated subject.

    Parameters
    ----------
    course
        With a first dose.
    stop
        Last planned dose (progression, death, loss); None while nothing has stopped treatment
        within the horizon.
    seed
        Same seed, same events.

    Returns
    -------
    events, dosing
        Both in order of start. An event that reduces, interrupts or stops the drug does so on its
        first day; a reduction below the lowest level is a withdrawal. A death on treatment without
        progression is the end of a fatal event in seven of ten.
    """
    rng = np.random.default_rng([seed, 9, course.index])
    assert course.first_dose is not None
    horizon = course.first_dose + dt.timedelta(days=880)
    stop = min([d for d in (stop, course.death, course.lost, horizon) if d is not None])
    last = min([d for d in (course.death, course.lost, horizon) if d is not None])
    events, dosing = _draw_events(course, stop, last, rng), []
    level, start, reason = 0, course.first_dose, None
    kept: list[Event] = []
    ended = False
    resume: dt.date | None = None
    for event in events:
        gap = int(rng.integers(5, 22))
        free = resume is None or event.start > resume + dt.timedelta(days=2)
        if event.action in ("DOSE NOT CHANGED", "NOT APPLICABLE"):
            kept.append(
                replace(event, action="NOT APPLICABLE") if ended and event.start > stop else event
            )
            continue
        if (
            ended
            or not free
            or event.start <= start + dt.timedelta(days=2)
            or event.start + dt.timedelta(days=gap + 3) >= stop
        ):
            kept.append(
                replace(
                    event, action="NOT APPLICABLE" if event.start > stop else "DOSE NOT CHANGED"
                )
            )
            continue
        action = (
            "DRUG WITHDRAWN"
            if event.action == "DOSE REDUCED" and level == len(DOSES) - 1
            else event.action
        )
        kept.append(replace(event, action=action))
        if action == "DRUG WITHDRAWN":
            ended, stop = True, event.start
            continue
        day_before = event.start - dt.timedelta(days=1)
        dosing.append(Dosing(DOSES[level], start, day_before, reason))
        reason = "ADVERSE EVENT"
        if action == "DRUG INTERRUPTED":
            resume = event.start + dt.timedelta(days=gap)
            dosing.append(Dosing(0, event.start, resume - dt.timedelta(days=1), reason))
            start = resume
        else:
            level, start = level + 1, event.start
    dosing.append(Dosing(DOSES[level], start, stop, reason))
    window = stop + dt.timedelta(days=30)
    kept = [e for e in kept if e.start <= window]
    fatal = (
        course.death is not None
        and course.death <= window
        and course.death < course.progression
        and rng.random() < 0.7
    )
    if fatal and course.death is not None:
        kind = KINDS[-1] if rng.random() < 0.6 else KINDS[12]
        begin = max(course.death - dt.timedelta(days=int(rng.integers(1, 15))), course.first_dose)
        kept = [e for e in kept if e.kind is not kind or (e.end is not None and e.end < begin)]
        action = "NOT APPLICABLE" if begin > stop else "DOSE NOT CHANGED"
        kept.append(
            Event(kind, begin, course.death, 5, bool(rng.random() < 0.3), True, action, False)
        )
    return sorted(kept, key=lambda e: (e.start, e.kind.term)), dosing
