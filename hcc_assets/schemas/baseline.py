"""Who the subjects are, how they went through the trial, and why they are censored."""

from __future__ import annotations

import pandas as pd

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.fields import column, maybe
from hcc_assets.study.criteria import DERIVED

Timestamp = pd.Timestamp


class SubjectCharacteristics(Table):
    """SC and QS under one set of names: one row per answer, as delivered."""

    USUBJID: str = column("Unique subject identifier")
    DOMAIN: str = column("Domain it comes from", isin=["SC", "QS"])
    TESTCD: str = maybe("Short name, upper case")
    TEST: str = maybe("Name, upper case")
    CAT: str = maybe("Category, upper case")
    ORRES: str = maybe("Answer as delivered, upper case")
    STRESC: str = maybe("Answer in standard format")
    STAT: str = maybe("NOT DONE or null")
    BLFL: str = maybe("Baseline flag as delivered")
    VISITNUM: float = maybe("Visit number")
    VISIT: str = maybe("Visit name")
    DTC: str = maybe("Day, as delivered")
    DT: Timestamp = maybe("Day, date")
    DTF: str = maybe("Date imputation flag")
    SRCROW: int = column("Row in the delivered sc or qs file", ge=1)

    class Config(Table.Config):
        name = "subject_characteristics"


class BaselineCharacteristics(Table):
    """Treated subjects at baseline: a row per level, or one with moments where it is a number."""

    characteristic: str = column("Characteristic, e.g. ECOG")
    level: str = maybe("Level; MISSING where nothing was delivered; null on the row of a number")
    n: int = column("Subjects with this level, or with a number", ge=0)
    n_subjects: int = column("Treated subjects", ge=1)
    pct: float = maybe("100 n / n_subjects, of a level", ge=0, le=100, unit="%")
    mean: float = maybe("Mean")
    sd: float = maybe("Standard deviation (n - 1)")
    median: float = maybe("Median")
    minimum: float = maybe("Least")
    maximum: float = maybe("Greatest")
    unit: str = maybe("Unit of the number")

    class Config(Table.Config):
        name = "baseline_characteristics"
        unique = ["characteristic", "level"]


class SubjectFlow(Table):
    """Subjects by the steps of the trial, as a CONSORT diagram of a single arm shows them."""

    step: str = column("Step, e.g. TREATED")
    reason: str = maybe("Why subjects left before the next step, or at it; null: all of the step")
    n: int = column("Subjects", ge=0)
    of_step: str = maybe("Step that they are a part of")

    class Config(Table.Config):
        name = "subject_flow"
        unique = ["step", "reason"]


class CensoringReasons(Table):
    """How each time to event ended, events and censorings by their words."""

    CRITERION: str = column("Response criterion", isin=list(DERIVED))
    PARAMCD: str = column("Time to event")
    CNSR: int = column("0 event, 1 censored", isin=[0, 1])
    reason: str = column("Event, or why it is censored (EVNTDESC)")
    censored_at: str = maybe("Which date it is censored at (CNSDTDSC); null for an event")
    n: int = column("Subjects", ge=1)
    n_subjects: int = column("Subjects with this parameter", ge=1)
    pct: float = column("100 n / n_subjects", ge=0, le=100, unit="%")

    class Config(Table.Config):
        name = "censoring_reasons"
        unique = ["CRITERION", "PARAMCD", "CNSR", "reason", "censored_at"]
