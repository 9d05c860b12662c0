"""One subject with open errors: its rows by one criterion and reader, its visits in time, and the
resolutions that are collected for it.

A `Resolution` is one way in which an error can come out: cells that change, rows that go or come,
another first dose, death or therapy. Which of them are tried for which finding is in
``resolutions``; they are derived in ``bounds``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

import numpy as np
import pandas as pd

from hcc_assets.clinical.reading.assessments import FRAGMENT, is_nodal
from hcc_assets.clinical.reading.dates import parse_dates
from hcc_assets.clinical.recist.readings import ABSENT, COALESCED, NUMBER, SMALL, read_result
from hcc_assets.study.codelists import DIAMETERS, NEW_THERAPY, NOT_DONE
from hcc_assets.study.config import StudyConfig

Day = pd.Timestamp
BASE = -1
"""Code of the baseline among visits; ours, below every later visit (from 0)."""
_ONE = pd.Timedelta(days=1)
_NUMBERLESS = -1e6
"""Stands for the number of a visit without one. Ours: below every visit number, also with the days
since year 1 added (735,000 in 2013; 826,000 in 2262, the last year of a timestamp)."""


@dataclass(frozen=True)
class Resolution:
    """One way in which an open error can come out; the empty one leaves the data as published.

    Attributes
    ----------
    cells
        Changes of tumour rows: position, column, value. A changed row counts again.
    drop, add
        Positions that go, and whole rows that come.
    person
        Columns of ``subjects`` with their values.
    leave
        ``(domain, SRCROW)`` of disposition rows that do not count.
    therapy
        Days on which a new anticancer therapy began.
    """

    cells: tuple[tuple[int, str, Any], ...] = ()
    drop: tuple[int, ...] = ()
    add: tuple[dict[str, Any], ...] = ()
    person: tuple[tuple[str, Any], ...] = ()
    leave: tuple[tuple[str, int], ...] = ()
    therapy: tuple[Day, ...] = ()


AS_PUBLISHED = Resolution()


@dataclass(frozen=True)
class Finding:
    """One open finding of a subject."""

    check: str
    severity: str
    domain: str
    rows: tuple[int, ...]
    message: str


def word(value: Any) -> str:
    """A cell in upper case without outer blanks; empty where it is null."""
    return value.strip().upper() if isinstance(value, str) else ""


def possible_days(texts: pd.Series) -> tuple[Day, Day]:
    """First and last day that any of these partial dates can be."""
    days = parse_dates(texts)
    return cast("Day", days["low"].min()), cast("Day", days["high"].max())


@dataclass
class OpenCase:
    """One subject by one criterion.

    Attributes
    ----------
    rows
        Tumour rows of the reader (of every reader where none is chosen), index 0..n-1, with
        ``part`` and ``unusable``.
    person, records, doses
        Its row of ``subjects``, its rows of ``disposition`` and ``exposure``.
    start, death, seen_alive
        First dose, death and last day known to be alive, as published.
    doubts
        Key of an unknown value to its resolutions; several findings on one value share a key.
    widest, thinned
        Nothing can be said: the bounds are the widest; or not every combination was derived.
    """

    subject: str
    criterion: str
    rows: pd.DataFrame
    person: dict[str, Any]
    records: pd.DataFrame
    doses: pd.DataFrame
    start: Day
    death: Day | None
    seen_alive: Day
    cutoff: Day
    config: StudyConfig
    doubts: dict[Hashable, list[Resolution]] = field(default_factory=dict)
    widest: bool = False
    thinned: bool = False
    _therapies: list[tuple[tuple[str, int], Day]] | None = None

    def __post_init__(self) -> None:
        rows = self.rows
        self.lesion = [word(v) for v in rows["TRLNKID"]]
        self.root = [re.sub(FRAGMENT, r"\1", v) for v in self.lesion]
        self.group = [word(v) for v in rows["TRGRPID"]]
        self.visit = self._visits()
        self._dated: dict[int, list[tuple[int, Day]]] = {}
        days = zip(self.visit.tolist(), rows["TRDT"].tolist(), rows["TRDTF"].tolist(), strict=True)
        for i, (visit, day, flag) in enumerate(days):
            if not pd.isna(day) and not isinstance(flag, str):
                self._dated.setdefault(visit, []).append((i, day))
        self.place = {int(r): i for i, r in enumerate(rows["SRCROW"])}
        self.nodal = dict.fromkeys(self.root, False)
        for lesion, location in zip(self.root, rows["TULOC"], strict=True):
            self.nodal[lesion] |= is_nodal(word(location))
        self.size = self._sizes()

    def _visits(self) -> np.ndarray:
        """Visit of each row, in the order of time: by date, undated ones by their number. A row
        without a number is of the visit of its day."""
        rows = self.rows
        columns = ("VISITNUM", "part", "TRDT", "TRDTF", "BASELINE")
        names: list[tuple[float, int] | None] = []
        whole: dict[tuple[float, int], list[Day]] = {}
        soft: dict[tuple[float, int], list[Day]] = {}
        for number, part, day, flag, base in zip(*(rows[c].tolist() for c in columns), strict=True):
            name = None if base else (_named(number, day), int(part))
            names.append(name)
            if name is not None:
                whole.setdefault(name, [])
                soft.setdefault(name, [])
                if not pd.isna(day):
                    (soft if isinstance(flag, str) else whole)[name].append(day)
        order, last = [], self.start
        for name in sorted(whole):
            day = max(whole[name] or soft[name] or [last])
            last = day if name[0] >= 0 else last  # the days of unnumbered ones order nothing else
            order.append((day, name))
        code = {name: i for i, (_, name) in enumerate(sorted(order))}
        return np.array([BASE if n is None else code[n] for n in names], dtype=int)

    def _sizes(self) -> dict[tuple[int, str], Decimal]:
        """Millimetres of each readable target (fragments summed) at each visit."""
        found: dict[tuple[int, str], Decimal] = {}
        columns = ("TRTESTCD", "TRORRES", "TRORRESU", "TRSTAT", "unusable")
        for i, (test, text, unit, status, lost) in enumerate(
            zip(*(self.rows[c] for c in columns), strict=True)
        ):
            if self.group[i] != "TARGET" or lost or word(status) == NOT_DONE or not word(text):
                continue
            kind, value = read_result(word(text), word(unit))
            wanted = ("SAXIS", "LPERP") if self.nodal[self.root[i]] else ("LDIAM",)
            if kind in (ABSENT, SMALL, COALESCED) or (kind == NUMBER and test in wanted):
                place = (int(self.visit[i]), self.root[i])
                found[place] = found.get(place, Decimal(0)) + value
        return found

    def total(self, visit: int, *, without: str = "") -> Decimal:
        """Sum of the readable targets of a visit, but for one lesion."""
        return sum(
            (v for (w, x), v in self.size.items() if w == visit and x != without), Decimal(0)
        )

    def targets(self) -> list[str]:
        """Targets of the baseline."""
        base = {
            x
            for x, g, v in zip(self.root, self.group, self.visit, strict=True)
            if g == "TARGET" and v == BASE and x
        }
        return sorted(base)

    def complete(self, visit: int) -> bool:
        return all((visit, lesion) in self.size for lesion in self.targets())

    def at(self, rows: Iterable[int]) -> list[int]:
        """Positions of delivered row numbers that are of this criterion and reader."""
        return [self.place[r] for r in rows if r in self.place]

    def whole_visits(self, positions: Iterable[int]) -> list[int]:
        """Positions of all rows of the visits of these."""
        visits = {int(self.visit[p]) for p in positions}
        return [i for i, v in enumerate(self.visit) if int(v) in visits]

    def of_lesion(self, lesion: str, visit: int) -> list[int]:
        """Rows of one lesion at one visit that can carry its value."""
        return [
            i
            for i, (x, v) in enumerate(zip(self.lesion, self.visit, strict=True))
            if x == lesion and int(v) == visit
        ]

    def dates(self, visit: int, *, but: Iterable[int] = ()) -> list[Day]:
        """Whole dates of the rows of a visit."""
        left = set(but)
        return [d for i, d in self._dated.get(visit, []) if i not in left]

    def undated(self, visit: int) -> list[int]:
        """Positions of the rows of a visit without a date."""
        lost = self.rows["TRDT"].isna().to_numpy()
        return [int(i) for i in np.flatnonzero(lost & (self.visit == visit))]

    def between(self, visit: int) -> tuple[Day, Day]:
        """Days after the visit before and before the one after, inclusive."""
        number = self._number(visit)
        others = [v for v in sorted(set(map(int, self.visit))) if v not in (visit, BASE)]
        numbers = [self._number(v) for v in others]  # null compares with nothing
        before = [
            d for v, n in zip(others, numbers, strict=True) if n < number for d in self.dates(v)
        ]
        after = [
            d for v, n in zip(others, numbers, strict=True) if n > number for d in self.dates(v)
        ]
        base = self.dates(BASE)
        low = max([*(d + _ONE for d in before), *(d + _ONE for d in base)], default=self.start)
        high = min([*(d - _ONE for d in after), self.cutoff])
        return (low, high) if low <= high else (min(low, self.cutoff), self.cutoff)

    def _number(self, visit: int) -> float:
        """Number of a visit; null where it has none, so that its place is not known."""
        return float(self.rows["VISITNUM"][self.visit == visit].max())

    def therapies(self) -> list[tuple[tuple[str, int], Day]]:
        """Dated new anticancer therapies as published, with their place in the delivery."""
        if self._therapies is None:
            columns = ("DOMAIN", "SRCROW", "DSDECOD", "DSSTDT")
            rows = zip(*(self.records[c].tolist() for c in columns), strict=True)
            self._therapies = [
                ((domain, int(row)), day)
                for domain, row, term, day in rows
                if domain in ("CM", "PR") and word(term) == NEW_THERAPY and not pd.isna(day)
            ]
        return self._therapies

    def measured(self, position: int) -> bool:
        """The row is a length of a lesion."""
        return word(self.rows["TRTESTCD"].iat[position]) in DIAMETERS

    def add(self, key: Hashable, found: Iterable[Resolution]) -> None:
        """Note the resolutions of one unknown value; `AS_PUBLISHED` is one of each."""
        known = self.doubts.setdefault(key, [AS_PUBLISHED])
        known.extend(r for r in found if r not in known)


def _named(number: float, day: Day) -> float:
    """A visit by its number; one without, by its day, as a negative one."""
    if not pd.isna(number):
        return float(number)
    return _NUMBERLESS if pd.isna(day) else _NUMBERLESS + float(day.toordinal())


Rule = Callable[[OpenCase, Finding, list[int]], None]
"""Notes what a finding leaves unknown; the positions are those of its rows."""
