"""The display embedding: fitted on the cells that taught the reference, and frozen with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd

from hcc_assets.assets.definition import Gate, Output, Refused, asset
from hcc_assets.assets.inputs import AllOf, BySample, Version, View
from hcc_assets.catalogue.sources import LabelledCells
from hcc_assets.home.manifests import Bundle
from hcc_assets.study.classes import CELL_CLASSES, UNASSIGNED

if TYPE_CHECKING:
    from hcc_assets.cells.sketch import Sketch


_KNOWN: dict[str, tuple[bool, frozenset[str]]] = {}
"""Answers of `taught` by content of the reference: every plan asks, and it is a megabyte."""


def taught(annotation_reference: Version) -> tuple[bool, frozenset[str]]:
    """Whether the reference is frozen, and the samples that taught it (none where labels did)."""
    content = annotation_reference.data_version
    if content not in _KNOWN:
        from hcc_assets.cells.reference.model import Reference

        reference = Reference.from_parquet_bytes(annotation_reference.blob("reference.parquet"))
        frozen = not reference.version.startswith("provisional")
        _KNOWN[content] = frozen, frozenset(reference.sample_ids)
    return _KNOWN[content]


@dataclass(frozen=True)
class TaughtBy(AllOf):
    """Versions of the samples that the embedding is fitted on: those that taught the reference;
    none where delivered labels taught it."""

    def chosen(self, view: View, key: str | None) -> Iterable[str]:
        manifest = view.versions.current("annotation_reference")
        if LabelledCells().delivery(view) is not None:
            return ()
        if manifest is None:  # nobody knows yet: after all of them
            return view.keys
        _, names = taught(Version(view.versions, manifest))
        return tuple(k for k in view.keys if view.rows[k].sample_id in names)


@asset(
    gate=Gate("embedding_fitted", "An embedding was fitted, or there are too few cells for one"),
    kinds=("python", "umap"),
    owners=("team:bioinformatics",),
    layer="display",
)
def atlas_embedding(
    annotation_reference: Version,
    annotated_cells: Annotated[BySample, TaughtBy("annotated_cells")],
    raw_counts: Annotated[BySample, TaughtBy("raw_counts")],
    labelled: Annotated[Any, LabelledCells()],
) -> Output:
    """The embedding that cells are shown in. Fitted on the cells that taught the reference and
    frozen with it, so that it does not depend on who arrived first."""
    from hcc_assets.cells.cell_layout import NEIGHBOURS
    from hcc_assets.cells.embedding import fit_atlas
    from hcc_assets.cells.sketch import take_sketch

    frozen, _ = taught(annotation_reference)
    if labelled is not None:
        sketches = list(_labelled_sketches(labelled))
    else:
        sketches = [
            take_sketch(raw_counts[s].cells("counts"), v.frame("calls"), sample_id=s)
            for s, v in annotated_cells.items()
            if s in raw_counts
        ]
    cells = sum(len(s.cells) for s in sketches)
    if cells < NEIGHBOURS:
        return Output(metadata={"atlas_version": "none", "cells": cells})
    try:
        model = fit_atlas(iter(sketches), layout="umap" if frozen else "components")
    except ValueError as problem:  # too few genes in common; its text holds no value
        raise Refused(str(problem), code="no_embedding", quarantine=False) from None
    return Output(
        bundle=Bundle(blobs={"model.npz": model.to_bytes()}),
        metadata={"atlas_version": model.version, "cells": cells},
    )


def _labelled_sketches(labelled: Any) -> Iterator[Sketch]:
    """Sketches of delivered cells, by the sample that a column of ``obs`` names; labels that are
    no class of ours teach nothing."""
    from hcc_assets.cells.embedding import TARGET_CELLS
    from hcc_assets.cells.reference.labels import BATCH_COLUMNS, with_gene_names
    from hcc_assets.cells.sketch import PER_CLASS, take_sketch

    cells = with_gene_names(labelled)
    column = next((c for c in BATCH_COLUMNS if c in cells.obs), None)
    batch = cells.obs[column].astype(str) if column else None
    most = PER_CLASS if column else TARGET_CELLS // len(CELL_CLASSES)
    for name in sorted(set(batch)) if batch is not None else ["labels"]:
        part = cells[(batch == name).to_numpy()] if batch is not None else cells
        named = part.obs["cell_class"].astype(str)
        calls = pd.DataFrame(
            {
                "barcode": part.obs_names.astype(str),
                "qc_status": "pass",
                "cell_class": named.where(named.isin(CELL_CLASSES), UNASSIGNED).to_numpy(object),
            }
        )
        yield take_sketch(part, calls, sample_id=name, per_class=most)
