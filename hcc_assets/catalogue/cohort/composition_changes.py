"""Paired change of each class, after against before treatment: the primary outcome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from hcc_assets.assets.definition import Output, Verdict, asset
from hcc_assets.assets.inputs import BySample
from hcc_assets.catalogue._contrasts import (
    CONTRAST_SETTINGS,
    drawn,
    each_contrast,
    uncompared,
)
from hcc_assets.catalogue._second_engine import WHAT_TO_DO, second_opinion
from hcc_assets.catalogue.cohort._samples import class_counts, standing_samples
from hcc_assets.schemas.composition import CompositionChanges
from hcc_assets.study.classes import PRIMARY_CLASSES
from hcc_assets.study.config import StudyConfig

DRAWN_PAIRED = ("immune", "all")
"""Denominators whose pairs are drawn: all cells, and immune cells alone, because needle biopsies
differ in tumour content (SINGLE_CELL.md, class scheme, D1 and D2). The forest has all three."""


@asset(
    model=CompositionChanges,
    settings=(
        *CONTRAST_SETTINGS,
        "single_cell.min_cells_per_sample",
        "single_cell.min_pairs",
        "single_cell.primary_denominator",
    ),
)
def composition_changes(
    samples: pd.DataFrame,
    annotated_cells: BySample,
    design_confounding: pd.DataFrame,
    config: StudyConfig,
) -> Output:
    """Change of each class within patients, after against before treatment. Registered
    difference, and log-ratio with a paired test, its verdict and the smallest detectable change."""
    from hcc_assets.stats.composition_changes import composition_changes as changes
    from hcc_assets.stats.design_confounding import confounded_contrasts

    counts = class_counts(annotated_cells)
    confounded = confounded_contrasts(design_confounding)

    def compare(chosen: pd.DataFrame, narrow: StudyConfig) -> pd.DataFrame:
        own = counts[counts["sample_id"].isin(chosen["sample_id"])]
        return changes(chosen, own, narrow, confounded=confounded)

    table = each_contrast(standing_samples(samples, annotated_cells), config, compare)
    pairs = int(table["n_pairs"].max()) if len(table) else 0
    return Output(table=table, metadata={"pairs": pairs})


@composition_changes.check(severity="WARN", todo="Nothing to do but wait for second biopsies.")
def enough_pairs(output: Output, config: StudyConfig) -> Verdict:
    """There are enough pairs to test"""
    pairs, minimum = output.metadata["pairs"], config.single_cell.min_pairs
    return Verdict(pairs >= minimum, f"{pairs} pairs; tests need {minimum}, else NE")


@composition_changes.check(
    severity="WARN", todo="Name a pair with it in [samples] contrasts, or leave it on purpose."
)
def every_timepoint_compared(samples: pd.DataFrame, config: StudyConfig) -> Verdict:
    """Every timepoint that has samples is compared"""
    left = uncompared(samples, config)
    told = ", ".join(f"{name} ({n} samples)" for name, n in left.items())
    text = f"in no contrast and in no comparison: {told}" if left else "every timepoint is compared"
    return Verdict(not left, text, sum(left.values()))


@composition_changes.check(todo=WHAT_TO_DO)
def second_engine_agrees(
    table: pd.DataFrame, compositions: pd.DataFrame, config: StudyConfig
) -> Verdict:
    """A second count of the same subjects, an enumerated signed-rank test and scipy's paired t give
    the same changes and p-values"""
    from hcc_assets.stats.second_engine.paired_shares import composition_changes_again

    return second_opinion(
        lambda: composition_changes_again(
            table,
            compositions,
            primary=PRIMARY_CLASSES,
            min_pairs=config.single_cell.min_pairs,
        )
    )


@composition_changes.figure
def composition_figures(
    table: pd.DataFrame, compositions: pd.DataFrame, config: StudyConfig
) -> Mapping[str, Any]:
    """Pairs of each patient by denominator, and all changes with their intervals."""
    from hcc_assets.figures.composition import paired_composition
    from hcc_assets.figures.composition_intervals import composition_forest

    def draw(own: pd.DataFrame, narrow: StudyConfig) -> Mapping[str, Any]:
        paired = {
            f"composition_paired_{d}": paired_composition(
                compositions, own, denominator=d, timepoints=narrow.samples.timepoints
            )
            for d in DRAWN_PAIRED
        }
        return {**paired, "composition_forest": composition_forest(own)}

    return drawn(table, config, draw)
