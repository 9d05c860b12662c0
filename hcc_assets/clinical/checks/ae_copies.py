"""Checks of AE: events that are recorded more than once."""

from __future__ import annotations

from hcc_assets.clinical.checks.context import Context
from hcc_assets.clinical.checks.registry import Finding, check, each, grouped
from hcc_assets.schemas.base import columns
from hcc_assets.schemas.clinical import AdverseEvents

_CONTENT = [name for name in columns(AdverseEvents) if name != "SRCROW"]
"""Columns of a row that were delivered or follow from such ones."""


@check(
    "AE08",
    "Q",
    "No event is recorded twice",
    "AEDECOD, AESTDTC and AEENDTC together are unique within a subject",
    "adverse_events",
)
def duplicate(c: Context) -> list[Finding]:
    """Same preferred term, start and end."""
    ae = c.ae[c.ae["AEDECOD"].notna() & c.ae["AESTDTC"].notna()]
    ae = ae[~ae.duplicated(_CONTENT)].copy()  # an exact copy is AE22
    ae["term"], ae["end"] = ae["AEDECOD"].str.upper(), ae["AEENDTC"].fillna("")
    keys = ["USUBJID", "term", "AESTDTC", "end"]
    return grouped(
        ae[ae.duplicated(keys, keep=False)],
        keys,
        "the same event (AEDECOD, AESTDTC, AEENDTC) is recorded more than once; keep one or "
        "tell them apart",
    )


@check(
    "AE22",
    "Q",
    "No event is an exact copy",
    "no two rows are equal in every collected column, AESEQ among them; copies are not counted",
    "adverse_events",
)
def exact_copy(c: Context) -> list[Finding]:
    """Rows that repeat an earlier one in everything."""
    ae = c.ae.sort_values("SRCROW", kind="stable")
    return each(
        ae[ae.duplicated(_CONTENT)],
        "the row is an exact copy of an earlier one and is not counted; delete it, or tell the "
        "events apart",
    )
