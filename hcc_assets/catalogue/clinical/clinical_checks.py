"""Every check of the clinical code list, over the tables that stand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any

import pandas as pd

from hcc_assets.assets.definition import Gate, Output, asset
from hcc_assets.assets.inputs import Version
from hcc_assets.catalogue.sources import CtcaeTerms
from hcc_assets.home.manifests import Bundle
from hcc_assets.study.config import StudyConfig


@asset(
    settings=(
        "treatment",
        "recist.endpoint_reader",
        "recist.visit_interval_days",
        "recist.visit_window_days",
        "safety.relatedness",
        "safety.teae_window_days",
        "dialect.end_of_treatment",
    ),
    gate=Gate("checks_ran", "All checks of the code list ran"),
    owners=("team:data-management",),
    layer="validated",
)
def clinical_checks(
    clinical_export: Version,
    config: StudyConfig,
    cutoff: dt.date,
    ctcae: Annotated[pd.DataFrame | None, CtcaeTerms()],
    subjects: pd.DataFrame | None = None,
    exposure: pd.DataFrame | None = None,
    tumour_assessments: pd.DataFrame | None = None,
    disposition: pd.DataFrame | None = None,
    adverse_events: pd.DataFrame | None = None,
    reported_responses: pd.DataFrame | None = None,
) -> Output:
    """Every check of the clinical code list over the tables that stand. Decides which subjects are
    blocked in what rests on a table."""
    from hcc_assets.clinical.checks.run import run_checks

    tables = {
        "subjects": subjects,
        "exposure": exposure,
        "tumour_assessments": tumour_assessments,
        "disposition": disposition,
        "adverse_events": adverse_events,
        "reported_responses": reported_responses,
    }
    standing = {name: table for name, table in tables.items() if table is not None}
    absent = _absent(clinical_export.facts)
    found = run_checks(standing, config, cutoff=cutoff, ctcae=ctcae, absent=absent)
    issues = pd.concat([clinical_export.frame("issues"), found], ignore_index=True)
    return Output(bundle=Bundle(frames={"issues": issues}), metadata={"findings": len(issues)})


def _absent(facts: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Optional columns that the delivery does not have, by table: their emptiness is no finding
    of each row."""
    return {table: frozenset(names) for table, names in facts["absent"].items()}
