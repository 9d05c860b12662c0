"""Subjects whose tumour data are held back for data issues."""

from __future__ import annotations

import pandas as pd

RESPONSE_DOMAINS = ("DM", "EX", "TR")
"""Domains that response and time to event rest on: a finding of severity E in one of them blocks
its subject there (CLINICAL.md, 2)."""


def held_back(
    issues: pd.DataFrame, tumour_assessments: pd.DataFrame, *, each_reader: bool = False
) -> frozenset[str]:
    """Subjects that are blocked in response data.

    Parameters
    ----------
    issues
        Frame ``issues`` of ``clinical_checks``, or the table ``data_issues``.
    tumour_assessments
        Tells which of the named rows are of the baseline.
    each_reader
        In what is derived for every reader: findings that concern only the choice of the
        endpoint reader do not block.
    """
    from hcc_assets.clinical.checks.run import READERS_KEPT, blocked

    kept = READERS_KEPT if each_reader else frozenset()
    return blocked(issues, RESPONSE_DOMAINS, tumour_assessments, leave_out=kept)
