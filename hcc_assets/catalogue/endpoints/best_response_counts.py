"""Subjects by best overall response, with exact intervals."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.schemas.endpoint_summaries import BestResponseCounts


@asset(model=BestResponseCounts)
def best_response_counts(best_responses: pd.DataFrame) -> pd.DataFrame:
    """Treated subjects by best overall response, confirmed and unconfirmed. With exact
    intervals."""
    from hcc_assets.clinical.endpoints.response_counts import best_response_counts as counts

    return counts(best_responses)
