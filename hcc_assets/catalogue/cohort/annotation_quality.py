"""May each class carry a conclusion: number, confidence and calibration of its calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from hcc_assets.assets.definition import Output, Verdict, asset
from hcc_assets.assets.inputs import BySample, Version
from hcc_assets.schemas.reference import AnnotationQuality
from hcc_assets.study.classes import PRIMARY_CLASSES


@asset(model=AnnotationQuality, owners=("team:bioinformatics",))
def annotation_quality(annotated_cells: BySample, annotation_reference: Version) -> Output:
    """Whether each class may carry a conclusion. Number of cells, confidence, calibration, and
    those left unassigned."""
    from hcc_assets.cells.reference.model import Reference
    from hcc_assets.cells.reference.quality import annotation_quality as quality

    columns = ["cell_class", "second_class", "confidence", "qc_status"]
    parts = [version.frame("calls")[columns] for version in annotated_cells.values()]
    calls = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    reference = Reference.from_parquet_bytes(annotation_reference.blob("reference.parquet"))
    table = quality(calls, reference.calibration)
    shifted = int((table["status"] == "SHIFTED").sum())
    return Output(table=table, metadata={"classes_shifted": shifted})


@annotation_quality.check(
    severity="WARN", todo="Look at the class: tissue, chemistry, a type not foreseen."
)
def primary_classes_hold(table: pd.DataFrame) -> Verdict:
    """No class of the primary endpoint is shifted"""
    mine = table[table["cell_class"].isin(PRIMARY_CLASSES) & (table["status"] == "SHIFTED")]
    names = ", ".join(mine["cell_class"])
    text = f"doubtful: {names}" if names else "every class that is there is supported"
    return Verdict(mine.empty, text, len(mine))


@annotation_quality.figure
def reliability(annotation_reference: Version) -> Mapping[str, Any]:
    """Confidence against the share of calls that are right."""
    from hcc_assets.cells.reference.model import Reference
    from hcc_assets.figures.reliability import reliability_curve

    reference = Reference.from_parquet_bytes(annotation_reference.blob("reference.parquet"))
    if not reference.reliability:
        return {}
    columns = ["source", "confidence", "right", "cells"]
    return {"reliability": reliability_curve(pd.DataFrame(reference.reliability, columns=columns))}
