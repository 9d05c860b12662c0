"""Second programming of the endpoints, for comparison only: plain dictionaries and fractions, one
subject and one visit after the other.

Written from the rules, visit by visit with a running memory, where the package works on whole
columns; nothing of ``hcc_assets.clinical`` is imported.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from fractions import Fraction
from typing import Any

Row = dict[str, Any]
Day = dt.date
GONE = {"ABSENT", "COALESCED"}


def as_day(value: Any) -> Day | None:
    return None if value is None or value != value or str(value) == "NaT" else value.date()


def length(row: Row) -> Fraction | None:
    """Millimetres of a row, None where it has none."""
    if row["TRSTAT"] == "NOT DONE" or row["TRORRES"] is None:
        return None
    text = row["TRORRES"].strip()
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        return None
    unit = (row["TRORRESU"] or "mm").lower()
    return {"mm": 1, "cm": 10}[unit] * Fraction(text)


def word(row: Row) -> str | None:
    if row["TRSTAT"] == "NOT DONE" or row["TRORRES"] is None or length(row) is not None:
        return None
    return row["TRORRES"].strip().upper()


class Measured:
    """Outcome of one lesion at one visit: ``mm`` or None, whether it is visible, its scan day."""

    def __init__(self, rows: list[Row], node: bool):
        self.node = node
        self.mm: Fraction | None = None
        self.merged = False
        self.day: Day | None = None
        read: list[tuple[Fraction, bool]] = []
        for axes in (["SAXIS"], ["LPERP"]) if node else (["LDIAM"],):
            read = read or [
                (v, False) for r in rows if r["TRTESTCD"] in axes and (v := length(r)) is not None
            ]
        read = read or [
            (Fraction(5) if w.startswith("TOO SMALL") else Fraction(0), w == "COALESCED")
            for r in rows
            if (w := word(r)) in GONE | {"TOO SMALL TO MEASURE"}
        ]
        read = read or [
            (Fraction(0), False)
            for r in rows
            if r["TRTESTCD"] in ("LDIAM", "SAXIS", "LPERP") and length(r) == 0
        ]
        if len({mm for mm, _ in read}) == 1:
            self.mm = read[0][0]
            self.merged = all(m for _, m in read)
            days = [
                as_day(r["TRDT"])
                for r in rows
                if length(r) is not None or word(r) in GONE | {"TOO SMALL TO MEASURE", "PRESENT"}
            ]
            self.day = max(d for d in days if d)

    @property
    def visible(self) -> bool:
        return self.mm is not None and (self.mm >= 10 if self.node else self.mm > 0)


def whole_lesion(lesion: str, rows: list[Row], node: bool, memory: set[str]) -> Measured:
    """A baseline lesion at a visit, fragments in its place where they have records."""
    own = [r for r in rows if r["TRLNKID"] == lesion]
    parts: dict[str, list[Row]] = defaultdict(list)
    for r in rows:
        if r["TRLNKID"].startswith(lesion + "."):
            parts[r["TRLNKID"]].append(r)
    alone = Measured(own, node)
    pieces = {name: Measured(rs, node) for name, rs in parts.items()}
    if not any(p.mm is not None for p in pieces.values()) and (not pieces or alone.mm is not None):
        if alone.mm is not None:
            memory.clear()
            return alone
        if not memory:
            return alone
        return alone
    lost = memory - set(pieces)
    memory.update(pieces)
    total = alone
    total.mm = None
    seen = (p.mm for p in pieces.values() if p.mm is not None)
    total.partial = sum(seen, Fraction(0))  # type: ignore[attr-defined]
    total.partly_visible = any(p.visible for p in pieces.values())  # type: ignore[attr-defined]
    total.day = max((p.day for p in pieces.values() if p.day), default=None)
    if not lost and all(p.mm is not None for p in pieces.values()):
        total.mm = total.partial  # type: ignore[attr-defined]
        total.merged = all(p.merged for p in pieces.values())
        total.all_gone = not any(p.visible for p in pieces.values())  # type: ignore[attr-defined]
    return total


def non_target_state(rows: list[Row], node: bool) -> tuple[str, Day | None, bool]:
    """``PROGRESSION, PRESENT, ABSENT`` or ``NE``; the day; decided by a node's size."""
    said = {}
    for r in rows:
        w = word(r)
        if w is not None and r["TRTESTCD"] == "TUMSTATE":
            said.setdefault({"COALESCED": "ABSENT"}.get(w, w), []).append(as_day(r["TRDT"]))
    known = {w for w in said if w in ("PRESENT", "ABSENT", "UNEQUIVOCAL PROGRESSION")}
    if len(known) > 1:
        return "NE", None, False
    if known == {"UNEQUIVOCAL PROGRESSION"}:
        return "PROGRESSION", min(said["UNEQUIVOCAL PROGRESSION"]), False
    sizes = [
        (v, as_day(r["TRDT"]))
        for r in rows
        if node and r["TRTESTCD"] in ("SAXIS", "LPERP") and (v := length(r)) is not None
    ]
    every = [d for ds in said.values() for d in ds] + [d for _, d in sizes]
    if sizes:
        big = {v >= 10 for v, _ in sizes}
        return (
            ("NE", None, False)
            if len(big) > 1
            else ("PRESENT" if big.pop() else "ABSENT", min(every), True)
        )
    if not known:
        return "NE", None, False
    return known.pop(), min(every), False


