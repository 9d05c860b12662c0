"""Recipes across samples: quality, cells, identity, composition. They read small tables of each sample; statistics are in ``hcc_assets.stats``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from hcc_assets.platform.recipes import Ask, Check, Output, Recipe
from hcc_assets.platform.versions import Bundle, CheckRecord
from hcc_assets.schemas import cells as cell_models
from hcc_assets.schemas import composition as models
from hcc_assets.schemas import identity as identity_models
from hcc_assets.schemas import reference as reference_models
from hcc_assets.schemas.base import empty, records

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def class_counts(ask: Ask) -> pd.DataFrame:
    """Cells per sample, class and QC status, of all samples that stand."""
    parts = [ask.frame("annotated_cells", "counts", s).assign(sample_id=s) for s in ask.samples("annotated_cells")]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["sample_id", "cell_class", "qc_status", "n_cells"])


def standing_samples(ask: Ask) -> pd.DataFrame:
    """Rows of ``samples`` whose calls stand."""
    table = ask.table("samples")
    return table[table["sample_id"].isin(ask.samples("annotated_cells"))].reset_index(drop=True)


def _calls(ask: Ask, sample: str) -> pd.DataFrame:
    return ask.frame("annotated_cells", "calls", sample)


def _qc_summary(ask: Ask) -> Output:
    from hcc_assets.cells.qc import qc_summary

    samples = standing_samples(ask)
    rows = [_named(ask.frame("annotated_cells", "summary", s).iloc[0]) for s in samples["sample_id"]]
    table = qc_summary(r | {"subject_id": s.subject_id, "timepoint": s.timepoint} for r, s in zip(rows, records(samples), strict=True))
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


def _reference_changes(ask: Ask) -> Output:
    from hcc_assets.cells.annotate import label_changes

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


def _sample_identity(ask: Ask) -> Output:
    from hcc_assets.cells.identity import sample_identity

    samples = ask.table("samples")
    names = [s for s in samples["sample_id"] if s in set(ask.samples("pseudobulk"))]
    table, suspicions = sample_identity(
        samples,
        {s: ask.frame("qc_cells", "fingerprint", s) for s in names},
        subjects=ask.table("subjects") if ask.has("subjects") else None,
        exposure=ask.table("exposure") if ask.has("exposure") else None,
        profiles={s: malignant_profile(ask, s) for s in names},
        pseudobulks={s: ask.cells("pseudobulk", "sums", s) for s in names},
        timepoints=(ask.config.samples.timepoints[0], ask.config.samples.timepoints[-1]),
    )
    told = "; ".join(suspicions["message"].head(5)) if len(suspicions) else "no suspicion"
    return Output(
        table=table,
        bundle=Bundle(frames={"suspicions": suspicions}),
        checks=[CheckRecord(name="no_suspicion", passed=suspicions.empty, severity="WARN", affected=len(suspicions), description=told)],
        metadata={"suspicions": len(suspicions)},
    )


def malignant_profile(ask: Ask, sample: str) -> pd.Series | None:
    """Copy-number profile of a sample's malignant cells, where it has one."""
    manifest = ask.bench.versions.require("annotated_cells", sample)
    if not any(f.endswith("/profile.parquet") for f in manifest.files):
        return None
    frame = ask.frame("annotated_cells", "profile", sample)
    return pd.Series(frame["value"].to_numpy(), index=frame["bin"].to_numpy(), name=sample)


def _identity_suspicions(ask: Ask) -> Output:
    return Output(table=ask.frame("sample_identity", "suspicions"))


def _compositions(ask: Ask) -> Output:
    from hcc_assets.stats.composition import compositions

    return Output(table=compositions(standing_samples(ask), class_counts(ask), ask.config))


def _timepoint_compositions(ask: Ask) -> Output:
    from hcc_assets.stats.composition import timepoint_compositions

    return Output(table=timepoint_compositions(standing_samples(ask), class_counts(ask), ask.config))


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

    return Output(table=composition_sensitivity(standing_samples(ask), class_counts(ask), ask.config))


