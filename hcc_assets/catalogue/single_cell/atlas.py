"""Place of every passing cell in the display embedding: for looking only, upstream of nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import pandas as pd

from hcc_assets.assets.definition import Output, asset
from hcc_assets.assets.inputs import BySample, Standing, Version
from hcc_assets.home.manifests import Bundle
from hcc_assets.schemas.atlas import Atlas
from hcc_assets.schemas.base import empty
from hcc_assets.study.config import StudyConfig


@asset(
    model=Atlas,
    settings=("samples.timepoints",),
    kinds=("python", "umap"),
    owners=("team:bioinformatics",),
    layer="display",
    keep=1,
)
def atlas(
    samples: pd.DataFrame,
    atlas_embedding: Version,
    annotated_cells: BySample,
    raw_counts: BySample,
    before: Annotated[Version | None, Standing("atlas")],
) -> Output:
    """Place of every passing cell in a display embedding that is frozen with the reference; new
    samples are projected. For looking only."""
    from hcc_assets.cells.embedding import AtlasModel, project

    version = atlas_embedding.notes["atlas_version"]
    if version == "none":
        return Output(table=empty(Atlas), bundle=Bundle(facts={"calls": {}}))
    model = AtlasModel.from_bytes(atlas_embedding.blob("model.npz"))
    table = samples.set_index("sample_id")
    calls = {s: v for s, v in annotated_cells.items() if s in table.index and s in raw_counts}
    whose = {s: [v.data_version, *_whose(table, s)] for s, v in calls.items()}
    kept = _kept(before, version, whose)
    parts = []
    for sample, called in calls.items():
        if sample in kept:
            parts.append(kept[sample])
            continue
        place = project(model, raw_counts[sample].cells("counts"), called.frame("calls"))
        row = table.loc[sample]
        named = {
            "cell_id": sample + ":" + place["barcode"],
            "sample_id": sample,
            "subject_id": row["subject_id"],
            "timepoint": row["timepoint"],
        }
        columns = list(Atlas.to_schema().columns)
        parts.append(place.assign(**named, atlas_version=version)[columns])
    return Output(
        table=pd.concat(parts, ignore_index=True) if parts else empty(Atlas),
        bundle=Bundle(facts={"calls": whose}),
        metadata={"atlas_version": version, "samples_placed": len(calls) - len(kept)},
    )


@atlas.figure
def umap_figures(table: pd.DataFrame, config: StudyConfig) -> Mapping[str, Any]:
    """The embedding by class, timepoint and subject."""
    from hcc_assets.figures.embedding import embedding

    timepoints = config.samples.timepoints
    names = {
        "atlas_umap": "cell_class",
        "atlas_umap_timepoint": "timepoint",
        "atlas_umap_subject": "subject_id",
    }
    return {
        name: embedding(table, colour_by=column, timepoints=timepoints)
        for name, column in names.items()
    }


def _whose(table: pd.DataFrame, sample: str) -> list[str]:
    return [str(table.loc[sample, "subject_id"]), str(table.loc[sample, "timepoint"])]


def _kept(
    before: Version | None, version: str, whose: Mapping[str, list[str]]
) -> dict[str, pd.DataFrame]:
    """Places of the samples whose calls, subject and timepoint are those of the version that
    stands, in the same embedding: projecting them again gives the same."""
    if before is None or before.notes.get("atlas_version") != version:
        return {}
    known = before.facts.get("calls", {})
    parts = before.table.groupby("sample_id", sort=False)
    return {str(s): part for s, part in parts if s in whose and known.get(s) == whose[str(s)]}
