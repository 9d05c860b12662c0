"""PFS under both policies, OS, duration of and time to response."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.assets.inputs import Version
from hcc_assets.catalogue.endpoints._blocked import WHAT_TO_DO, blocked, no_subject_blocked
from hcc_assets.schemas.base import empty
from hcc_assets.schemas.clinical import Exposure
from hcc_assets.schemas.endpoints import BestResponses, TimeToEvent
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.criteria import RECIST, delivered, rows_of, suffix

CURVES = ("PFS_TP", "PFS_FDA", "OS")
"""Parameters that every treated subject has, so that a curve of all of them can be drawn."""


@asset(
    model=TimeToEvent,
    settings=(
        "recist.confirmation_days",
        "recist.criteria",
        "recist.endpoint_reader",
        "recist.headline",
        "recist.max_ne_between",
        "recist.max_sd_between",
        "pfs",
    ),
)
def time_to_event(
    subjects: pd.DataFrame,
    tumour_assessments: pd.DataFrame,
    responses: pd.DataFrame,
    disposition: pd.DataFrame,
    clinical_checks: Version,
    config: StudyConfig,
    cutoff: dt.date,
) -> pd.DataFrame:
    """PFS under both policies, OS, DOR and TTR of every treated subject. With the reason for each
    censoring and the source row."""
    from hcc_assets.clinical.endpoints.time_to_event import derive_time_to_event

    return derive_time_to_event(
        subjects,
        tumour_assessments,
        responses,
        disposition,
        config,
        cutoff=cutoff,
        blocked=blocked(clinical_checks, tumour_assessments),
    )


time_to_event.check(severity="WARN", todo=WHAT_TO_DO)(no_subject_blocked)


@time_to_event.figure
def survival_figures(table: pd.DataFrame, config: StudyConfig) -> Mapping[str, Any]:
    """Kaplan-Meier curves of PFS by both policies, one a criterion, and of OS."""
    from hcc_assets.figures.clinical_survival import kaplan_meier

    wanted = config.recist.criteria
    return {
        f"kaplan_meier_{p.lower()}{suffix(c, wanted)}": kaplan_meier(
            rows_of(table, c),
            p,
            landmarks_months=tuple(config.pfs.landmarks_months),
            median_rule=config.pfs.median_rule,
            criterion=RECIST if p == "OS" else c,
        )
        for c in delivered(table, wanted)
        for p in CURVES
        if p != "OS" or c == wanted[0]
    }


@time_to_event.figure
def swimmer_figure(
    table: pd.DataFrame,
    subjects: pd.DataFrame,
    responses: pd.DataFrame,
    treatment_course: pd.DataFrame,
    cutoff: dt.date,
    config: StudyConfig,
    exposure: pd.DataFrame | None = None,
    best_responses: pd.DataFrame | None = None,
) -> Mapping[str, Any]:
    """Swimmer plot, with the responses of the reader who counts, one a criterion."""
    from hcc_assets.figures.clinical_course import swimmer

    dosing = empty(Exposure) if exposure is None else exposure
    best = empty(BestResponses) if best_responses is None else best_responses
    wanted, who = config.recist.criteria, ["USUBJID", "EVALUATOR"]
    found = {}
    for c in delivered(table, wanted):
        mine = rows_of(best, c)
        read = rows_of(responses, c).merge(mine[who], on=who)
        found[f"swimmer{suffix(c, wanted)}"] = swimmer(
            *(subjects, dosing, treatment_course, read, mine, table), cutoff=cutoff, criterion=c
        )
    return found
