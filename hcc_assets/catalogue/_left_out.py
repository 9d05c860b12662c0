"""Rows of adverse events that are not counted."""

from __future__ import annotations

from hcc_assets.assets.inputs import Version


def left_out(clinical_checks: Version) -> frozenset[int]:
    """``SRCROW`` of the rows that a finding leaves out."""
    from hcc_assets.clinical.checks.run import rows_left_out

    return rows_left_out(clinical_checks.frame("issues"))