def second_responses(
    rows: list[Row], *, node_rule: str = "any"
) -> dict[tuple[str, str, float], Row]:
    """Response per subject, reader and visit."""
    by_reader: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for r in rows:
        by_reader[r["USUBJID"], r["EVALUATOR"]].append(r)
    out = {}
    for (subject, reader), mine in by_reader.items():
        for visit, answer in _one_reader(mine, node_rule).items():
            out[subject, reader, visit] = answer
    return out


def _confirmed_new(mine: list[Row]) -> dict[float, Day]:
    """Visits at which a new lesion counts, with the first scan that shows it."""
    counts: dict[float, Day] = {}
    for lesion in {r["TRLNKID"] for r in mine if r["TRGRPID"] == "NEW"}:
        scans: dict[tuple[Day, float], set[str]] = defaultdict(set)
        for r in mine:
            if r["TRLNKID"] == lesion and word(r):
                scans[as_day(r["TRDT"]), r["VISITNUM"]].add(word(r))  # type: ignore[index]
        doubtful: list[tuple[Day, float]] = []
        for (day, visit), words in sorted(scans.items()):
            if words == {"ABSENT"}:
                doubtful = []
            elif "EQUIVOCAL" in words:
                doubtful.append((day, visit))
            elif "UNEQUIVOCAL" in words:
                for d, v in [*doubtful, (day, visit)]:
                    counts[v] = min(d, counts.get(v, d))
                doubtful = []
    return counts


