"""Recipes within one sample: quality, calls, pseudobulk; and the reference that labels all of them. Methods are in ``hcc_assets.cells``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from hcc_assets.assets.recipes import Ask, Check, Output, Recipe, Refused
from hcc_assets.home.files import local_copy
from hcc_assets.home.versions import Bundle, CheckRecord
from hcc_assets.schemas import reference as models

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.figure import Figure

    from hcc_assets.assets.view import HomeView
    from hcc_assets.cells.quality.assessment import QcResult
    from hcc_assets.cells.reference.model import Reference

_UNASSIGNED_LIMIT = 0.10


def _qc_cells(ask: Ask) -> Output:
    from hcc_assets.cells.identity.fingerprint import fingerprint
    from hcc_assets.cells.quality.assessment import assess
    from hcc_assets.cells.reference.teaching import seed_counts

    counts = ask.cells("raw_counts", "counts", ask.partition)
    result = assess(counts, ask.config)
    seeds = seed_counts(counts, result).rename_axis("cell_class").rename("n_seed").reset_index()
    marks = fingerprint(counts.X, counts.obs_names, pd.Index(counts.var["gene_id"]))
    n_cells = int(result.usable.sum())
    return Output(
        bundle=Bundle(frames={**result.to_tables(), "seeds": seeds, "fingerprint": marks}),
        checks=[
            CheckRecord(
                name="enough_cells",
                passed=n_cells >= ask.config.single_cell.min_cells_per_sample,
                severity="WARN",
                affected=n_cells,
                description=f"{n_cells} cells; samples below {ask.config.single_cell.min_cells_per_sample} are left out of comparisons",
            )
        ],
        metadata={"cells": n_cells, "ambient_fraction": float(result.ambient_fraction)},
    )


def _qc_result(ask: Ask, sample: str) -> QcResult:
    from hcc_assets.cells.quality.assessment import QcResult

    manifest = ask.bench.versions.require("qc_cells", sample)
    names = [
        f.split("/")[1].removesuffix(".parquet") for f in manifest.files if f.endswith(".parquet")
    ]
    return QcResult.from_tables(
        {
            name: ask.frame("qc_cells", name, sample)
            for name in names
            if name in ("metrics", "ambient", "sample")
        }
    )


def _loaded(ask: Ask, sample: str) -> tuple[AnnData, QcResult]:
    return ask.cells("raw_counts", "counts", sample), _qc_result(ask, sample)


def _labelled(ask: Ask) -> Any:
    from hcc_assets.cells.reading.isolation import read_labelled
    from hcc_assets.cells.reading.refused import MatrixRefused

    landing = ask.bench.home.landing
    for delivery in ask.bench.landing.references:
        if delivery.id.endswith(".h5ad") and delivery.state == "ready":
            with local_copy(landing / delivery.path) as path:
                try:
                    return read_labelled(
                        path, root=str(landing) if ask.bench.home.is_local else None
                    )
                except MatrixRefused as refusal:
                    raise Refused(f"{delivery.path}: {refusal}", code=refusal.code) from None
    return None


def _reference_content(bench: HomeView, _: str | None) -> dict[str, str]:
    found = [d for d in bench.landing.references if d.id.endswith(".h5ad") and d.state == "ready"]
    asked = rebuild_asked(bench)
    return {path: sha for d in found for path, sha in d.contents.items()} | (
        {"rebuild asked": asked} if asked else {}
    )


def _frozen(bench: HomeView) -> bool:
    manifest = bench.versions.current("annotation_reference")
    if manifest is None or str(manifest.notes.get("version", "provisional")).startswith(
        "provisional"
    ):
        return False
    asked = rebuild_asked(bench)
    return asked is None or manifest.at.isoformat() > asked


def rebuild_asked(bench: HomeView) -> str | None:
    """When ``hcc reference rebuild`` was last asked for (ISO, UTC), if ever."""
    try:
        return str(json.loads((bench.home.store / "reference_rebuild.json").read_bytes())["at"])
    except FileNotFoundError:
        return None


def _teachers(bench: HomeView) -> tuple[list[str], list[str] | None]:
    """The samples that stand, in the order of collection, and those of them that a frozen reference is made of."""
    from hcc_assets.cells.reference.freezing import freezing_prefix

    order = bench.by_collection(bench.standing("qc_cells"))
    seeds = [bench.versions.frame("qc_cells", "seeds", s).assign(sample_id=s) for s in order]
    return order, freezing_prefix(
        pd.concat(seeds, ignore_index=True), order, bench.config
    ) if seeds else None


def _enough_taught(bench: HomeView, waiting: Set[str]) -> bool:
    """True where no sample that waits could change the reference: it is delivered with labels, or all that it is made of were collected earlier."""
    if any(d.id.endswith(".h5ad") and d.state == "ready" for d in bench.landing.references):
        return True
    prefix = _teachers(bench)[1] if rebuild_asked(bench) is None else None
    return (
        prefix is not None
        and waiting.isdisjoint(prefix)
        and bench.by_collection({*prefix, *waiting})[: len(prefix)] == prefix
    )


def _annotation_reference(ask: Ask) -> Output:
    from hcc_assets.cells.reference.building import build_reference
    from hcc_assets.cells.reference.labels import LabelsRefused
    from hcc_assets.cells.reference.model import reference_summary
    from hcc_assets.cells.reference.teaching import SampleInput

    rows = ask.bench.landing.sheet.rows
    order, prefix = _teachers(ask.bench)
    chosen = order if rebuild_asked(ask.bench) is not None or prefix is None else prefix
    inputs = [
        SampleInput(s, partial(_loaded, ask, s), subject_id=rows[s].subject_id) for s in chosen
    ]
    try:
        reference = build_reference(inputs, ask.config, labelled=_labelled(ask))
    except LabelsRefused as refusal:
        raise Refused(f"landing/reference: {refusal}", code="labels_refused") from None
    return Output(
        table=reference_summary(reference),
        bundle=Bundle(blobs={"reference.parquet": reference.to_parquet_bytes()}),
        metadata={"version": reference.version, "samples_used": len(chosen)},
    )


def _reference(ask: Ask) -> Reference:
    from hcc_assets.cells.reference.model import Reference, ReferenceOutdated

    try:
        return Reference.from_parquet_bytes(ask.blob("annotation_reference", "reference.parquet"))
    except ReferenceOutdated as outdated:
        raise Refused(
            f"{outdated}; run: hcc reference rebuild --reason …",
            code="reference_outdated",
            quarantine=False,
        ) from None


def _annotated_cells(ask: Ask) -> Output:
    from hcc_assets.cells.calling.annotation import annotate
    from hcc_assets.cells.pseudobulk import class_counts
    from hcc_assets.cells.quality.assessment import summary_row

    assert ask.partition is not None
    counts = ask.cells("raw_counts", "counts", ask.partition)
    reference = _reference(ask)
    qc = _qc_result(ask, ask.partition)
    annotation = annotate(
        counts,
        qc,
        reference,
        ask.config,
        sample_id=ask.partition,
        subject_profiles=_profiles(ask, ask.partition),
    )
    calls = annotation.calls
    good = calls[calls["qc_status"] == "pass"]
    share = float((good["cell_class"] == "unassigned").mean()) if len(good) else 0.0
    row = ask.bench.landing.sheet.rows[ask.partition]
    summary = summary_row(
        ask.partition,
        qc,
        ask.config,
        status=calls["qc_status"],
        subject_id=row.subject_id,
        timepoint=row.timepoint,
    )
    frames = {"calls": calls, "counts": class_counts(calls), "summary": pd.DataFrame([summary])}
    if annotation.profile is not None:
        frames["profile"] = annotation.profile.rename("value").rename_axis("bin").reset_index()
    if annotation.malignancy is not None:
        frames["heat"] = annotation.malignancy.heat.rename_axis("row").reset_index()
    return Output(
        bundle=Bundle(frames=frames, facts={"reference_version": reference.version}),
        checks=[
            CheckRecord(
                name="few_unassigned",
                passed=share <= _UNASSIGNED_LIMIT,
                severity="WARN",
                affected=int((good["cell_class"] == "unassigned").sum()),
                description=f"{100 * share:.1f} % of the cells that pass are unassigned (limit {100 * _UNASSIGNED_LIMIT:.0f} %)",
            )
        ],
        metadata={
            "cells_passed": len(good),
            "unassigned_percent": round(100 * share, 2),
            "reference_version": reference.version,
        },
    )


def _earlier(ask: Ask, sample: str, frame: str) -> dict[str, pd.DataFrame]:
    """A frame of the calls of the same subject's earlier timepoints, of the samples where it stands already."""
    rows = ask.bench.landing.sheet.rows
    order = {t: i for i, t in enumerate(ask.config.samples.timepoints)}
    own = rows[sample]
    found = {}
    for other in sorted(
        s
        for s, r in rows.items()
        if r.subject_id == own.subject_id and order[r.timepoint] < order[own.timepoint]
    ):
        manifest = ask.bench.versions.current("annotated_cells", other)
        if manifest is not None and any(f.endswith(f"/{frame}.parquet") for f in manifest.files):
            found[other] = ask.bench.versions.frame("annotated_cells", frame, other)
    return found


