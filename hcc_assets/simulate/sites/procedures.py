"""Procedures of simulated subjects: before the trial, supportive, local therapies under treatment
and after progression."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np

from hcc_assets.simulate.scans import Scan
from hcc_assets.simulate.sites.habits import MONTH, WHOLE, YEAR, Habits
from hcc_assets.simulate.subjects import Course

LOCAL: Final = ("TACE", "ABLATION", "RADIOTHERAPY")
"""Local therapies as the study lists them."""

UNLISTED: Final = {
    "TACE": "TRANSARTERIAL CHEMOEMBOLISATION",
    "ABLATION": "MICROWAVE ABLATION OF LIVER",
    "RADIOTHERAPY": "STEREOTACTIC BODY RADIATION",
}
"""The same in words that no list of the study has."""


@dataclass(frozen=True)
class Procedure:
    """One procedure; ``therapy`` where it is a new anticancer therapy, ``known`` characters of its
    date are written."""

    name: str
    category: str | None
    date: dt.date
    therapy: bool = False
    known: int = WHOLE


def procedures(
    course: Course, scans: list[Scan], stop: dt.date | None, habits: Habits, seed: int
) -> tuple[Procedure, ...]:
    """Procedures of one subject in order of their day; ``stop`` is the last dose."""
    rng = np.random.default_rng([seed, 46, course.index])
    prior, supportive, under, after, unlisted, blank = rng.random(6)
    name = str(rng.choice(LOCAL))
    days = [int(n) for n in rng.integers((60, 20, 60, 10), (900, 200, 150, 40))]
    out = []
    if prior < habits.prior:
        date = course.consent - dt.timedelta(days=days[0])
        out.append(Procedure("TACE", "PRIOR", date, known=MONTH if blank < 0.5 else YEAR))
    if course.first_dose is None or stop is None:
        return tuple(out)
    ends = [d for d in (course.death, course.lost) if d is not None]
    relief = course.first_dose + dt.timedelta(days=days[1])
    if supportive < habits.supportive and relief < stop:
        out.append(Procedure("PARACENTESIS", "SUPPORTIVE", relief))
    progressed = scans[-1].date if scans[-1].response.get("OVRLRESP") == "PD" else None
    under_drug = course.first_dose + dt.timedelta(days=days[2])
    therapy: dt.date | None = None
    if under < habits.local_on_treatment and under_drug < stop:
        therapy = under_drug
    elif progressed is not None and after < habits.local_after:
        therapy = progressed + dt.timedelta(days=days[3])
    if therapy is not None and not any(therapy >= d for d in ends):
        category = None if blank < 0.5 else "SUBSEQUENT ANTICANCER THERAPY"
        if unlisted < habits.unlisted:
            name, category = UNLISTED[name], None
        elif therapy == under_drug and blank < 0.25:
            category = "CONCOMITANT"
        out.append(Procedure(name, category, therapy, therapy=True))
    return tuple(sorted(out, key=lambda p: (p.date, p.name)))
