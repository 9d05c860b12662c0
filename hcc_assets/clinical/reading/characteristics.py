"""Typed SC and QS to one table of answers: who a subject is and what was asked, nothing derived."""

from __future__ import annotations

import re

import pandas as pd

from hcc_assets.clinical.issues import IssueLog
from hcc_assets.clinical.reading.finishing import finish, with_date
from hcc_assets.clinical.reading.typed import type_cells
from hcc_assets.schemas.base import columns
from hcc_assets.schemas.baseline import SubjectCharacteristics

_DOMAINS = ("sc", "qs")


def build_subject_characteristics(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The table ``subject_characteristics`` from typed ``sc`` and ``qs``, either of which may be
    absent; a partial date becomes its first possible day."""
    parts = [_renamed(frames[name], name) for name in _DOMAINS if name in frames]
    if not parts:
        empty = pd.DataFrame(columns=["USUBJID"], dtype=object)
        parts = [_renamed(type_cells(empty, "sc", IssueLog()), "sc")]
    frame = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    return finish(SubjectCharacteristics, frame, ["USUBJID", "DOMAIN", "TESTCD", "DT", "VISITNUM"])


def _renamed(typed: pd.DataFrame, domain: str) -> pd.DataFrame:
    code = domain.upper()
    frame = typed.copy()
    with_date(frame, f"{code}DTC")
    names = {c: re.sub(f"^{code}", "", c) for c in frame.columns}
    frame = frame.rename(columns=names).assign(DOMAIN=code)
    return frame.reindex(columns=list(columns(SubjectCharacteristics)))
