"""Checks of AE: dates, grades, outcomes and deaths of adverse events.

An E here costs the attribute that cannot be used, never the event (see ``rows_left_out``), so that
no toxicity disappears. Checks of the words of an event are in ``ae_words``.
"""

from __future__ import annotations

from hcc_assets.clinical.checks.context import Context
from hcc_assets.clinical.checks.registry import Finding, check, each
from hcc_assets.study.codelists import AEOUT, AEOUT_RESOLVED, GRADES

NOT_RECOVERED = "NOT RECOVERED/NOT RESOLVED"
FATAL = "FATAL"


@check(
    "AE01",
    "E",
    "Subjects with events are in DM",
    "USUBJID of ae is in dm",
    "adverse_events",
    "subjects",
)
def not_in_dm(c: Context) -> list[Finding]:
    """Event of a subject without DM row."""
    known = {str(subject).casefold() for subject in c.dm["USUBJID"]}
    missing = c.ae[~c.ae["in_dm"]]
    near = missing["USUBJID"].str.casefold().isin(known)
    return [
        *each(missing[~near], "the subject is not in DM; correct USUBJID or add the subject"),
        *each(
            missing[near],
            "the subject is not in DM in this spelling (letter case differs); write USUBJID "
            "as in DM",
        ),
    ]


@check(
    "AE02",
    "Q",
    "Events start after consent",
    "AESTDTC is not before RFICDTC",
    "adverse_events",
    "subjects",
)
def before_consent(c: Context) -> list[Finding]:
    """Start certainly before consent."""
    return each(
        c.ae[c.ae["start_high"] < c.ae["consent_low"]],
        "AESTDTC is before consent (RFICDTC); correct a date or record it as medical history",
    )


@check(
    "AE03", "E", "Events end after they start", "AEENDTC is not before AESTDTC", "adverse_events"
)
def end_before_start(c: Context) -> list[Finding]:
    """End certainly before start."""
    return each(
        c.ae[c.ae["end_high"] < c.ae["start_low"]],
        "AEENDTC is before AESTDTC; correct one of the dates",
    )


@check(
    "AE04",
    "E",
    "Grades are 1 to 5",
    "AETOXGR is 1, 2, 3, 4 or 5 (E); a missing grade is a query (Q)",
    "adverse_events",
)
def grade(c: Context) -> list[Finding]:
    """Grade outside CTCAE, or missing where grades are collected."""
    there = c.ae["AETOXGR"].notna()
    out = each(
        c.ae[there & ~c.ae["AETOXGR"].isin(GRADES)],
        "AETOXGR is not a CTCAE grade from 1 to 5; correct the grade",
    )
    if c.collected("adverse_events", "AETOXGR"):
        out += each(c.ae[~there], "AETOXGR is empty; add the CTCAE grade", "Q")
    return out


@check(
    "AE05", "E", "Grade 5 events are fatal", "AETOXGR = 5 implies AEOUT = FATAL", "adverse_events"
)
def grade_5_fatal(c: Context) -> list[Finding]:
    """Grade 5 with another outcome."""
    if not c.collected("adverse_events", "AEOUT"):
        return []
    return each(
        c.ae[(c.ae["AETOXGR"] == "5") & (c.ae["AEOUT"] != FATAL)],
        "AETOXGR is 5 but AEOUT is not FATAL; correct grade or outcome",
    )


@check(
    "AE06",
    "E",
    "Fatal events have a date of death",
    "AEOUT = FATAL implies DTHDTC in dm",
    "adverse_events",
    "subjects",
)
def fatal_date(c: Context) -> list[Finding]:
    """Fatal event of a subject without DTHDTC."""
    dead = set(c.dm.loc[c.dm["DTHDTC"].notna(), "USUBJID"])
    bad = (c.ae["AEOUT"] == FATAL) & c.ae["in_dm"] & ~c.ae["USUBJID"].isin(dead)
    return each(
        c.ae[bad], "AEOUT is FATAL but DM has no date of death; add DTHDTC or correct the outcome"
    )


@check("AE07", "Q", "Grade 5 events are serious", "AETOXGR = 5 implies AESER = Y", "adverse_events")
def grade_5_serious(c: Context) -> list[Finding]:
    """Grade 5 that is not serious."""
    if not c.collected("adverse_events", "AESER"):
        return []
    return each(
        c.ae[(c.ae["AETOXGR"] == "5") & (c.ae["AESER"] != "Y")],
        "AETOXGR is 5 but AESER is not Y; correct one of them",
    )


@check(
    "AE09",
    "Q",
    "Events that ended are not called ongoing",
    "an AEENDTC does not go with NOT RECOVERED/NOT RESOLVED",
    "adverse_events",
)
def ended_not_recovered(c: Context) -> list[Finding]:
    """End date beside NOT RECOVERED."""
    bad = c.ae["AEENDTC"].notna() & (c.ae["AEOUT"] == NOT_RECOVERED)
    return each(
        c.ae[bad], "AEENDTC is filled but AEOUT says not recovered; correct outcome or end date"
    )


