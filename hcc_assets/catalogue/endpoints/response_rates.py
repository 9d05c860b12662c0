"""ORR, DCR and CBR with exact intervals, for the treated and the evaluable."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.schemas.endpoints import ResponseRates


@asset(model=ResponseRates)
def response_rates(best_responses: pd.DataFrame) -> pd.DataFrame:
    """ORR, DCR and CBR with exact Clopper-Pearson intervals. For the treated and the evaluable
    population."""
    from hcc_assets.clinical.endpoints.best_response import response_rates as rates

    return rates(best_responses)
