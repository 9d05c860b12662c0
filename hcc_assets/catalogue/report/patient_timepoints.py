"""One row per subject and timepoint: biopsy, composition, programs and outcome."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.schemas.patient_timepoints import PatientTimepoints
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.criteria import rows_of


@asset(
    model=PatientTimepoints,
    settings=("single_cell.primary_denominator", "pfs.primary", "recist.criteria"),
    layer="report",
)
def patient_timepoints(
    samples: pd.DataFrame,
    compositions: pd.DataFrame,
    config: StudyConfig,
    program_scores: pd.DataFrame | None = None,
    sample_identity: pd.DataFrame | None = None,
    best_responses: pd.DataFrame | None = None,
    time_to_event: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Biopsy, composition, programs and outcome of each subject at each timepoint. Nothing is
    tested here."""
    from hcc_assets.report.patient_timepoints import patient_timepoints as joined

    criterion = config.recist.criteria[0]
    return joined(
        samples,
        compositions,
        denominator=config.single_cell.primary_denominator,
        pfs=config.pfs.primary,
        program_scores=program_scores,
        timing=sample_identity,
        best_responses=None if best_responses is None else rows_of(best_responses, criterion),
        time_to_event=None if time_to_event is None else rows_of(time_to_event, criterion),
    )
