"""Time to onset and duration of adverse events."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.assets.inputs import Version
from hcc_assets.catalogue._left_out import left_out
from hcc_assets.schemas.safety import AeOnset
from hcc_assets.study.config import StudyConfig


@asset(
    model=AeOnset,
    settings=("safety.aesi", "safety.relatedness", "safety.teae_window_days"),
)
def ae_onset(
    treatment_course: pd.DataFrame,
    adverse_events: pd.DataFrame,
    clinical_checks: Version,
    config: StudyConfig,
    cutoff: dt.date,
) -> pd.DataFrame:
    """Time to onset and duration of treatment-emergent events. By preferred term and event of
    special interest."""
    from hcc_assets.clinical.safety.onset import ae_onset as onset

    return onset(
        treatment_course,
        adverse_events,
        config,
        cutoff=cutoff,
        left_out_rows=left_out(clinical_checks),
    )
