"""Table of exposure. The rules are in ``clinical.safety.exposure``."""

from __future__ import annotations

import pandas as pd

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.fields import column, maybe

Timestamp = pd.Timestamp


class ExposureSummary(Table):
    """One row per treated subject: how long, how much, how often reduced or interrupted."""

    USUBJID: str = column("Unique subject identifier")
    TRTSDT: Timestamp = column("First dose")
    TRTEDT: Timestamp = column(
        "Last dose on or before the cutoff; the cutoff (or death before it) when dosing is ongoing"
    )
    ongoing: bool = column(
        "The last dosing record has no end and the subject is alive at the cutoff"
    )
    duration_days: float = maybe("Last dose minus first dose plus 1", ge=1, unit="days")
    days_on_drug: float = maybe("Days with a dose above 0, each day once", ge=0, unit="days")
    interruption_days: float = maybe(
        "Days after first dose recorded with dose 0", ge=0, unit="days"
    )
    gap_days: float = maybe(
        "Days between first and last dose without any record", ge=0, unit="days"
    )
    cumulative_mg: float = maybe(
        "Sum of daily doses; null when a unit or frequency is not known", ge=0, unit="mg"
    )
    dose_intensity: float = maybe("Cumulative dose per day of duration", ge=0, unit="mg/day")
    relative_dose_intensity: float = maybe(
        "Dose intensity in percent of the planned dose, the highest of dose_levels_mg",
        ge=0,
        unit="%",
    )
    reductions: int = column("Times that a dose above 0 was followed by a lower dose above 0", ge=0)
    interruptions: int = column("Unbroken recorded periods of dose 0 after first dose", ge=0)
    first_dose_mg: float = maybe("Daily dose on the first day", unit="mg")
    last_dose_mg: float = maybe("Last daily dose above 0", unit="mg")
    records: int = column("Dosing records on or before the cutoff", ge=0)

    class Config(Table.Config):
        name = "exposure_summary"
        unique = ["USUBJID"]
