"""Subjects by best overall response, with exact intervals."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import Verdict, asset
from hcc_assets.catalogue._second_engine import WHAT_TO_DO, second_opinion
from hcc_assets.schemas.endpoint_summaries import BestResponseCounts


@asset(model=BestResponseCounts)
def best_response_counts(best_responses: pd.DataFrame) -> pd.DataFrame:
    """Treated subjects by best overall response, confirmed and unconfirmed. With exact
    intervals."""
    from hcc_assets.clinical.endpoints.response_counts import best_response_counts as counts

    return counts(best_responses)


@best_response_counts.check(todo=WHAT_TO_DO)
def second_engine_agrees(table: pd.DataFrame, best_responses: pd.DataFrame) -> Verdict:
    """A second count of the same subjects and statsmodels' limits give the same shares"""
    from hcc_assets.stats.second_engine.shares import best_response_counts_again

    return second_opinion(lambda: best_response_counts_again(table, best_responses))
