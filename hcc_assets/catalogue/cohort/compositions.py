"""Share of each class in each sample, for three denominators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.assets.inputs import BySample
from hcc_assets.catalogue.cohort._samples import class_counts, standing_samples
from hcc_assets.schemas.composition import Compositions
from hcc_assets.study.config import StudyConfig


@asset(
    model=Compositions,
    settings=("samples.timepoints", "single_cell.min_cells_per_sample"),
)
def compositions(
    samples: pd.DataFrame, annotated_cells: BySample, config: StudyConfig
) -> pd.DataFrame:
    """Share of each class in each sample, for three denominators. Cells count as much as their
    posteriors say; the interval is of cell sampling and doubt of calls, patients are the
    replicates."""
    from hcc_assets.stats.composition import compositions as shares

    counts = class_counts(annotated_cells)
    return shares(standing_samples(samples, annotated_cells), counts, config)


@compositions.figure
def composition_per_sample(table: pd.DataFrame, config: StudyConfig) -> Mapping[str, Any]:
    """Stacked shares of each sample."""
    from hcc_assets.figures.composition_bars import stacked_composition

    figure = stacked_composition(table, timepoints=config.samples.timepoints)
    return {"composition_per_sample": figure}
