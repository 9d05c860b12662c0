"""Every barcode of every sample, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import pandas as pd

from hcc_assets.assets.definition import Output, Verdict, asset
from hcc_assets.assets.inputs import BySample
from hcc_assets.catalogue._told import told
from hcc_assets.catalogue.annotations import CurationFile
from hcc_assets.catalogue.cohort._samples import standing_samples
from hcc_assets.schemas.base import columns, empty, records
from hcc_assets.schemas.cells import Cells
from hcc_assets.study.config import StudyConfig


@asset(
    model=Cells,
    settings=("samples.timepoints",),
    owners=("team:bioinformatics",),
    keep=1,
)
def cells(samples: pd.DataFrame, annotated_cells: BySample) -> Output:
    """Every barcode of every sample with its class, confidence and QC status. No cell is silently
    deleted."""
    standing = standing_samples(samples, annotated_cells)
    parts = []
    for row in records(standing):
        calls = annotated_cells[row.sample_id].frame("calls")
        named = {
            "cell_id": row.sample_id + ":" + calls["barcode"],
            "sample_id": row.sample_id,
            "subject_id": row.subject_id,
            "timepoint": row.timepoint,
        }
        parts.append(calls.assign(**named))
    names = list(columns(Cells))
    table = pd.concat(parts, ignore_index=True)[names] if parts else empty(Cells)
    return Output(table=table, metadata={"samples": len(standing)})


@cells.check(severity="WARN", todo="Correct the line in landing/annotations/curation.csv.")
def corrections_can_be_read(
    samples: pd.DataFrame, curation: Annotated[Any, CurationFile()]
) -> Verdict:
    """Every line of curation.csv is about a sample that counts, with classes, who and reason"""
    known = set(samples["sample_id"])
    lost = [
        f"curation.csv line {one.line} is about no sample that counts"
        for one in curation.corrections
        if one.sample_id not in known
    ]
    return told([*curation.problems, *lost], "every line can be read")


@cells.figure
def qc_figure(table: pd.DataFrame, samples: pd.DataFrame, config: StudyConfig) -> Mapping[str, Any]:
    """UMI, genes and mitochondrial share of the barcodes of each sample."""
    from hcc_assets.figures.qc import qc_violins

    return {"qc_per_sample": qc_violins(table, samples, timepoints=config.samples.timepoints)}
