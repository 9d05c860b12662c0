"""Safety of a trial: adverse events in numbers, events of special interest, listings.

Exposure is in ``exposure``, figures are elsewhere.

Conventions, so that the numbers can be read without the code:

- n is the safety set: subjects with at least one dose on or before the cutoff, also those whose
  other data are blocked.
- rows named in ``left_out_rows`` (unknown subjects and exact copies, AE01 and AE22) are not
  counted; they stay in the listings, marked.
- FATAL is a treatment-emergent event with grade 5 or outcome FATAL; DEATHS are all deaths in the
  safety set on or before the cutoff, whatever their cause and whenever after treatment (a death
  without a date counts).
- SERIOUS counts AESER; the listing of serious events also has those with AESER = N beside a
  seriousness criterion.
- an event whose grade is missing counts in every line that does not ask for a grade.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from hcc_assets.clinical.safety import counting as tables
from hcc_assets.clinical.safety.events import (
    SERIOUS_CRITERIA,
    derive_events,
)
from hcc_assets.clinical.treatment.deaths import NULL, known_deaths, words
from hcc_assets.schemas.base import conform
from hcc_assets.schemas.safety import LISTINGS, AeListings, AesiSummary, AeSummary
from hcc_assets.study.config import StudyConfig

_RESOLVED = ("RECOVERED/RESOLVED", "RECOVERED/RESOLVED WITH SEQUELAE")
_UNRESOLVED = ("NOT RECOVERED/NOT RESOLVED", "RECOVERING/RESOLVING")


_COUNTING = [
    "USUBJID",
    "SOC",
    "PT",
    "ATOXGRN",
    "AREL",
    "ASER",
    "AFATAL",
    "AACN",
    "AOUT",
    "ASTDT",
    "TRTSDT",
]


def _counted(events: pd.DataFrame, left_out_rows: Collection[int]) -> pd.DataFrame:
    """Rows and columns that are counted."""
    return events.loc[
        (events["TRTEMFL"] == "Y") & ~events["SRCROW"].isin(list(left_out_rows)), _COUNTING
    ].reset_index(drop=True)


def _percent(patients: pd.Series, n: int) -> pd.Series:
    return 100.0 * patients / n if n else pd.Series(np.nan, index=patients.index)


def ae_summary(
    subjects: pd.DataFrame,
    course: pd.DataFrame,
    adverse_events: pd.DataFrame,
    config: StudyConfig,
    *,
    cutoff: dt.date,
    left_out_rows: Collection[int] = frozenset(),
    disposition: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """All safety tables in one: OVERVIEW, SOC_PT, MAX_GRADE, OUTCOME, AESI, EAIR, and
    treatment-related events by grade and serious ones by term.

    Parameters
    ----------
    subjects, adverse_events
        Frames of ``schemas.clinical``.
    course
        Frame of ``schemas.exposure.TreatmentCourse``: window, time at risk and n are of it.
    config
        ``safety`` section: window, relatedness, AESI terms.
    cutoff
        Records after it are ignored.
    left_out_rows
        ``SRCROW`` of adverse event rows that are not counted. The row is left out, never the
        subject.
    disposition
        ``schemas.clinical.Disposition``: its DEATH records count where DM has no date of death.

    Returns
    -------
    pandas.DataFrame
        ``schemas.safety.AeSummary`` in reading order. Percentages are of the safety set and null
        when it is empty.
    """
    teae = _counted(derive_events(course, adverse_events, config, cutoff=cutoff), left_out_rows)
    died = course.merge(
        known_deaths(subjects, disposition, cutoff=cutoff), on="USUBJID", how="left"
    )
    limit: Any = pd.Timestamp(cutoff)
    at_risk = died[["USUBJID", "TRTSDT"]].copy()
    window = died["TRTEDT"] + pd.Timedelta(days=config.safety.teae_window_days)
    end = pd.concat([window, died["DTHDT"]], axis=1).min(axis=1).clip(upper=limit)
    at_risk["end"] = end.where(end >= died["TRTSDT"], died["TRTSDT"])
    number = {
        subject: i for i, subject in enumerate(course["USUBJID"])
    }  # counting goes by number: ten times faster than by text
    teae["USUBJID"], at_risk["USUBJID"] = (
        teae["USUBJID"].map(number).astype("int64"),
        at_risk["USUBJID"].map(number).astype("int64"),
    )
    stack = tables.stacked(teae)
    units = tables.unit_order(stack)
    related, serious = (
        tables.stacked(teae.loc[teae[flag] == "Y"].reset_index(drop=True))
        for flag in ("AREL", "ASER")
    )
    out = pd.concat(
        [
            tables.overview(teae, int(died["died"].sum())),
            tables.terms(units, "SOC_PT"),
            tables.by_grade(stack, units, "MAX_GRADE"),
            tables.outcome(teae),
            tables.aesi(teae, config.safety.aesi),
            tables.eair(teae, at_risk),
            tables.by_grade(
                related,
                tables.unit_order(related),
                "RELATED_SOC_PT_GRADE",
                tables.RELATED_GRADES,
            ),
            tables.terms(tables.unit_order(serious), "SERIOUS_SOC_PT"),
        ],
        ignore_index=True,
    )
    out["n"] = len(course)
    out["pct"] = _percent(out["patients"], len(course))
    return conform(AeSummary, out)


def aesi_summary(
    course: pd.DataFrame,
    adverse_events: pd.DataFrame,
    config: StudyConfig,
    *,
    cutoff: dt.date,
    left_out_rows: Collection[int] = frozenset(),
) -> pd.DataFrame:
    """Adverse events of special interest: overview lines, resolved or not, action taken, and the
    preferred terms behind each.

    Parameters are those of `ae_summary`.

    Returns
    -------
    pandas.DataFrame
        ``schemas.safety.AesiSummary``. RESOLVED is a patient all of whose events of this AESI
        resolved (with sequelae or not), NOT RESOLVED one with at least one that did not; UNKNOWN
        OUTCOME are patients of whom neither is known and who did not die of it.
    """
    n = len(course)
    teae = _counted(derive_events(course, adverse_events, config, cutoff=cutoff), left_out_rows)
    parts: list[tuple[str, str, str, int, int]] = []
    for name, mask in tables.aesi_masks(teae, config.safety.aesi).items():
        rows = teae.loc[mask]

        def add(
            part: str,
            level: str,
            picked: pd.Series,
            *,
            of: pd.Series | None = None,
            name: str = name,
            rows: pd.DataFrame = rows,
        ) -> None:
            """Events that are picked, and patients with one; ``of`` picks the patients apart."""
            who = rows.loc[picked if of is None else of, "USUBJID"]
            parts.append((name, part, level, who.nunique(), int(picked.sum())))

        for line, picked in tables.overview_lines(rows).items():
            add("OVERVIEW", "ANY" if line == "ANY TEAE" else line, picked)
        open_event, resolved = rows["AOUT"].isin(_UNRESOLVED), rows["AOUT"].isin(_RESOLVED)
        all_resolved = resolved.groupby(rows["USUBJID"]).transform("all") if len(rows) else resolved
        open_patient = (
            open_event.groupby(rows["USUBJID"]).transform("any") if len(rows) else open_event
        )
        fatal_patient = (
            rows["AOUT"].eq("FATAL").groupby(rows["USUBJID"]).transform("any")
            if len(rows)
            else open_event
        )
        add("OVERVIEW", "RESOLVED", resolved, of=all_resolved)
        add("OVERVIEW", "NOT RESOLVED", open_event, of=open_patient)
        unclear = ~(all_resolved | open_patient | fatal_patient)
        silent = rows["AOUT"].isin(("UNKNOWN", "MISSING"))
        add("OVERVIEW", "UNKNOWN OUTCOME", silent, of=unclear)
        action = rows["AACN"].fillna("MISSING")
        for level in sorted(action.unique()):
            add("ACTION", level, action == level)
        for level in sorted(rows["PT"].unique()):
            add("TERM", level, rows["PT"] == level)
    out = pd.DataFrame(parts, columns=["aesi", "part", "level", "patients", "events"])
    out["n"] = n
    out["pct"] = _percent(out["patients"], n)
    return conform(AesiSummary, out)


def ae_listings(
    course: pd.DataFrame,
    adverse_events: pd.DataFrame,
    config: StudyConfig,
    *,
    cutoff: dt.date,
    left_out_rows: Collection[int] = frozenset(),
) -> pd.DataFrame:
    """Serious, fatal and withdrawal events one by one, of every subject, treatment-emergent or not,
    counted or not.

    Parameters are those of `ae_summary`.

    Returns
    -------
    pandas.DataFrame
        ``schemas.safety.AeListings``, sorted by listing, subject, start and source row. The
        verbatim term is not part of it (privacy).
    """
    events = derive_events(course, adverse_events, config, cutoff=cutoff)
    criteria = pd.Series("", index=events.index, dtype=object)
    for column, text in SERIOUS_CRITERIA.items():
        criteria = criteria.where(~words(events[column]).eq("Y"), criteria + "; " + text)
    lines = pd.DataFrame(
        {
            "USUBJID": events["USUBJID"],
            "AESEQ": events["AESEQ"],
            "SRCROW": events["SRCROW"],
            "AEDECOD": events["PT"],
            "AEBODSYS": events["SOC"],
            "ASTDT": events["ASTDT"],
            "ASTDTF": events["ASTDTF"],
            "ASTDY": events["ASTDY"],
            "AENDT": events["AENDT"],
            "AENDTF": events["AENDTF"],
            "ADURN": (events["AENDT"] - events["ASTDT"]).dt.days + 1.0,
            "AETOXGR": events["ATOXGRN"],
            "AREL": events["AREL"],
            "AESER": events["ASER"],
            "criteria": criteria.str.removeprefix("; ").where(criteria != "", NULL),
            "AEOUT": events["AOUT"],
            "AEACN": events["AACN"],
            "TRTEMFL": events["TRTEMFL"],
            "days_since_last_dose": (events["ASTDT"] - events["TRTEDT"]).dt.days.astype("float64"),
            "counted": np.where(events["SRCROW"].isin(list(left_out_rows)), "N", "Y"),
        }
    )
    picks = {
        "SERIOUS": (events["ASER"] == "Y") | criteria.ne(""),
        "FATAL": events["AFATAL"] == "Y",
        "WITHDRAWAL": events["AACN"] == "DRUG WITHDRAWN",
    }
    out = pd.concat(
        [lines.loc[picks[name]].assign(listing=name) for name in LISTINGS], ignore_index=True
    )
    out["order"] = out["listing"].map({name: i for i, name in enumerate(LISTINGS)})
    out = out.sort_values(["order", "USUBJID", "ASTDT", "SRCROW"]).drop(columns="order")
    return conform(AeListings, out)
