"""Rows of the SDTM domains of a simulated export, written from the stories of the subjects as they
were known on one day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from hcc_assets.simulate.events import Dosing, Event
from hcc_assets.simulate.panels import Panel
from hcc_assets.simulate.scans import Scan
from hcc_assets.simulate.sites.habits import BY_THE_BOOK, Manner
from hcc_assets.simulate.sites.procedures import Procedure
from hcc_assets.simulate.subjects import Course

COLUMNS: Final = {
    "dm": (
        "STUDYID DOMAIN USUBJID SUBJID SITEID RFICDTC AGE AGEU SEX ARMCD ARM COUNTRY DTHDTC DTHFL"
    ),
    "ex": "STUDYID DOMAIN USUBJID EXSEQ EXTRT EXDOSE EXDOSU EXDOSFRQ EXROUTE EXSTDTC EXENDTC EXADJ",
    "tu": (
        "STUDYID DOMAIN USUBJID TUSEQ TULNKID TUTESTCD TUORRES TULOC TUMETHOD TUEVAL "
        "TUEVALID TUCAT VISITNUM VISIT TUDTC"
    ),
    "tr": "STUDYID DOMAIN USUBJID TRSEQ TRLNKID TRGRPID TRTESTCD TRTEST TRORRES TRORRESU "
    "TRSTRESC TRSTRESN TRSTRESU TRSTAT TRREASND TRMETHOD TREVAL TREVALID "
    "TRACPTFL TRCAT TULOC VISITNUM VISIT TRDTC",
    "rs": (
        "STUDYID DOMAIN USUBJID RSSEQ RSTESTCD RSTEST RSORRES RSSTRESC RSEVAL RSEVALID "
        "RSCAT VISITNUM VISIT RSDTC"
    ),
    "ae": "STUDYID DOMAIN USUBJID AESEQ AETERM AEDECOD AEBODSYS AESTDTC AEENDTC AETOXGR AESEV "
    "AEOUT AEREL AESER AEACN AESDTH AESLIFE AESHOSP "
    "AESDISAB AESCONG AESMIE",
    "ds": "STUDYID DOMAIN USUBJID DSSEQ DSTERM DSDECOD DSCAT DSSTDTC",
    "cm": "STUDYID DOMAIN USUBJID CMSEQ CMTRT CMCAT CMSTDTC",
    "pr": "STUDYID DOMAIN USUBJID PRSEQ PRTRT PRCAT PRSTDTC",
    "ss": "STUDYID DOMAIN USUBJID SSSEQ SSTESTCD SSTEST SSORRES SSSTRESC SSDTC",
    "lb": (
        "STUDYID DOMAIN USUBJID LBSEQ LBTESTCD LBSPEC LBORRES LBORRESU LBORNRLO LBORNRHI LBSTRESC "
        "LBSTRESN LBSTRESU LBSTNRLO LBSTNRHI LBSTAT LBFAST LBBLFL VISITNUM VISIT LBDTC"
    ),
    "vs": (
        "STUDYID DOMAIN USUBJID VSSEQ VSTESTCD VSORRES VSORRESU VSSTRESC VSSTRESN VSSTRESU VSSTAT "
        "VSBLFL VISITNUM VISIT VSDTC"
    ),
    "sc": "STUDYID DOMAIN USUBJID SCSEQ SCTESTCD SCORRES SCDTC",
    "qs": "STUDYID DOMAIN USUBJID QSSEQ QSTESTCD QSORRES VISITNUM VISIT QSDTC",
}
"""Domains of the export and their columns."""

STUDY_ID: Final = "SURU-HCC-SC"
# AESEV has three words for the five grades of CTCAE
_SEVERITY: Final = {1: "MILD", 2: "MODERATE", 3: "SEVERE", 4: "SEVERE", 5: "SEVERE"}
Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class SubjectStory:
    """One subject, whole: course, scans, events, dosing, start of a new therapy, laboratory panels;
    the manner of its site, an earlier scan in screening, the scans by viable tumour, procedures."""

    course: Course
    scans: list[Scan]
    events: list[Event]
    dosing: list[Dosing]
    new_therapy: dt.date | None
    panels: tuple[Panel, ...] = ()
    manner: Manner = BY_THE_BOOK
    first_look: Scan | None = None
    viable: tuple[Scan, ...] = ()
    procedures: tuple[Procedure, ...] = ()


def _text(date: dt.date | None) -> str | None:
    return date.isoformat() if date is not None else None


def known_by(date: dt.date | None, until: dt.date) -> dt.date | None:
    """The date where it is on or before the day, else None."""
    return date if date is not None and date <= until else None


def event_row(who: str, e: Event, death: dt.date | None, until: dt.date) -> dict[str, Any]:
    """AE row of one event; what ends later goes on, and what kills later is not yet fatal."""
    end = known_by(e.end, until)
    grade = e.grade if e.grade < 5 or end is not None else e.grade_before
    outcome = (
        "FATAL"
        if grade == 5
        else "NOT RECOVERED/NOT RESOLVED"
        if end is None
        else "RECOVERED/RESOLVED WITH SEQUELAE"
        if e.sequelae
        else "RECOVERED/RESOLVED"
    )
    if end is None and death is None and e.end is not None and (e.end - until).days < 10:
        outcome = "RECOVERING/RESOLVING"
    serious = e.serious or grade == 5

    def flag(on: bool) -> str:
        return "Y" if on else "N"

    return {
        "USUBJID": who,
        "AETERM": e.kind.term.lower(),
        "AEDECOD": e.kind.term,
        "AEBODSYS": e.kind.organ_class,
        "AESTDTC": _text(e.start),
        "AEENDTC": _text(end),
        "AETOXGR": str(grade),
        "AESEV": _SEVERITY[grade],
        "AEOUT": outcome,
        "AEREL": "RELATED" if e.related else "NOT RELATED",
        "AESER": flag(serious),
        "AEACN": e.action,
        "AESDTH": flag(grade == 5),
        "AESLIFE": flag(serious and grade == 4),
        "AESHOSP": flag(serious and grade == 3),
        "AESDISAB": "N",
        "AESCONG": "N",
        "AESMIE": "N",
    }


def disposition_rows(rows: Rows, story: SubjectStory, until: dt.date) -> None:
    """Add the DS, SS, CM and PR rows known by the day."""
    course, who = story.course, story.course.usubjid

    def add(term: str, date: dt.date | None, category: str = "DISPOSITION EVENT") -> None:
        if date is not None and date <= until:
            rows["ds"].append(
                {
                    "USUBJID": who,
                    "DSTERM": term,
                    "DSDECOD": term,
                    "DSCAT": category,
                    "DSSTDTC": _text(date),
                }
            )

    add("INFORMED CONSENT OBTAINED", course.consent, "PROTOCOL MILESTONE")
    if course.first_dose is None:
        add("SCREEN FAILURE", course.consent + dt.timedelta(days=12))
        return
    last_dose = story.dosing[-1].end
    if last_dose is not None and last_dose <= until:
        withdrawn = any(e.action == "DRUG WITHDRAWN" and e.start == last_dose for e in story.events)
        progressed = (
            story.scans[-1].response.get("OVRLRESP") == "PD" and story.scans[-1].date <= last_dose
        )
        reason = (
            "ADVERSE EVENT"
            if withdrawn
            else "PROGRESSIVE DISEASE"
            if progressed
            else "DEATH"
            if course.death == last_dose
            else ("WITHDRAWAL BY SUBJECT" if course.withdrew else "LOST TO FOLLOW-UP")
            if course.lost == last_dose
            else "COMPLETED"
        )
        add(reason, last_dose)
        if course.death is not None and course.death != last_dose:
            add("DEATH", course.death)
    dead = known_by(course.death, until)
    contact = min(d for d in (dead, course.lost, until) if d is not None)
    rows["ss"].append(
        {
            "USUBJID": who,
            "SSTESTCD": "SURVSTAT",
            "SSTEST": "Survival Status",
            "SSORRES": "DEAD" if dead else "ALIVE",
            "SSSTRESC": "DEAD" if dead else "ALIVE",
            "SSDTC": _text(contact),
        }
    )
    if story.new_therapy is not None and story.new_therapy <= until:
        rows["cm"].append(
            {
                "USUBJID": who,
                "CMTRT": "LENVATINIB",
                "CMCAT": "NEW ANTICANCER THERAPY",
                "CMSTDTC": story.new_therapy.isoformat()[: story.manner.therapy],
            }
        )
    for p in story.procedures:
        if p.date <= until:
            rows["pr"].append(
                {
                    "USUBJID": who,
                    "PRTRT": p.name,
                    "PRCAT": p.category,
                    "PRSTDTC": p.date.isoformat()[: p.known],
                }
            )


def subject_row(course: Course, until: dt.date) -> dict[str, Any]:
    """DM row."""
    dead = known_by(course.death, until)
    return {
        "USUBJID": course.usubjid,
        "SUBJID": course.usubjid.rsplit("-", 1)[-1],
        "SITEID": course.site,
        "RFICDTC": _text(course.consent),
        "AGE": str(course.age),
        "AGEU": "YEARS",
        "SEX": course.traits.sex,
        "ARMCD": "SURU",
        "ARM": "Surufatinib",
        "COUNTRY": "CHN",
        "DTHDTC": _text(dead),
        "DTHFL": "Y" if dead else None,
    }


def as_frame(domain: str, found: list[dict[str, Any]]) -> pd.DataFrame:
    """Frame of one domain: its columns, sequence numbers within subject, text or None."""
    frame = pd.DataFrame(found, columns=COLUMNS[domain].split(), dtype=object)
    frame["STUDYID"], frame["DOMAIN"] = STUDY_ID, domain.upper()
    sequence = f"{domain.upper()}SEQ"
    if sequence in frame.columns:
        frame[sequence] = (frame.groupby("USUBJID").cumcount() + 1).astype(str)
    return frame.astype(object).mask(frame.isna(), None)