def _profiles(ask: Ask, sample: str) -> list[pd.Series]:
    """Malignant profiles of the subject's earlier samples: what was learned before treatment serves after it."""
    return [
        pd.Series(f["value"].to_numpy(), index=f["bin"].to_numpy(), name=s)
        for s, f in _earlier(ask, sample, "profile").items()
    ]


def _copy_number_figure(ask: Ask, output: Output) -> Mapping[str, Figure]:
    from hcc_assets.figures.copy_number import copy_number_heatmap

    assert ask.partition is not None
    if "heat" not in output.bundle.frames:
        return {}
    subject = ask.bench.landing.sheet.rows[ask.partition].subject_id
    heats = {
        s: f.set_index("row")
        for s, f in (
            _earlier(ask, ask.partition, "heat") | {ask.partition: output.bundle.frames["heat"]}
        ).items()
    }
    return {
        f"copy_number_{subject}": copy_number_heatmap(
            heats, title=f"Copy-number profile of {subject}"
        )
    }


def _pseudobulk(ask: Ask) -> Output:
    from hcc_assets.cells.pseudobulk import pseudobulk, to_frames

    counts = ask.cells("raw_counts", "counts", ask.partition)
    sums = pseudobulk(counts, ask.frame("annotated_cells", "calls", ask.partition))
    return Output(
        bundle=Bundle(frames=to_frames(sums)),
        metadata={"classes": sums.n_obs, "genes": sums.n_vars, "total_umi": int(sums.X.sum())},
    )


