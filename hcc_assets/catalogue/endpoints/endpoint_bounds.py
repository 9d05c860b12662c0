"""The envelope of rates and median PFS over the open errors."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.schemas.endpoint_bounds import EndpointBounds


@asset(model=EndpointBounds)
def endpoint_bounds(responses_bounds: pd.DataFrame) -> pd.DataFrame:
    """ORR, DCR and median PFS with every subject at its best and at its worst. Beside the published
    figures."""
    from hcc_assets.clinical.endpoints.envelope import endpoint_bounds as envelope

    return envelope(responses_bounds)
