"""Safety of the liver of every subject: Hy's law, ALBI, AFP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from hcc_assets.assets.definition import Verdict, asset
from hcc_assets.schemas.labs import LiverSafety
from hcc_assets.study.config import StudyConfig


@asset(model=LiverSafety, settings=("labs.hys_law_days", "labs.afp_response_percent"))
def liver_safety(labs: pd.DataFrame, config: StudyConfig) -> pd.DataFrame:
    """Hy's law with its quadrants, ALBI at baseline and under treatment, course and response of
    AFP. One row per subject with laboratory values."""
    from hcc_assets.clinical.laboratory.liver import liver_safety as liver

    return liver(labs, config.labs)


@liver_safety.check(severity="WARN", todo="Show the subject to the medical monitor.")
def no_hys_law_case(table: pd.DataFrame) -> Verdict:
    """No subject meets Hy's law"""
    cases = int((table["HYS_LAW"] == "Y").sum())
    return Verdict(not cases, f"{cases} subjects meet the laboratory criteria of Hy's law", cases)


@liver_safety.figure
def liver_figures(table: pd.DataFrame, labs: pd.DataFrame) -> Mapping[str, Any]:
    """Hy's law plot and course of AFP."""
    from hcc_assets.figures.clinical_liver import afp_course, hys_law

    return {"hys_law": hys_law(table), "afp_course": afp_course(labs)}
