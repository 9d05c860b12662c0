"""Tables of treatment and exposure. The rules are in ``clinical.safety``."""

from __future__ import annotations

import pandas as pd

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.fields import column, maybe

Timestamp = pd.Timestamp


class TreatmentCourse(Table):
    """One row per treated subject: when treatment began, whether it goes on, when it ended and how
    that is known. A closed dosing record alone ends nothing."""

    USUBJID: str = column("Unique subject identifier")
    TRTSDT: Timestamp = column("First dose")
    TRTEDT: Timestamp = column(
        "Last day of treatment on or before the cutoff: the cutoff while treatment goes on, else "
        "the last recorded dose, or the end of treatment where dosing entry lags behind it"
    )
    STATUS: str = column(
        "ENDED by an end of treatment in DS, death or withdrawal; ONGOING; UNKNOWN where DS is not "
        "delivered and the last dosing record is older than two visit intervals",
        isin=["ONGOING", "ENDED", "UNKNOWN"],
    )
    ENDDT: Timestamp = maybe(
        "End of treatment (the last recorded dose where it has no date); null unless ENDED"
    )
    SOURCE: str = column("What the status rests on")
    LSTEXDT: Timestamp = column("Last recorded dose on or before the cutoff")

    class Config(Table.Config):
        name = "treatment_course"
        unique = ["USUBJID"]


class ExposureSummary(Table):
    """One row per treated subject: how long, how much, how often reduced or interrupted."""

    USUBJID: str = column("Unique subject identifier")
    TRTSDT: Timestamp = column("First dose")
    TRTEDT: Timestamp = column(
        "Last day of treatment on or before the cutoff, as in treatment_course"
    )
    ongoing: bool = column("Treatment goes on at the cutoff (treatment_course)")
    duration_days: float = maybe("Last dose minus first dose plus 1", ge=1, unit="days")
    days_on_drug: float = maybe("Days with a dose above 0, each day once", ge=0, unit="days")
    interruption_days: float = maybe(
        "Days after first dose recorded with dose 0", ge=0, unit="days"
    )
    gap_days: float = maybe(
        "Days between first dose and the last dosing record without any record", ge=0, unit="days"
    )
    unrecorded_days: float = maybe(
        "Days of treatment after the last dosing record: entry lags", ge=0, unit="days"
    )
    cumulative_mg: float = maybe(
        "Sum of daily doses; null when a unit or frequency is not known", ge=0, unit="mg"
    )
    dose_intensity: float = maybe(
        "Cumulative dose per day up to the last dosing record", ge=0, unit="mg/day"
    )
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
