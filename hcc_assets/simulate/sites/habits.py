"""How often sites deliver otherwise than the book says, and what the site of one subject does.

What a habit does to rows is in the other files of this room.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from hcc_assets.simulate.subjects import Course

Grouping = Literal["", "nameless", "shared"]

WHOLE, MONTH, YEAR = 10, 7, 4
"""Characters of an ISO 8601 date that is known to the day, the month, the year."""


@dataclass(frozen=True)
class Habits:
    """Shares of sites and of subjects with a habit; all 0 is a clean trial.

    Attributes
    ----------
    late_sites
        Sites that enter dosing ``late_days`` (from, to) after it was given, one row a dispensing.
    grouping_sites
        Sites that give no non-target an id of its own: none at all, or one for all.
    careless_sites
        Sites that write the ids of lesions in small letters after the baseline.
    rescans
        Subjects with an unscheduled scan between two scheduled ones.
    early_progressions
        Progressed subjects whose last scan is an unscheduled visit.
    rescreened
        Subjects scanned twice before the first dose.
    viable
        Whether the viable tumour is read as well (mRECIST).
    partial_events, partial_therapies, partial_doses
        Dates of events, new therapies and first doses without a day.
    prior, supportive, local_on_treatment, local_after
        Subjects with a procedure before the trial, one that is no therapy, a local therapy under
        treatment, and one after progression.
    unlisted
        Local therapies in words that no list of the study has.
    """

    late_sites: float = 0.0
    late_days: tuple[int, int] = (21, 71)
    grouping_sites: float = 0.0
    careless_sites: float = 0.0
    rescans: float = 0.0
    early_progressions: float = 0.0
    rescreened: float = 0.0
    viable: bool = False
    partial_events: float = 0.0
    partial_therapies: float = 0.0
    partial_doses: float = 0.0
    prior: float = 0.0
    supportive: float = 0.0
    local_on_treatment: float = 0.0
    local_after: float = 0.0
    unlisted: float = 0.0


CLEAN: Final = Habits()
"""Everything on time, whole and by the book."""

USUAL: Final = Habits(
    late_sites=0.3,
    grouping_sites=0.3,
    careless_sites=0.2,
    rescans=0.3,
    early_progressions=0.2,
    rescreened=0.1,
    viable=True,
    partial_events=0.06,
    partial_therapies=0.25,
    partial_doses=0.02,
    prior=0.4,
    supportive=0.15,
    local_on_treatment=0.06,
    local_after=0.25,
    unlisted=0.2,
)
"""What a running trial looks like: own choice, so that a dozen subjects show most habits and few of
them need a query [the habits are those of the clinical rules, section 11]."""


@dataclass(frozen=True)
class Manner:
    """What the site of one subject does.

    Attributes
    ----------
    late
        Days from a dose to its entry; 0 where dosing is entered at once.
    grouping
        How non-targets are named: each by itself, not at all, or all alike.
    small_ids
        Lesion ids after the baseline are in small letters.
    ninety_nine
        Unscheduled visits have the number 99, else that of the visit before and a tenth.
    first_dose, therapy
        Characters of the date that are known.
    events
        Characters of start and end of each event.
    """

    late: int = 0
    grouping: Grouping = ""
    small_ids: bool = False
    ninety_nine: bool = True
    first_dose: int = WHOLE
    therapy: int = WHOLE
    events: tuple[tuple[int, int], ...] = ()


BY_THE_BOOK: Final = Manner()
"""A site without any habit."""


def manner_of(course: Course, events: int, habits: Habits, seed: int) -> Manner:
    """Draw the manner of a subject's site, and the dates of its ``events`` that are partial."""
    site = np.random.default_rng([seed, 41, int(course.site)])
    late, grouping, careless, number, how = site.random(5)
    days = int(site.integers(*habits.late_days))
    own = np.random.default_rng([seed, 42, course.index])
    first, therapy = own.random(2)
    drawn = own.random((events, 2))
    return Manner(
        late=days if late < habits.late_sites else 0,
        grouping=_grouping(float(how)) if grouping < habits.grouping_sites else "",
        small_ids=bool(careless < habits.careless_sites),
        ninety_nine=bool(number < 0.5),
        first_dose=MONTH if first < habits.partial_doses else WHOLE,
        therapy=MONTH if therapy < habits.partial_therapies else WHOLE,
        events=tuple(
            (_known(start, habits.partial_events), _known(end, habits.partial_events))
            for start, end in drawn.tolist()
        ),
    )


def _grouping(drawn: float) -> Grouping:
    return "nameless" if drawn < 0.5 else "shared"


def _known(drawn: float, share: float) -> int:
    """Of ten partial dates one lacks the month as well."""
    return WHOLE if drawn >= share else YEAR if drawn < share / 10 else MONTH


def as_dated(row: dict[str, Any], known: tuple[int, int]) -> dict[str, Any]:
    """An AE row whose dates say as much as is known; a fatal event has whole dates."""
    if row["AEOUT"] == "FATAL":
        return row
    start, end = row["AESTDTC"], row["AEENDTC"]
    return row | {
        "AESTDTC": start[: known[0]],
        "AEENDTC": None if end is None else end[: known[1]],
    }
