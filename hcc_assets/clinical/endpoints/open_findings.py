"""Which open findings can move response or PFS, and what each of them leaves unknown.

The values that are tried are in ``resolutions``. A finding that only asks to confirm something an
endpoint does not rest on (a method, a size at baseline, a visit off the schedule) is not here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pandas as pd

from hcc_assets.clinical.endpoints import resolutions as ways
from hcc_assets.clinical.endpoints.open_case import BASE, OpenCase, Resolution, word
from hcc_assets.clinical.reading.assessments import ONE_VISIT_DAYS
from hcc_assets.clinical.reading.dates import parse_dates

_BLOCKING: Final = frozenset({"DM", "EX", "TR", "TU"})


@dataclass(frozen=True)
class Finding:
    """One open finding of a subject."""

    check: str
    severity: str
    domain: str
    rows: tuple[int, ...]
    message: str


Rule = Callable[[OpenCase, Finding, list[int]], None]


def _lift(case: OpenCase, finding: Finding, at: list[int]) -> None:
    """Blocks its subject and leaves no value unknown."""


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


def _node(case: OpenCase, finding: Finding, at: list[int]) -> None:
    _unknown(case, finding, at)


def _date(case: OpenCase, finding: Finding, at: list[int]) -> None:
    """Dates that cannot be read: near the other rows of their visit, else between the visits."""
    for visit in sorted({int(case.visit[p]) for p in at}):
        mine = [p for p in at if int(case.visit[p]) == visit]
        _day_of(case, mine, "bad")


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
            _day_of(case, missing, "missing")


def _partial_scan(case: OpenCase, mine: list[int]) -> None:
    days = parse_dates(case.rows["TRDTC"].iloc[mine])
    low, high = days["low"].min(), days["high"].max()
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
        number = case.rows["VISITNUM"].iloc[mine].max()
        same = [i for i in range(len(case.rows)) if case.rows["VISITNUM"].iat[i] == number]
        day = case.rows["TRDT"].iloc[mine].max()
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
    if "VISITNUM" not in finding.message:
        return _unknown(case, finding, [p for p in at if not word(case.rows["TRORRES"].iat[p])])
    rows = case.rows
    for position in at:
        day = rows["TRDT"].iat[position]
        known = rows[rows["VISITNUM"].notna() & rows["TRDT"].notna()]
        if pd.isna(day) or known.empty:
            case.widest = True
            continue
        gaps = (known["TRDT"] - day).abs().groupby(known["VISITNUM"]).min().sort_values()
        found = []
        for number in gaps.index[:2]:
            scan = known[known["VISITNUM"] == number].iloc[0]
            said = {c: scan[c] for c in ("VISITNUM", "VISIT", "BASELINE", "part")}
            found.append(ways.row_with(case, position, **said))
        case.add(("visit", position), [*found, ways.counts_again(case, [position])])


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
    places = sorted({p for p in case.rows["TULOC"].iloc[at] if isinstance(p, str)})
    found = []
    for place in places:
        found.append(ways.together(*(ways.row_with(case, p, TULOC=place) for p in at)))
        other = tuple(p for p in at if case.rows["TULOC"].iat[p] != place)
        found.append(Resolution(drop=other))
    case.add(("places", tuple(at)), found)


def _nameless(case: OpenCase, finding: Finding, at: list[int]) -> None:
    for position in at:
        visit = int(case.visit[position])
        there = {x for x, v in zip(case.root, case.visit, strict=True) if int(v) == visit}
        every = {x for x, g in zip(case.root, case.group, strict=True) if g == "TARGET" and x}
        wanted = sorted((every if visit == BASE else set(case.targets())) - there)
        found = [ways.row_with(case, position, TRLNKID=lesion) for lesion in wanted]
        case.add(("id", position), found)


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


def _readers(case: OpenCase, finding: Finding, at: list[int]) -> None:
    names = list(case.rows["EVALUATOR"])
    found = [
        Resolution(drop=tuple(i for i, n in enumerate(names) if n != reader))
        for reader in sorted(set(names))
    ]
    case.add(("reader",), found)


def _late_baseline(case: OpenCase, finding: Finding, at: list[int]) -> None:
    scans = case.dates(BASE)
    ways.first_dose(case, [case.start, *scans[:1], *sorted(scans)[-1:]])


def _dose(case: OpenCase, finding: Finding, at: list[int]) -> None:
    """A dosing record that may be the first dose."""
    if finding.check == "RD06" and "EXSTDTC" not in finding.message:
        return
    if finding.check == "RD05" and "EXDOSE" not in finding.message:
        return
    consent = case.person["RFICDT"]
    earliest = max([*case.dates(BASE), *([] if pd.isna(consent) else [consent])], default=case.start)
    for day in case.doses.loc[case.doses["SRCROW"].isin(finding.rows), "EXSTDT"]:
        if pd.isna(day):
            ways.first_dose(case, [min(earliest, case.start)])
        elif day < case.start:
            ways.first_dose(case, [day])


def _partial_dose(case: OpenCase, finding: Finding, at: list[int]) -> None:
    rows = case.doses[case.doses["SRCROW"].isin(finding.rows)]
    days = parse_dates(rows["EXSTDTC"])
    scans = [d for v in set(map(int, case.visit)) - {BASE} for d in case.dates(v)]
    last = min([days["high"].max(), *scans])
    ways.first_dose(case, [case.start, max(case.start, last)])


def _consent(case: OpenCase, finding: Finding, at: list[int]) -> None:
    if not pd.isna(case.person["RFICDT"]):
        ways.first_dose(case, [case.person["RFICDT"]])


def _death(case: OpenCase, finding: Finding, at: list[int]) -> None:
    if finding.check == "DM02" and "DTHDTC" not in finding.message:
        return
    ways.death(case)


def _partial_death(case: OpenCase, finding: Finding, at: list[int]) -> None:
    days = parse_dates(pd.Series([case.person["DTHDTC"]]))
    ways.death(case, days["low"].iat[0], min(days["high"].iat[0], case.cutoff))


def _nameless_among_named(case: OpenCase, finding: Finding, at: list[int]) -> None:
    """The lesion is one of the named ones, or one of its own."""
    for position in at:
        visit, group = int(case.visit[position]), case.group[position]
        mine = {x for x, g in zip(case.lesion, case.group, strict=True) if g == group}
        there = {x for x, v in zip(case.lesion, case.visit, strict=True) if int(v) == visit}
        found = [ways.row_with(case, position, TRLNKID=lesion) for lesion in sorted(mine - there)]
        case.add(("id", position), found)


def _status_date(case: OpenCase, finding: Finding, at: list[int]) -> None:
    mine = case.records[case.records["SRCROW"].isin(finding.rows)]
    if (mine["DSDECOD"].map(word) == "DEATH").any():
        ways.death(case)


def _therapy(case: OpenCase, finding: Finding, at: list[int]) -> None:
    mine = case.records[case.records["DOMAIN"] == finding.domain].set_index("SRCROW")
    for row in finding.rows:
        place = (finding.domain, row)
        if finding.check == "CM03" and row in mine.index:
            days = parse_dates(mine.loc[[row], "DSSTDTC"])
            low, high = max(days["low"].iat[0], case.start), days["high"].iat[0]
            if high >= case.start:
                ways.therapy(case, place, low, high, sure=True)
        elif finding.check == "CM04" and row in mine.index:
            case.add(("therapy", place), [Resolution(leave=(place,))])
        elif finding.check in ("CM01", "CM02"):
            ways.therapy(case, place, case.start, case.cutoff, sure=False)


RULES: Final[dict[str, Rule]] = {
    **dict.fromkeys(("TR13", "TR26"), _unknown),
    **dict.fromkeys(("TR21", "RD07"), _reading),
    **dict.fromkeys(("EX01", "EX02", "EX09"), _lift),
    **dict.fromkeys(("EX03", "EX10", "EX11"), _dose),
    **dict.fromkeys(("DM01", "DM02", "DM05", "DM06", "EX05", "AE06", "AE12"), _death),
    **dict.fromkeys(("CM01", "CM02", "CM03", "CM04"), _therapy),
    "TR03": _late_baseline,
    "TR06": _late_target,
    "TR09": _places,
    "TR10": _conflict,
    "TR11": _after_death,
    "TR12": _new_at_baseline,
    "TR14": _unit,
    "TR15": _tenfold,
    "TR16": _missing,
    "TR17": _disordered,
    "TR19": _axis,
    "TR22": _roles,
    "TR25": _group,
    "TR27": _readers,
    "TR29": _node,
    "TR30": _nameless,
    "TR31": _scan_day,
    "TR32": _nameless_among_named,
    "DM08": _partial_death,
    "EX12": _partial_dose,
    "DM07": _consent,
}
"""Check to what it leaves unknown; RD05 and RD06 go by their domain."""
_BY_DOMAIN: Final[dict[tuple[str, str], Rule]] = {
    ("RD05", "TR"): _number,
    ("RD05", "EX"): _dose,
    ("RD06", "TR"): _date,
    ("RD06", "EX"): _dose,
    ("RD06", "DS"): _status_date,
    ("RD06", "SS"): _status_date,
}


def rule_of(check: str, severity: str, domain: str) -> Rule | None:
    """The rule of a finding; null where it can move no endpoint."""
    rule = RULES.get(check) or _BY_DOMAIN.get((check, domain))
    if severity == "I" or (check == "TR10" and severity != "E"):
        return None
    if rule is None and severity == "E" and domain in _BLOCKING:
        return _widest
    return rule


def _widest(case: OpenCase, finding: Finding, at: list[int]) -> None:
    """An error that no rule here knows."""
    case.widest = True


def collect(case: OpenCase, findings: list[Finding]) -> list[str]:
    """Note the resolutions of every finding of a subject; the checks that can matter, one entry per finding."""
    told = []
    for finding in findings:
        rule = rule_of(finding.check, finding.severity, finding.domain)
        if rule is None:
            continue
        at = case.at(finding.rows) if finding.domain in ("TR", "TU") else []
        of_rows = finding.domain in ("TR", "TU") and finding.check != "TR27"
        if of_rows and not at and finding.severity != "E":
            continue  # of another reader or criterion
        rule(case, finding, at)
        told.append(finding.check)
    return told
