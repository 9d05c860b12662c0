"""How times to event end."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.schemas.baseline import CensoringReasons


@asset(model=CensoringReasons)
def censoring_reasons(time_to_event: pd.DataFrame) -> pd.DataFrame:
    """Events and censorings of each time to event by their words. Over the subjects of the
    parameter."""
    from hcc_assets.clinical.endpoints.subject_flow import censoring_reasons as reasons

    return reasons(time_to_event)
