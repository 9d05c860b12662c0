"""The second implementation of the safety endpoints: plain dictionaries, one patient at a time.

Written from the clinical rules alone, from the delivered text and not from the validated tables:
other data structures, other order of thought.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections import Counter, defaultdict
from typing import Any

from hcc_assets.study.config import StudyConfig

CONFIG = StudyConfig()
CUTOFF = dt.date(2026, 3, 31)
WINDOW = dt.timedelta(days=30)
NO_END = ("INFORMED CONSENT OBTAINED", "SCREEN FAILURE")
DAY = dt.timedelta(days=1)
OUTCOMES = [
    "FATAL",
    "NOT RECOVERED/NOT RESOLVED",
    "RECOVERING/RESOLVING",
    "RECOVERED/RESOLVED WITH SEQUELAE",
    "RECOVERED/RESOLVED",
    "UNKNOWN",
    "MISSING",
]


def _bounds(text: str | None) -> tuple[dt.date, dt.date] | None:
    """Earliest and latest day that a delivered date can mean."""
    parts = [int(p) for p in (text or "").split("T")[0].split("-") if p]
    if not parts:
        return None
    year, month, day = (*parts, None, None)[:3]
    if day:
        return (dt.date(year, month, day),) * 2  # type: ignore[arg-type]
    last = month or 12
    return dt.date(year, month or 1, 1), dt.date(year, last, calendar.monthrange(year, last)[1])


class Patient:
    """What one patient's delivered rows say."""

    def __init__(
        self,
        dm: dict[str, Any],
        doses: list[dict[str, Any]],
        events: list[dict[str, Any]],
        status: list[dict[str, Any]],
    ):
        death = _bounds(dm["DTHDTC"])
        self.death = death[0] if death and death[0] <= CUTOFF else None
        self.diary: dict[dt.date, float] = {}
        dated = [_bounds(r["DSSTDTC"]) for r in status if r["DSDECOD"] not in NO_END]
        ends = [day[0] for day in dated if day]
        self.end = min([d for d in (*ends, self.death) if d and d <= CUTOFF], default=None)
        doses = [d for d in doses if _bounds(d["EXSTDTC"])[0] <= CUTOFF]  # type: ignore[index]
        doses.sort(key=lambda d: (d["EXSTDTC"], -float(d["EXDOSE"])))
        for d in doses:
            first = _bounds(d["EXSTDTC"])[0]  # type: ignore[index]
            end = _bounds(d["EXENDTC"])
            after = [o["EXSTDTC"] for o in doses if o["EXSTDTC"] > d["EXSTDTC"]]
            later = [_bounds(start)[0] for start in after]  # type: ignore[index]
            stop = end[1] if end else (min(later) - DAY if later else (self.end or CUTOFF))
            stop = max(min(stop, CUTOFF), first)
            while first <= stop:
                self.diary[first] = float(d["EXDOSE"])
                first += DAY
        taken = sorted(d for d, mg in self.diary.items() if mg > 0)
        self.first, self.dosed = (taken[0], taken[-1]) if taken else (None, None)
        self.last = self.dosed
        self.still = self.end is None
        if self.dosed and self.still:
            self.last = CUTOFF
        elif self.dosed and (self.end - self.dosed).days > 28 and self.diary[max(self.diary)]:
            self.last = self.end
        self.events = [e for e in (self._event(r) for r in events) if e]

    def _event(self, row: dict[str, Any]) -> dict[str, Any] | None:
        if self.first is None or self.last is None:
            return None
        start, end = _bounds(row["AESTDTC"]), _bounds(row["AEENDTC"])
        began = None
        if start:
            began = start[0]
            if (
                start[0] != start[1]
                and start[0] <= self.first <= start[1]
                and not (end and end[1] < self.first)
            ):
                began = self.first
            if began > CUTOFF or not self.first <= began <= self.last + WINDOW:
                return None
        elif end and end[1] < self.first:
            return None
        grade = row["AETOXGR"]
        return {
            "soc": row["AEBODSYS"] or "NOT CODED",
            "pt": row["AEDECOD"] or "NOT CODED",
            "grade": int(grade) if grade in list("12345") else 0,
            "related": CONFIG.safety.relatedness.get((row["AEREL"] or "?").upper(), True),
            "serious": row["AESER"] == "Y"
            or (
                row["AESER"] is None
                and any(
                    row.get(c) == "Y"
                    for c in ("AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG", "AESMIE")
                )
            ),
            "out": row["AEOUT"] or "MISSING",
            "action": row["AEACN"],
            "onset": began or self.first,
        }