SAMPLE_RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="qc_cells",
        compute=_qc_cells,
        group="single_cell",
        inputs=("raw_counts",),
        partitioned=True,
        settings=("single_cell",),
        gate=Check("metrics_computed", "Every barcode has its metrics", blocking=True),
        checks=(
            Check(
                "enough_cells",
                "The sample has enough cells to be compared",
                "WARN",
                todo="Ask the sequencing core; the sample is left out of comparisons.",
            ),
        ),
        description="Metrics, hard limits, doublet score and ambient RNA of every barcode of one sample. No cell is deleted; the reason stands beside it.",
        kinds=("python", "anndata"),
        owners=("team:bioinformatics",),
        tags={"layer": "cells"},
        keep=1,
    ),
    Recipe(
        name="annotation_reference",
        compute=_annotation_reference,
        group="single_cell",
        inputs=("qc_cells", "raw_counts"),
        settings=("single_cell", "samples"),
        external=_reference_content,
        model=models.ReferenceSummary,
        gate=Check(
            "schema", "The reference was built and its summary keeps the schema", blocking=True
        ),
        settled=_frozen,
        ready=_enough_taught,
        description="The versioned model that labels cells. Provisional until enough samples and seed cells exist, then frozen until rebuilt on request.",
        kinds=("python", "numpy"),
        owners=("team:bioinformatics",),
        tags={"layer": "cells"},
    ),
    Recipe(
        name="annotated_cells",
        compute=_annotated_cells,
        group="single_cell",
        inputs=("raw_counts", "qc_cells", "annotation_reference"),
        partitioned=True,
        settings=("single_cell",),
        figures=_copy_number_figure,
        gate=Check(
            "calls_made", "Every barcode has a class, a confidence and a QC status", blocking=True
        ),
        checks=(
            Check(
                "few_unassigned",
                "At most a tenth of the cells is unassigned",
                "WARN",
                todo="Look at the sample: tissue, chemistry, a class not foreseen.",
            ),
        ),
        description="Class, confidence and final QC status of every barcode of one sample. Labelled by the reference; an added sample changes no earlier call.",
        kinds=("python", "anndata"),
        owners=("team:bioinformatics",),
        tags={"layer": "cells"},
        keep=1,
    ),
    Recipe(
        name="pseudobulk",
        compute=_pseudobulk,
        group="single_cell",
        inputs=("raw_counts", "annotated_cells"),
        partitioned=True,
        gate=Check("sums_conserved", "Sums were made over the cells that pass", blocking=True),
        description="Counts summed per class over the cells of one sample that pass. What leaves the sample for every comparison of expression.",
        kinds=("python", "anndata"),
        owners=("team:bioinformatics",),
        tags={"layer": "cells"},
        keep=1,
    ),
)
