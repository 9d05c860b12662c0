"""Scans that the plan did not foresee: one between two scheduled visits, a progression seen at an
unscheduled visit, a second scan in screening. No response and no date of a planned scan changes."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Final

import numpy as np

from hcc_assets.simulate.scans import Finding, Scan, contribution, respond
from hcc_assets.simulate.sites.habits import Habits, Manner
from hcc_assets.simulate.subjects import Course

_APART_DAYS: Final = 10  # our choice: between an unscheduled scan and its neighbours
_EARLY: Final = 4  # intervals among which it lies, half a year: most exports show some; our choice
_NINETY_NINE: Final = 99  # number that EDC systems give to unscheduled visits (rules, 11.9)


def with_unscheduled(
    course: Course, scans: list[Scan], manner: Manner, habits: Habits, seed: int
) -> list[Scan]:
    """The scans with an unscheduled one among them, or with the last one unscheduled.

    The sizes of an unscheduled scan lie between those of its neighbours. It is left out where it
    would change the response of another scan or be a progression or a complete response itself.
    """
    rng = np.random.default_rng([seed, 43, course.index])
    again, early, where, when = rng.random(4)
    out = list(scans)
    places = [i for i in range(len(scans) - 1) if _quiet(scans[i], scans[i + 1])][:_EARLY]
    if again < habits.rescans and places:
        at = places[int(where * len(places))]
        between = _between(scans[at], scans[at + 1], float(when))
        tried = respond([*_copies(scans[: at + 1]), between, *_copies(scans[at + 1 :])])
        same = [s.response for s in tried if s is not between] == [s.response for s in scans]
        if same and between.response["OVRLRESP"] not in ("PD", "CR"):
            out.insert(at + 1, _labelled(between, scans[at], manner))
    if early < habits.early_progressions and len(out) > 2 and _progressed(out[-1]):
        out[-1] = _labelled(out[-1], scans[-2], manner)
    return out


def first_look(course: Course, scans: list[Scan], habits: Habits, seed: int) -> Scan | None:
    """An earlier scan in screening, which the last one before the first dose replaces."""
    rng = np.random.default_rng([seed, 44, course.index])
    drawn, days = rng.random(), int(rng.integers(2, 6))
    date = scans[0].date - dt.timedelta(days=days)
    if drawn >= habits.rescreened or date <= course.consent or course.first_dose is None:
        return None
    findings = [
        f if f.tenths is None else replace(f, tenths=f.tenths + int(rng.integers(0, 30)))
        for f in scans[0].findings
    ]
    return Scan(0, date, findings)


def _copies(scans: list[Scan]) -> list[Scan]:
    return [replace(s, response={}) for s in scans]


def _progressed(scan: Scan) -> bool:
    return scan.response.get("OVRLRESP") == "PD"


def _quiet(one: Scan, other: Scan) -> bool:
    """Two scans without new lesions and progression, with room for a scan between them."""
    new = any(f.lesion.kind == "NEW" for f in (*one.findings, *other.findings))
    room = (other.date - one.date).days > 2 * _APART_DAYS
    return room and not new and not _progressed(one) and not _progressed(other)


def _between(one: Scan, other: Scan, when: float) -> Scan:
    room = (other.date - one.date).days - 2 * _APART_DAYS
    date = one.date + dt.timedelta(days=_APART_DAYS + int(when * room))
    findings = [_middle(a, b) for a, b in zip(one.findings, other.findings, strict=True)]
    return Scan(one.number + 0.5, date, findings)


def _middle(a: Finding, b: Finding) -> Finding:
    if a.lesion.kind != "TARGET" or (a.word is not None and a.word == b.word):
        return a
    if a.not_done or b.not_done:
        return b if a.not_done else a
    sizes = [contribution(f) or 0 for f in (a, b)]
    return Finding(a.lesion, tenths=sum(sizes) // 2)


def _labelled(scan: Scan, before: Scan, manner: Manner) -> Scan:
    if manner.ninety_nine:
        return replace(scan, label=(_NINETY_NINE, "UNSCHEDULED"))
    number = before.number + 0.1
    return replace(scan, label=(number, f"UNSCHEDULED {number:g}"))
