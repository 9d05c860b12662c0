"""Which subjects have which biopsies, by response."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.assets.inputs import BySample
from hcc_assets.catalogue._contrasts import CONTRAST_SETTINGS, first_contrast
from hcc_assets.catalogue.cohort._samples import class_counts, standing_samples
from hcc_assets.schemas.confounders import BiopsyMissingness
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.criteria import rows_of


@asset(
    model=BiopsyMissingness,
    settings=(
        *CONTRAST_SETTINGS,
        "single_cell.min_cells_per_sample",
        "recist.criteria",
        "recist.headline",
    ),
)
def biopsy_missingness(
    samples: pd.DataFrame,
    annotated_cells: BySample,
    config: StudyConfig,
    best_responses: pd.DataFrame | None = None,
    subjects: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Which subjects have both biopsies, by response. Missing second biopsies of progressors would
    bias the change."""
    from hcc_assets.stats.composition_confounders import biopsy_missingness as missingness

    best = None
    if best_responses is not None:
        best = rows_of(best_responses, config.recist.criteria[0])
    return missingness(
        standing_samples(samples, annotated_cells),
        class_counts(annotated_cells),
        first_contrast(config),
        best_responses=best,
        subjects=subjects,
    )
