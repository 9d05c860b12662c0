"""What open findings about a subject leave unknown: reader, first dose, death, therapy."""

from __future__ import annotations

from typing import Final

import pandas as pd

from hcc_assets.clinical.endpoints import resolutions as ways
from hcc_assets.clinical.endpoints.open_case import (
    BASE,
    Finding,
    OpenCase,
    Resolution,
    Rule,
    possible_days,
    word,
)


def _lift(case: OpenCase, finding: Finding, at: list[int]) -> None:
    """Blocks its subject and leaves no value unknown."""


def _readers(case: OpenCase, finding: Finding, at: list[int]) -> None:
    names = list(case.rows["EVALUATOR"])
    found = [
        Resolution(drop=tuple(i for i, n in enumerate(names) if n != reader))
        for reader in sorted(set(names))
    ]
    case.add(("reader",), found)


def _late_baseline(case: OpenCase, finding: Finding, at: list[int]) -> None:
    """The baseline is dated wrong, or the first dose."""
    last = max(case.dates(BASE), default=case.start)
    ways.first_dose(case, case.start, _before_more(case, max(case.start, last)))


def _before_more(case: OpenCase, day: pd.Timestamp) -> pd.Timestamp:
    """Last possible first dose from a day on: the next dose, or the next scan after baseline."""
    doses = case.doses[(case.doses["EXDOSE"] > 0) & case.doses["EXSTDTF"].isna()]
    scans = [d for v in set(map(int, case.visit)) - {BASE} for d in case.dates(v)]
    return min([d for d in [*scans, *doses["EXSTDT"].dropna()] if d > day], default=day)


def _ends_before_start(case: OpenCase, finding: Finding, at: list[int]) -> None:
    """The start of a dosing record may be earlier: it ends before it."""
    rows = case.doses[case.doses["SRCROW"].isin(finding.rows)]
    known = [day for day in rows["EXENDT"] if not pd.isna(day)]
    ways.first_dose(case, _earliest(case), min([case.start, *known]))


def _earliest(case: OpenCase) -> pd.Timestamp:
    """First possible first dose: not before consent and the baseline; anything where neither is
    known."""
    consent = case.person["RFICDT"]
    known = [*case.dates(BASE), *([] if pd.isna(consent) else [consent])]
    case.widest |= not known
    return min(case.start, max(known, default=case.start))


def _dose(case: OpenCase, finding: Finding, at: list[int]) -> None:
    """A dosing record that may be the first dose."""
    if finding.check == "RD06" and "EXSTDTC" not in finding.message:
        return
    if finding.check == "RD05" and "EXDOSE" not in finding.message:
        return
    for day in case.doses.loc[case.doses["SRCROW"].isin(finding.rows), "EXSTDT"]:
        if pd.isna(day):
            ways.first_dose(case, _earliest(case), case.start)
        elif day < case.start:
            ways.first_dose(case, day, day)


def _partial_dose(case: OpenCase, finding: Finding, at: list[int]) -> None:
    """Not after the next dose, nor after the first scan that is later than the earliest day."""
    rows = case.doses["SRCROW"].isin(finding.rows)
    _, high = possible_days(case.doses.loc[rows, "EXSTDTC"])
    ways.first_dose(case, case.start, max(case.start, min(high, _before_more(case, case.start))))


def _consent(case: OpenCase, finding: Finding, at: list[int]) -> None:
    """Consent is dated wrong, or the first dose, which is not before it."""
    consent = case.person["RFICDT"]
    if not pd.isna(consent):
        ways.first_dose(case, consent, _before_more(case, max(case.start, consent)))


def _death(case: OpenCase, finding: Finding, at: list[int]) -> None:
    if finding.check == "DM02" and "DTHDTC" not in finding.message:
        return
    ways.death(case)


def _partial_death(case: OpenCase, finding: Finding, at: list[int]) -> None:
    low, high = possible_days(pd.Series([case.person["DTHDTC"]]))
    ways.death(case, low, min(high, case.cutoff))


def _status_date(case: OpenCase, finding: Finding, at: list[int]) -> None:
    mine = case.records[case.records["SRCROW"].isin(finding.rows)]
    if (mine["DSDECOD"].map(word) == "DEATH").any():
        ways.death(case)


def _therapy(case: OpenCase, finding: Finding, at: list[int]) -> None:
    mine = case.records[case.records["DOMAIN"] == finding.domain].set_index("SRCROW")
    for row in finding.rows:
        place = (finding.domain, row)
        if finding.check == "CM03" and row in mine.index:
            low, high = possible_days(mine.loc[[row], "DSSTDTC"])
            if high >= case.start:
                ways.therapy(case, place, max(low, case.start), high, sure=True)
        elif finding.check == "CM04" and row in mine.index:
            case.add(("therapy", place), [Resolution(leave=(place,))])
        elif finding.check in ("CM01", "CM02", "CM05"):
            ways.therapy(case, place, case.start, case.cutoff, sure=False)


PEOPLE: Final[dict[str, Rule]] = {
    **dict.fromkeys(("EX02", "EX09"), _lift),
    **dict.fromkeys(("EX03", "EX10", "EX11"), _dose),
    **dict.fromkeys(("DM01", "DM02", "DM05", "DM06", "EX05", "AE06", "AE12"), _death),
    **dict.fromkeys(("CM01", "CM02", "CM03", "CM04", "CM05"), _therapy),
    "EX01": _ends_before_start,
    "TR03": _late_baseline,
    "TR27": _readers,
    "EX12": _partial_dose,
    "DM07": _consent,
    "DM08": _partial_death,
}
"""Check to what it leaves unknown."""
READ: Final[dict[tuple[str, str], Rule]] = {
    ("RD05", "EX"): _dose,
    ("RD06", "EX"): _dose,
    ("RD06", "DS"): _status_date,
    ("RD06", "SS"): _status_date,
}
"""The same of findings that several domains share."""
