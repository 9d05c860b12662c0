"""What a site should look at, as the checks found it."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import Output, Verdict, asset
from hcc_assets.assets.inputs import Version
from hcc_assets.catalogue.clinical._held_back import held_back
from hcc_assets.schemas.base import empty
from hcc_assets.schemas.clinical import DataIssues, TumourAssessments

SEVERITIES = ("E", "Q", "I")
"""Of the code list of checks: error, query, information."""

ORDER = ["severity", "check_id", "subject_id", "row_key", "message"]


@asset(
    model=DataIssues,
    owners=("team:data-management",),
    layer="validated",
)
def data_issues(
    clinical_checks: Version,
    tumour_assessments: pd.DataFrame | None = None,
    responses: pd.DataFrame | None = None,
    reported_responses: pd.DataFrame | None = None,
    subjects: pd.DataFrame | None = None,
    adverse_events: pd.DataFrame | None = None,
    lab_results: pd.DataFrame | None = None,
    vital_signs: pd.DataFrame | None = None,
    labs: pd.DataFrame | None = None,
) -> Output:
    """What a site should look at, one row per finding with a sentence to act on. Includes derived
    against reported response and values against reported events."""
    from hcc_assets.clinical.checks.cross import response_discordance
    from hcc_assets.clinical.laboratory.findings import lab_findings

    parts = [clinical_checks.frame("issues")]
    if responses is not None and reported_responses is not None:
        parts.append(response_discordance(responses, reported_responses))
    if lab_results is not None:
        parts.append(lab_findings(lab_results, vital_signs, labs, adverse_events, subjects))
    found = [p for p in parts if len(p)] or [empty(DataIssues)]
    issues = pd.concat(found, ignore_index=True).drop_duplicates()
    issues = issues.sort_values(ORDER, na_position="first", ignore_index=True)
    return Output(
        table=issues,
        metadata={f"severity_{s}": int((issues["severity"] == s).sum()) for s in SEVERITIES},
    )


@data_issues.check(severity="WARN", todo="Send the query letters; correct the export.")
def no_blocking_issue(
    table: pd.DataFrame, tumour_assessments: pd.DataFrame | None = None
) -> Verdict:
    """No finding blocks a subject"""
    from hcc_assets.clinical.checks.run import rows_left_out

    errors = int((table["severity"] == "E").sum())
    lesions = empty(TumourAssessments) if tumour_assessments is None else tumour_assessments
    subjects, rows = held_back(table, lesions), rows_left_out(table)
    text = (
        f"{errors} findings block {len(subjects)} subjects in response data "
        f"and leave out {len(rows)} adverse event rows"
    )
    return Verdict(not errors, text, len(subjects))
