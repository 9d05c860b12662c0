"""The run of the checks over the validated tables, and what their findings stop.

A check is a named rule that returns rows and never raises for data; the rules are in the sibling
modules, one per domain. Reading is in ``reading``, holding of an export in ``holding``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Set

import pandas as pd

from hcc_assets.clinical.checks import (
    ae,
    ae_copies,
    ae_words,
    cross,
    dates_and_names,
    dm,
    end_of_treatment,
    ex,
    on_labs,
    on_reading,
    tr_baseline,
    tr_course,
    tr_lesions,
    tr_records,
)
from hcc_assets.clinical.checks.context import Context
from hcc_assets.clinical.checks.registry import CHECKS
from hcc_assets.clinical.issues import IssueLog, rows_of
from hcc_assets.study.config import StudyConfig

_MODULES = (
    *(dm, ex, ae, ae_words, ae_copies, end_of_treatment),
    *(tr_baseline, tr_records, tr_lesions, tr_course, dates_and_names),
    *(on_reading, cross, on_labs),
)
"""Importing them fills ``CHECKS``."""

ROWS_NOT_COUNTED = frozenset({"AE01", "AE22"})
"""Findings whose adverse event row is not counted: unknown subjects and exact copies. Any other
event counts, with MISSING or UNKNOWN where an attribute cannot be used [CLINICAL.md 11.2]."""

READERS_KEPT = frozenset({"TR27"})
"""E findings that leave the responses of each reader as they are: only what rests on one endpoint
reader is blocked [CLINICAL.md 9.4]."""


COST_THEIR_ROWS = frozenset({"RD05", "RD06", "TR10", "TR11", "TR13", "TR14", "TR17", "TR26"})
"""E findings of TR that cost the rows they name and nothing else, as long as none of them is of the
baseline: the lesion is not evaluable at that visit, and what other lesions show stands
[CLINICAL.md 11.10]."""


def run_checks(
    tables: Mapping[str, pd.DataFrame],
    config: StudyConfig,
    *,
    cutoff: dt.date,
    ctcae: pd.DataFrame | None = None,
    absent: Mapping[str, Set[str]] | None = None,
) -> pd.DataFrame:
    """All checks that need no derived value.

    Parameters
    ----------
    tables
        Validated tables by name (``Export.tables``); checks that need a missing one do not run.
    config
        Study configuration.
    cutoff
        Data cut-off.
    ctcae
        Terms from ``ctcae.read_terms``; null where the user has not brought the table.
    absent
        ``Export.absent``: optional columns that the delivery does not have, so that their emptiness
        is not queried row by row. Default: what the frames of ``read_export`` remember in
        ``attrs["absent"]``.

    Returns
    -------
    pandas.DataFrame
        ``DataIssues`` frame, sorted; messages name rows and columns and carry no value.
    """
    known = (
        absent
        if absent is not None
        else {name: frozenset(frame.attrs.get("absent", ())) for name, frame in tables.items()}
    )
    context = Context(tables, config, cutoff, ctcae, known)
    log = IssueLog()
    for rule in CHECKS.values():
        if rule.find is None or any(name not in tables for name in rule.needs):
            continue
        for finding in rule.find(context):
            log.add(
                rule.id,
                finding.severity or rule.severity,
                rule.domain,
                finding.text,
                subject=finding.subject,
                rows=finding.rows,
            )
    return log.frame()


def _costs_rows(issues: pd.DataFrame, tumour_assessments: pd.DataFrame) -> pd.Series:
    """Mask over ``issues``: E findings of TR that cost only the rows they name."""
    base = tumour_assessments["BASELINE"].astype(bool)
    baseline = set(tumour_assessments.loc[base, "SRCROW"].astype(int))
    rows = issues["row_key"].map(rows_of)
    return (
        (issues["severity"] == "E")
        & (issues["domain"] == "TR")
        & issues["check_id"].isin(COST_THEIR_ROWS)
        & rows.map(lambda found: bool(found) and not baseline & set(found))
    ).astype(bool)


def unusable_rows(issues: pd.DataFrame, tumour_assessments: pd.DataFrame) -> frozenset[int]:
    """Row numbers (``SRCROW``) of tumour assessments that an E finding takes the value from."""
    keys = issues.loc[_costs_rows(issues, tumour_assessments), "row_key"]
    return frozenset(row for key in keys for row in rows_of(key))


def blocked(
    issues: pd.DataFrame,
    domains: Iterable[str],
    tumour_assessments: pd.DataFrame,
    *,
    leave_out: Set[str] = frozenset(),
) -> frozenset[str]:
    """Subjects with an E finding in these domains, but for the checks of ``leave_out`` and for
    findings that cost rows alone (`unusable_rows`).

    An adverse event row never blocks its subject, so the domain AE gives none.
    """
    wanted = {domain.upper() for domain in domains} - {"AE"}
    if "TR" in wanted:
        wanted.add("TU")
    hit = (
        (issues["severity"] == "E")
        & issues["domain"].isin(wanted)
        & issues["subject_id"].notna()
        & ~issues["check_id"].isin(leave_out)
        & ~_costs_rows(issues, tumour_assessments)
    )
    return frozenset(issues.loc[hit, "subject_id"])


def rows_left_out(issues: pd.DataFrame) -> frozenset[int]:
    """Row numbers (``SRCROW``) of adverse events that are not counted (`ROWS_NOT_COUNTED`)."""
    hit = issues["check_id"].isin(ROWS_NOT_COUNTED)
    return frozenset(row for key in issues.loc[hit, "row_key"] for row in rows_of(key))
