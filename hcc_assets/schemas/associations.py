"""Table of exploratory associations between what the biopsies show and how the patients do.

No derivation belongs here.
"""

from __future__ import annotations

import pandera.pandas as pa

from hcc_assets.schemas.base import Table
from hcc_assets.study.classes import CELL_CLASSES


class Associations(Table):
    """One row per feature and outcome, all exploratory.

    Baseline features are read from the first biopsy, changes from the pair.
    """

    feature: str = pa.Field(description="What was measured: kind:context:class:baseline or change")
    outcome: str = pa.Field(
        isin=["RESPONSE", "PFS"],
        description="RESPONSE (CR or PR against SD or PD; NE left out) or PFS",
    )
    family: str = pa.Field(description="Tests that are adjusted together, within an outcome")
    cell_class: str = pa.Field(isin=list(CELL_CLASSES), description="Cell class")
    n: int = pa.Field(
        ge=0, description="Patients with feature and outcome (PFS: still at risk at the landmark)"
    )
    n_events: int = pa.Field(
        ge=0, description="RESPONSE: responders among them; PFS: events after the landmark"
    )
    measure: str = pa.Field(description="What effect is, with its unit")
    effect: float = pa.Field(
        nullable=True,
        description=(
            "RESPONSE: Hodges-Lehmann difference, responders minus others; PFS: hazard ratio "
            "per SD of the feature"
        ),
    )
    ci_low: float = pa.Field(nullable=True, description="Lower bound, 95 % (RESPONSE: exact)")
    ci_high: float = pa.Field(nullable=True, description="Upper bound, 95 %")
    p_value: float = pa.Field(
        nullable=True,
        ge=0,
        le=1,
        description="RESPONSE: exact Mann-Whitney; PFS: Wald test of the Cox model",
    )
    p_adjusted: float = pa.Field(
        nullable=True, ge=0, le=1, description="Benjamini-Hochberg within outcome and family"
    )
    landmark: str = pa.Field(nullable=True, description="PFS: where the clock starts")
    label: str = pa.Field(
        description="Always exploratory: no claim of the study rests on these rows"
    )

    class Config(Table.Config):
        name = "associations"
        unique = ["feature", "outcome"]
