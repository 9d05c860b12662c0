"""The table ``lab_shifts``: patients by grade at baseline and worst grade under treatment."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hcc_assets.schemas.base import columns, conform, empty
from hcc_assets.schemas.labs import LabShifts
from hcc_assets.study.lab_rules import URINE

MISSING = "MISSING"


def lab_shifts(labs: pd.DataFrame) -> pd.DataFrame:
    """Shifts of the CTCAE grade of each test and direction.

    Parameters
    ----------
    labs
        ``schemas.labs.Labs``; the worst grade is of rows with ONTRTFL.

    Returns
    -------
    pandas.DataFrame
        ``schemas.labs.LabShifts``: shifts that occur, in the order of test, specimen and direction.
    """
    place = np.select(
        [labs["DOMAIN"] == "VS", labs["LBSPEC"].fillna("").str.startswith(URINE)],
        ["VITAL SIGNS", URINE],
        "BLOOD",
    )
    keys = ["LBTESTCD", "place", "direction", "term"]
    parts = []
    for way in "LH":
        graded = labs[(labs["ONTRTFL"] == "Y") & labs[f"ATOXGR{way}"].notna()]
        part = graded[["USUBJID", "LBTESTCD"]].assign(
            place=place[graded.index],
            direction=way,
            term=graded[f"TERM{way}"],
            worst_grade=graded[f"ATOXGR{way}"],
            base_grade=graded[f"BTOXGR{way}"].fillna(MISSING),
        )
        part = part.sort_values([*keys, "USUBJID", "worst_grade", "base_grade"], kind="stable")
        parts.append(part.drop_duplicates([*keys, "USUBJID"], keep="last"))
    worst = pd.concat(parts, ignore_index=True)
    if worst.empty:
        return empty(LabShifts)
    counts = worst.groupby([*keys, "base_grade", "worst_grade"], sort=True).size()
    out = counts.rename("patients").reset_index()
    out["n"] = out.groupby(keys)["patients"].transform("sum")
    out["pct"] = 100 * out["patients"] / out["n"]
    return conform(LabShifts, out.rename(columns={"place": "LBSPEC"})[list(columns(LabShifts))])