def _one_reader(mine: list[Row], node_rule: str) -> dict[float, Row]:
    base = [r for r in mine if r["BASELINE"]]
    targets = sorted({r["TRLNKID"] for r in base if r["TRGRPID"] == "TARGET"})
    others = sorted({r["TRLNKID"] for r in base if r["TRGRPID"] == "NON-TARGET"})
    node = {r["TRLNKID"]: r["TULOC"] == "LYMPH NODE" for r in base}
    start = [Measured([r for r in base if r["TRLNKID"] == t], node[t]).mm for t in targets]
    whole = bool(targets) and None not in start
    base_sum = sum(start, Fraction(0)) if whole else None  # type: ignore[arg-type]
    smallest, was_cr = base_sum, False
    fragments: dict[str, set[str]] = {t: set() for t in targets}
    later: dict[float, list[Row]] = defaultdict(list)
    for r in mine:
        if not r["BASELINE"]:
            later[r["VISITNUM"]].append(r)
    new = _confirmed_new([r for r in mine if not r["BASELINE"]])

    def last_scan(visit: float) -> Day:
        done = [
            r
            for r in later[visit]
            if length(r) is not None or word(r) not in (None, "NOT EVALUABLE")
        ]
        return max(as_day(r["TRDT"]) for r in (done or later[visit]))  # type: ignore[type-var]

    answers: dict[float, Row] = {}
    for visit in sorted(later, key=lambda v: (last_scan(v), v)):
        here = later[visit]
        answer: Row = {
            "ADT": last_scan(visit),
            "SUM": None,
            "BASE": base_sum,
            "NADIR": smallest,
            "NEW": "Y" if visit in new else "N",
        }
        answers[visit] = answer
        if not targets and not others:
            answer |= {
                "TRG": "NE" if any(r["TRGRPID"] == "TARGET" for r in here) else "NA",
                "OVR": "NE",
            }
            answer["NT"] = "NE" if any(r["TRGRPID"] == "NON-TARGET" for r in here) else "NA"
            continue
        seen = {
            t: whole_lesion(t, [r for r in here if r["TRGRPID"] == "TARGET"], node[t], fragments[t])
            for t in targets
        }
        if not any(m.mm is not None and not m.merged for m in seen.values()):
            for m in seen.values():
                m.mm = None if m.merged else m.mm
        complete = all(m.mm is not None for m in seen.values())
        amount = sum(
            (
                m.mm if m.mm is not None else getattr(m, "partial", Fraction(0))
                for m in seen.values()
            ),
            Fraction(0),
        )
        shown = [
            m
            for m in seen.values()
            if (getattr(m, "partly_visible", False) or (m.visible and not hasattr(m, "partial")))
        ]
        back = was_cr and any(not (m.node and node_rule == "pd_rule") for m in shown)
        grown = (
            smallest is not None and amount - smallest >= 5 and amount >= smallest * Fraction(6, 5)
        )
        if not targets:
            answer["TRG"] = "NA"
        elif not complete:
            answer["TRG"] = "PD" if back or grown else "NE"
        else:
            answer["SUM"] = amount
            if not shown:
                answer["TRG"] = "CR"
            elif back or grown:
                answer["TRG"] = "PD"
            elif base_sum is not None and amount <= base_sum * Fraction(7, 10):
                answer["TRG"] = "PR"
            else:
                answer["TRG"] = "SD" if smallest is not None else "NE"
        states = {}
        for lesion in others:
            states[lesion] = non_target_state(
                [r for r in here if r["TRLNKID"] == lesion], node[lesion]
            )
        progressing = [d for s, d, _ in states.values() if s == "PROGRESSION"]
        returning = [
            d
            for s, d, sized in states.values()
            if s == "PRESENT" and was_cr and not (sized and node_rule == "pd_rule")
        ]
        words = {s for s, _, _ in states.values()}
        answer["NT"] = (
            "NA"
            if not others
            else "PD"
            if progressing or returning
            else "NE"
            if "NE" in words
            else "CR"
            if words == {"ABSENT"}
            else "NON-CR/NON-PD"
        )
        days = [d for d in [*progressing, *returning, new.get(visit)] if d]
        if answer["TRG"] == "PD":
            days.append(max(m.day for m in seen.values() if m.day))
        if "PD" in (answer["TRG"], answer["NT"]) or visit in new:
            answer["OVR"], answer["ADT"] = "PD", min(days)
        elif answer["TRG"] == "NA":
            answer["OVR"] = answer["NT"]
        elif answer["TRG"] == "CR":
            answer["OVR"] = "CR" if answer["NT"] in ("CR", "NA") else "PR"
        else:
            answer["OVR"] = answer["TRG"]
        was_cr = was_cr or answer["OVR"] == "CR"
        if answer["SUM"] is not None:
            smallest = answer["SUM"] if smallest is None else min(smallest, answer["SUM"])
    return answers
