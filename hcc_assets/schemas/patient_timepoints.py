"""The joint table of both halves: one row per subject and timepoint."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.endpoints import DAYS, OVERALL_WORDS
from hcc_assets.schemas.fields import column, maybe
from hcc_assets.study.classes import PRIMARY_CLASSES
from hcc_assets.study.programs import programs

Timestamp = pd.Timestamp


class _Fixed(Table):
    """What stands in every row."""

    subject_id: str = column("Subject (USUBJID)")
    timepoint: str = column("Timepoint of the biopsy")
    samples: str = column("Its samples, separated by blanks")
    tissue: str = column("Tissue; several separated by blanks")
    lesion_id: str = maybe("Biopsied lesion (TRLNKID); several separated by blanks")
    collection_date: Timestamp = maybe("Date of the earliest collection")
    days_from_first_dose: float = maybe("Collection minus first dose", unit=DAYS)
    days_from_last_dose: float = maybe(
        "Collection minus the last day with a dose up to it; 0 while dosing", unit=DAYS
    )
    n_cells: float = maybe("QC-passed cells of the primary denominator", ge=0)
    BOR: str = maybe("Best overall response, unconfirmed", isin=OVERALL_WORDS)
    CBOR: str = maybe("Best overall response, confirmed", isin=OVERALL_WORDS)
    BEST_PCHG: float = maybe("Best change of the sum of diameters", unit="%")
    PFS_AVAL: float = maybe("Progression-free survival by the primary policy", unit=DAYS)
    PFS_CNSR: float = maybe("0 event, 1 censored", isin=[0, 1])


def _of_cells() -> dict[str, Any]:
    shares = {
        f"prop_{name}": maybe(f"Share of {name} in the primary denominator", ge=0, le=1)
        for name in PRIMARY_CLASSES
    }
    return shares | {
        f"program_{name}": maybe(
            f"{program.title}: score, mean over classes weighted by their cells",
            unit="standard deviations",
        )
        for name, program in programs().items()
    }


class _Config(Table.Config):
    name = "patient_timepoints"
    unique = ["subject_id", "timepoint"]


PatientTimepoints: type[Table] = type(
    "PatientTimepoints",
    (_Fixed,),
    {
        "__doc__": "Biopsies, composition, programs and outcome of each subject at each timepoint.",
        "__module__": __name__,
        "__annotations__": dict.fromkeys(_of_cells(), "float"),
        "Config": _Config,
        **_of_cells(),
    },
)
"""`_Fixed`, a share for each primary class and a score for each program."""
