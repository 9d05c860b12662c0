"""Laboratory panels and vital signs of simulated subjects, in step with their adverse events: while
an event goes on, the value of its test has its grade. No rows here."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np

from hcc_assets.simulate.events import Dosing, Event
from hcc_assets.simulate.subjects import Course

EVERY_DAYS: Final = 28
"""Days between panels on treatment: a cycle; our choice."""


@dataclass(frozen=True)
class Measure:
    """A test with its unit and range, what is usual without an event, and what the grades 1 to 4 of
    the event look like: multiples of the upper limit (of a baseline above it), or plain values."""

    test: str
    specimen: str
    unit: str
    low: float | None
    high: float | None
    usual: tuple[float, float]
    event: str = ""
    grades: tuple[float, ...] = ()
    of_limit: bool = False
    decimals: int = 0


# Ranges of a usual laboratory; usual values and sizes are our choice. Grades lie well within those
# of CTCAE 5.0.
MEASURES: Final = (
    *(
        Measure(test, "SERUM", "U/L", 0, high, usual, event, (1.8, 4.0, 8.0, 22.0), True)
        for test, high, usual, event in (
            ("ALT", 40, (14, 38), "Alanine aminotransferase increased"),
            ("AST", 35, (16, 34), "Aspartate aminotransferase increased"),
        )
    ),
    Measure("ALP", "SERUM", "U/L", 40, 120, (55, 118)),
    Measure(
        *("GGT", "SERUM", "U/L", 0, 60, (35, 150), "Gamma-glutamyltransferase increased"),
        *((2.2, 3.5, 8.0, 22.0), True),
    ),
    Measure(
        *("BILI", "SERUM", "umol/L", 3, 20.5, (7, 19), "Blood bilirubin increased"),
        *((1.25, 1.7, 4.5, 11.0), True, 1),
    ),
    Measure("ALB", "SERUM", "g/L", 35, 52, (37, 47), "Hypoalbuminaemia", (31, 26, 17)),
    Measure("CREAT", "SERUM", "umol/L", 45, 104, (62, 76)),
    Measure("HGB", "BLOOD", "g/L", 120, 170, (124, 158)),
    Measure("NEUT", "BLOOD", "10^9/L", 1.8, 6.3, (2.2, 5.6), decimals=2),
    Measure(
        *("PLAT", "BLOOD", "10^9/L", 100, 300, (112, 240), "Platelet count decreased"),
        (88, 62, 38, 18),
    ),
    Measure("AFP", "SERUM", "ng/mL", 0, 20, (5, 40), decimals=1),
)
PRESSURE: Final = ((130, 78), (137, 84), (150, 95), (170, 105), (170, 105))
"""Systolic and diastolic pressure, mmHg, without hypertension and at its grades."""

STRIPS: Final = ("NEGATIVE", "1+", "2+", "4+", "4+")
"""Protein strip without proteinuria and at its grades."""


@dataclass(frozen=True)
class Panel:
    """What was measured on one day: number and name of the visit, values by test, strip and blood
    pressure."""

    number: int
    name: str
    date: dt.date
    values: dict[str, float]
    strip: str
    pressure: tuple[int, int]


def _grade(events: list[Event], term: str, day: dt.date) -> int:
    return max(
        (
            min(e.grade, 4)
            for e in events
            if e.kind.term == term and e.start <= day and (e.end is None or day <= e.end)
        ),
        default=0,
    )


def panels(course: Course, events: list[Event], dosing: list[Dosing], seed: int) -> list[Panel]:
    """Panels of a subject: one before the first dose, then one a cycle until dosing ends."""
    if course.first_dose is None:
        return []
    rng = np.random.default_rng([seed, 21, course.index])
    level = {m.test: float(rng.uniform(*m.usual)) for m in MEASURES}
    level["AFP"] = float(rng.lognormal(5.0, 2.0))  # median 150 ng/ml: common in advanced disease
    slope = -0.004 * course.traits.benefit  # of the log, a day; our choice
    last = dosing[-1].end if dosing else None
    stops = [d for d in (last, course.death, course.lost) if d is not None]
    days = [-2, *range(14, 900, EVERY_DAYS)]  # 900: the horizon of the stories
    found = []
    for number, after in enumerate(days):
        day = course.first_dose + dt.timedelta(days=after)
        if any(day >= stop for stop in stops):
            break
        values = {}
        for m in MEASURES:
            grade = _grade(events, m.event, day) if m.event and number else 0
            spread = float(rng.uniform(0.97, 1.03))
            size = level[m.test] * spread
            if grade:
                of = max(m.high or 0.0, level[m.test]) if m.of_limit else 1.0
                size = of * m.grades[min(grade, len(m.grades)) - 1] * float(rng.uniform(1, 1.12))
            elif m.test == "AFP":
                size *= float(np.exp(slope * max(after, 0)))
            values[m.test] = round(size, m.decimals)
        high = _grade(events, "Hypertension", day) if number else 0
        wobble = int(rng.integers(-6, 2))
        pressure = (PRESSURE[high][0] + (wobble if not high else 0), PRESSURE[high][1])
        strip = STRIPS[_grade(events, "Proteinuria", day) if number else 0]
        name = "SCREENING" if number == 0 else f"CYCLE {number} DAY 15"
        found.append(Panel(number, name, day, values, strip, pressure))
    return found
