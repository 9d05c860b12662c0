"""The findings of one export by itself, as they would have been published when it stood."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from hcc_assets.clinical.checks.cross import response_discordance
from hcc_assets.clinical.checks.run import READERS_KEPT, blocked, run_checks, unusable_rows
from hcc_assets.clinical.laboratory.findings import lab_findings
from hcc_assets.clinical.laboratory.liver import raised_afp
from hcc_assets.clinical.laboratory.records import derive_labs
from hcc_assets.clinical.reading.exports import Export
from hcc_assets.clinical.recist.responses import derive_responses
from hcc_assets.clinical.treatment.course import treatment_course
from hcc_assets.schemas.base import empty
from hcc_assets.schemas.clinical import Disposition
from hcc_assets.study.config import StudyConfig

SETTINGS = (
    *("study.data_cutoff", "treatment", "therapy", "aliases", "recist", "labs.ctcae_version"),
    *("safety.relatedness", "safety.teae_window_days", "dialect.end_of_treatment"),
)
"""Keys of ``study.toml`` that findings rest on."""

_RESPONSE_DOMAINS = ("DM", "EX", "TR")


def export_findings(
    export: Export, config: StudyConfig, *, cutoff: dt.date, ctcae: pd.DataFrame | None
) -> pd.DataFrame:
    """All findings of an export: on reading, by the checks, reported against derived response, and
    values against events.

    Parameters
    ----------
    export
        As read, without what may not be used.
    config
        `SETTINGS` of it.
    cutoff
        Data cut-off of the export.
    ctcae
        Terms of ``ctcae.read_terms``, or null.

    Returns
    -------
    pandas.DataFrame
        ``DataIssues`` frame.
    """
    tables = export.tables
    found = run_checks(tables, config, cutoff=cutoff, ctcae=ctcae, absent=export.absent)
    issues = pd.concat([export.issues, found], ignore_index=True)
    labs = _labs(export, config, cutoff)
    parts = [issues]
    if {"subjects", "tumour_assessments", "reported_responses"} <= set(tables):
        lesions = tables["tumour_assessments"]
        responses = derive_responses(
            tables["subjects"],
            lesions,
            config,
            cutoff=cutoff,
            blocked=blocked(issues, _RESPONSE_DOMAINS, lesions, leave_out=READERS_KEPT),
            unusable=unusable_rows(issues, lesions),
            markers=None if labs is None else raised_afp(labs),
        )
        parts.append(response_discordance(responses, tables["reported_responses"]))
    if "lab_results" in tables:
        others = (tables.get(name) for name in ("adverse_events", "subjects"))
        parts.append(lab_findings(tables["lab_results"], tables.get("vital_signs"), labs, *others))
    return pd.concat([p for p in parts if len(p)] or [issues], ignore_index=True)


def _labs(export: Export, config: StudyConfig, cutoff: dt.date) -> pd.DataFrame | None:
    tables = export.tables
    if not {"subjects", "exposure", "lab_results"} <= set(tables):
        return None
    subjects, ends = tables["subjects"], tables.get("disposition", empty(Disposition))
    course = treatment_course(subjects, tables["exposure"], ends, config, cutoff=cutoff)
    values, signs = tables["lab_results"], tables.get("vital_signs")
    return derive_labs(subjects, course, values, signs, config, cutoff=cutoff)
