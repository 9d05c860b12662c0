"""Best overall response of every treated subject, unconfirmed and confirmed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.assets.inputs import Version
from hcc_assets.catalogue.endpoints._blocked import WHAT_TO_DO, blocked, no_subject_blocked
from hcc_assets.schemas.endpoints import BestResponses
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.criteria import delivered, rows_of, suffix


@asset(
    model=BestResponses,
    settings=(
        "recist.confirmation_days",
        "recist.criteria",
        "recist.endpoint_reader",
        "recist.headline",
        "recist.max_ne_between",
        "recist.max_sd_between",
        "recist.sd_minimum_days",
        "recist.visit_window_days",
        "pfs.max_gap_days",
        "pfs.primary",
    ),
)
def best_responses(
    subjects: pd.DataFrame,
    tumour_assessments: pd.DataFrame,
    responses: pd.DataFrame,
    disposition: pd.DataFrame,
    clinical_checks: Version,
    config: StudyConfig,
    cutoff: dt.date,
) -> pd.DataFrame:
    """Best overall response, unconfirmed and confirmed, of every treated subject. Read by the
    endpoint reader of study.toml."""
    from hcc_assets.clinical.endpoints.best_response import derive_best_responses

    return derive_best_responses(
        subjects,
        tumour_assessments,
        responses,
        disposition,
        config,
        cutoff=cutoff,
        blocked=blocked(clinical_checks, tumour_assessments),
    )


best_responses.check(severity="WARN", todo=WHAT_TO_DO)(no_subject_blocked)


@best_responses.figure
def waterfall_figure(table: pd.DataFrame, config: StudyConfig) -> Mapping[str, Any]:
    """Waterfall of best changes by the headline response, one a criterion."""
    from hcc_assets.figures.clinical_response import waterfall

    wanted, headline = config.recist.criteria, config.recist.headline
    return {
        f"waterfall{suffix(c, wanted)}": waterfall(
            rows_of(table, c), headline=headline, criterion=c
        )
        for c in delivered(table, wanted)
    }
