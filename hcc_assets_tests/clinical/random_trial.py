"""Random trials for double programming: lesions that shrink, grow, vanish, split, merge and go
missing, as delivered text. Ugly on purpose."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pandas as pd

from hcc_assets_tests.clinical.endpoint_frames import DAY0, assessments, disposition, subjects

Frames = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


def _number(rng: np.random.Generator, mm: float) -> tuple[str, str]:
    """A length as text: whole or with decimals, in mm or cm."""
    digits = int(rng.choice([0, 0, 0, 1, 2]))
    text = f"{mm:.{digits}f}"
    if rng.random() < 0.15:
        return f"{float(text) / 10:.{digits + 1}f}", str(rng.choice(["cm", "CM"]))
    return text, "mm"


def _lesion_value(rng: np.random.Generator, size: float) -> float:
    step = rng.random()
    if step < 0.08:
        return 0.0
    if step < 0.2:
        return float(rng.choice([size * 0.7, size * 1.2, size + 5, size * 0.5, size]))
    return max(0.0, size * float(rng.choice([0.6, 0.8, 0.9, 1.0, 1.0, 1.1, 1.25])))


class _Subject:
    """Writes the rows of one subject and reader."""

    def __init__(self, rng: np.random.Generator, name: str, reader: str, ugly: bool):
        self.rng, self.name, self.reader, self.ugly = rng, name, reader, ugly
        self.rows: list[dict[str, Any]] = []
        self.size = {
            f"T{i + 1:02d}": float(rng.integers(10, 80))
            for i in range(int(rng.choice([0, 1, 1, 2, 2, 3, 4])))
        }
        self.node = {lesion: bool(rng.random() < 0.3) for lesion in self.size}
        self.size |= {
            lesion: float(rng.integers(15, 30)) for lesion in self.size if self.node[lesion]
        }
        self.non_targets = [f"NT{i + 1:02d}" for i in range(int(rng.choice([0, 0, 1, 2])))]
        self.nt_node = {lesion: bool(rng.random() < 0.2) for lesion in self.non_targets}
        self.split: set[str] = set()
        self.new: dict[str, str] = {}
        self.clears_at = float(rng.integers(1, 5)) if rng.random() < 0.3 else math.inf

    def add(
        self,
        visit: float,
        date: dt.date,
        lesion: str,
        group: str,
        test: str,
        text: str | None,
        unit: str | None = None,
        node: bool = False,
    ) -> None:
        row = {
            "USUBJID": self.name,
            "EVALUATOR": self.reader,
            "VISITNUM": visit,
            "VISIT": "SCREENING" if visit == 0 else f"TA {visit:g}",
            "TRDTC": date.isoformat(),
            "TRLNKID": lesion,
            "TRGRPID": group,
            "TULOC": "LYMPH NODE" if node else "LIVER",
            "TRTESTCD": test,
            "TRORRES": text,
            "TRORRESU": unit,
            "TRSTAT": "NOT DONE" if text is None else None,
        }
        self.rows.append(row)
        if self.ugly and self.rng.random() < 0.04:
            self.rows.append(dict(row))  # a repeat
        if self.ugly and text is not None and unit and self.rng.random() < 0.02:
            self.rows.append(dict(row) | {"TRORRES": "1" + text})  # a conflicting value

    def _day(self, date: dt.date) -> dt.date:
        return (
            date + dt.timedelta(days=int(self.rng.choice([0, 0, 0, 1, 3]))) if self.ugly else date
        )

    def visit(self, number: float, date: dt.date) -> None:
        rng, follow = self.rng, number > 0
        for lesion in self.size:
            self._target(number, self._day(date), lesion, follow)
        for lesion in self.non_targets:
            self._non_target(number, self._day(date), lesion, follow)
        if follow and rng.random() < 0.05:
            self.new[f"NEW{len(self.new) + 1:02d}"] = str(
                rng.choice(["EQUIVOCAL", "UNEQUIVOCAL", "EQUIVOCAL"])
            )
        for lesion, state in list(self.new.items()):
            if rng.random() < 0.8:
                self.add(number, self._day(date), lesion, "NEW", "TUMSTATE", state)
            if state == "EQUIVOCAL":
                self.new[lesion] = str(rng.choice(["EQUIVOCAL", "UNEQUIVOCAL", "ABSENT"]))

    def _target(self, number: float, date: dt.date, lesion: str, follow: bool) -> None:
        rng, node = self.rng, self.node[lesion]
        test = str(rng.choice(["SAXIS", "LPERP"])) if node else "LDIAM"
        if follow:
            cleared = number >= self.clears_at and rng.random() < 0.93
            self.size[lesion] = (
                (float(rng.choice([4, 8, 9.9])) if node else 0.0)
                if cleared
                else _lesion_value(rng, self.size[lesion])
            )
            fate = rng.random()
            if fate < 0.03:
                return None  # no record
            if fate < 0.07:
                return self.add(number, date, lesion, "TARGET", test, None, node=node)
            if self.ugly and fate < 0.10:
                return self.add(
                    number, date, lesion, "TARGET", test, "TOO SMALL TO MEASURE", node=node
                )
            if self.ugly and fate < 0.12:
                return self.add(
                    number,
                    date,
                    lesion,
                    "TARGET",
                    "TUMSTATE",
                    str(rng.choice(["ABSENT", "PRESENT", "NOT EVALUABLE"])),
                    node=node,
                )
            if self.ugly and fate < 0.14:
                return self.add(number, date, lesion, "TARGET", test, "COALESCED", node=node)
            if self.ugly and fate < 0.16:
                self.split.add(lesion)
        if lesion in self.split and follow:
            for part in range(int(rng.choice([1, 2, 2]))):
                text, unit = _number(rng, self.size[lesion] / 2)
                self.add(
                    number,
                    date,
                    f"{lesion}.{part + 1}",
                    "TARGET",
                    test,
                    text if rng.random() > 0.05 else None,
                    unit,
                    node,
                )
            return None
        text, unit = _number(rng, self.size[lesion])
        self.add(
            number,
            date,
            lesion,
            "TARGET",
            test,
            text,
            unit if rng.random() > 0.05 or unit != "mm" else None,
            node,
        )
        if not node and rng.random() < 0.2:
            self.add(
                number, date, lesion, "TARGET", "LPERP", str(int(self.size[lesion] * 0.8)), "mm"
            )  # a perpendicular that nobody uses
        return None

    def _non_target(self, number: float, date: dt.date, lesion: str, follow: bool) -> None:
        rng = self.rng
        cleared = number >= self.clears_at
        words = (
            ["PRESENT"] * (1 if cleared else 10)
            + ["ABSENT"] * (20 if cleared else 6)
            + ["UNEQUIVOCAL PROGRESSION", "NOT EVALUABLE", None]
            if follow
            else ["PRESENT"]
        )
        if follow and rng.random() < 0.03:
            return
        if self.nt_node[lesion] and rng.random() < 0.5:
            self.add(
                number,
                date,
                lesion,
                "NON-TARGET",
                "SAXIS",
                str(rng.choice(["6", "9.9", "10", "14"])),
                "mm",
                True,
            )
            return
        word = words[int(rng.integers(len(words)))]
        self.add(number, date, lesion, "NON-TARGET", "TUMSTATE", word, node=self.nt_node[lesion])
        if self.ugly and word == "PRESENT" and rng.random() < 0.02:
            self.add(
                number,
                date,
                lesion,
                "NON-TARGET",
                "TUMSTATE",
                "UNEQUIVOCAL PROGRESSION",
                node=self.nt_node[lesion],
            )


def random_trial(seed: int, n_subjects: int = 12, *, ugly: bool = True, visits: int = 7) -> Frames:
    """Subjects, tumour assessments and disposition of a random trial.

    Parameters
    ----------
    seed
        Seed of everything.
    ugly
        Repeats, conflicts, fragments, merged and tiny lesions, several readers, visits over several
        days, missing baselines, odd dates.
    """
    rng = np.random.default_rng(seed)
    people: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    records: list[dict[str, Any]] = []
    for i in range(n_subjects):
        name = f"R{seed:04d}-{i:03d}"
        start = DAY0 + dt.timedelta(days=int(rng.integers(0, 60)))
        readers = [
            ["INVESTIGATOR"],
            ["INVESTIGATOR", "RADIOLOGIST 1"],
            ["RADIOLOGIST 1"],
            ["RADIOLOGIST 1", "RADIOLOGIST 2"],
        ]
        chosen = readers[int(rng.choice([0, 0, 0, 1, 2, 3]))] if ugly else readers[0]
        last = start
        for reader in chosen:
            writer = _Subject(rng, name, reader, ugly)
            if not (ugly and rng.random() < 0.05):
                writer.visit(0, start - dt.timedelta(days=int(rng.integers(0, 28))))
            date = start
            for number in range(1, int(rng.integers(0, visits + 1)) + 1):
                date += dt.timedelta(days=int(rng.choice([42, 42, 42, 27, 28, 35, 41, 90])))
                writer.visit(float(number), date)
            last = max(last, date)
            rows += writer.rows
        treated = not (ugly and rng.random() < 0.05)
        death = last + dt.timedelta(days=int(rng.integers(0, 150))) if rng.random() < 0.3 else None
        people.append(
            {
                "USUBJID": name,
                "TRTSDT": pd.Timestamp(start) if treated else pd.NaT,
                "DTHDT": pd.Timestamp(death) if death else pd.NaT,
            }
        )
        if rng.random() < 0.25:
            day = start + dt.timedelta(days=int(rng.integers(10, 200)))
            records.append(
                {
                    "USUBJID": name,
                    "DOMAIN": "CM",
                    "DSDECOD": "NEW ANTICANCER THERAPY",
                    "DSSTDT": pd.Timestamp(day),
                }
            )
        if rng.random() < 0.3 and death is None:
            term = str(rng.choice(["LOST TO FOLLOW-UP", "WITHDRAWAL BY SUBJECT", "COMPLETED"]))
            records.append(
                {
                    "USUBJID": name,
                    "DOMAIN": "DS",
                    "DSDECOD": term,
                    "DSSTDT": pd.Timestamp(last) + pd.Timedelta(days=10),
                }
            )
        if death is None:
            records.append(
                {
                    "USUBJID": name,
                    "DOMAIN": "SS",
                    "DSDECOD": "ALIVE",
                    "DSSTDT": pd.Timestamp(last) + pd.Timedelta(days=int(rng.integers(0, 30))),
                }
            )
    order = rng.permutation(len(rows))
    return subjects(people), assessments([rows[i] for i in order]), disposition(records)
