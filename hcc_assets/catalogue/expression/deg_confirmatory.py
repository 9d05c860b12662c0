"""Paired differential expression of each class by PyDESeq2."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.assets.inputs import BySample
from hcc_assets.catalogue.expression._fits import FIT_SETTINGS, each_fitted
from hcc_assets.schemas.expression import DegConfirmatory
from hcc_assets.study.config import StudyConfig


@asset(
    model=DegConfirmatory,
    settings=FIT_SETTINGS,
    kinds=("python", "pydeseq2"),
    automatic=False,
)
def deg_confirmatory(
    samples: pd.DataFrame,
    qc_cells: BySample,
    annotated_cells: BySample,
    pseudobulk: BySample,
    config: StudyConfig,
) -> pd.DataFrame:
    """The same comparison by PyDESeq2, with its agreement with the fast engine. On request or
    weekly."""
    from hcc_assets.stats.deseq import deg_confirmatory as confirmatory

    return each_fitted(confirmatory, samples, qc_cells, annotated_cells, pseudobulk, config)
