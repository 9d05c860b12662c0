"""Treatment-emergent adverse events by incidence, severity and outcome."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pandas as pd

from hcc_assets.assets.definition import Verdict, asset
from hcc_assets.assets.inputs import Version
from hcc_assets.catalogue._left_out import left_out
from hcc_assets.catalogue._second_engine import WHAT_TO_DO, second_opinion
from hcc_assets.schemas.base import empty
from hcc_assets.schemas.clinical import Disposition
from hcc_assets.schemas.safety import AeSummary
from hcc_assets.study.config import StudyConfig


@asset(model=AeSummary, settings=("safety",))
def ae_summary(
    subjects: pd.DataFrame,
    treatment_course: pd.DataFrame,
    adverse_events: pd.DataFrame,
    clinical_checks: Version,
    config: StudyConfig,
    cutoff: dt.date,
    disposition: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Treatment-emergent adverse events by incidence, severity and outcome. Each patient counts
    once at the maximum grade."""
    from hcc_assets.clinical.safety.summaries import ae_summary as summary

    return summary(
        subjects,
        treatment_course,
        adverse_events,
        config,
        cutoff=cutoff,
        left_out_rows=left_out(clinical_checks),
        disposition=empty(Disposition) if disposition is None else disposition,
    )


@ae_summary.check(severity="WARN", todo="See data_issues for the rows.")
def no_row_left_out(clinical_checks: Version) -> Verdict:
    """No adverse event row is left out of the counts"""
    rows = left_out(clinical_checks)
    text = f"{len(rows)} adverse event rows are not counted: exact copies or of unknown subjects"
    return Verdict(not rows, text, len(rows))


@ae_summary.check(todo=WHAT_TO_DO)
def second_engine_agrees(
    table: pd.DataFrame,
    subjects: pd.DataFrame,
    treatment_course: pd.DataFrame,
    adverse_events: pd.DataFrame,
    clinical_checks: Version,
    config: StudyConfig,
    cutoff: dt.date,
    disposition: pd.DataFrame | None = None,
) -> Verdict:
    """A second count of the same subjects and statsmodels' limits give the same incidence"""
    from hcc_assets.stats.second_engine.toxicity import incidence_again

    return second_opinion(
        lambda: incidence_again(
            table,
            subjects,
            treatment_course,
            adverse_events,
            disposition,
            window_days=config.safety.teae_window_days,
            cutoff=cutoff,
            left_out=left_out(clinical_checks),
        )
    )


@ae_summary.figure
def grades_figure(table: pd.DataFrame) -> Mapping[str, Any]:
    """Adverse events by grade."""
    from hcc_assets.figures.clinical_safety import ae_bars

    return {"adverse_events_by_grade": ae_bars(table)}
