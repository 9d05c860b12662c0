"""How the subjects went through the trial."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.schemas.base import empty
from hcc_assets.schemas.baseline import SubjectFlow
from hcc_assets.schemas.clinical import Disposition
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.criteria import rows_of


@asset(
    model=SubjectFlow,
    settings=("dialect.end_of_treatment", "recist.criteria", "recist.headline"),
)
def subject_flow(
    subjects: pd.DataFrame,
    treatment_course: pd.DataFrame,
    responses: pd.DataFrame,
    response_rates: pd.DataFrame,
    config: StudyConfig,
    cutoff: dt.date,
    disposition: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Enrolled, treated, ended and why, evaluable, died: the numbers of a CONSORT diagram. Over all
    subjects."""
    from hcc_assets.clinical.endpoints.subject_flow import subject_flow as flow

    criterion = config.recist.criteria[0]
    return flow(
        subjects,
        empty(Disposition) if disposition is None else disposition,
        treatment_course,
        rows_of(responses, criterion),
        rows_of(response_rates, criterion),
        config,
        cutoff=cutoff,
    )
