"""Suspicions about sample identity, one row each."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import asset
from hcc_assets.assets.inputs import Version
from hcc_assets.schemas.identity import IdentitySuspicions


@asset(model=IdentitySuspicions, owners=("team:data-management",))
def identity_suspicions(sample_identity: Version) -> pd.DataFrame:
    """Suspicions about sample identity, one row each with what was seen and what to do. Never
    fixed automatically."""
    return sample_identity.frame("suspicions")
