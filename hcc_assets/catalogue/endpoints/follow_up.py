"""How long subjects were followed."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.schemas.endpoint_summaries import FollowUp
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.criteria import rows_of


@asset(model=FollowUp, settings=("recist.criteria",))
def follow_up(time_to_event: pd.DataFrame, config: StudyConfig) -> pd.DataFrame:
    """How long subjects were followed, by reverse Kaplan-Meier. Over treated subjects."""
    from hcc_assets.stats.kaplan_meier import follow_up as followed

    return followed(rows_of(time_to_event, config.recist.criteria[0]))
