"""Genes of the pre-registered programs, before and after treatment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.assets.inputs import BySample
from hcc_assets.catalogue._contrasts import drawn
from hcc_assets.catalogue.expression._fits import FIT_SETTINGS, each_fitted
from hcc_assets.schemas.expression import RelatedGenes
from hcc_assets.study.config import StudyConfig

TARGET_PROGRAMS = ("vegfr_axis", "fgfr_axis", "csf1r_axis")
"""Programs of the drug's targets: these have a figure of their own."""


@asset(model=RelatedGenes, settings=FIT_SETTINGS)
def related_genes(
    samples: pd.DataFrame,
    qc_cells: BySample,
    annotated_cells: BySample,
    pseudobulk: BySample,
    config: StudyConfig,
) -> pd.DataFrame:
    """Genes of the pre-registered programs before and after treatment, class by class. Adjusted
    within the program."""
    from hcc_assets.stats.program_genes import related_genes as genes

    return each_fitted(genes, samples, qc_cells, annotated_cells, pseudobulk, config)


@related_genes.figure
def related_figures(table: pd.DataFrame, config: StudyConfig) -> Mapping[str, Any]:
    """A dot plot of each program of the drug's targets."""
    from hcc_assets.figures.expression import dot_plot

    def draw(own: pd.DataFrame, _: StudyConfig) -> Mapping[str, Any]:
        return {f"related_{p}": dot_plot(own, p) for p in TARGET_PROGRAMS}

    return drawn(table, config, draw)
