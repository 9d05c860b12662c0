"""Score of each program in each class of each sample."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.assets.inputs import BySample
from hcc_assets.catalogue._contrasts import first_contrast
from hcc_assets.catalogue.expression._fits import FIT_SETTINGS, paired_fits
from hcc_assets.schemas.expression import ProgramScores
from hcc_assets.study.config import StudyConfig


@asset(model=ProgramScores, settings=FIT_SETTINGS)
def program_scores(
    samples: pd.DataFrame,
    qc_cells: BySample,
    annotated_cells: BySample,
    pseudobulk: BySample,
    config: StudyConfig,
) -> pd.DataFrame:
    """Score of each program in each class of each sample. Compares samples of one class and
    study."""
    from hcc_assets.stats.programs import program_scores as scores

    fits = paired_fits(samples, qc_cells, annotated_cells, pseudobulk, first_contrast(config))
    return scores(samples, fits.stack, config, fits=fits)
