"""Share of each class that QC keeps, before and after treatment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from hcc_assets.assets.definition import Verdict, asset
from hcc_assets.assets.inputs import BySample
from hcc_assets.catalogue._contrasts import CONTRAST_SETTINGS, first_contrast
from hcc_assets.catalogue.cohort._samples import class_counts, standing_samples
from hcc_assets.schemas.confounders import QcKept
from hcc_assets.study.config import StudyConfig

ALPHA = 0.05
"""Level at which a class counts as kept differently: that of the figure, where the same classes
are bold, after adjustment over all classes."""


@asset(model=QcKept, settings=(*CONTRAST_SETTINGS, "single_cell.min_pairs"))
def qc_kept(samples: pd.DataFrame, annotated_cells: BySample, config: StudyConfig) -> pd.DataFrame:
    """Share of each class that QC keeps, before and after treatment. A difference would be a
    confounder."""
    from hcc_assets.stats.composition_confounders import qc_kept as kept

    counts = class_counts(annotated_cells)
    return kept(standing_samples(samples, annotated_cells), counts, first_contrast(config))


@qc_kept.check(severity="WARN", todo="Read composition_changes with this in mind.")
def qc_keeps_alike(table: pd.DataFrame) -> Verdict:
    """QC keeps each class alike before and after treatment"""
    differs = int((table["p_adjusted"].dropna() < ALPHA).sum())
    text = (
        f"{differs} classes are kept differently before and after treatment: "
        "a confounder of the composition"
    )
    return Verdict(differs == 0, text, differs)


@qc_kept.figure
def kept_figure(table: pd.DataFrame, config: StudyConfig) -> Mapping[str, Any]:
    """Share of the cells that QC keeps, by class and timepoint."""
    from hcc_assets.figures.qc import kept_fractions

    return {"qc_kept": kept_fractions(table, timepoints=list(config.samples.contrasts[0]))}
