"""Serious and fatal events and withdrawals, one row each."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.assets.inputs import Version
from hcc_assets.catalogue._left_out import left_out
from hcc_assets.schemas.safety import AeListings
from hcc_assets.study.config import StudyConfig


@asset(model=AeListings, settings=("safety.relatedness", "safety.teae_window_days"))
def ae_listings(
    treatment_course: pd.DataFrame,
    adverse_events: pd.DataFrame,
    clinical_checks: Version,
    config: StudyConfig,
    cutoff: dt.date,
) -> pd.DataFrame:
    """Serious and fatal events and withdrawals, one row each. Verbatim terms are left out."""
    from hcc_assets.clinical.safety.summaries import ae_listings as listings

    return listings(
        treatment_course,
        adverse_events,
        config,
        cutoff=cutoff,
        left_out_rows=left_out(clinical_checks),
    )
