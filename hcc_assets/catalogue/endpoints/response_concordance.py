"""Best response by RECIST 1.1 against mRECIST."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.schemas.endpoint_summaries import ResponseConcordance
from hcc_assets.study.config import StudyConfig


@asset(model=ResponseConcordance, settings=("recist.criteria",))
def response_concordance(best_responses: pd.DataFrame, config: StudyConfig) -> pd.DataFrame:
    """Best response by the endpoint's criterion against the other ones. Empty where one criterion
    alone was delivered."""
    from hcc_assets.clinical.endpoints.response_counts import response_concordance as concordance

    return concordance(best_responses, config.recist.criteria)
