"""Kaplan-Meier medians and landmark rates."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import Verdict, asset
from hcc_assets.catalogue._second_engine import WHAT_TO_DO, second_opinion
from hcc_assets.schemas.endpoint_summaries import PfsSummary
from hcc_assets.study.config import StudyConfig


@asset(model=PfsSummary, settings=("pfs.landmarks_months", "pfs.median_rule", "recist.criteria"))
def pfs_summary(time_to_event: pd.DataFrame, config: StudyConfig) -> pd.DataFrame:
    """Kaplan-Meier medians and landmark rates with log-log intervals and numbers at risk. Not
    estimable is empty, never a guess."""
    from hcc_assets.stats.kaplan_meier import summarise

    return summarise(time_to_event, config)


@pfs_summary.check(todo=WHAT_TO_DO)
def second_engine_agrees(
    table: pd.DataFrame, time_to_event: pd.DataFrame, config: StudyConfig
) -> Verdict:
    """statsmodels makes the same medians, limits and landmark rates of the same subjects"""
    from hcc_assets.stats.second_engine.lifetimes import survival_again

    return second_opinion(
        lambda: survival_again(table, time_to_event, median_rule=config.pfs.median_rule)
    )
