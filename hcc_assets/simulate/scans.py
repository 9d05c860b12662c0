"""Simulated scans and the response that their recorded sizes give.

The rules know only what the generator can write.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Final, Literal

TENTH: Final = 10  # sizes are kept in tenths of a millimetre, as delivered


Kind = Literal["TARGET", "NON-TARGET", "NEW"]


@dataclass(frozen=True)
class Lesion:
    """One lesion: ``name`` such as T01, kind, organ."""

    name: str
    kind: Kind
    organ: str

    @property
    def node(self) -> bool:
        """Measured by its short axis."""
        return self.organ == "LYMPH NODE"


@dataclass(frozen=True)
class Finding:
    """What one scan says of one lesion: ``tenths`` of a millimetre of a target (None where not
    measured), ``word`` of any other, or ``not_done``."""

    lesion: Lesion
    tenths: int | None = None
    word: str | None = None
    not_done: bool = False


@dataclass
class Scan:
    """One visit: its place among the planned ones, date, findings, the response derived from all
    scans known, and the number and name that an unscheduled visit has (``label``)."""

    number: float
    date: dt.date
    findings: list[Finding]
    response: dict[str, str | float | None] = field(default_factory=dict)
    label: tuple[float, str] | None = None

    @property
    def name(self) -> str:
        """``SCREENING`` or the planned week, unless it has a label."""
        if self.label is not None:
            return self.label[1]
        return "SCREENING" if self.number == 0 else f"WEEK {6 * self.number}"

    @property
    def visit_number(self) -> float:
        """VISITNUM as it is delivered."""
        return self.number if self.label is None else self.label[0]


def contribution(f: Finding) -> int | None:
    return 50 if f.word == "TOO SMALL TO MEASURE" else f.tenths


def respond(scans: list[Scan]) -> list[Scan]:
    """Fill ``response`` of every scan after the baseline by RECIST 1.1, in whole tenths of
    millimetres.

    An equivocal new lesion that a later scan calls unequivocal is progression at the scan that
    first showed it. The keys are those of the published ``responses`` table: ``BASE, SUMDIAM,
    NADIR_PRIOR`` (mm), ``TRGRESP, NTRGRESP, NEWLPROG, OVRLRESP``.
    """
    sure = {
        f.lesion.name
        for s in scans
        for f in s.findings
        if f.lesion.kind == "NEW" and f.word == "UNEQUIVOCAL"
    }
    targets = [f for f in scans[0].findings if f.lesion.kind == "TARGET"]
    base = sum(f.tenths or 0 for f in targets)
    nadir, complete_before = base, False
    for scan in scans[1:]:
        found = [f for f in scan.findings if f.lesion.kind == "TARGET"]
        sizes = [contribution(f) for f in found]
        partial = sum(s for s in sizes if s is not None)
        grown = partial - nadir >= 5 * TENTH and (partial - nadir) * 5 >= nadir
        missing = any(s is None for s in sizes)
        gone = all(
            s is not None and (s < 10 * TENTH if f.lesion.node else s == 0)
            for f, s in zip(found, sizes, strict=True)
        )
        back = complete_before and any(
            s is not None and (s >= 10 * TENTH if f.lesion.node else s > 0)
            for f, s in zip(found, sizes, strict=True)
        )
        target = (
            "NA"
            if not targets
            else ("PD" if grown or back else "NE")
            if missing
            else "CR"
            if gone
            else "PD"
            if grown or back
            else "PR"
            if partial * 10 <= base * 7
            else "SD"
        )
        words = [
            f.word if not f.not_done else "NOT EVALUABLE"
            for f in scan.findings
            if f.lesion.kind == "NON-TARGET"
        ]
        rest = (
            "NA"
            if not words
            else "PD"
            if "UNEQUIVOCAL PROGRESSION" in words or (complete_before and "PRESENT" in words)
            else "NE"
            if "NOT EVALUABLE" in words
            else "CR"
            if set(words) == {"ABSENT"}
            else "NON-CR/NON-PD"
        )
        new = any(f.lesion.name in sure for f in scan.findings if f.lesion.kind == "NEW")
        overall = _overall(target, rest, new)
        scan.response = {
            "BASE": base / TENTH,
            "SUMDIAM": None if missing else partial / TENTH,
            "NADIR_PRIOR": nadir / TENTH,
            "TRGRESP": target,
            "NTRGRESP": rest,
            "NEWLPROG": "Y" if new else "N",
            "OVRLRESP": overall,
        }
        complete_before = complete_before or overall == "CR"
        nadir = nadir if missing else min(nadir, partial)
    return scans


def _overall(target: str, rest: str, new: bool) -> str:
    if new or "PD" in (target, rest):
        return "PD"
    if target == "CR":
        return "CR" if rest in ("CR", "NA") else "PR"
    if target == "NA":
        return {"NA": "NE"}.get(rest, rest)
    return target


def best_response(
    scans: list[Scan], first_dose: dt.date, therapy: dt.date | None, sd_minimum_days: int = 42
) -> str:
    """Best response of scans with a response, the baseline first: those up to the first progression
    and the new therapy count, stable disease from 42 days after the first dose."""
    seen: list[Scan] = []
    for scan in scans[1:]:
        if therapy is None or scan.date <= therapy:
            seen.append(scan)
        if scan.response["OVRLRESP"] == "PD":
            break
    words = [s.response["OVRLRESP"] for s in seen]
    late = {s.response["OVRLRESP"] for s in seen if (s.date - first_dose).days >= sd_minimum_days}
    if late & {"CR", "PR", "SD"} and not {"CR", "PR"} & set(words):
        return "SD"
    return next((w for w in ("CR", "PR", "PD") if w in words), "NE")
