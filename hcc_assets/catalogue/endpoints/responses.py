"""Response of every subject, reader and visit, by RECIST 1.1."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pandas as pd

from hcc_assets.assets.definition import Verdict, asset
from hcc_assets.assets.inputs import Version
from hcc_assets.catalogue.clinical._held_back import held_back
from hcc_assets.catalogue.endpoints._blocked import WHAT_TO_DO, none_blocked
from hcc_assets.schemas.endpoints import Responses
from hcc_assets.study.config import StudyConfig


@asset(
    model=Responses,
    settings=(
        "recist.confirmation_days",
        "recist.endpoint_reader",
        "recist.node_reappearance",
        "recist.sticky_pr",
    ),
)
def responses(
    subjects: pd.DataFrame,
    tumour_assessments: pd.DataFrame,
    clinical_checks: Version,
    config: StudyConfig,
    cutoff: dt.date,
) -> pd.DataFrame:
    """Response of every subject, reader and visit, derived from lesions by RECIST 1.1 in exact
    arithmetic. Each row says why."""
    from hcc_assets.clinical.recist.responses import derive_responses

    blocked = _blocked(clinical_checks)
    return derive_responses(subjects, tumour_assessments, config, cutoff=cutoff, blocked=blocked)


@responses.check(severity="WARN", todo=WHAT_TO_DO)
def no_subject_blocked(clinical_checks: Version) -> Verdict:
    """No subject is blocked by a data issue"""
    return none_blocked(_blocked(clinical_checks))


@responses.figure
def spider_figure(
    table: pd.DataFrame, subjects: pd.DataFrame, config: StudyConfig
) -> Mapping[str, Any]:
    """Spider plot of the endpoint reader."""
    from hcc_assets.figures.clinical_response import spider

    return {"spider": spider(table, subjects, reader=config.recist.endpoint_reader)}


def _blocked(clinical_checks: Version) -> frozenset[str]:
    return held_back(clinical_checks.frame("issues"), each_reader=True)
