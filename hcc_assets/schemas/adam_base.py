"""What the ADaM tables share: labelled columns, and those of every subject."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.fields import column

Timestamp = pd.Timestamp


YN = ["Y", "N"]


def field(
    label: str, description: str = "", *, nullable: bool = True, unit: str = "", **checks: Any
) -> Any:
    """A labelled column: `schemas.fields.column` with the ADaM label as its title."""
    return column(description or label, unit=unit, title=label, nullable=nullable, **checks)


class _Subject(Table):
    STUDYID: str = field("Study Identifier", "study.id of study.toml", nullable=False)
    USUBJID: str = field("Unique Subject Identifier", nullable=False)


class _Treated(_Subject):
    TRT01A: str = field(
        "Actual Treatment for Period 01", "treatment.name of study.toml; null when never dosed"
    )
    SAFFL: str = field(
        "Safety Population Flag",
        "Y: at least one dose above 0 on or before the cutoff",
        nullable=False,
        isin=YN,
    )
    TRTSDT: Timestamp = field(
        "Date of First Exposure to Treatment", "First EX record with EXDOSE > 0"
    )
