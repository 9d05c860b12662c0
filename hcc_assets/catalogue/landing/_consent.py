"""What of an export may be used: nothing of who was erased, and of who withdrew nothing from that
day on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from hcc_assets.home.people.subject_keys import canonical_subject

if TYPE_CHECKING:
    from hcc_assets.clinical.reading.exports import Export

_DATED = {
    "exposure": "EXSTDT",
    "tumour_assessments": "TRDT",
    "disposition": "DSSTDT",
    "adverse_events": "AESTDT",
    "reported_responses": "RSDT",
    "lab_results": "LBDT",
    "vital_signs": "VSDT",
    "subject_characteristics": "DT",
}
"""Column of a table that says when something was recorded."""


@dataclass(frozen=True)
class Consent:
    """Who withdrew, from which day on, and who was erased.

    Attributes
    ----------
    content
        Hash of both; empty where nobody did or was.
    withdrawn
        Canonical subject to the first day whose data are no longer used.
    erased_of
        Those of the given names that were erased.
    """

    content: str
    withdrawn: Mapping[str, dt.date]
    erased_of: Callable[[Collection[str]], set[str]]

    def applied(self, export: Export) -> Export:
        """The export without erased subjects and without what was recorded of withdrawn ones from
        their date on."""
        if not self.content:
            return export
        tables = {name: self._table(name, frame) for name, frame in export.tables.items()}
        gone = self.erased_of(set(export.issues["subject_id"].dropna()))
        issues = export.issues[~export.issues["subject_id"].isin(gone)]
        return replace(export, tables=tables, issues=issues.reset_index(drop=True))

    def _table(self, name: str, frame: pd.DataFrame) -> pd.DataFrame:
        people = {s: canonical_subject(s) for s in frame["USUBJID"].unique()}
        erased = self.erased_of(people)
        until = pd.to_datetime(frame["USUBJID"].map(people).map(self.withdrawn))
        late = (frame[_DATED[name]] >= until) if name in _DATED else False
        kept = frame[~frame["USUBJID"].isin(erased) & ~late]
        if name == "subjects":
            kept = kept.copy()
            died_late = kept["DTHDT"] >= until.loc[kept.index]
            kept.loc[died_late, ["DTHDTC", "DTHDTF", "DTHFL"]] = None
            kept.loc[died_late, "DTHDT"] = pd.NaT
            kept["WTHDT"] = until.loc[kept.index]
        found = kept.reset_index(drop=True)
        found.attrs = frame.attrs
        return found
