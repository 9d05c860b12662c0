"""May a class carry a conclusion: what the calls of a cohort and the reference say of each class.

Whether a design confounds a comparison, and the comparison itself, belong to ``stats``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd

from hcc_assets.schemas.base import conform
from hcc_assets.schemas.reference import AnnotationQuality
from hcc_assets.study.classes import CELL_CLASSES, UNASSIGNED

ENOUGH: Final = 20
"""Cells from which a class is more than stray calls: own choice, two samples of
`training.MIN_SAMPLE_CELLS`."""
SURE: Final = 0.8
"""Mean confidence below which a class is doubtful: the limit of a rescued call (SINGLE_CELL.md,
section 2.4)."""
CALIBRATED: Final = 0.10
"""Calibration error above which confidence is not believed: own choice, twice the .05 of
SINGLE_CELL.md, section 6."""
LOST: Final = 0.20
"""Share of the cells likest to a class that are left unassigned, above which the class looks
unlike its profiles: own choice, a fifth."""


def annotation_quality(calls: pd.DataFrame, calibration: Mapping[str, float]) -> pd.DataFrame:
    """Published table ``annotation_quality``.

    Parameters
    ----------
    calls
        ``cell_class, second_class, confidence, qc_status`` of every barcode.
    calibration
        `Reference.calibration`.
    """
    passing = calls[calls["qc_status"] == "pass"]
    left = passing.loc[passing["cell_class"] == UNASSIGNED, "second_class"].value_counts()
    rows = []
    for name in CELL_CLASSES[:-1]:
        mine = passing[passing["cell_class"] == name]
        error = calibration.get(name)
        lost = float(left.get(name, 0)) / max(len(mine) + float(left.get(name, 0)), 1.0)
        sure = float(mine["confidence"].mean()) if len(mine) else None
        rows.append(
            {
                "cell_class": name,
                "n_cells": len(mine),
                "mean_confidence": sure,
                "calibration_error": error,
                "status": _status(len(mine), sure, error, lost),
            }
        )
    return conform(AnnotationQuality, pd.DataFrame(rows))


def _status(n: int, sure: float | None, error: float | None, lost: float) -> str:
    if n == 0 or sure is None:
        return "ABSENT"
    if n < ENOUGH:
        return "INSUFFICIENT"
    if sure < SURE or (error is not None and error > CALIBRATED) or lost > LOST:
        return "SHIFTED"
    return "SUPPORTED"
