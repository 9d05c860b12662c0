"""Kaplan-Meier medians and landmark rates."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.schemas.endpoint_summaries import PfsSummary
from hcc_assets.study.config import StudyConfig


@asset(model=PfsSummary, settings=("pfs.landmarks_months", "recist.criteria"))
def pfs_summary(time_to_event: pd.DataFrame, config: StudyConfig) -> pd.DataFrame:
    """Kaplan-Meier medians and landmark rates with log-log intervals and numbers at risk. Not
    estimable is empty, never a guess."""
    from hcc_assets.stats.kaplan_meier import summarise

    return summarise(time_to_event, config)
