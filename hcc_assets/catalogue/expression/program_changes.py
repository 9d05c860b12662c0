"""Change of each program in each class of each patient."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.assets.inputs import BySample
from hcc_assets.catalogue.expression._fits import FIT_SETTINGS, each_fitted
from hcc_assets.schemas.expression import ProgramChanges
from hcc_assets.study.config import StudyConfig


@asset(model=ProgramChanges, settings=FIT_SETTINGS)
def program_changes(
    samples: pd.DataFrame,
    qc_cells: BySample,
    annotated_cells: BySample,
    pseudobulk: BySample,
    config: StudyConfig,
) -> pd.DataFrame:
    """Change of each program in each class of each patient. What associations and figures read."""
    from hcc_assets.stats.programs import program_changes as changes

    return each_fitted(changes, samples, qc_cells, annotated_cells, pseudobulk, config)
