"""What every combination of resolutions of a subject's open errors comes to, by the rules of
``recist`` and ``endpoints``, in one derivation for all subjects.

Combinations that change the same tumour rows share their responses; another first dose, death or
therapy changes the course alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any, Final

import numpy as np
import pandas as pd

from hcc_assets.clinical.endpoints.best_response import confirmed, unconfirmed
from hcc_assets.clinical.endpoints.courses import Course, build_courses
from hcc_assets.clinical.endpoints.open_case import AS_PUBLISHED, OpenCase, Resolution
from hcc_assets.clinical.endpoints.progression import progression_free
from hcc_assets.clinical.recist.responses import derive_responses
from hcc_assets.schemas.base import empty
from hcc_assets.schemas.clinical import Disposition
from hcc_assets.study.config import StudyConfig

MAX_RESOLUTIONS: Final = 512
"""Combinations of one subject that are derived, beyond them the bounds are the widest. Ours: three
unknown target lengths (7 x 7 x 7 = 343) fit, and 50 subjects stay within seconds."""
_FEWER: Final = (5, 3)
"""Values of an unknown that are kept where all are too many: as published, the first, the last
(its extremes, ``resolutions`` puts them there), and of five some between. Ours."""


@dataclass(frozen=True)
class Outcome:
    """Endpoints of one subject in one world."""

    bor: str
    cbor: str
    days: float
    censored: int


World = tuple[Resolution, ...]


def _combinations(case: OpenCase) -> list[World]:
    """All combinations, with the extremes alone of those unknowns that have most values where they
    are too many; none where that does not help."""
    choices = list(case.doubts.values())
    while prod(len(c) for c in choices) > MAX_RESOLUTIONS:
        longest = max(range(len(choices)), key=lambda i: len(choices[i]))
        size = len(choices[longest])
        kept = next((n for n in _FEWER if n < size), 0)
        if not kept:
            case.widest = True
            return []
        between = np.linspace(1, size - 1, kept - 1).round().astype(int)
        choices[longest] = [choices[longest][0], *(choices[longest][i] for i in between)]
    return [tuple(r for r in c if r is not AS_PUBLISHED) for c in product(*choices)]


def derive_worlds(
    cases: Mapping[str, OpenCase],
    subjects: pd.DataFrame,
    tumour_assessments: pd.DataFrame,
    markers: pd.DataFrame | None,
    config: StudyConfig,
    *,
    cutoff: dt.date,
) -> dict[str, list[Outcome]]:
    """Outcomes of every combination, by subject; marks cases that have too many as widest.

    Parameters
    ----------
    cases
        Of one criterion, by subject.
    subjects, tumour_assessments, markers
        The published tables, for their columns; markers as for ``derive_responses``.
    config, cutoff
        As for ``bounds.derive_bounds``.
    """
    worlds = [(c, w) for c in cases.values() if not c.widest for w in _combinations(c)]
    if not worlds:
        return {}
    scans: dict[tuple[str, tuple[int, ...]], int] = {}
    chosen: list[tuple[OpenCase, World]] = []
    of_world = []
    for case, world in worlds:
        read = tuple(r for r in world if r.cells or r.drop or r.add)
        key = (case.subject, tuple(map(id, read)))
        if key not in scans:
            scans[key] = len(scans)
            chosen.append((case, read))
        of_world.append(scans[key])
    names = [f"W{i:07d}" for i in range(len(chosen))]
    people = _people([case for case, _ in chosen], names, subjects)
    lesions = _lesions(chosen, names, tumour_assessments)
    responses = derive_responses(
        people,
        lesions.drop(columns=["unusable", "part"]),
        config,
        cutoff=cutoff,
        unusable=frozenset(lesions.loc[lesions["unusable"], "SRCROW"].tolist()),
        markers=_markers([case.subject for case, _ in chosen], names, markers, config),
    )
    courses = build_courses(
        *(people, lesions, responses, empty(Disposition), config),
        criterion=next(iter(cases.values())).criterion,
        cutoff=cutoff,
        blocked=frozenset(),
    )
    by_scan = {int(course.subject[1:]): course for course in courses}
    found: dict[str, list[Outcome]] = {}
    for (case, world), scan in zip(worlds, of_world, strict=True):
        outcome = _outcome(_lived(by_scan[scan], case, world), config)
        found.setdefault(case.subject, []).append(outcome)
    return found


def _lived(course: Course, case: OpenCase, world: World) -> Course:
    """The course with the first dose, death and therapy of a world."""
    changed = dict(c for r in world for c in r.person)
    left = {place for r in world for place in r.leave}
    start = changed.get("TRTSDT", case.start)
    death = changed.get("DTHDT", case.death)
    therapies = [d for place, d in case.therapies() if place not in left]
    therapies += [d for r in world for d in r.therapy]
    later = [d for d in therapies if start <= d <= case.cutoff]
    return replace(
        course,
        start=start,
        death=None if death is None or pd.isna(death) or death > case.cutoff else death,
        new_therapy=min(later, default=None),
    )


def _outcome(course: Course, config: StudyConfig) -> Outcome:
    visits, minimum = course.until_progression(), config.recist.sd_minimum_days
    ending = progression_free(course, config.pfs.primary, config.pfs.max_gap_days)
    days = (max(ending.date, course.start) - course.start).days + 1
    return Outcome(
        unconfirmed(visits, course.start, minimum),
        confirmed(visits, course.start, minimum, config.recist),
        float(days),
        int(ending.censored),
    )


def _people(cases: list[OpenCase], names: list[str], like: pd.DataFrame) -> pd.DataFrame:
    place = {str(s): i for i, s in enumerate(like["USUBJID"])}
    people = like.take([place[case.subject] for case in cases]).reset_index(drop=True)
    return people.assign(USUBJID=names)


def _lesions(
    chosen: list[tuple[OpenCase, World]], names: list[str], like: pd.DataFrame
) -> pd.DataFrame:
    """The tumour rows of every scan of a subject, with its changes."""
    first: dict[str, int] = {}
    every, offset = [], 0
    for case, _ in chosen:
        if case.subject not in first:
            first[case.subject] = offset
            every.append(case.rows)
            offset += len(case.rows)
    take, whose, added = [], [], []
    changes: dict[str, list[tuple[int, Any]]] = {}
    gone: list[int] = []
    offset = 0
    for (case, world), name in zip(chosen, names, strict=True):
        size = len(case.rows)
        take.append(first[case.subject] + np.arange(size))
        whose.append(np.full(size, name, dtype=object))
        for resolution in world:
            gone += [offset + p for p in resolution.drop]
            added += [{**row, "USUBJID": name} for row in resolution.add]
            for position, column, value in resolution.cells:
                changes.setdefault(column, []).append((offset + position, value))
        offset += size
    types = {**like.dtypes.to_dict(), "unusable": bool, "part": "int64"}
    frame = pd.concat(every, ignore_index=True).astype(types).take(np.concatenate(take))
    frame = frame.reset_index(drop=True)
    frame["USUBJID"] = np.concatenate(whose)
    for column, edits in changes.items():
        values = frame[column].to_numpy(copy=True)
        for position, value in edits:
            values[position] = value
        frame[column] = values
    frame = frame.drop(index=gone)
    if added:
        frame = pd.concat([frame, pd.DataFrame(added, columns=frame.columns).astype(types)])
    return frame.assign(SRCROW=np.arange(1, len(frame) + 1)).reset_index(drop=True)


def _markers(
    subjects: list[str], names: list[str], markers: pd.DataFrame | None, config: StudyConfig
) -> pd.DataFrame | None:
    """The tumour marker of each scan is that of its subject."""
    if markers is None or not config.recist.afp_for_cr:
        return None
    joined = pd.DataFrame({"USUBJID": subjects, "world": names}).merge(markers, on="USUBJID")
    return joined.drop(columns="USUBJID").rename(columns={"world": "USUBJID"})
