"""What open findings about visits leave unknown: the day of a scan and the visit it belongs to."""

from __future__ import annotations

from typing import Final

import pandas as pd

from hcc_assets.clinical.endpoints import resolutions as ways
from hcc_assets.clinical.endpoints.open_case import (
    BASE,
    Finding,
    OpenCase,
    Rule,
    possible_days,
    word,
)
from hcc_assets.clinical.reading.assessments import ONE_VISIT_DAYS


def _date(case: OpenCase, finding: Finding, at: list[int]) -> None:
    """Dates that cannot be read: near the other rows of their visit, else between the visits."""
    for visit in sorted({int(case.visit[p]) for p in at}):
        mine = [p for p in at if int(case.visit[p]) == visit]
        _day_of(case, case.undated(visit) or mine, "missing")


def _day_of(case: OpenCase, mine: list[int], name: str, high: pd.Timestamp | None = None) -> None:
    visit = int(case.visit[mine[0]])
    low, last = case.between(visit)
    mates = case.dates(visit, but=mine)
    if mates:
        window = pd.Timedelta(days=ONE_VISIT_DAYS)
        low, last = max(low, max(mates) - window), min(last, min(mates) + window)
    last = last if high is None else min(last, high)
    ways.visit_day(case, mine, min(low, last), last, name)


def _scan_day(case: OpenCase, finding: Finding, at: list[int]) -> None:
    for visit in sorted({int(case.visit[p]) for p in at} - {BASE}):
        mine = [p for p in at if int(case.visit[p]) == visit]
        partial = [p for p in mine if isinstance(case.rows["TRDTF"].iat[p], str)]
        if partial:
            _partial_scan(case, partial)
        missing = [p for p in mine if p not in partial]
        if missing:
            _day_of(case, case.undated(visit), "missing")


def _partial_scan(case: OpenCase, mine: list[int]) -> None:
    low, high = possible_days(case.rows["TRDTC"].take(mine))
    first, last = case.between(int(case.visit[mine[0]]))
    if max(low, first) <= min(high, last):
        low, high = max(low, first), min(high, last)
    ways.visit_day(case, mine, low, min(high, case.cutoff), "partial")


def _after_death(case: OpenCase, finding: Finding, at: list[int]) -> None:
    """The scan is dated wrong, or the death."""
    died = case.person["DTHDT"]
    for visit in sorted({int(case.visit[p]) for p in at}):
        mine = [p for p in at if int(case.visit[p]) == visit]
        _day_of(case, mine, "death", None if pd.isna(died) else died)
        case.add(("day", visit, "death"), [ways.counts_again(case, mine)])
    ways.death(case)


def _disordered(case: OpenCase, finding: Finding, at: list[int]) -> None:
    """This visit is dated wrong, or one of those with a smaller number that lie after it."""
    for visit in sorted({int(case.visit[p]) for p in at}):
        mine = case.whole_visits([p for p in at if int(case.visit[p]) == visit])
        number = case.rows["VISITNUM"].take(mine).max()
        same = [i for i in range(len(case.rows)) if case.rows["VISITNUM"].iat[i] == number]
        day = case.rows["TRDT"].take(mine).max()
        later = case.rows[
            (case.rows["VISITNUM"] < number) & (case.rows["TRDT"] >= day) & (case.visit != BASE)
        ]
        key = ("order", visit)
        low, high = _around(case, [number])
        days = ways.turning_days(case, low, high, visit)
        case.add(key, [ways.re_dated(case, same, d) for d in days])
        wrong = sorted(set(later["VISITNUM"]))
        if not wrong:
            continue
        rest = [i for i in range(len(case.rows)) if case.rows["VISITNUM"].iat[i] in wrong]
        low, high = _around(case, wrong)
        spread = {n: i for i, n in enumerate(wrong)}
        found = []
        for start in ways.turning_days(case, low, high, visit):
            parts = [ways.counts_again(case, same)]
            for position in rest:
                turn = spread[case.rows["VISITNUM"].iat[position]]
                parts.append(ways.re_dated(case, [position], start + pd.Timedelta(days=turn)))
            found.append(ways.together(*parts))
        case.add(key, found)


def _around(case: OpenCase, numbers: list[float]) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Days between the visits before and after these."""
    rows = case.rows
    before = rows.loc[rows["VISITNUM"] < min(numbers), "TRDT"].max()
    after = rows.loc[rows["VISITNUM"] > max(numbers), "TRDT"]
    low = case.start if pd.isna(before) else before + pd.Timedelta(days=1)
    after = after[after > low]
    high = case.cutoff if after.empty else after.min() - pd.Timedelta(days=1)
    return min(low, high), high


def _number(case: OpenCase, finding: Finding, at: list[int]) -> None:
    """RD05: the visit of the row, or its value, cannot be read."""
    rows = case.rows
    if "VISITNUM" not in finding.message:
        for position in at:
            if not word(rows["TRORRES"].iat[position]):
                ways.unknown_row(case, position)
        return
    for position in at:
        day = rows["TRDT"].iat[position]
        known = rows[rows["VISITNUM"].notna()]
        if pd.isna(day) or known.empty:
            case.widest = True
            continue
        dated = known[known["TRDT"].notna()]
        away = dated["TRDT"].sub(pd.Timestamp(str(day))).abs()
        gaps = away.groupby(dated["VISITNUM"]).min().sort_values()
        # of the visits that are dated the nearest two; of one that is not the row may be the date
        undated = sorted(set(known["VISITNUM"]) - set(dated["VISITNUM"]))
        found = []
        for number in [*gaps.index[:2], *undated]:
            scan = known[known["VISITNUM"] == number].iloc[0]
            said = {c: scan[c] for c in ("VISITNUM", "VISIT", "BASELINE", "part")}
            found.append(ways.row_with(case, position, **said))
        case.add(("visit", position), [*found, ways.counts_again(case, [position])])


VISITS: Final[dict[str, Rule]] = {
    "TR11": _after_death,
    "TR17": _disordered,
    "TR31": _scan_day,
    "TR33": _number,
    "RD05": _number,
    "RD06": _date,
}
"""Check to what it leaves unknown; RD05 and RD06 of the domain TR."""
