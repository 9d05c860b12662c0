"""What open findings about lesions leave unknown: lengths, states, groups, ids, places. Days of
visits are in ``open_visits``."""

from __future__ import annotations

from typing import Final

from hcc_assets.clinical.endpoints import resolutions as ways
from hcc_assets.clinical.endpoints.open_case import (
    BASE,
    Finding,
    OpenCase,
    Resolution,
    Rule,
    word,
)


def _unknown(case: OpenCase, finding: Finding, at: list[int]) -> None:
    for position in at:
        ways.unknown_row(case, position)


def _reading(case: OpenCase, finding: Finding, at: list[int]) -> None:
    for position in at:
        ways.readings(case, position)


def _unit(case: OpenCase, finding: Finding, at: list[int]) -> None:
    (_unknown if finding.severity == "E" else _reading)(case, finding, at)


def _tenfold(case: OpenCase, finding: Finding, at: list[int]) -> None:
    """Either of the two values that differ tenfold."""
    for position in at:
        lesion, visit = case.lesion[position], int(case.visit[position])
        before = [i for i, x in enumerate(case.lesion) if x == lesion and case.visit[i] < visit]
        before = [i for i in before if case.measured(i)]
        ways.readings(case, position)
        for other in sorted(before, key=lambda i: case.visit[i])[-1:]:
            ways.readings(case, other)


def _conflict(case: OpenCase, finding: Finding, at: list[int]) -> None:
    if finding.severity == "E" and at:
        ways.conflict(case, at)


def _missing(case: OpenCase, finding: Finding, at: list[int]) -> None:
    for visit in {int(case.visit[p]) for p in at}:
        there = {x for x, v in zip(case.root, case.visit, strict=True) if int(v) == visit}
        for lesion in case.targets():
            if lesion not in there:
                ways.length(case, lesion, visit, [])


def _axis(case: OpenCase, finding: Finding, at: list[int]) -> None:
    if at:
        ways.length(case, case.lesion[at[0]], int(case.visit[at[0]]), at)


def _group(case: OpenCase, finding: Finding, at: list[int]) -> None:
    for position in at:
        groups = ("TARGET", "NON-TARGET", "NEW")
        found = [ways.row_with(case, position, TRGRPID=g) for g in groups]
        case.add(("group", position), found)


def _roles(case: OpenCase, finding: Finding, at: list[int]) -> None:
    groups = ("TARGET", "NON-TARGET")
    parts = [[ways.row_with(case, p, TRGRPID=g) for p in at] for g in groups]
    found = [ways.together(*p) for p in parts]
    for group in groups:
        mine = tuple(p for p in at if case.group[p] == group)
        found.append(Resolution(drop=mine))
    case.add(("roles", tuple(at)), found)


def _places(case: OpenCase, finding: Finding, at: list[int]) -> None:
    """One place or the other, or two lesions under one id."""
    places = sorted({p for p in case.rows["TULOC"].take(at) if isinstance(p, str)})
    found = []
    for place in places:
        found.append(ways.together(*(ways.row_with(case, p, TULOC=place) for p in at)))
        other = tuple(p for p in at if case.rows["TULOC"].iat[p] != place)
        found.append(Resolution(drop=other))
    case.add(("places", tuple(at)), found)


def _nameless(case: OpenCase, finding: Finding, at: list[int]) -> None:
    """The row is of a target that has no row of this test at this visit."""
    for position in at:
        visit = int(case.visit[position])
        test = _test(case, position)
        there = {
            x
            for i, (x, v) in enumerate(zip(case.root, case.visit, strict=True))
            if int(v) == visit and _test(case, i) == test
        }
        every = {x for x, g in zip(case.root, case.group, strict=True) if g == "TARGET" and x}
        wanted = sorted((every if visit == BASE else set(case.targets())) - there)
        found = [ways.row_with(case, position, TRLNKID=lesion) for lesion in wanted]
        case.add(("id", position), found)


def _test(case: OpenCase, position: int) -> str:
    test = word(case.rows["TRTESTCD"].iat[position])
    return "SAXIS" if test == "LPERP" else test


def _late_target(case: OpenCase, finding: Finding, at: list[int]) -> None:
    """A new lesion, a target without its row at baseline, or another one's id."""
    if not at:
        return
    lesion = case.lesion[at[0]]
    said = {"TRGRPID": "NEW", "TRTESTCD": "TUMSTATE", "TRORRES": "UNEQUIVOCAL", "TRSTAT": None}
    found = [ways.together(*(ways.row_with(case, p, **said) for p in at))]
    visits = {int(case.visit[p]) for p in at}
    for other in case.targets():
        if not any((v, other) in case.size for v in visits):
            found.append(ways.together(*(ways.row_with(case, p, TRLNKID=other) for p in at)))
    for value in ways.lengths(case, lesion, BASE):
        made = ways.like(case, lesion, BASE)
        if made is not None:
            number = {"TRORRES": f"{value:f}", "TRORRESU": "mm", "TRSTAT": None}
            found.append(Resolution(add=({**made, **number},)))
    case.add(("late", lesion), found)


def _new_at_baseline(case: OpenCase, finding: Finding, at: list[int]) -> None:
    lesions = {case.lesion[p] for p in at}
    every = [i for i, x in enumerate(case.lesion) if x in lesions]
    said = [ways.row_with(case, p, TRGRPID="NON-TARGET") for p in every]
    case.add(("new", tuple(at)), [Resolution(drop=tuple(at)), ways.together(*said)])


def _nameless_among_named(case: OpenCase, finding: Finding, at: list[int]) -> None:
    """The lesion is one of the named ones, or one of its own."""
    for position in at:
        visit, group = int(case.visit[position]), case.group[position]
        mine = {x for x, g in zip(case.lesion, case.group, strict=True) if g == group}
        there = {x for x, v in zip(case.lesion, case.visit, strict=True) if int(v) == visit}
        found = [ways.row_with(case, position, TRLNKID=lesion) for lesion in sorted(mine - there)]
        case.add(("id", position), found)


def _not_done(case: OpenCase, finding: Finding, at: list[int]) -> None:
    """The result that stands beside NOT DONE counts, or does not."""
    for position in at:
        case.add(("row", position), [ways.row_with(case, position, TRSTAT=None)])


LESIONS: Final[dict[str, Rule]] = {
    **dict.fromkeys(("TR13", "TR26"), _unknown),
    **dict.fromkeys(("TR21", "RD07"), _reading),
    "TR06": _late_target,
    "TR09": _places,
    "TR10": _conflict,
    "TR12": _new_at_baseline,
    "TR14": _unit,
    "TR15": _tenfold,
    "TR16": _missing,
    "TR19": _axis,
    "TR22": _roles,
    "TR25": _group,
    "TR29": _unknown,
    "TR30": _nameless,
    "TR32": _nameless_among_named,
    "TR34": _not_done,
    "TR35": _unknown,
}
"""Check to what it leaves unknown."""