@check(
    "AE10",
    "Q",
    "Events that recovered have an end date",
    "RECOVERED/RESOLVED (with or without sequelae) implies AEENDTC",
    "adverse_events",
)
def recovered_no_end(c: Context) -> list[Finding]:
    """RECOVERED without end date."""
    if not c.collected("adverse_events", "AEENDTC"):
        return []
    bad = c.ae["AEOUT"].isin(AEOUT_RESOLVED) & c.ae["AEENDTC"].isna()
    return each(
        c.ae[bad],
        "AEOUT says recovered but AEENDTC is empty; add the end date or correct the outcome",
    )


@check(
    "AE11", "E", "Outcomes are CDISC terms", "AEOUT is in the CDISC code list OUT", "adverse_events"
)
def outcome(c: Context) -> list[Finding]:
    """AEOUT outside the code list."""
    return each(
        c.ae[c.ae["AEOUT"].notna() & ~c.ae["AEOUT"].isin(AEOUT)],
        "AEOUT is not in the CDISC code list OUT; use one of its terms",
    )


@check(
    "AE12",
    "E",
    "No event starts after death",
    "AESTDTC is not after DTHDTC",
    "adverse_events",
    "subjects",
)
def after_death(c: Context) -> list[Finding]:
    """Start certainly after death."""
    return each(
        c.ae[c.ae["start_low"] > c.ae["death_high"]],
        "AESTDTC is after the date of death in DM; correct one of the dates",
    )


@check(
    "AE13",
    "Q",
    "Fatal events end at death",
    "AEOUT = FATAL implies AEENDTC = DTHDTC",
    "adverse_events",
    "subjects",
)
def fatal_end(c: Context) -> list[Finding]:
    """Fatal event whose end is missing or is certainly another day than death."""
    fatal = (c.ae["AEOUT"] == FATAL) & c.ae["death_low"].notna()
    other = (c.ae["end_high"] < c.ae["death_low"]) | (c.ae["end_low"] > c.ae["death_high"])
    out = each(
        c.ae[fatal & other],
        "the event is FATAL but AEENDTC is not the date of death in DM; correct one of the dates",
    )
    if c.collected("adverse_events", "AEENDTC"):
        out += each(
            c.ae[fatal & c.ae["AEENDTC"].isna()],
            "the event is FATAL but AEENDTC is empty; the event ends on the date of death: add it",
        )
    return out


@check(
    "AE14",
    "Q",
    "Drug withdrawn means that dosing stops",
    "AEACN = DRUG WITHDRAWN implies that EX stops",
    "adverse_events",
    "exposure",
    "subjects",
)
def withdrawn(c: Context) -> list[Finding]:
    """Dosing without an end, or beyond the end of the event, after DRUG WITHDRAWN."""
    ae = c.ae[c.ae["AEACN"] == "DRUG WITHDRAWN"].join(
        c.dm.set_index("USUBJID")[["TRTEDT", "ONGOING"]], on="USUBJID"
    )
    goes_on = ae["ONGOING"].eq(True) | (ae["TRTEDT"] > ae["end_high"])
    return each(
        ae[goes_on],
        "AEACN is DRUG WITHDRAWN but EX goes on (no end of dosing, or doses after AEENDTC); "
        "correct the action or the dosing records",
    )


@check(
    "AE15",
    "Q",
    "A death by adverse event has its grade 5 event",
    "death with an adverse event as cause implies a grade 5 event",
    "adverse_events",
    "subjects",
)
def death_without_event(c: Context) -> list[Finding]:
    """Death whose recorded cause is an adverse event (DTHCAUS, or AESDTH = Y) without any grade 5
    event."""
    if not c.collected("adverse_events", "AETOXGR"):
        return []
    fatal = set(c.ae.loc[c.ae["AETOXGR"] == "5", "USUBJID"])
    blamed = set(c.ae.loc[c.ae["AESDTH"] == "Y", "USUBJID"])
    dead = c.dm["DTHDTC"].notna() | (c.dm["DTHFL"] == "Y")
    cause = c.dm["DTHCAUS"].str.upper().str.contains(
        r"ADVERSE EVENT|\bAE\b|TOXICITY", regex=True
    ).eq(True) | c.dm["USUBJID"].isin(blamed)
    bad = dead & cause & ~c.dm["USUBJID"].isin(fatal)
    text = (
        "death is recorded with an adverse event as its cause, but no event has grade 5; add the "
        "event or correct the cause"
    )
    return [Finding(str(subject), (), text) for subject in c.dm.loc[bad, "USUBJID"]]


@check(
    "AE16", "Q", "Fatal events are grade 5", "AEOUT = FATAL implies AETOXGR = 5", "adverse_events"
)
def fatal_grade(c: Context) -> list[Finding]:
    """Fatal event with another grade (a missing grade is AE04)."""
    bad = (c.ae["AEOUT"] == FATAL) & c.ae["AETOXGR"].notna() & (c.ae["AETOXGR"] != "5")
    return each(c.ae[bad], "AEOUT is FATAL but AETOXGR is not 5; correct grade or outcome")