def expected(patients: dict[str, Patient]) -> dict[tuple[str, str, str, str], tuple[int, int]]:
    """Patients and events by (table, soc, term, level), zero rows left out."""
    who: dict[tuple[str, str, str, str], set[str]] = defaultdict(set)
    rows: Counter[tuple[str, str, str, str]] = Counter()
    for name, patient in patients.items():
        worst: dict[tuple[str, str], int] = {}
        blamed: dict[tuple[str, str], int] = {}
        for e in patient.events:
            lines = {
                "ANY TEAE": True,
                "GRADE>=3": e["grade"] >= 3,
                "RELATED": e["related"],
                "RELATED GRADE>=3": e["related"] and e["grade"] >= 3,
                "SERIOUS": e["serious"],
                "FATAL": e["grade"] == 5 or e["out"] == "FATAL",
                "RELATED SERIOUS": e["related"] and e["serious"],
                "RELATED FATAL": e["related"] and (e["grade"] == 5 or e["out"] == "FATAL"),
                **{
                    a: e["action"] == a
                    for a in ("DRUG WITHDRAWN", "DOSE REDUCED", "DRUG INTERRUPTED")
                },
            }
            keys = [("OVERVIEW", "ALL", line, "ANY") for line, yes in lines.items() if yes]
            keys += [
                ("AESI", "ALL", aesi, "ANY")
                for aesi, terms in CONFIG.safety.aesi.items()
                if e["pt"].lower() in {t.lower() for t in terms}
            ]
            units = [("ALL", "ALL"), (e["soc"], "ALL"), (e["soc"], e["pt"])]
            keys += [("SOC_PT", *unit, "ANY") for unit in units]
            keys += [("SERIOUS_SOC_PT", *unit, "ANY") for unit in units if e["serious"]]
            for key in keys:
                who[key].add(name)
                rows[key] += 1
            for unit in units:
                worst[unit] = max(worst.get(unit, 0), e["grade"])
                for level in _levels(e["grade"]):
                    rows["MAX_GRADE", *unit, level] += 1
                if e["related"]:
                    blamed[unit] = max(blamed.get(unit, 0), e["grade"])
                    for level in {str(e["grade"] or "MISSING"), "ANY"}:
                        rows["RELATED_SOC_PT_GRADE", *unit, level] += 1
            rows["OUTCOME", "ALL", "ALL", e["out"]] += 1
        for unit, grade in blamed.items():
            for level in (str(grade or "MISSING"), "ANY"):
                who["RELATED_SOC_PT_GRADE", *unit, level].add(name)
        for unit, grade in worst.items():
            for level in _levels(grade):
                who["MAX_GRADE", *unit, level].add(name)
        if patient.events:
            who[
                "OUTCOME", "ALL", "ALL", min((e["out"] for e in patient.events), key=OUTCOMES.index)
            ].add(name)
    dead = [n for n, p in patients.items() if p.death]
    who["OVERVIEW", "ALL", "DEATHS", "ANY"], rows["OVERVIEW", "ALL", "DEATHS", "ANY"] = (
        set(dead),
        len(dead),
    )
    found = {key: (len(who[key]), rows[key]) for key in {*who, *rows}}
    return {key: counts for key, counts in found.items() if counts != (0, 0)}


def _levels(grade: int) -> list[str]:
    if grade == 0:
        return ["MISSING", "ANY"]
    return [
        str(grade),
        "ANY",
        *(["1-2"] if grade <= 2 else [">=3"]),
        *(["3-4"] if grade in (3, 4) else []),
    ]


def rates(patients: dict[str, Patient]) -> dict[str, tuple[int, float]]:
    terms = {e["pt"] for p in patients.values() for e in p.events} | {"ALL"}
    found = {}
    for term in terms:
        days, hit = 0, 0
        for p in patients.values():
            assert p.first and p.last
            end = max(min([p.last + WINDOW, CUTOFF, *([p.death] if p.death else [])]), p.first)
            onsets = [e["onset"] for e in p.events if term in ("ALL", e["pt"])]
            hit += bool(onsets)
            days += (min([end, *onsets]) - p.first).days + 1
        found[term] = (hit, days / 365.25)
    return found
