"""Recipe of the atlas: a display embedding over the per-sample files, never a merged matrix, upstream of no endpoint. Methods are in ``cells.atlas``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from hcc_assets.assets.recipes import Ask, Output, Recipe
from hcc_assets.home.versions import Bundle
from hcc_assets.schemas.atlas import Atlas
from hcc_assets.schemas.base import empty
from hcc_assets.study.classes import UNASSIGNED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hcc_assets.cells.embedding import AtlasModel


def _model(ask: Ask, samples: list[str], reference: str) -> AtlasModel:
    """The frozen embedding of this reference, or a new one; before the reference is frozen a quick one of components.

    It is fitted on the samples that taught the reference, so that it does not depend on how many others were there by then; on all where labels taught it.
    """
    from hcc_assets.cells.embedding import AtlasModel, fit_atlas, take_sketch
    from hcc_assets.cells.reference.model import Reference

    versions = ask.bench.versions
    standing = versions.current("atlas")
    frozen = not reference.startswith("provisional")
    if standing is not None and frozen and versions.facts("atlas").get("reference") == reference:
        return AtlasModel.from_bytes(versions.blob("atlas", "model.npz"))
    taught = (
        set(
            Reference.from_parquet_bytes(
                ask.blob("annotation_reference", "reference.parquet")
            ).sample_ids
        )
        if frozen
        else set()
    )
    chosen = [s for s in samples if s in taught] or samples
    sketches = (
        take_sketch(
            ask.cells("raw_counts", "counts", s),
            ask.frame("annotated_cells", "calls", s),
            sample_id=s,
        )
        for s in chosen
    )
    return fit_atlas(sketches, layout="umap" if frozen else "components")


def _atlas(ask: Ask) -> Output:
    from hcc_assets.cells.embedding import NEIGHBOURS, project

    table = ask.table("samples").set_index("sample_id")
    samples = [s for s in ask.samples("annotated_cells") if s in table.index]
    reference = str(ask.bench.versions.require("annotation_reference").notes["version"])
    calls = {s: ask.bench.versions.require("annotated_cells", s).data_version for s in samples}
    if sum(_called(ask.frame("annotated_cells", "calls", s)) for s in samples) < NEIGHBOURS:
        return Output(table=empty(Atlas), bundle=Bundle(facts={"reference": None, "calls": {}}))
    model = _model(ask, samples, reference)
    kept = _kept(ask, model, calls)
    parts = []
    for sample in samples:
        if sample in kept:
            parts.append(kept[sample])
            continue
        place = project(
            model,
            ask.cells("raw_counts", "counts", sample),
            ask.frame("annotated_cells", "calls", sample),
        )
        row = table.loc[sample]
        named = {
            "cell_id": sample + ":" + place["barcode"],
            "sample_id": sample,
            "subject_id": row["subject_id"],
            "timepoint": row["timepoint"],
        }
        parts.append(
            place.assign(**named, atlas_version=model.version)[list(Atlas.to_schema().columns)]
        )
    return Output(
        table=pd.concat(parts, ignore_index=True),
        bundle=Bundle(
            blobs={"model.npz": model.to_bytes()}, facts={"reference": reference, "calls": calls}
        ),
        metadata={"atlas_version": model.version, "samples_placed": len(samples) - len(kept)},
    )


def _called(calls: pd.DataFrame) -> int:
    """Cells that can teach an embedding: passing, of a class."""
    return int(((calls["qc_status"] == "pass") & (calls["cell_class"] != UNASSIGNED)).sum())


def _kept(ask: Ask, model: AtlasModel, calls: Mapping[str, str]) -> dict[str, pd.DataFrame]:
    """Places of the samples that have not changed since the version that stands, in the same embedding."""
    versions = ask.bench.versions
    if versions.current("atlas") is None:
        return {}
    before = versions.facts("atlas").get("calls", {})
    old = versions.frame("atlas", "table")
    old = old[old["atlas_version"] == model.version]
    return {
        str(s): part
        for s, part in old.groupby("sample_id", sort=False)
        if before.get(s) == calls.get(str(s))
    }


def _figures(ask: Ask, output: Output) -> Mapping[str, Figure]:
    from hcc_assets.figures.embedding import embedding

    assert output.table is not None
    timepoints = ask.config.samples.timepoints
    names = {
        "atlas_umap": "cell_class",
        "atlas_umap_timepoint": "timepoint",
        "atlas_umap_subject": "subject_id",
    }
    return {
        name: embedding(output.table, colour_by=column, timepoints=timepoints)
        for name, column in names.items()
    }


ATLAS_RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="atlas",
        compute=_atlas,
        group="cohort",
        inputs=("samples", "raw_counts", "annotated_cells", "annotation_reference"),
        model=Atlas,
        figures=_figures,
        description="Place of every passing cell in a display embedding that is frozen with the reference; new samples are projected. For looking only.",
        kinds=("python", "umap"),
        owners=("team:bioinformatics",),
        tags={"layer": "display"},
        keep=1,
    ),
)
