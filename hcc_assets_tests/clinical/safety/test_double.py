"""Double programming of the safety endpoints: a second implementation with plain dictionaries and
one patient at a time, on simulated deliveries.

Written from the clinical rules alone, from the delivered text and not from the validated tables:
other data structures, other order of thought.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hcc_assets.clinical.reading.exports import read_export
from hcc_assets.simulate.clinical import simulate_clinical
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.clinical.safety_frames import ae_summary, exposure_summary

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


def _expected(patients: dict[str, Patient]) -> dict[tuple[str, str, str, str], tuple[int, int]]:
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


def _rates(patients: dict[str, Patient]) -> dict[str, tuple[int, float]]:
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


def _roughen(ae: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Partial and missing dates, missing grades and words: what sites send."""
    rng = np.random.default_rng(seed)
    out = ae.astype(object).where(ae.notna(), None).copy()
    for column, keep, share in (
        ("AESTDTC", 7, 0.15),
        ("AESTDTC", 4, 0.05),
        ("AESTDTC", 0, 0.05),
        ("AEENDTC", 7, 0.15),
        ("AEENDTC", 4, 0.03),
        ("AETOXGR", 0, 0.08),
        ("AEREL", 0, 0.05),
        ("AEOUT", 0, 0.05),
        ("AESER", 0, 0.05),
        ("AEBODSYS", 0, 0.03),
        ("AEDECOD", 0, 0.03),
    ):
        hit = rng.random(len(out)) < share
        out[column] = [
            (v[:keep] or None) if h and isinstance(v, str) else v
            for v, h in zip(out[column], hit, strict=True)
        ]
    return out


def _compare(seed: int, folder: Path, subjects: int) -> None:
    raw = simulate_clinical(subjects, seed)
    raw["ae"] = _roughen(raw["ae"], seed)
    for domain, frame in raw.items():
        frame.to_csv(folder / f"{domain}.csv", index=False)
    export = read_export(folder, CONFIG, cutoff=CUTOFF)
    tables = export.tables
    by: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for domain in ("ex", "ae", "ds"):
        by[domain] = defaultdict(list)
        for row in raw[domain].astype(object).where(raw[domain].notna(), None).to_dict("records"):
            by[domain][row["USUBJID"]].append(row)
    people = raw["dm"].astype(object).where(raw["dm"].notna(), None).to_dict("records")
    everyone = {
        r["USUBJID"]: Patient(r, *(by[domain][r["USUBJID"]] for domain in ("ex", "ae", "ds")))
        for r in people
    }
    treated = {n: p for n, p in everyone.items() if p.first}
    out = ae_summary(
        tables["subjects"],
        tables["exposure"],
        tables["adverse_events"],
        CONFIG,
        cutoff=CUTOFF,
        disposition=tables["disposition"],
    )
    assert (out["n"] == len(treated)).all()
    counts = out.loc[out["table"] != "EAIR"]
    keys = zip(counts["table"], counts["soc"], counts["term"], counts["level"], strict=True)
    ours = {
        key: (int(p), int(e))
        for key, p, e in zip(keys, counts["patients"], counts["events"], strict=True)
        if p or e
    }
    assert ours == _expected(treated)
    rates = out.loc[out["table"] == "EAIR"].set_index("term")
    expected = _rates(treated)
    assert set(rates.index) == set(expected)
    for term, (hit, years) in expected.items():
        assert (rates.loc[term, "patients"], rates.loc[term, "patient_years"]) == (
            hit,
            pytest.approx(years, rel=1e-12),
        )
    dosing = exposure_summary(
        tables["subjects"],
        tables["exposure"],
        CONFIG,
        cutoff=CUTOFF,
        disposition=tables["disposition"],
    ).set_index("USUBJID")
    assert set(dosing.index) == set(treated)
    for name, p in treated.items():
        assert p.first and p.last and p.dosed
        row, mg = dosing.loc[name], [p.diary[d] for d in sorted(p.diary) if d >= p.first]
        assert (row["TRTSDT"], row["TRTEDT"]) == (pd.Timestamp(p.first), pd.Timestamp(p.last))
        assert row["ongoing"] == p.still
        assert (row["days_on_drug"], row["interruption_days"], row["cumulative_mg"]) == (
            sum(v > 0 for v in mg),
            mg.count(0),
            sum(mg),
        )
        assert row["relative_dose_intensity"] == pytest.approx(
            100 * sum(mg) / ((min(max(p.diary), p.last) - p.first).days + 1) / 300
        )


@pytest.mark.parametrize("seed", range(6))
def test_second_implementation_agrees(seed: int, tmp_path: Path) -> None:
    _compare(seed, tmp_path, 14)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 300))
def test_second_implementation_agrees_on_two_hundred_trials(seed: int, tmp_path: Path) -> None:
    _compare(seed, tmp_path, 5 + seed % 25)
