"""Who the simulated subjects are and when things happen to them: sex, benefit, enrolment, first
dose, progression, death, loss. No tables here."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np

START: Final = dt.date(2025, 1, 6)
"""First consent of the simulated trial."""

ENROLMENT_DAYS: Final = 300  # our choice, as SITES
HORIZON_DAYS: Final = 900  # beyond it nothing is simulated; longer than any default export
VISIT_DAYS: Final = 42  # tumour interval of the protocol (clinical rules, section 1)
SITES: Final = 8  # our choice: several, so that a site is no patient

# Our choice: medians of 190 days to progression and 180 from there to death (a mean of 260), one
# death in five years before progression, one loss in seven.
_PROGRESSION_PER_DAY: Final = np.log(2) / 190.0
_DEATH_BEFORE_PROGRESSION_PER_DAY: Final = 1 / 1800.0
_DEATH_AFTER_PROGRESSION_PER_DAY: Final = 1 / 260.0
_LOSS_PER_DAY: Final = 1 / 2600.0
"""Hazards a day of the simulated courses."""


@dataclass(frozen=True)
class Traits:
    """What clinic and cells of one subject share: sex and ``benefit``, a standard normal that moves
    T cells, tumour shrinkage and progression."""

    sex: str
    benefit: float


def traits(seed: int, index: int) -> Traits:
    """Traits of subject number ``index`` in the trial of this seed."""
    rng = np.random.default_rng([seed, 5, index])
    return Traits("M" if rng.random() < 0.8 else "F", float(rng.normal()))


@dataclass(frozen=True)
class Course:
    """Dates of one subject, as they would be if nobody stopped looking.

    A date that never comes is None.

    Attributes
    ----------
    progression
        Latent: the disease is visible as progressed at the first scan on or after it.
    death, lost
        Death, and last contact of a subject who was lost or withdrew.
    withdrew
        True where the subject withdrew consent, False where contact was lost.
    """

    index: int
    usubjid: str
    site: str
    traits: Traits
    age: int
    consent: dt.date
    baseline_scan: dt.date
    first_dose: dt.date | None
    progression: dt.date
    death: dt.date | None
    lost: dt.date | None
    withdrew: bool


def usubjid(index: int) -> str:
    """Subject identifier of the simulated study."""
    return f"SURU-{index % SITES + 1:02d}-{index + 1:03d}"


def courses(
    subjects: int, seed: int, *, hazard_effect: float = -0.5, start: dt.date = START
) -> list[Course]:
    """Courses of all subjects in order of consent.

    Parameters
    ----------
    subjects
        How many; consents spread evenly at random over 300 days.
    seed
        Same seed and number, same courses.
    hazard_effect
        Log hazard ratio of progression per unit of benefit.
    start
        Day 0.
    """
    rng = np.random.default_rng([seed, 6, subjects])
    consent = np.sort(rng.integers(0, ENROLMENT_DAYS, subjects))
    out = []
    for i in range(subjects):
        who, own = traits(seed, i), np.random.default_rng([seed, 7, i])
        day0 = start + dt.timedelta(days=int(consent[i]))
        screening = int(own.integers(6, 15))
        dosed = i == 0 or own.random() > 0.04
        first = day0 + dt.timedelta(days=screening)
        scan = first - dt.timedelta(days=int(own.integers(1, screening)))
        waits = own.exponential(size=4)
        progression = 1 + int(
            waits[0] / (_PROGRESSION_PER_DAY * np.exp(hazard_effect * who.benefit))
        )
        death = 20 + int(waits[1] / _DEATH_BEFORE_PROGRESSION_PER_DAY)
        if death > progression:
            death = progression + 30 + int(waits[2] / _DEATH_AFTER_PROGRESSION_PER_DAY)
        loss = 30 + int(waits[3] / _LOSS_PER_DAY)
        withdrew = bool(own.random() < 0.5)

        def date(days: int, first: dt.date = first) -> dt.date | None:
            return first + dt.timedelta(days=days) if days < HORIZON_DAYS else None

        out.append(
            Course(
                index=i,
                usubjid=usubjid(i),
                site=f"{i % SITES + 1:02d}",
                traits=who,
                age=int(np.clip(own.normal(58, 10), 19, 84)),
                consent=day0,
                baseline_scan=scan,
                first_dose=first if dosed else None,
                progression=first + dt.timedelta(days=progression),
                death=date(death) if dosed and death < loss else None,
                lost=date(loss) if dosed and loss < death else None,
                withdrew=withdrew,
            )
        )
    return out
