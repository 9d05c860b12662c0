"""What an open finding leaves unknown, and the few values that reach the extremes of the endpoints.

Why these suffice. Take one unknown at one visit and hold the rest.

- **Length of a target.** A larger value makes this visit worse and later visits better (it never
  lowers the smallest sum). A progression ends the course, so a huge value gives the worst best
  response and the shortest PFS; 0 (a node: also 9 mm) gives CR or the smallest sum. What no later
  visit is compared worse with is the value that keeps the smallest sum (longest PFS), and the one
  on the threshold of PR (a response that costs the later visits least). Where another lesion of
  the visit is unknown too its thresholds lie elsewhere: there the lesion's own lengths before and
  after stand for no change. So up to eight values.
- **Length at baseline.** Larger is better at every later visit, smaller is worse: 0, huge, and the
  first value after it.
- **State of a non-target, new lesion.** Every word there is.
- **Day of a visit.** SD minimum, confirmation, gap and PFS are comparisons of days, each monotone:
  first and last possible day, and the days on which a comparison turns.
- **Death.** Earlier is shorter; none, first and last possible day, the last day within the gap.
- **Therapy.** An earlier day takes away assessments: none, and each day on which one more counts.
- **First dose.** First and last possible day, and those on which the gap or the minimum turns.

An error is also left as published: the site may answer that the value was never taken. The values
of each stand in the order of their weight, since the first of them are kept where there are too
many combinations.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pandas as pd

from hcc_assets.clinical.endpoints.open_case import BASE, Day, OpenCase, Resolution, word
from hcc_assets.clinical.recist.arithmetic import PROGRESSION_TENTHS, RESPONSE_TENTHS
from hcc_assets.clinical.recist.lesion_cells import NODE_MM

HUGE: Final = Decimal(10_000)
"""Ours: 10 m, above 1.2 times any sum of real lesions."""
_STATES: Final = ("ABSENT", "UNEQUIVOCAL PROGRESSION", "PRESENT", "NOT EVALUABLE")
_NEW_STATES: Final = ("ABSENT", "UNEQUIVOCAL", "EQUIVOCAL")
_SCALES: Final = (Decimal("0.01"), Decimal("0.1"), Decimal(10), Decimal(100))
"""Readings of a value with a lost or doubled unit or decimal point: mm and cm differ by 10
[CLINICAL.md 2, TR15]; 100 is the same twice, our choice."""
_TENTHS: Final = 10
"""The limits of ``recist.arithmetic`` are in tenths of a sum."""


def row_with(case: OpenCase, position: int, **values: Any) -> Resolution:
    """The row says these values and counts."""
    cells = {"unusable": False, **values}
    return Resolution(cells=tuple((position, c, v) for c, v in cells.items()))


def together(*parts: Resolution) -> Resolution:
    """All of these at once."""
    return Resolution(
        cells=tuple(c for p in parts for c in p.cells),
        drop=tuple(d for p in parts for d in p.drop),
        add=tuple(a for p in parts for a in p.add),
        person=tuple(c for p in parts for c in p.person),
        leave=tuple(c for p in parts for c in p.leave),
        therapy=tuple(c for p in parts for c in p.therapy),
    )


def counts_again(case: OpenCase, positions: Iterable[int]) -> Resolution:
    """The rows are right as they are."""
    return together(*(row_with(case, p) for p in positions))


def _result(case: OpenCase, lesion: str, value: Decimal | str) -> dict[str, Any]:
    state = isinstance(value, str)
    test = "SAXIS" if case.nodal.get(lesion, False) else "LDIAM"
    return {
        "TRTESTCD": "TUMSTATE" if state else test,
        "TRORRES": value if state else f"{value:f}",
        "TRORRESU": None if state else "mm",
        "TRSTAT": None,
        "TRSTRESN": np.nan,
    }


def lengths(case: OpenCase, lesion: str, visit: int) -> list[Decimal]:
    """Lengths of a target at a visit (module docstring), the extremes first."""
    node = [Decimal(NODE_MM - 1)] if case.nodal.get(lesion, False) else []
    later = [v for v in sorted(set(map(int, case.visit))) if v > visit]
    if visit == BASE:
        after = [case.size[(v, lesion)] for v in later if (v, lesion) in case.size]
        return [Decimal(0), HUGE, *after[:1]]
    own = sorted(v for v, x in case.size if x == lesion and v != visit)
    near = [*[v for v in own if v > visit][:1], *[v for v in own if v < visit][-1:]]
    wanted = [case.size[(v, lesion)] for v in near]
    others = case.total(visit, without=lesion)
    base = case.total(BASE)
    complete = [case.total(v) for v in range(visit) if case.complete(v)]
    wanted += [base * RESPONSE_TENTHS / _TENTHS - others, min([base, *complete]) - others]
    if later:  # the next visit is just no progression against this one
        wanted.append(case.total(later[0]) * _TENTHS / PROGRESSION_TENTHS - others)
    tried = [Decimal(0), HUGE, *(round(w, 4) for w in wanted if w > 0), *node]
    return list(dict.fromkeys(tried))


def length(case: OpenCase, lesion: str, visit: int, positions: list[int]) -> None:
    """The length of a target is unknown; without a row one is made like that of the baseline."""
    found = []
    for value in lengths(case, lesion.split(".")[0], visit):
        said = _result(case, lesion.split(".")[0], value)
        if positions:
            first, rest = positions[0], tuple(positions[1:])
            found.append(together(row_with(case, first, **said), Resolution(drop=rest)))
            continue
        made = like(case, lesion, visit)
        if made is not None:
            found.append(Resolution(add=({**made, **said},)))
    case.add(("value", lesion, visit), found)


def like(case: OpenCase, lesion: str, visit: int) -> dict[str, Any] | None:
    """A row of a lesion at a visit, after its row at another one."""
    own = [i for i, x in enumerate(case.lesion) if x == lesion]
    there = [i for i, v in enumerate(case.visit) if int(v) == visit]
    if not own or not there:
        return None
    row: dict[str, Any] = {str(k): v for k, v in case.rows.iloc[own[0]].items()}
    dated = [i for i in there if not pd.isna(case.rows["TRDT"].iat[i])] or there
    scan = case.rows.iloc[dated[0]]
    for column in ("VISITNUM", "VISIT", "TRDT", "TRDTC", "TRDTF", "BASELINE"):
        row[column] = scan[column]
    return {**row, "unusable": False}


def readings(case: OpenCase, position: int) -> None:
    """The number of a row may be off by its unit or decimal point, or by sign."""
    text = word(case.rows["TRORRES"].iat[position])
    try:
        number = abs(Decimal(text))
    except ArithmeticError:
        return unknown_row(case, position)
    bare = [Decimal(text.replace(".", ""))] if "." in text else []
    values = [number, *(number * s for s in _SCALES), *map(abs, bare)]
    found = [row_with(case, position, TRORRES=f"{v:f}") for v in values]
    case.add(("row", position), found)
    return None


def unknown_row(case: OpenCase, position: int) -> None:
    """What a row says is unknown."""
    lesion, visit = case.lesion[position], int(case.visit[position])
    group = case.group[position]
    if group == "TARGET":
        rows = [p for p in case.of_lesion(lesion, visit) if p == position or case.measured(p)]
        length(case, lesion, visit, [position, *(p for p in rows if p != position)])
        return
    if visit == BASE and group == "NON-TARGET":
        return  # a non-target of the baseline is expected later, whatever it is there
    words = _NEW_STATES if group == "NEW" else _STATES
    found = [row_with(case, position, **_result(case, lesion, w)) for w in words]
    case.add(("row", position), found)


def conflict(case: OpenCase, positions: list[int]) -> None:
    """Several values of one lesion, visit and test: one of them is right."""
    found = [
        together(row_with(case, p), Resolution(drop=tuple(q for q in positions if q != p)))
        for p in positions
    ]
    case.add(("rows", tuple(positions)), found)


def re_dated(case: OpenCase, positions: list[int], day: Day) -> Resolution:
    """The rows are of this day."""
    said = {"TRDT": day, "TRDTC": f"{day:%Y-%m-%d}", "TRDTF": None}
    return together(*(row_with(case, p, **said) for p in positions))


def turning_days(case: OpenCase, low: Day, high: Day, visit: int) -> list[Day]:
    """First and last of the possible days, then those between on which a comparison turns."""
    rules = case.config.recist
    every = sorted(
        {d for v in set(map(int, case.visit)) if v not in (BASE, visit) for d in case.dates(v)}
    )
    before, after = [d for d in every if d < low], [d for d in every if d > high]
    days = [low, high, case.start + pd.Timedelta(days=rules.sd_minimum_days)]
    for scan in before[-2:]:
        days.append(scan + pd.Timedelta(days=rules.confirmation_days))
    for scan in after[:2]:
        days.append(scan - pd.Timedelta(days=rules.confirmation_days))
    gap = pd.Timedelta(days=case.config.pfs.max_gap_days)
    days.append((before[-1] if before else case.start) + gap)
    ends = after if case.death is None else [*after, case.death]
    days += [end - gap for end in ends]
    days += [pd.Timestamp(d) for d in case.records["DSSTDT"].dropna()]
    return _ends_first(days, low, high)


def _ends_first(days: Iterable[Day], low: Day, high: Day) -> list[Day]:
    between = sorted({d for d in days if low < d < high})
    return list(dict.fromkeys([low, high, *between])) if low <= high else []


def visit_day(case: OpenCase, positions: list[int], low: Day, high: Day, name: str) -> None:
    """The day of these rows of one visit is unknown within ``low`` and ``high``."""
    visit = int(case.visit[positions[0]])
    if visit == BASE:
        case.add(("day", visit, name), [re_dated(case, positions, min(high, case.start))])
        return
    found = [re_dated(case, positions, d) for d in turning_days(case, low, high, visit)]
    case.add(("day", visit, name), found)


def death(case: OpenCase, low: Day | None = None, high: Day | None = None) -> None:
    """The death is unknown: that it came, and when; within given days it came for sure."""
    records = case.records
    said = records[(records["DOMAIN"] == "DS") & (records["DSDECOD"].map(word) == "DEATH")]
    leave = tuple(("DS", int(r)) for r in said["SRCROW"])
    sure = low is not None
    first = max(case.start, case.seen_alive) if low is None else low
    last = case.cutoff if high is None else high
    if sure and low is not None and low <= case.seen_alive <= last:
        first = case.seen_alive
    gap = pd.Timedelta(days=case.config.pfs.max_gap_days)
    scans = [d for v in set(map(int, case.visit)) - {BASE} for d in case.dates(v)]
    turns = [d + gap for d in [case.start, *scans]]
    found = [
        Resolution(person=(("DTHDT", d), ("DTHDTF", None)), leave=leave)
        for d in _ends_first(turns, first, last)
    ]
    if not sure:
        found.insert(0, Resolution(person=(("DTHDT", pd.NaT), ("DTHDTF", None)), leave=leave))
    case.add(("death",), found)


def first_dose(case: OpenCase, low: Day, high: Day) -> None:
    """The first dose was between these days: the ends, and the days from which a scan or the death
    is within the gap or at the minimum duration of SD."""
    rules = case.config
    ends = [d for v in set(map(int, case.visit)) - {BASE} for d in case.dates(v)]
    ends += [] if case.death is None else [case.death]
    turns = {
        end - pd.Timedelta(days=days)
        for end in ends
        for days in (rules.pfs.max_gap_days, rules.recist.sd_minimum_days)
    }
    days = _ends_first(turns, low, min(high, case.cutoff))
    case.add(("start",), [Resolution(person=(("TRTSDT", d),)) for d in days])


def therapy(case: OpenCase, place: tuple[str, int], low: Day, high: Day, *, sure: bool) -> None:
    """A new anticancer therapy began between these days; it is none where not ``sure``."""
    gone = (place,)
    scans = {d for v in set(map(int, case.visit)) - {BASE} for d in case.dates(v)}
    found = [Resolution(leave=gone, therapy=(d,)) for d in _ends_first(scans, low, high)]
    if not sure:
        found.insert(0, Resolution(leave=gone))
    case.add(("therapy", place), found)
