"""Paired change of each program over patients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.assets.inputs import BySample
from hcc_assets.catalogue._contrasts import drawn, each_contrast
from hcc_assets.catalogue.expression._fits import FIT_SETTINGS, paired_fits
from hcc_assets.schemas.expression import GenePrograms
from hcc_assets.study.config import StudyConfig


@asset(model=GenePrograms, settings=FIT_SETTINGS)
def gene_programs(
    samples: pd.DataFrame,
    qc_cells: BySample,
    annotated_cells: BySample,
    pseudobulk: BySample,
    config: StudyConfig,
) -> pd.DataFrame:
    """Paired change of each program over patients, class by class. All classes and programs are one
    family of tests."""
    from hcc_assets.stats.programs import gene_programs as programs

    def compare(chosen: pd.DataFrame, narrow: StudyConfig) -> pd.DataFrame:
        fits = paired_fits(chosen, qc_cells, annotated_cells, pseudobulk, narrow)
        return programs(chosen, fits.stack, narrow, fits=fits)

    return each_contrast(samples, config, compare)


@gene_programs.figure
def program_figure(table: pd.DataFrame, config: StudyConfig) -> Mapping[str, Any]:
    """Heat map of all programs and classes."""
    from hcc_assets.figures.expression import program_heatmap

    return drawn(table, config, lambda own, _: {"program_heatmap": program_heatmap(own)})
