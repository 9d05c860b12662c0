"""Subjects that data issues block, and the check on them of every asset on tumour data."""

from __future__ import annotations

from collections.abc import Set

import pandas as pd

from hcc_assets.assets.definition import Verdict
from hcc_assets.assets.inputs import Version
from hcc_assets.catalogue.clinical._held_back import held_back

WHAT_TO_DO = "See data_issues; send the query letters."


def blocked(clinical_checks: Version, tumour_assessments: pd.DataFrame) -> frozenset[str]:
    """Subjects whose tumour data count as not evaluable."""
    return held_back(clinical_checks.frame("issues"), tumour_assessments)


def no_subject_blocked(clinical_checks: Version, tumour_assessments: pd.DataFrame) -> Verdict:
    """No subject is blocked by a data issue"""
    return none_blocked(blocked(clinical_checks, tumour_assessments))


def none_blocked(subjects: Set[str]) -> Verdict:
    """The verdict over subjects that are held back."""
    text = "no subject is blocked by a data issue"
    if subjects:
        text = f"{len(subjects)} subjects are blocked by data issues and count as not evaluable"
    return Verdict(not subjects, text, len(subjects))
