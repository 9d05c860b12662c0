"""When each subject's treatment began, whether it goes on, when it ended and how that is known."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from hcc_assets.assets.definition import Verdict, asset
from hcc_assets.schemas.base import empty
from hcc_assets.schemas.clinical import Disposition
from hcc_assets.schemas.exposure import TreatmentCourse
from hcc_assets.study.config import StudyConfig


@asset(
    model=TreatmentCourse,
    settings=("dialect.end_of_treatment", "recist.visit_interval_days"),
)
def treatment_course(
    subjects: pd.DataFrame,
    exposure: pd.DataFrame,
    config: StudyConfig,
    cutoff: dt.date,
    disposition: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """When each subject's treatment began, whether it goes on, and when it ended. A closed dosing
    record alone ends nothing."""
    from hcc_assets.clinical.treatment.course import treatment_course as course

    ends = empty(Disposition) if disposition is None else disposition
    return course(subjects, exposure, ends, config, cutoff=cutoff)


@treatment_course.check(severity="WARN", todo="Deliver DS with an end of treatment, or EX to date.")
def every_status_is_known(table: pd.DataFrame) -> Verdict:
    """It is known of every subject whether treatment goes on"""
    unknown = int((table["STATUS"] == "UNKNOWN").sum())
    text = f"{unknown} of {len(table)} treated subjects: unknown whether treatment goes on"
    return Verdict(not unknown, text, unknown)
