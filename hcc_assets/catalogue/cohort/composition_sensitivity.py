"""The change of each class under other reasonable choices."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.assets.inputs import BySample
from hcc_assets.catalogue._contrasts import CONTRAST_SETTINGS, each_contrast
from hcc_assets.catalogue.cohort._samples import class_counts, standing_samples
from hcc_assets.schemas.composition import CompositionSensitivity
from hcc_assets.study.config import StudyConfig


@asset(
    model=CompositionSensitivity,
    settings=(
        *CONTRAST_SETTINGS,
        "single_cell.min_cells_per_sample",
        "single_cell.min_pairs",
        "single_cell.primary_denominator",
    ),
)
def composition_sensitivity(
    samples: pd.DataFrame, annotated_cells: BySample, config: StudyConfig
) -> pd.DataFrame:
    """The same change under other reasonable choices: merged classes, doublets in, small biopsies
    in. Exploratory."""
    from hcc_assets.stats.composition_sensitivity import composition_sensitivity as analyses

    counts = class_counts(annotated_cells)

    def compare(chosen: pd.DataFrame, narrow: StudyConfig) -> pd.DataFrame:
        return analyses(chosen, counts[counts["sample_id"].isin(chosen["sample_id"])], narrow)

    return each_contrast(standing_samples(samples, annotated_cells), config, compare)
