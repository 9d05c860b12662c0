"""Paired change of each program over patients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.assets.inputs import BySample
from hcc_assets.catalogue._contrasts import drawn
from hcc_assets.catalogue.expression._fits import FIT_SETTINGS, each_fitted
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

    return each_fitted(programs, samples, qc_cells, annotated_cells, pseudobulk, config)


@gene_programs.figure
def program_figure(table: pd.DataFrame, config: StudyConfig) -> Mapping[str, Any]:
    """Heat map of all programs and classes."""
    from hcc_assets.figures.expression import program_heatmap

    return drawn(table, config, lambda own, _: {"program_heatmap": program_heatmap(own)})
