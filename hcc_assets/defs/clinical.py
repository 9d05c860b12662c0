"""Recipes of the validated clinical tables and their data issues. Reading is in ``clinical.exports``, judging in ``clinical.checks``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from hcc_assets.assets.recipes import Ask, Check, Output, Recipe, Refused
from hcc_assets.home.files import local_copy
from hcc_assets.home.versions import Bundle, CheckRecord
from hcc_assets.schemas import clinical as models
from hcc_assets.schemas.base import Table, empty

DOMAINS = {
    "subjects": "dm",
    "exposure": "ex",
    "tumour_assessments": "tr",
    "disposition": "ds",
    "adverse_events": "ae",
    "reported_responses": "rs",
}
CHECKED = tuple(DOMAINS)


def _taken(name: str) -> Callable[[Ask], Output]:
    def take(ask: Ask) -> Output:
        facts = ask.facts("clinical_export")
        domain = DOMAINS[name]
        if name not in facts["tables"]:
            reason = facts["refused"].get(domain, "the export has no such file")
            raise Refused(
                f"{domain} of export {facts['export_id']}: {reason}",
                code="table_refused",
                quarantine=False,
            )
        return Output(
            table=ask.frame("clinical_export", name), metadata={"export_id": facts["export_id"]}
        )

    return take


def _clinical_checks(ask: Ask) -> Output:
    from hcc_assets.clinical.checks import run_checks

    tables = {name: ask.table(name) for name in CHECKED if ask.has(name)}
    absent = {
        table: frozenset(names) for table, names in ask.facts("clinical_export")["absent"].items()
    }
    found = run_checks(tables, ask.config, cutoff=ask.cutoff, ctcae=_ctcae(ask), absent=absent)
    issues = pd.concat([ask.frame("clinical_export", "issues"), found], ignore_index=True)
    return Output(bundle=Bundle(frames={"issues": issues}), metadata={"findings": len(issues)})


def _ctcae(ask: Ask) -> pd.DataFrame | None:
    from hcc_assets.clinical.checks.ctcae import read_terms
    from hcc_assets.clinical.reading.refusal import DomainRefused

    for delivery in ask.bench.landing.references:
        if delivery.id.lower().startswith("ctcae") and delivery.state == "ready":
            with local_copy(ask.bench.home.landing / delivery.path) as path:
                try:
                    return read_terms(path)
                except DomainRefused as refusal:
                    raise Refused(
                        f"{delivery.path}: {refusal}", code="reference_refused", quarantine=False
                    ) from None
    return None


def _ctcae_content(bench: Any, _: str | None) -> dict[str, str]:
    found = [
        d
        for d in bench.landing.references
        if d.id.lower().startswith("ctcae") and d.state == "ready"
    ]
    return {path: sha for d in found for path, sha in d.contents.items()}


def _data_issues(ask: Ask) -> Output:
    from hcc_assets.clinical.checks import blocked, response_discordance, rows_left_out
    from hcc_assets.report.query_letters import query_letter

    parts = [ask.frame("clinical_checks", "issues")]
    if ask.has("responses") and ask.has("reported_responses"):
        parts.append(response_discordance(ask.table("responses"), ask.table("reported_responses")))
    issues = pd.concat(
        [p for p in parts if len(p)] or [empty(models.DataIssues)], ignore_index=True
    )
    issues = issues.drop_duplicates().sort_values(
        ["severity", "check_id", "subject_id", "row_key", "message"],
        na_position="first",
        ignore_index=True,
    )
    letters = {"query_letters.html": query_letter(issues, study=ask.config.study.id).encode()}
    counts = issues["severity"].value_counts()
    shut, rows = blocked(issues, ("DM", "EX", "TR")), rows_left_out(issues)
    return Output(
        table=issues,
        bundle=Bundle(blobs=letters),
        checks=[
            CheckRecord(
                name="no_blocking_issue",
                passed=not counts.get("E", 0),
                severity="WARN",
                affected=len(shut),
                description=f"{counts.get('E', 0)} findings block {len(shut)} subjects in response data and leave out {len(rows)} adverse event rows",
            ),
            CheckRecord(
                name="no_open_query",
                passed=not counts.get("Q", 0),
                severity="WARN",
                affected=int(counts.get("Q", 0)),
                description=f"{counts.get('Q', 0)} queries to the site are open",
            ),
        ],
        metadata={f"severity_{s}": int(counts.get(s, 0)) for s in "EQI"},
    )


def _table(name: str, model: type[Table], description: str) -> Recipe:
    return Recipe(
        name=name,
        compute=_taken(name),
        group="clinical",
        inputs=("clinical_export",),
        model=model,
        gate=Check(
            "schema",
            f"The {name.replace('_', ' ')} table was delivered and keeps its schema",
            blocking=True,
            todo="Correct the named file.",
        ),
        description=description,
        owners=("team:data-management",),
        tags={"layer": "validated"},
    )


CLINICAL_RECIPES: tuple[Recipe, ...] = (
    _table(
        "subjects",
        models.Subjects,
        "One row per subject with demographics, consent, treatment dates and death. From DM and EX of the export that stands.",
    ),
    _table(
        "exposure",
        models.Exposure,
        "Dosing records with dates and dose. An EXDOSE of 0 is an interruption.",
    ),
    _table(
        "tumour_assessments",
        models.TumourAssessments,
        "Lesion measurements per reader, visit and test, with locations and the baseline marked. Texts are kept as delivered for exact arithmetic.",
    ),
    _table(
        "disposition",
        models.Disposition,
        "Disposition, new anticancer therapy and last known survival status. From DS, CM and SS.",
    ),
    _table(
        "adverse_events",
        models.AdverseEvents,
        "Adverse events as collected, with dates and imputation flags. Nothing is graded or judged here.",
    ),
    _table(
        "reported_responses",
        models.ReportedResponses,
        "Responses as the readers reported them. Kept beside the derived ones, never in their place.",
    ),
    Recipe(
        name="clinical_checks",
        compute=_clinical_checks,
        group="clinical",
        inputs=("clinical_export",),
        optional=CHECKED,
        settings=("study", "treatment", "recist", "safety"),
        external=_ctcae_content,
        gate=Check("checks_ran", "All checks of the code list ran", blocking=True),
        description="Every check of the clinical code list over the tables that stand. Decides which subjects are blocked in what rests on a table.",
        owners=("team:data-management",),
        tags={"layer": "validated"},
    ),
    Recipe(
        name="data_issues",
        compute=_data_issues,
        group="clinical",
        inputs=("clinical_export", "clinical_checks"),
        optional=("responses", "reported_responses"),
        model=models.DataIssues,
        settings=("study",),
        checks=(
            Check(
                "no_blocking_issue",
                "No finding blocks a subject",
                "WARN",
                todo="Send the query letters; correct the export.",
            ),
            Check(
                "no_open_query",
                "No query to the site is open",
                "WARN",
                todo="Send the query letters.",
            ),
        ),
        description="What a site should look at, one row per finding with a sentence to act on. Includes derived against reported response.",
        owners=("team:data-management",),
        tags={"layer": "validated"},
    ),
)
