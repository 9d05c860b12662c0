"""Checks of what was read with a guess that an endpoint can rest on: scans and deaths without a
whole date, non-targets and new lesions without an id among named ones."""

from __future__ import annotations

from hcc_assets.clinical.checks.context import Context
from hcc_assets.clinical.checks.registry import Finding, check, each, grouped
from hcc_assets.clinical.reading.lesions import GROUP, NAMELESS_NEW
from hcc_assets.study.codelists import NOT_DONE

_READER = ["USUBJID", "EVALUATOR", "CRITERION"]
_TABLE = "tumour_assessments"


@check(
    "TR31",
    "Q",
    "Scans after baseline have a whole date",
    "TRDTC of a row after baseline that was assessed is a whole date; a partial one is the first "
    "possible day, without one the visit's other rows date it",
    _TABLE,
)
def scan_without_day(c: Context) -> list[Finding]:
    """Partial or missing date; one that cannot be read is RD06."""
    tr = c.tr
    open_day = tr["TRDTF"].notna() | tr["TRDTC"].isna()
    bad = tr[open_day & ~tr["BASELINE"].astype(bool) & (tr["TRSTAT"] != NOT_DONE)]
    return grouped(
        bad,
        [*_READER, "VISITNUM"],
        "TRDTC has no whole date, and response and its date rest on it; complete the date",
    )


@check(
    "TR32",
    "Q",
    "Lesions have an id where others have one",
    "a non-target or new lesion without TRLNKID is a lesion of its own; not beside named ones of "
    "the same group and reader",
    _TABLE,
)
def nameless_among_named(c: Context) -> list[Finding]:
    """A nameless row of a reader who names lesions of that group."""
    tr = c.tr[c.tr["TRLNKID"].notna()]
    out: list[Finding] = []
    for group, name in (("NON-TARGET", GROUP), ("NEW", NAMELESS_NEW)):
        mine = tr[tr["TRGRPID"] == group]
        named = (mine["TRLNKID"] != name).groupby([mine[k] for k in _READER]).transform("any")
        out += each(
            mine[named & (mine["TRLNKID"] == name)],
            "TRLNKID is empty where other lesions of the group have one, so it counts as another "
            "lesion; complete it",
        )
    return out


@check(
    "TR33",
    "Q",
    "Rows have a visit number where others have one",
    "VISITNUM is filled in the rows of a reader who numbers visits; one without is a visit of its "
    "own, by its date",
    _TABLE,
)
def numberless_among_numbered(c: Context) -> list[Finding]:
    """A row without visit number; one that cannot be read is RD05."""
    named = c.tr[c.tr["TRLNKID"].notna()]
    numbered = named["VISITNUM"].notna().groupby([named[k] for k in _READER]).transform("any")
    return each(
        named[numbered & named["VISITNUM"].isna()],
        "VISITNUM is empty or cannot be read, so the row counts as a visit of its own; complete it",
    )


@check(
    "DM08",
    "Q",
    "Deaths have a whole date",
    "DTHDTC is a whole date; a partial one is the first possible day, not before the last contact",
    "subjects",
)
def death_without_day(c: Context) -> list[Finding]:
    """Partial date of death."""
    return each(
        c.dm[c.dm["DTHDTF"].notna()],
        "DTHDTC is a partial date, and survival rests on it; complete the date",
    )
