"""Who the treated subjects are."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.schemas.base import empty
from hcc_assets.schemas.baseline import BaselineCharacteristics, SubjectCharacteristics
from hcc_assets.schemas.labs import LiverSafety


@asset(model=BaselineCharacteristics)
def baseline_characteristics(
    subjects: pd.DataFrame,
    subject_characteristics: pd.DataFrame | None = None,
    liver_safety: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Age, sex, ECOG, BCLC, Child-Pugh, ALBI, AFP, aetiology and what else was delivered, at the
    first dose. Over treated subjects, who has none of it included."""
    from hcc_assets.clinical.endpoints.baseline import baseline_characteristics as baseline

    given = subject_characteristics
    return baseline(
        subjects,
        empty(SubjectCharacteristics) if given is None else given,
        empty(LiverSafety) if liver_safety is None else liver_safety,
    )
