"""The two-stage design against the responses so far."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.schemas.endpoint_summaries import SimonMonitoring
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.criteria import rows_of


@asset(model=SimonMonitoring, settings=("recist.criteria", "recist.headline", "simon"))
def simon_monitoring(
    best_responses: pd.DataFrame, time_to_event: pd.DataFrame, config: StudyConfig
) -> pd.DataFrame:
    """Two-stage monitoring where study.toml has a design. Empty without one."""
    from hcc_assets.stats.simon import monitor

    best, times = (rows_of(t, config.recist.criteria[0]) for t in (best_responses, time_to_event))
    return monitor(best, times, config)
