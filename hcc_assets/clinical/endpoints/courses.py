"""What is known of each treated subject up to the cut-off: first dose, dated assessments of the
endpoint reader, death, new therapy, last contact.

Put together once and read by best response and time to event, so that both see the same records. No
endpoint is derived here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Set
from dataclasses import dataclass, field

import pandas as pd

from hcc_assets.clinical.reading.assessments import endpoint_readers
from hcc_assets.study.codelists import NEW_THERAPY, NOT_DONE
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.criteria import rows_of

_NOT_A_CONTACT = {"DEATH", "LOST TO FOLLOW-UP", "SCREEN FAILURE"}
"""Disposition terms whose date is no day on which somebody saw the subject alive."""


@dataclass(frozen=True, order=True)
class Assessment:
    """One dated assessment of the endpoint reader, in time order."""

    date: pd.Timestamp
    visit: float
    response: str = field(compare=False)
    change: float = field(compare=False, default=float("nan"))

    @property
    def evaluable(self) -> bool:
        return self.response != "NE"


@dataclass(frozen=True)
class Contact:
    """A date on which a subject was known to be alive, and where it is recorded."""

    date: pd.Timestamp
    domain: str
    variable: str


@dataclass(frozen=True)
class Course:
    """One treated subject.

    Attributes
    ----------
    assessments
        Dated assessments of the endpoint reader up to the cut-off, in time order; empty when
        blocked.
    new_therapy
        First new anticancer therapy on or after first dose, up to the cut-off.
    ended
        Disposition term that explains why follow-up stopped, where there is one.
    """

    subject: str
    start: pd.Timestamp
    reader: str
    blocked: bool
    no_reader: bool
    has_baseline: bool
    assessments: tuple[Assessment, ...]
    death: pd.Timestamp | None
    new_therapy: pd.Timestamp | None
    last_alive: Contact
    ended: str | None

    @property
    def first_pd(self) -> Assessment | None:
        return next((a for a in self.assessments if a.response == "PD"), None)

    def until_progression(self) -> tuple[Assessment, ...]:
        """Assessments that count for best response: first dose <= date <= first PD and new therapy,
        all inclusive."""
        limits = [
            d
            for d in (self.first_pd.date if self.first_pd else None, self.new_therapy)
            if d is not None
        ]
        return tuple(
            a
            for a in self.assessments
            if a.date >= self.start and all(a.date <= limit for limit in limits)
        )


def _until(frame: pd.DataFrame, column: str, cutoff: dt.date | None) -> pd.DataFrame:
    dated = frame[frame[column].notna()]
    return dated if cutoff is None else dated[dated[column] <= pd.Timestamp(cutoff)]


def _contacts(
    subjects: pd.DataFrame,
    tumour_assessments: pd.DataFrame,
    disposition: pd.DataFrame,
    cutoff: dt.date | None,
) -> dict[str, Contact]:
    """Latest date on which each subject was seen alive; ties are named in the order of the list.
    Who was seen, or died, after the cut-off was alive at the cut-off [CLINICAL.md 11.6]."""
    found: dict[str, Contact] = {}
    later: set[str] = set()
    for frame, column, domain, variable in (
        (
            disposition[
                (disposition["DOMAIN"] == "SS")
                & disposition["DSDECOD"].fillna("").str.upper().eq("ALIVE")
            ],
            "DSSTDT",
            "SS",
            "SSDTC",
        ),
        (
            tumour_assessments[tumour_assessments["TRSTAT"].fillna("").str.upper() != NOT_DONE],
            "TRDT",
            "TR",
            "TRDTC",
        ),
        (
            disposition[
                (disposition["DOMAIN"] == "DS")
                & ~disposition["DSDECOD"].fillna("").str.upper().isin(_NOT_A_CONTACT)
            ],
            "DSSTDT",
            "DS",
            "DSSTDTC",
        ),
        (_whole(disposition, "CM"), "DSSTDT", "CM", "CMSTDTC"),
        (_whole(disposition, "PR"), "DSSTDT", "PR", "PRSTDTC"),
        (subjects, "TRTEDT", "EX", "EXENDTC"),
        (subjects, "TRTSDT", "EX", "EXSTDTC"),
        (subjects, "DTHDT", "DM", "DTHDTC"),
    ):
        if cutoff is not None:
            later |= set(frame.loc[frame[column] > pd.Timestamp(cutoff), "USUBJID"])
        if domain == "DM":
            continue
        latest = _until(frame, column, cutoff).groupby("USUBJID")[column].max()
        for subject, date in zip(latest.index.tolist(), latest.tolist(), strict=True):
            if subject not in found or date > found[subject].date:
                found[subject] = Contact(date, domain, variable)
    if cutoff is not None:
        at_cutoff = Contact(pd.Timestamp(cutoff), "ADSL", "DCUTDT")
        found |= dict.fromkeys(later, at_cutoff)
    return found


def _whole(disposition: pd.DataFrame, domain: str) -> pd.DataFrame:
    """Therapies of a domain whose day is known: a latest possible day is no contact."""
    return disposition[(disposition["DOMAIN"] == domain) & disposition["DSSTDTF"].isna()]


def _deaths(
    subjects: pd.DataFrame,
    disposition: pd.DataFrame,
    cutoff: dt.date | None,
    alive: dict[str, Contact],
) -> dict[str, pd.Timestamp]:
    """Date of death of DM, or of the DS record DEATH where DM has none.

    A partial date is not before the last contact within its month or year.
    """
    deaths: dict[str, pd.Timestamp] = {}
    records = disposition[
        (disposition["DOMAIN"] == "DS")
        & (disposition["DSDECOD"].fillna("").str.upper() == "DEATH")
        & disposition["DSSTDT"].notna()
    ]
    first = records.sort_values(["USUBJID", "DSSTDT"]).drop_duplicates("USUBJID")
    found = {
        s: (d, f)
        for s, d, f in zip(first["USUBJID"], first["DSSTDT"], first["DSSTDTF"], strict=True)
    }
    found |= {
        s: (d, f)
        for s, d, f in zip(subjects["USUBJID"], subjects["DTHDT"], subjects["DTHDTF"], strict=True)
        if not pd.isna(d)
    }
    for subject, (date, flag) in found.items():
        contact = alive.get(subject)
        if isinstance(flag, str) and flag and contact is not None and contact.date > date:
            last = date + (pd.offsets.MonthEnd(0) if flag == "D" else pd.offsets.YearEnd(0))
            date = min(contact.date, last)
        if cutoff is None or date <= pd.Timestamp(cutoff):
            deaths[subject] = date
    return deaths


def _ended(disposition: pd.DataFrame, cutoff: dt.date | None) -> dict[str, str]:
    terms = {"LOST TO FOLLOW-UP", "WITHDRAWAL BY SUBJECT"}
    records = _until(disposition[disposition["DOMAIN"] == "DS"], "DSSTDT", cutoff)
    records = records.assign(term=records["DSDECOD"].fillna("").str.upper())
    records = records[records["term"].isin(terms)].sort_values(["USUBJID", "DSSTDT", "term"])
    return dict(zip(records["USUBJID"], records["term"], strict=True))


def build_courses(
    subjects: pd.DataFrame,
    tumour_assessments: pd.DataFrame,
    responses: pd.DataFrame,
    disposition: pd.DataFrame,
    config: StudyConfig,
    *,
    criterion: str,
    cutoff: dt.date | None,
    blocked: Set[str],
) -> list[Course]:
    """One course per treated subject (first dose on or before the cut-off), sorted by subject, by
    the assessments of one criterion.

    A subject whose tumour data are blocked, or who has several readers and no endpoint reader among
    them, keeps its place without assessments.
    """
    cutoff = cutoff or config.study.data_cutoff
    alive = _contacts(subjects, tumour_assessments, disposition, cutoff)
    tumour_assessments = rows_of(tumour_assessments, criterion)
    responses = rows_of(responses, criterion)
    readers = endpoint_readers(tumour_assessments, config)
    treated = _until(subjects, "TRTSDT", cutoff).sort_values("USUBJID")
    dated = _until(responses, "ADT", cutoff)
    by_subject: dict[tuple[str, str], list[Assessment]] = {}
    columns = (
        dated[c].tolist()
        for c in ("USUBJID", "EVALUATOR", "ADT", "VISITNUM", "OVRLRESP", "PCHG_BASE")
    )
    for subject, reader, date, visit, word, change in zip(*columns, strict=True):
        by_subject.setdefault((subject, reader), []).append(Assessment(date, visit, word, change))
    at_baseline = tumour_assessments[
        tumour_assessments["BASELINE"].astype(bool) & tumour_assessments["TRLNKID"].notna()
    ]
    baseline = set(zip(at_baseline["USUBJID"], at_baseline["EVALUATOR"], strict=True))
    deaths = _deaths(subjects, disposition, cutoff, alive)
    ended = _ended(disposition, cutoff)
    therapy = _until(
        disposition[
            disposition["DOMAIN"].isin(["CM", "PR"])
            & (disposition["DSDECOD"].fillna("").str.upper() == NEW_THERAPY)
        ],
        "DSSTDT",
        cutoff,
    )
    therapies: dict[str, list[pd.Timestamp]] = {}
    for subject, date in zip(therapy["USUBJID"], therapy["DSSTDT"], strict=True):
        therapies.setdefault(subject, []).append(date)
    courses = []
    for subject, start in zip(treated["USUBJID"], treated["TRTSDT"], strict=True):
        reader = readers.get(subject, config.recist.endpoint_reader)
        shut = subject in blocked or reader is None
        later = [d for d in therapies.get(subject, []) if d >= start]
        courses.append(
            Course(
                subject=subject,
                start=start,
                reader=reader or config.recist.endpoint_reader,
                blocked=shut,
                no_reader=reader is None,
                has_baseline=(subject, reader) in baseline,
                assessments=()
                if shut
                else tuple(sorted(by_subject.get((subject, reader or ""), []))),
                death=deaths.get(subject),
                new_therapy=min(later) if later else None,
                last_alive=alive[subject],
                ended=ended.get(subject),
            )
        )
    return courses
