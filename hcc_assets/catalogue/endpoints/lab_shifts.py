"""Shifts of laboratory grades from baseline to the worst under treatment."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.schemas.labs import LabShifts


@asset(model=LabShifts)
def lab_shifts(labs: pd.DataFrame) -> pd.DataFrame:
    """Patients by baseline grade and worst grade under treatment, of each laboratory test and vital
    sign. Each patient counts once per test and direction."""
    from hcc_assets.clinical.laboratory.shifts import lab_shifts as shifts

    return shifts(labs)
