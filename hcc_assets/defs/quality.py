"""Recipes of cell quality and calls across samples: what was delivered, what passed, what a new reference changed. Methods are in the pure rooms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from hcc_assets.assets.recipes import Ask, Check, Output, Recipe
from hcc_assets.defs.cohort import class_counts, standing_samples
from hcc_assets.home.versions import CheckRecord
from hcc_assets.schemas import cells as cell_models
from hcc_assets.schemas import reference as reference_models
from hcc_assets.schemas.base import empty, records
from hcc_assets.schemas.confounders import QcKept

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _calls(ask: Ask, sample: str) -> pd.DataFrame:
    return ask.frame("annotated_cells", "calls", sample)


def _qc_summary(ask: Ask) -> Output:
    from hcc_assets.cells.quality.assessment import qc_summary

    samples = standing_samples(ask)
    rows = [
        _named(ask.frame("annotated_cells", "summary", s).iloc[0]) for s in samples["sample_id"]
    ]
    table = qc_summary(
        r | {"subject_id": s.subject_id, "timepoint": s.timepoint}
        for r, s in zip(rows, records(samples), strict=True)
    )
    small = int((~table["enough_cells"]).sum()) if len(table) else 0
    return Output(
        table=table,
        checks=[
            CheckRecord(
                name="samples_large_enough",
                passed=small == 0,
                severity="WARN",
                affected=small,
                description=f"{small} samples have too few cells that pass",
            )
        ],
    )


def _named(row: pd.Series) -> dict[str, Any]:
    return {str(k): v for k, v in row.items()}


def _cells(ask: Ask) -> Output:
    samples = standing_samples(ask)
    parts = []
    for row in records(samples):
        calls = _calls(ask, row.sample_id)
        named = {
            "cell_id": row.sample_id + ":" + calls["barcode"],
            "sample_id": row.sample_id,
            "subject_id": row.subject_id,
            "timepoint": row.timepoint,
        }
        parts.append(calls.assign(**named))
    names = list(cell_models.Cells.to_schema().columns)
    table = pd.concat(parts, ignore_index=True)[names] if parts else empty(cell_models.Cells)
    return Output(table=table, metadata={"samples": len(samples)})


def _qc_kept(ask: Ask) -> Output:
    from hcc_assets.stats.composition_confounders import qc_kept

    table = qc_kept(standing_samples(ask), class_counts(ask), ask.config)
    adjusted = table["p_adjusted"].dropna()
    differs = int((adjusted < 0.05).sum())
    return Output(
        table=table,
        checks=[
            CheckRecord(
                name="qc_keeps_alike",
                passed=differs == 0,
                severity="WARN",
                affected=differs,
                description=f"{differs} classes are kept differently before and after treatment: a confounder of the composition",
            )
        ],
    )


def _reference_changes(ask: Ask) -> Output:
    from hcc_assets.cells.calling.annotation import label_changes

    old: dict[str, pd.DataFrame] = {}
    new: dict[str, pd.DataFrame] = {}
    for sample in ask.samples("annotated_cells"):
        previous = ask.bench.versions.require("annotated_cells", sample).previous
        if previous is None:
            continue
        before = ask.bench.versions.frame("annotated_cells", "calls", sample, version=previous)
        now = _calls(ask, sample)
        if set(before["reference_version"].unique()) != set(now["reference_version"].unique()):
            old[sample], new[sample] = before, now
    table = label_changes(old, new)
    return Output(table=table, metadata={"samples_relabelled": len(new)})


def _qc_figures(ask: Ask, _: Output) -> Mapping[str, Figure]:
    from hcc_assets.figures.qc import qc_status_bars

    return {
        "qc_status": qc_status_bars(
            class_counts(ask), ask.table("samples"), timepoints=ask.config.samples.timepoints
        )
    }


def _cell_figures(ask: Ask, output: Output) -> Mapping[str, Figure]:
    from hcc_assets.figures.qc import qc_violins

    assert output.table is not None
    return {
        "qc_per_sample": qc_violins(
            output.table, ask.table("samples"), timepoints=ask.config.samples.timepoints
        )
    }


def _kept_figures(ask: Ask, output: Output) -> Mapping[str, Figure]:
    from hcc_assets.figures.qc import kept_fractions

    assert output.table is not None
    return {"qc_kept": kept_fractions(output.table, timepoints=ask.config.samples.timepoints)}


_PER_SAMPLE = ("samples", "annotated_cells")
_SETTINGS = ("single_cell", "samples")
_TAGS = {"layer": "cohort"}

QUALITY_RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="qc_summary",
        compute=_qc_summary,
        group="cohort",
        inputs=_PER_SAMPLE,
        model=cell_models.QcSummary,
        settings=_SETTINGS,
        checks=(
            Check(
                "samples_large_enough",
                "Every sample has enough cells that pass",
                "WARN",
                todo="Small samples are left out of comparisons.",
            ),
        ),
        figures=_qc_figures,
        description="Barcodes, cells, medians, doublets and ambient RNA, one row per sample. What was excluded is counted by reason.",
        owners=("team:bioinformatics",),
        tags=_TAGS,
    ),
    Recipe(
        name="cells",
        compute=_cells,
        group="cohort",
        inputs=_PER_SAMPLE,
        model=cell_models.Cells,
        settings=_SETTINGS,
        figures=_cell_figures,
        description="Every barcode of every sample with its class, confidence and QC status. No cell is silently deleted.",
        owners=("team:bioinformatics",),
        tags=_TAGS,
        keep=1,
    ),
    Recipe(
        name="reference_changes",
        compute=_reference_changes,
        group="cohort",
        inputs=("samples", "annotated_cells"),
        model=reference_models.LabelChanges,
        description="Every call that the newest reference changed, against the version before. Empty when the reference is frozen and stays.",
        owners=("team:bioinformatics",),
        tags=_TAGS,
    ),
    Recipe(
        name="qc_kept",
        compute=_qc_kept,
        group="cohort",
        inputs=_PER_SAMPLE,
        model=QcKept,
        settings=_SETTINGS,
        checks=(
            Check(
                "qc_keeps_alike",
                "QC keeps each class alike before and after treatment",
                "WARN",
                todo="Read composition_changes with this in mind.",
            ),
        ),
        figures=_kept_figures,
        description="Share of each class that QC keeps, before and after treatment. A difference would be a confounder.",
        tags=_TAGS,
    ),
)
