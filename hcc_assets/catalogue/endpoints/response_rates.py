"""ORR, DCR and CBR with exact intervals, for the treated and the evaluable."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import Verdict, asset
from hcc_assets.catalogue._second_engine import WHAT_TO_DO, second_opinion
from hcc_assets.schemas.endpoints import ResponseRates


@asset(model=ResponseRates)
def response_rates(best_responses: pd.DataFrame) -> pd.DataFrame:
    """ORR, DCR and CBR with exact Clopper-Pearson intervals. For the treated and the evaluable
    population."""
    from hcc_assets.clinical.endpoints.best_response import response_rates as rates

    return rates(best_responses)


@response_rates.check(todo=WHAT_TO_DO)
def second_engine_agrees(table: pd.DataFrame, best_responses: pd.DataFrame) -> Verdict:
    """A second count of the same subjects and statsmodels' limits give the same rates"""
    from hcc_assets.stats.second_engine.shares import response_rates_again

    return second_opinion(lambda: response_rates_again(table, best_responses))