def _biopsy_missingness(ask: Ask) -> Output:
    from hcc_assets.stats.composition_confounders import biopsy_missingness

    best = ask.table("best_responses") if ask.has("best_responses") else None
    subjects = ask.table("subjects") if ask.has("subjects") else None
    return Output(table=biopsy_missingness(standing_samples(ask), class_counts(ask), ask.config, best_responses=best, subjects=subjects))


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


def _qc_figures(ask: Ask, _: Output) -> Mapping[str, Figure]:
    from hcc_assets.figures.qc import qc_status_bars

    return {"qc_status": qc_status_bars(class_counts(ask), ask.table("samples"), timepoints=ask.config.samples.timepoints)}


def _cell_figures(ask: Ask, output: Output) -> Mapping[str, Figure]:
    from hcc_assets.figures.qc import qc_violins

    assert output.table is not None
    return {"qc_per_sample": qc_violins(output.table, ask.table("samples"), timepoints=ask.config.samples.timepoints)}


def _kept_figures(ask: Ask, output: Output) -> Mapping[str, Figure]:
    from hcc_assets.figures.qc import kept_fractions

    assert output.table is not None
    return {"qc_kept": kept_fractions(output.table, timepoints=ask.config.samples.timepoints)}


def _composition_figures(ask: Ask, output: Output) -> Mapping[str, Figure]:
    from hcc_assets.figures.composition import stacked_composition

    assert output.table is not None
    return {"composition_per_sample": stacked_composition(output.table, timepoints=ask.config.samples.timepoints)}


def _change_figures(ask: Ask, output: Output) -> Mapping[str, Figure]:
    from hcc_assets.figures.composition import composition_forest, paired_composition

    assert output.table is not None
    table, compositions, timepoints = output.table, ask.table("compositions"), ask.config.samples.timepoints
    paired = {f"composition_paired_{d}": paired_composition(compositions, table, denominator=d, timepoints=timepoints) for d in ("immune", "all")}
    return {**paired, "composition_forest": composition_forest(table)}


_PER_SAMPLE = ("samples", "annotated_cells")
_SETTINGS = ("single_cell", "samples")
_TAGS = {"layer": "cohort"}

COHORT_RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="qc_summary",
        compute=_qc_summary,
        group="cohort",
        inputs=_PER_SAMPLE,
        model=cell_models.QcSummary,
        settings=_SETTINGS,
        checks=(Check("samples_large_enough", "Every sample has enough cells that pass", "WARN", todo="Small samples are left out of comparisons."),),
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
        name="sample_identity",
        compute=_sample_identity,
        group="cohort",
        inputs=("samples", "qc_cells", "annotated_cells", "pseudobulk"),
        optional=("subjects", "exposure"),
        model=identity_models.SampleIdentity,
        settings=("samples",),
        checks=(
            Check(
                "no_suspicion",
                "No sample looks swapped, repeated or mistimed",
                "WARN",
                todo="Ask the site and the core; nothing is changed.",
            ),
        ),
        description="Is each sample whose and when it says: sex, copy number, expression, shared cells, timing. Suspicions are told, never acted on.",
        owners=("team:data-management",),
        tags=_TAGS,
    ),
    Recipe(
        name="identity_suspicions",
        compute=_identity_suspicions,
        group="cohort",
        inputs=("sample_identity",),
        model=identity_models.IdentitySuspicions,
        description="Suspicions about sample identity, one row each with what was seen and what to do. Never fixed automatically.",
        owners=("team:data-management",),
        tags=_TAGS,
    ),
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
        checks=(Check("enough_pairs", "There are enough pairs to test", "WARN", todo="Nothing to do but wait for second biopsies."),),
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
        model=models.BiopsyMissingness,
        settings=(*_SETTINGS, "recist"),
        description="Which subjects have both biopsies, by response. Missing second biopsies of progressors would bias the change.",
        tags=_TAGS,
    ),
    Recipe(
        name="qc_kept",
        compute=_qc_kept,
        group="cohort",
        inputs=_PER_SAMPLE,
        model=models.QcKept,
        settings=_SETTINGS,
        checks=(
            Check(
                "qc_keeps_alike", "QC keeps each class alike before and after treatment", "WARN", todo="Read composition_changes with this in mind."
            ),
        ),
        figures=_kept_figures,
        description="Share of each class that QC keeps, before and after treatment. A difference would be a confounder.",
        tags=_TAGS,
    ),
)
