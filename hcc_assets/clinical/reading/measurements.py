"""Typed LB and VS to the validated tables of laboratory results and vital signs: one row a result,
nothing converted and nothing graded (that is ``laboratory``)."""

from __future__ import annotations

import pandas as pd

from hcc_assets.clinical.issues import IssueLog
from hcc_assets.clinical.reading.finishing import finish, with_date
from hcc_assets.clinical.reading.typed import type_cells
from hcc_assets.schemas.clinical import LabResults, VitalSigns


def build_lab_results(lb: pd.DataFrame) -> pd.DataFrame:
    """The table ``lab_results`` from typed ``lb``; a partial date becomes its first possible
    day."""
    frame = lb.copy()
    with_date(frame, "LBDTC")
    keys = ["USUBJID", "LBTESTCD", "LBSPEC", "LBDT", "VISITNUM"]
    return finish(LabResults, frame, keys)


def build_vital_signs(vs: pd.DataFrame) -> pd.DataFrame:
    """The table ``vital_signs`` from typed ``vs``; a partial date becomes its first possible
    day."""
    frame = vs.copy()
    with_date(frame, "VSDTC")
    return finish(VitalSigns, frame, ["USUBJID", "VSTESTCD", "VSDT", "VISITNUM"])


def none_typed(domain: str) -> pd.DataFrame:
    """A typed domain without rows, for one that is not delivered."""
    return type_cells(pd.DataFrame(columns=["USUBJID"], dtype=object), domain, IssueLog())
