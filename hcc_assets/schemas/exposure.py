"""Table of exposure. The rules are in ``clinical.safety.exposure``."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from hcc_assets.schemas.base import Table

Timestamp = pd.Timestamp


class ExposureSummary(Table):
    """One row per treated subject: how long, how much, how often reduced or interrupted."""

    USUBJID: str = pa.Field(description="Unique subject identifier")
    TRTSDT: Timestamp = pa.Field(description="First dose")
    TRTEDT: Timestamp = pa.Field(
        description=(
            "Last dose on or before the cutoff; the cutoff (or death before it) when dosing "
            "is ongoing"
        )
    )
    ongoing: bool = pa.Field(
        description="The last dosing record has no end and the subject is alive at the cutoff"
    )
    duration_days: float = pa.Field(
        nullable=True,
        ge=1,
        description="Last dose minus first dose plus 1",
        metadata={"unit": "days"},
    )
    days_on_drug: float = pa.Field(
        nullable=True,
        ge=0,
        description="Days with a dose above 0, each day once",
        metadata={"unit": "days"},
    )
    interruption_days: float = pa.Field(
        nullable=True,
        ge=0,
        description="Days after first dose recorded with dose 0",
        metadata={"unit": "days"},
    )
    gap_days: float = pa.Field(
        nullable=True,
        ge=0,
        description="Days between first and last dose without any record",
        metadata={"unit": "days"},
    )
    cumulative_mg: float = pa.Field(
        nullable=True,
        ge=0,
        description="Sum of daily doses; null when a unit or frequency is not known",
        metadata={"unit": "mg"},
    )
    dose_intensity: float = pa.Field(
        nullable=True,
        ge=0,
        description="Cumulative dose per day of duration",
        metadata={"unit": "mg/day"},
    )
    relative_dose_intensity: float = pa.Field(
        nullable=True,
        ge=0,
        description="Dose intensity in percent of the planned dose, the highest of dose_levels_mg",
        metadata={"unit": "%"},
    )
    reductions: int = pa.Field(
        ge=0, description="Times that a dose above 0 was followed by a lower dose above 0"
    )
    interruptions: int = pa.Field(
        ge=0, description="Unbroken recorded periods of dose 0 after first dose"
    )
    first_dose_mg: float = pa.Field(
        nullable=True, description="Daily dose on the first day", metadata={"unit": "mg"}
    )
    last_dose_mg: float = pa.Field(
        nullable=True, description="Last daily dose above 0", metadata={"unit": "mg"}
    )
    records: int = pa.Field(ge=0, description="Dosing records on or before the cutoff")

    class Config(Table.Config):
        name = "exposure_summary"
        unique = ["USUBJID"]
