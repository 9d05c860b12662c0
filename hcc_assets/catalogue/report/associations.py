"""Composition and programs against response and PFS. Exploratory."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import Verdict, asset
from hcc_assets.assets.inputs import BySample
from hcc_assets.catalogue._contrasts import CONTRAST_SETTINGS, first_contrast
from hcc_assets.catalogue._second_engine import WHAT_TO_DO, second_opinion
from hcc_assets.catalogue.cohort._samples import class_counts, standing_samples
from hcc_assets.schemas.associations import Associations
from hcc_assets.study.config import StudyConfig, contrast_name
from hcc_assets.study.criteria import rows_of


@asset(
    model=Associations,
    settings=(
        *CONTRAST_SETTINGS,
        "single_cell.min_cells_per_sample",
        "single_cell.min_pairs",
        "recist.criteria",
        "recist.headline",
        "pfs.primary",
    ),
    layer="report",
    tags={"status": "exploratory"},
)
def associations(
    samples: pd.DataFrame,
    annotated_cells: BySample,
    program_scores: pd.DataFrame,
    program_changes: pd.DataFrame,
    best_responses: pd.DataFrame,
    time_to_event: pd.DataFrame,
    config: StudyConfig,
) -> pd.DataFrame:
    """Composition and programs against response and PFS. Exploratory; PFS counts from the second
    biopsy on."""
    from hcc_assets.stats.associations import associations as estimated

    narrow = first_contrast(config)
    changes = program_changes[program_changes["contrast"] == contrast_name(narrow)]
    return estimated(
        standing_samples(samples, annotated_cells),
        class_counts(annotated_cells),
        narrow,
        program_scores=program_scores,
        program_changes=changes.reset_index(drop=True),
        best_responses=rows_of(best_responses, config.recist.criteria[0]),
        time_to_event=rows_of(time_to_event, config.recist.criteria[0]),
    )


@associations.check(todo=WHAT_TO_DO)
def second_engine_agrees(
    table: pd.DataFrame,
    samples: pd.DataFrame,
    annotated_cells: BySample,
    program_scores: pd.DataFrame,
    program_changes: pd.DataFrame,
    best_responses: pd.DataFrame,
    time_to_event: pd.DataFrame,
    config: StudyConfig,
) -> Verdict:
    """statsmodels' Cox model and a second rank test give the same associations of programs"""
    from hcc_assets.stats.second_engine.hazards import associations_again

    narrow = first_contrast(config)
    return second_opinion(
        lambda: associations_again(
            table,
            standing_samples(samples, annotated_cells),
            program_scores,
            program_changes[program_changes["contrast"] == contrast_name(narrow)],
            rows_of(best_responses, config.recist.criteria[0]),
            rows_of(time_to_event, config.recist.criteria[0]),
            timepoints=narrow.samples.timepoints[:2],
            headline=config.recist.headline,
            primary=config.pfs.primary,
        )
    )
