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
    ae_words,
    cross,
    dm,
    ex,
    on_reading,
    tr_baseline,
    tr_course,
    tr_records,
)
from hcc_assets.clinical.checks.context import Context
from hcc_assets.clinical.checks.registry import CHECKS
from hcc_assets.clinical.issues import IssueLog, rows_of
from hcc_assets.study.config import StudyConfig

_MODULES = (dm, ex, ae, ae_words, tr_baseline, tr_records, tr_course, on_reading, cross)
"""Importing them fills ``CHECKS``."""

COUNTED_AS_REPORTED = frozenset({"AE05", "AE06", "AE12", "AE16"})
"""Findings whose adverse event row counts as reported and is flagged [CLINICAL.md 2]."""

READERS_KEPT = frozenset({"TR27"})
"""E findings that leave the responses of each reader as they are: only what rests on one endpoint
reader is blocked [CLINICAL.md 9.4]."""


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


def blocked(
    issues: pd.DataFrame, domains: Iterable[str], *, leave_out: Set[str] = frozenset()
) -> frozenset[str]:
    """Subjects with an E finding in these domains, but for the checks of ``leave_out``.

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
    )
    return frozenset(issues.loc[hit, "subject_id"])


def rows_left_out(issues: pd.DataFrame) -> frozenset[int]:
    """Row numbers (``SRCROW``) of adverse events that an E finding leaves out; those of
    ``COUNTED_AS_REPORTED`` stay."""
    hit = (
        (issues["severity"] == "E")
        & (issues["domain"] == "AE")
        & ~issues["check_id"].isin(COUNTED_AS_REPORTED)
    )
    return frozenset(row for key in issues.loc[hit, "row_key"] for row in rows_of(key))
