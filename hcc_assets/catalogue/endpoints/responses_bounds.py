"""Bounds of each subject's best response and PFS over its open errors."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from hcc_assets.assets.definition import Verdict, asset
from hcc_assets.assets.inputs import Version
from hcc_assets.schemas.endpoint_bounds import ResponsesBounds
from hcc_assets.study.config import StudyConfig


@asset(
    model=ResponsesBounds,
    settings=(
        "recist.afp_for_cr",
        "recist.confirmation_days",
        "recist.criteria",
        "recist.endpoint_reader",
        "recist.max_ne_between",
        "recist.max_sd_between",
        "recist.node_reappearance",
        "recist.sd_minimum_days",
        "recist.sticky_pr",
        "recist.visit_window_days",
        "pfs.max_gap_days",
        "pfs.primary",
    ),
)
def responses_bounds(
    subjects: pd.DataFrame,
    tumour_assessments: pd.DataFrame,
    exposure: pd.DataFrame,
    disposition: pd.DataFrame,
    best_responses: pd.DataFrame,
    time_to_event: pd.DataFrame,
    clinical_checks: Version,
    config: StudyConfig,
    cutoff: dt.date,
    labs: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Best and worst response and the range of PFS of every treated subject, over every way in
    which its open errors can come out. Beside the published value, which is inside."""
    from hcc_assets.clinical.checks.run import unusable_rows
    from hcc_assets.clinical.endpoints.bounds import Given, derive_bounds
    from hcc_assets.clinical.laboratory.liver import raised_afp

    issues = clinical_checks.frame("issues")
    given = Given(
        subjects=subjects,
        tumour_assessments=tumour_assessments,
        exposure=exposure,
        disposition=disposition,
        issues=issues,
        best=best_responses,
        times=time_to_event,
        unusable=unusable_rows(issues, tumour_assessments),
        markers=None if labs is None else raised_afp(labs),
    )
    return derive_bounds(given, config, cutoff=cutoff)


@responses_bounds.check(severity="WARN", todo="Send the query letters of these subjects.")
def no_endpoint_is_open(table: pd.DataFrame) -> Verdict:
    """No open error can change a best response or PFS"""
    pairs = (
        ("BOR_BEST", "BOR_WORST"),
        ("CBOR_BEST", "CBOR_WORST"),
        ("PFS_DAYS_MIN", "PFS_DAYS_MAX"),
    )
    moved = pd.Series(False, index=table.index)
    for low, high in pairs:
        moved |= table[low] != table[high]
    subjects = int(table.loc[moved, "USUBJID"].nunique())
    text = f"open errors can change the best response or PFS of {subjects} subjects"
    return Verdict(not subjects, text, subjects)
