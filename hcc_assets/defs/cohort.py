"""Recipes of the primary outcome's composition across samples. They read small tables of each sample; statistics are in ``hcc_assets.stats``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from hcc_assets.assets.recipes import Ask, Check, Output, Recipe
from hcc_assets.home.versions import CheckRecord
from hcc_assets.schemas import composition as models
from hcc_assets.schemas.confounders import BiopsyMissingness

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.figure import Figure


def class_counts(ask: Ask) -> pd.DataFrame:
    """Cells per sample, class and QC status, of all samples that stand."""
    parts = [
        ask.frame("annotated_cells", "counts", s).assign(sample_id=s)
        for s in ask.samples("annotated_cells")
    ]
    return (
        pd.concat(parts, ignore_index=True)
        if parts
        else pd.DataFrame(columns=["sample_id", "cell_class", "qc_status", "n_cells"])
    )


_sums: dict[tuple[str, str], AnnData] = {}
"""Pseudobulks of the newest inputs by sample and data version: identity and expression read each of them once in a run."""


def pseudobulks(ask: Ask, samples: Iterable[str]) -> dict[str, AnnData]:
    """Class sums of these samples."""
    from hcc_assets.cells.pseudobulk import from_frames

    wanted = {s: (s, ask.bench.versions.require("pseudobulk", s).data_version) for s in samples}
    for key in _sums.keys() - wanted.values():
        del _sums[key]
    for sample, key in wanted.items():
        if key not in _sums:
            _sums[key] = from_frames(
                ask.frame("pseudobulk", "sums", sample),
                ask.frame("pseudobulk", "sums_classes", sample),
            )
    return {sample: _sums[key] for sample, key in wanted.items()}


def standing_samples(ask: Ask) -> pd.DataFrame:
    """Rows of ``samples`` whose calls stand."""
    table = ask.table("samples")
    return table[table["sample_id"].isin(ask.samples("annotated_cells"))].reset_index(drop=True)


def _compositions(ask: Ask) -> Output:
    from hcc_assets.stats.composition import compositions

    return Output(table=compositions(standing_samples(ask), class_counts(ask), ask.config))


def _timepoint_compositions(ask: Ask) -> Output:
    from hcc_assets.stats.composition import timepoint_compositions

    return Output(
        table=timepoint_compositions(standing_samples(ask), class_counts(ask), ask.config)
    )


def _composition_changes(ask: Ask) -> Output:
    from hcc_assets.stats.composition_changes import composition_changes

    table = composition_changes(standing_samples(ask), class_counts(ask), ask.config)
    pairs = int(table["n_pairs"].max()) if len(table) else 0
    minimum = ask.config.single_cell.min_pairs
    return Output(
        table=table,
        checks=[
            CheckRecord(
                name="enough_pairs",
                passed=pairs >= minimum,
                severity="WARN",
                affected=pairs,
                description=f"{pairs} pairs; tests need {minimum}, else NE",
            )
        ],
        metadata={"pairs": pairs},
    )


def _composition_sensitivity(ask: Ask) -> Output:
    from hcc_assets.stats.composition_sensitivity import composition_sensitivity

    return Output(
        table=composition_sensitivity(standing_samples(ask), class_counts(ask), ask.config)
    )


def _biopsy_missingness(ask: Ask) -> Output:
    from hcc_assets.stats.composition_confounders import biopsy_missingness

    best = ask.table("best_responses") if ask.has("best_responses") else None
    subjects = ask.table("subjects") if ask.has("subjects") else None
    return Output(
        table=biopsy_missingness(
            standing_samples(ask),
            class_counts(ask),
            ask.config,
            best_responses=best,
            subjects=subjects,
        )
    )


def _composition_figures(ask: Ask, output: Output) -> Mapping[str, Figure]:
    from hcc_assets.figures.composition_bars import stacked_composition

    assert output.table is not None
    return {
        "composition_per_sample": stacked_composition(
            output.table, timepoints=ask.config.samples.timepoints
        )
    }


def _change_figures(ask: Ask, output: Output) -> Mapping[str, Figure]:
    from hcc_assets.figures.composition import composition_forest, paired_composition

    assert output.table is not None
    table, compositions, timepoints = (
        output.table,
        ask.table("compositions"),
        ask.config.samples.timepoints,
    )
    paired = {
        f"composition_paired_{d}": paired_composition(
            compositions, table, denominator=d, timepoints=timepoints
        )
        for d in ("immune", "all")
    }
    return {**paired, "composition_forest": composition_forest(table)}


_PER_SAMPLE = ("samples", "annotated_cells")
_SETTINGS = ("single_cell", "samples")
_TAGS = {"layer": "cohort"}

COHORT_RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="compositions",
        compute=_compositions,
        group="primary_outcome",
        inputs=_PER_SAMPLE,
        model=models.Compositions,
        settings=_SETTINGS,
        figures=_composition_figures,
        description="Share of each class in each sample, for three denominators. The interval is of cell sampling only; patients are the replicates.",
        tags=_TAGS,
    ),
    Recipe(
        name="timepoint_compositions",
        compute=_timepoint_compositions,
        group="primary_outcome",
        inputs=("compositions", *_PER_SAMPLE),
        model=models.TimepointCompositions,
        settings=_SETTINGS,
        description="Mean and median share of each class before and after treatment. Intervals are over subjects.",
        tags=_TAGS,
    ),
    Recipe(
        name="composition_changes",
        compute=_composition_changes,
        group="primary_outcome",
        inputs=("compositions", *_PER_SAMPLE),
        model=models.CompositionChanges,
        settings=_SETTINGS,
        checks=(
            Check(
                "enough_pairs",
                "There are enough pairs to test",
                "WARN",
                todo="Nothing to do but wait for second biopsies.",
            ),
        ),
        figures=_change_figures,
        description="Change of each class within patients, after against before treatment. Registered difference, and log-ratio with a moderated paired test.",
        tags=_TAGS,
    ),
    Recipe(
        name="composition_sensitivity",
        compute=_composition_sensitivity,
        group="primary_outcome",
        inputs=_PER_SAMPLE,
        model=models.CompositionSensitivity,
        settings=_SETTINGS,
        description="The same change under other reasonable choices: merged classes, doublets in, small biopsies in. Exploratory.",
        tags=_TAGS,
    ),
    Recipe(
        name="biopsy_missingness",
        compute=_biopsy_missingness,
        group="primary_outcome",
        inputs=_PER_SAMPLE,
        optional=("best_responses", "subjects"),
        model=BiopsyMissingness,
        settings=(*_SETTINGS, "recist"),
        description="Which subjects have both biopsies, by response. Missing second biopsies of progressors would bias the change.",
        tags=_TAGS,
    ),
)
