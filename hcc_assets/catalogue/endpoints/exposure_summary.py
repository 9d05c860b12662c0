"""Duration, cumulative dose and dose intensity of every treated subject."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.schemas.exposure import ExposureSummary
from hcc_assets.study.config import StudyConfig


@asset(model=ExposureSummary, settings=("treatment.dose_levels_mg",))
def exposure_summary(
    treatment_course: pd.DataFrame, exposure: pd.DataFrame, config: StudyConfig, cutoff: dt.date
) -> pd.DataFrame:
    """Duration, cumulative dose and dose intensity of every treated subject. Interruptions and
    reductions are counted."""
    from hcc_assets.clinical.safety.exposure import exposure_summary as summary

    return summary(treatment_course, exposure, config, cutoff=cutoff)


@exposure_summary.figure
def exposure_figure(table: pd.DataFrame) -> Mapping[str, Any]:
    """Exposure of every subject."""
    from hcc_assets.figures.clinical_safety import exposure_bars

    return {"exposure": exposure_bars(table)}
