"""Quality of every barcode of one sample. No cell is deleted; the reason stands beside it."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import Gate, Output, Verdict, asset
from hcc_assets.assets.inputs import Version
from hcc_assets.home.manifests import Bundle
from hcc_assets.study.config import StudyConfig


@asset(
    per_sample=True,
    settings=("single_cell.min_umi", "single_cell.min_genes", "single_cell.min_cells_per_sample"),
    gate=Gate("metrics_computed", "Every barcode has its metrics"),
    kinds=("python", "anndata"),
    owners=("team:bioinformatics",),
    layer="cells",
    keep=1,
)
def qc_cells(raw_counts: Version, config: StudyConfig) -> Output:
    """Metrics, hard limits, doublet score and ambient RNA of every barcode of one sample. No cell
    is deleted; the reason stands beside it."""
    from hcc_assets.cells.identity.fingerprint import fingerprint
    from hcc_assets.cells.quality.assessment import assess
    from hcc_assets.cells.reference.teaching import seed_counts

    counts = raw_counts.cells("counts")
    result = assess(counts, config)
    seeds = seed_counts(counts, result).rename_axis("cell_class").rename("n_seed").reset_index()
    marks = fingerprint(counts.X, counts.obs_names, pd.Index(counts.var["gene_id"]))
    frames = {**result.to_tables(), "seeds": seeds, "fingerprint": marks}
    return Output(
        bundle=Bundle(frames=frames),
        metadata={
            "cells": int(result.usable.sum()),
            "ambient_fraction": round(float(result.ambient_fraction), 4),
        },
    )


@qc_cells.check(
    severity="WARN", todo="Ask the sequencing core; the sample is left out of comparisons."
)
def enough_cells(output: Output, config: StudyConfig) -> Verdict:
    """The sample has enough cells to be compared"""
    cells, least = output.metadata["cells"], config.single_cell.min_cells_per_sample
    text = f"{cells} cells; samples below {least} are left out of comparisons"
    return Verdict(cells >= least, text, cells)
