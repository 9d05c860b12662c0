"""Mean and median share of each class at each timepoint."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.assets.inputs import BySample
from hcc_assets.catalogue.cohort._samples import class_counts, standing_samples
from hcc_assets.schemas.composition import TimepointCompositions
from hcc_assets.study.config import StudyConfig


@asset(
    model=TimepointCompositions,
    settings=("samples.timepoints", "single_cell.min_cells_per_sample"),
)
def timepoint_compositions(
    samples: pd.DataFrame, annotated_cells: BySample, config: StudyConfig
) -> pd.DataFrame:
    """Mean and median share of each class before and after treatment. Intervals are over
    subjects."""
    from hcc_assets.stats.composition import timepoint_compositions as shares

    counts = class_counts(annotated_cells)
    return shares(standing_samples(samples, annotated_cells), counts, config)
