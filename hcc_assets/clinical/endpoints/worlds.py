"""What every combination of resolutions of a subject's open errors comes to, by the rules of
``recist`` and ``endpoints``, in one derivation for all subjects.

Combinations that change the same tumour rows share their responses; another first dose, death or
therapy changes the course alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any, Final

import numpy as np
import pandas as pd

from hcc_assets.clinical.endpoints.best_response import confirmed, unconfirmed
from hcc_assets.clinical.endpoints.courses import Course, build_courses
from hcc_assets.clinical.endpoints.open_case import OpenCase, Resolution
from hcc_assets.clinical.endpoints.progression import progression_free
from hcc_assets.clinical.recist.responses import derive_responses
from hcc_assets.schemas.base import empty
from hcc_assets.schemas.clinical import Disposition
from hcc_assets.study.config import StudyConfig

MAX_RESOLUTIONS: Final = 512
"""Combinations of one subject that are derived, beyond them the bounds are the widest. Ours: three
unknown target lengths (7 x 7 x 7 = 343) fit, and 50 subjects stay within seconds."""
_FEWER: Final = (5, 3)
"""Values of an unknown that are kept where all are too many: as published, its two extremes, and of
five the next two in weight (``resolutions`` puts them in that order). Ours."""
_ROUNDS: Final = 3
"""Times that the values left out are tried at the extremes. Ours: one for each spoilt cell of the
random trials that ADR 0053 tells of."""


@dataclass(frozen=True)
class Outcome:
    """Endpoints of one subject in one world."""

    bor: str
    cbor: str
    days: float
    censored: int


ORDER: Final = ("CR", "PR", "SD", "NON-CR/NON-PD", "NE", "PD")
"""From the best response to the worst. NE counts as no response and no control, like PD, which is
known to be one [RECIST 1.1, 4.6]."""
_EXTREMES: Final[tuple[Callable[[Outcome], Any], ...]] = (
    lambda o: ORDER.index(o.bor),
    lambda o: -ORDER.index(o.bor),
    lambda o: ORDER.index(o.cbor),
    lambda o: -ORDER.index(o.cbor),
    lambda o: (o.days, o.censored),
    lambda o: (-o.days, -o.censored),
    lambda o: (o.censored, o.days),
)
"""What is least at each extreme that bounds need."""
World = tuple[int, ...]
"""Which value of each unknown of a case holds, in the order of ``doubts``; 0 is as published."""


def _grid(case: OpenCase) -> list[World]:
    """All combinations, with some values alone of those unknowns that have most where they are too
    many (the case is ``thinned`` then); none where that does not help."""
    choices = [range(len(c)) for c in case.doubts.values()]
    kept: list[list[int]] = [list(c) for c in choices]
    while prod(map(len, kept)) > MAX_RESOLUTIONS:
        longest = max(range(len(kept)), key=lambda i: len(kept[i]))
        size = len(kept[longest])
        fewer = next((n for n in _FEWER if n < size), 0)
        if not fewer:
            case.widest = True
            return []
        case.thinned = True
        kept[longest] = kept[longest][:fewer]
    # every unknown at its first value, at its second and so on: lengths that all stay as they were
    most = max(map(len, choices), default=0) if case.thinned else 0
    alike = [tuple(min(i, len(c) - 1) for c in choices) for i in range(most)]
    return list(dict.fromkeys([*product(*kept), *alike]))


def _near_extremes(case: OpenCase, found: Mapping[World, Outcome]) -> list[World]:
    """Combinations that differ from an extreme in one unknown and were not derived yet."""
    sizes = [len(c) for c in case.doubts.values()]
    near: dict[World, None] = {}
    for extreme in _EXTREMES:
        best = min(found, key=lambda world: extreme(found[world]))
        for place, size in enumerate(sizes):
            near |= {(*best[:place], i, *best[place + 1 :]): None for i in range(size)}
    return [world for world in near if world not in found]


def _resolved(case: OpenCase, world: World) -> tuple[Resolution, ...]:
    return tuple(c[i] for c, i in zip(case.doubts.values(), world, strict=True) if i)


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

    Where some values were left out, every one of them is tried at the extremes that were found, a
    few times over.

    Parameters
    ----------
    cases
        Of one criterion, by subject.
    subjects, tumour_assessments, markers
        The published tables, for their columns; markers as for ``derive_responses``.
    config, cutoff
        As for ``bounds.derive_bounds``.
    """
    found: dict[str, dict[World, Outcome]] = {}
    wanted = [(c, w) for c in cases.values() if not c.widest for w in _grid(c)]
    for _ in range(1 + _ROUNDS):
        if not wanted:
            break
        worlds = [(case, _resolved(case, world)) for case, world in wanted]
        outcomes = _derive(worlds, subjects, tumour_assessments, markers, config, cutoff=cutoff)
        for (case, world), outcome in zip(wanted, outcomes, strict=True):
            found.setdefault(case.subject, {})[world] = outcome
        thinned = [c for c in cases.values() if c.thinned and not c.widest]
        wanted = [(c, w) for c in thinned for w in _near_extremes(c, found[c.subject])]
    return {subject: list(outcomes.values()) for subject, outcomes in found.items()}


def _derive(
    worlds: list[tuple[OpenCase, tuple[Resolution, ...]]],
    subjects: pd.DataFrame,
    tumour_assessments: pd.DataFrame,
    markers: pd.DataFrame | None,
    config: StudyConfig,
    *,
    cutoff: dt.date,
) -> list[Outcome]:
    """The outcome of each world, in one derivation."""
    scans: dict[tuple[str, tuple[int, ...]], int] = {}
    chosen: list[tuple[OpenCase, tuple[Resolution, ...]]] = []
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
        criterion=worlds[0][0].criterion,
        cutoff=cutoff,
        blocked=frozenset(),
    )
    by_scan = {int(course.subject[1:]): course for course in courses}
    return [
        _outcome(_lived(by_scan[scan], case, world), config)
        for (case, world), scan in zip(worlds, of_world, strict=True)
    ]


def _lived(course: Course, case: OpenCase, world: tuple[Resolution, ...]) -> Course:
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
    chosen: list[tuple[OpenCase, tuple[Resolution, ...]]], names: list[str], like: pd.DataFrame
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
    frame = pd.concat(every, ignore_index=True).astype(types)
    if added:  # before the rows are repeated by scan: pandas looks into every cell of what it joins
        take.append(len(frame) + np.arange(len(added)))
        whose.append(np.array([row["USUBJID"] for row in added], dtype=object))
        rows = pd.DataFrame(added, columns=frame.columns).astype(types)
        frame = pd.concat([frame, rows], ignore_index=True)
    frame = frame.take(np.concatenate(take)).reset_index(drop=True)
    frame["USUBJID"] = np.concatenate(whose)
    for column, edits in changes.items():
        values = frame[column].to_numpy(copy=True)
        for position, value in edits:
            values[position] = value
        frame[column] = values
    frame = frame.drop(index=gone)
    return frame.assign(SRCROW=np.arange(1, len(frame) + 1)).reset_index(drop=True)


def _markers(
    subjects: list[str], names: list[str], markers: pd.DataFrame | None, config: StudyConfig
) -> pd.DataFrame | None:
    """The tumour marker of each scan is that of its subject."""
    if markers is None or not config.recist.afp_for_cr:
        return None
    joined = pd.DataFrame({"USUBJID": subjects, "world": names}).merge(markers, on="USUBJID")
    return joined.drop(columns="USUBJID").rename(columns={"world": "USUBJID"})
