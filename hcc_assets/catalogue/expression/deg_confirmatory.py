"""Paired differential expression of each class by PyDESeq2."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.assets.inputs import BySample
from hcc_assets.catalogue._contrasts import each_contrast
from hcc_assets.catalogue.expression._fits import FIT_SETTINGS, paired_fits
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

    def compare(chosen: pd.DataFrame, narrow: StudyConfig) -> pd.DataFrame:
        fits = paired_fits(chosen, qc_cells, annotated_cells, pseudobulk, narrow)
        return confirmatory(chosen, fits.stack, narrow, fits=fits)

    return each_contrast(samples, config, compare)
