"""Laboratory values and vital signs with their CTCAE grades."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from hcc_assets.assets.definition import Refused, Verdict, asset
from hcc_assets.schemas.labs import Labs
from hcc_assets.study.config import StudyConfig


@asset(model=Labs, settings=("labs.ctcae_version", "safety.teae_window_days"))
def labs(
    subjects: pd.DataFrame,
    treatment_course: pd.DataFrame,
    lab_results: pd.DataFrame,
    config: StudyConfig,
    cutoff: dt.date,
    vital_signs: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Laboratory values and vital signs, graded by CTCAE in both directions and against baseline
    where CTCAE says so. Empty where neither LB nor VS is delivered."""
    from hcc_assets.clinical.laboratory.records import derive_labs
    from hcc_assets.study.lab_rules import versions

    if config.labs.ctcae_version not in versions():
        known = ", ".join(versions())
        raise Refused(f"[labs] ctcae_version in study.toml: there are rules of CTCAE {known}")
    return derive_labs(subjects, treatment_course, lab_results, vital_signs, config, cutoff=cutoff)


@labs.check(severity="WARN", todo="See the findings LB01 and LB02 in data_issues.")
def values_graded(table: pd.DataFrame) -> Verdict:
    """Every value of a graded test has a grade"""
    test = table["TERML"].notna() | table["TERMH"].notna()
    none = int((test & table["ATOXGR"].isna()).sum())
    text = f"{none} of {int(test.sum())} values of graded tests have no grade"
    return Verdict(not none, text, none)
