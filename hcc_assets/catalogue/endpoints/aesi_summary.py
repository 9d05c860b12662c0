"""Events of special interest and what became of them."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.assets.inputs import Version
from hcc_assets.catalogue._left_out import left_out
from hcc_assets.schemas.safety import AesiSummary
from hcc_assets.study.config import StudyConfig


@asset(model=AesiSummary, settings=("safety",))
def aesi_summary(
    treatment_course: pd.DataFrame,
    adverse_events: pd.DataFrame,
    clinical_checks: Version,
    config: StudyConfig,
    cutoff: dt.date,
) -> pd.DataFrame:
    """Events of special interest: how many resolved, how many did not, what was done. Terms are
    those of study.toml."""
    from hcc_assets.clinical.safety.summaries import aesi_summary as summary

    return summary(
        treatment_course,
        adverse_events,
        config,
        cutoff=cutoff,
        left_out_rows=left_out(clinical_checks),
    )
