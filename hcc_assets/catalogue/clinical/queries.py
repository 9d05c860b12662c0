"""Findings as queries that a person answers, with the letters to the sites."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import pandas as pd

from hcc_assets.assets.definition import Output, Verdict, asset
from hcc_assets.assets.inputs import Version
from hcc_assets.catalogue.clinical._confirmations import Confirmations, Confirmed
from hcc_assets.home.landing.deliveries import export_date
from hcc_assets.home.manifests import Bundle
from hcc_assets.schemas.queries import Queries
from hcc_assets.study.config import StudyConfig


@asset(
    model=Queries,
    settings=("study.id",),
    owners=("team:data-management",),
    layer="validated",
)
def queries(
    data_issues: pd.DataFrame,
    past_findings: Version,
    clinical_export: Version,
    confirmed: Annotated[Confirmed, Confirmations()],
    cutoff: dt.date,
    config: StudyConfig,
    subjects: pd.DataFrame | None = None,
    exposure: pd.DataFrame | None = None,
    tumour_assessments: pd.DataFrame | None = None,
    reported_responses: pd.DataFrame | None = None,
    disposition: pd.DataFrame | None = None,
    adverse_events: pd.DataFrame | None = None,
    lab_results: pd.DataFrame | None = None,
    vital_signs: pd.DataFrame | None = None,
) -> Output:
    """Findings as queries with a stable id, state and age, by site. Letters in English and Chinese
    and a CSV for each site lie in published/queries."""
    from hcc_assets.clinical.queries.lifecycle import ExportFindings, queries_of
    from hcc_assets.clinical.queries.natural_keys import known_queries
    from hcc_assets.report.query_letters import site_letters

    tables = {
        "subjects": subjects,
        "exposure": exposure,
        "tumour_assessments": tumour_assessments,
        "reported_responses": reported_responses,
        "disposition": disposition,
        "adverse_events": adverse_events,
        "lab_results": lab_results,
        "vital_signs": vital_signs,
    }
    standing = {name: table for name, table in tables.items() if table is not None}
    day = export_date(str(clinical_export.facts["export_id"])) or cutoff
    chain = [
        ExportFindings(dt.date.fromisoformat(known["date"]), past_findings.frame(known["frame"]))
        for _, known in sorted(past_findings.facts.get("exports", {}).items())
    ]
    chain.append(ExportFindings(day, known_queries(data_issues, standing)))
    table, values = queries_of(chain, confirmed, cutoff=cutoff)
    sites = [] if subjects is None else sorted(subjects["SITEID"].dropna().unique())
    letters = site_letters(table, sites, study=config.study.id, cutoff=cutoff)
    return Output(
        table=table,
        bundle=Bundle(frames={"values": values}, extras=letters),
        published={name: name for name in letters},
        metadata={s.lower(): int((table["status"] == s).sum()) for s in STATES},
    )


STATES = ("OPEN", "ANSWERED", "CONFIRMED", "CLOSED")


@queries.check(severity="WARN", todo="Send the query letters in published/queries.")
def no_open_query(table: pd.DataFrame) -> Verdict:
    """No query to a site is open"""
    from hcc_assets.clinical.queries.lifecycle import to_send

    count = len(to_send(table))
    return Verdict(not count, f"{count} queries to the sites are open", count)
