"""Response of every subject, reader and visit, by each criterion that is delivered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pandas as pd

from hcc_assets.assets.definition import Verdict, asset
from hcc_assets.assets.inputs import Version
from hcc_assets.catalogue.clinical._held_back import held_back
from hcc_assets.catalogue.endpoints._blocked import WHAT_TO_DO, none_blocked
from hcc_assets.schemas.endpoints import Responses
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.criteria import delivered, rows_of, suffix


@asset(
    model=Responses,
    settings=(
        "recist.afp_for_cr",
        "recist.confirmation_days",
        "recist.criteria",
        "recist.endpoint_reader",
        "recist.node_reappearance",
        "recist.sticky_pr",
        "recist.visit_window_days",
    ),
)
def responses(
    subjects: pd.DataFrame,
    tumour_assessments: pd.DataFrame,
    clinical_checks: Version,
    config: StudyConfig,
    cutoff: dt.date,
    labs: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Response of every subject, reader and visit, derived from lesions by RECIST 1.1 and mRECIST
    in exact arithmetic. Each row says why."""
    from hcc_assets.clinical.checks.run import unusable_rows
    from hcc_assets.clinical.laboratory.liver import raised_afp
    from hcc_assets.clinical.recist.responses import derive_responses

    return derive_responses(
        subjects,
        tumour_assessments,
        config,
        cutoff=cutoff,
        blocked=_blocked(clinical_checks, tumour_assessments),
        unusable=unusable_rows(clinical_checks.frame("issues"), tumour_assessments),
        markers=None if labs is None else raised_afp(labs),
    )


@responses.check(severity="WARN", todo=WHAT_TO_DO)
def no_subject_blocked(clinical_checks: Version, tumour_assessments: pd.DataFrame) -> Verdict:
    """No subject is blocked by a data issue"""
    return none_blocked(_blocked(clinical_checks, tumour_assessments))


@responses.figure
def spider_figure(
    table: pd.DataFrame, subjects: pd.DataFrame, config: StudyConfig
) -> Mapping[str, Any]:
    """Spider plot of the endpoint reader, one a criterion."""
    from hcc_assets.figures.clinical_response import spider

    wanted, reader = config.recist.criteria, config.recist.endpoint_reader
    return {
        f"spider{suffix(c, wanted)}": spider(
            rows_of(table, c), subjects, reader=reader, criterion=c
        )
        for c in delivered(table, wanted)
    }


def _blocked(clinical_checks: Version, tumour_assessments: pd.DataFrame) -> frozenset[str]:
    return held_back(clinical_checks.frame("issues"), tumour_assessments, each_reader=True)
