"""Table of exploratory associations between what the biopsies show and how the patients do.

No derivation belongs here.
"""

from __future__ import annotations

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.fields import column, maybe
from hcc_assets.study.classes import CELL_CLASSES


class Associations(Table):
    """One row per feature and outcome, all exploratory.

    Baseline features are read from the first biopsy, changes from the pair.
    """

    feature: str = column("What was measured: kind:context:class:baseline or change")
    outcome: str = column(
        "RESPONSE (CR or PR against SD or PD; NE left out) or PFS", isin=["RESPONSE", "PFS"]
    )
    family: str = column("Tests that are adjusted together, within an outcome")
    cell_class: str = column("Cell class", isin=list(CELL_CLASSES))
    n: int = column("Patients with feature and outcome (PFS: still at risk at the landmark)", ge=0)
    n_events: int = column("RESPONSE: responders among them; PFS: events after the landmark", ge=0)
    measure: str = column("What effect is, with its unit")
    effect: float = maybe(
        "RESPONSE: Hodges-Lehmann difference, responders minus others; PFS: hazard ratio "
        "per SD of the feature"
    )
    ci_low: float = maybe("Lower bound, 95 % (RESPONSE: exact)")
    ci_high: float = maybe("Upper bound, 95 %")
    p_value: float = maybe(
        "RESPONSE: exact Mann-Whitney; PFS: Wald test of the Cox model", ge=0, le=1
    )
    p_adjusted: float = maybe("Benjamini-Hochberg within outcome and family", ge=0, le=1)
    landmark: str = maybe("PFS: where the clock starts")
    label: str = column("Always exploratory: no claim of the study rests on these rows")

    class Config(Table.Config):
        name = "associations"
        unique = ["feature", "outcome"]
