"""Quality of every sample: what was delivered, what passed, what was excluded and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from hcc_assets.assets.definition import Verdict, asset
from hcc_assets.assets.inputs import BySample, Version
from hcc_assets.catalogue.cohort._samples import class_counts, standing_samples
from hcc_assets.schemas.base import records
from hcc_assets.schemas.cells import QcSummary
from hcc_assets.study.config import StudyConfig


@asset(
    model=QcSummary,
    settings=("samples.timepoints",),
    owners=("team:bioinformatics",),
)
def qc_summary(samples: pd.DataFrame, annotated_cells: BySample) -> pd.DataFrame:
    """Barcodes, cells, medians, doublets and ambient RNA, one row per sample. What was excluded is
    counted by reason."""
    from hcc_assets.cells.quality.assessment import qc_summary as summary

    return summary(
        # subject and timepoint are those of today's sheet, which may have been corrected
        _row(annotated_cells[s.sample_id]) | {"subject_id": s.subject_id, "timepoint": s.timepoint}
        for s in records(standing_samples(samples, annotated_cells))
    )


@qc_summary.check(severity="WARN", todo="Small samples are left out of comparisons.")
def samples_large_enough(table: pd.DataFrame) -> Verdict:
    """Every sample has enough cells that pass"""
    small = int((~table["enough_cells"]).sum()) if len(table) else 0
    return Verdict(small == 0, f"{small} samples have too few cells that pass", small)


@qc_summary.figure
def status_figure(
    samples: pd.DataFrame, annotated_cells: BySample, config: StudyConfig
) -> Mapping[str, Any]:
    """What became of the barcodes of each sample."""
    from hcc_assets.figures.qc import qc_status_bars

    counts, timepoints = class_counts(annotated_cells), config.samples.timepoints
    return {"qc_status": qc_status_bars(counts, samples, timepoints=timepoints)}


def _row(calls: Version) -> dict[str, Any]:
    """The sample's row of the summary, as its own asset wrote it."""
    return {str(name): value for name, value in calls.frame("summary").iloc[0].items()}
