"""Which row of a new export is which row of the one before.

What the difference means is judged in ``verdict``.

Sequence numbers are renumbered by many EDC systems at every export, so they never identify a row by
themselves while something better does: equal rows are paired first, then rows that agree in ever
fewer key columns. Rows that agree in one step are paired in the order of their content.
"""

from __future__ import annotations

import pandas as pd

KEYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "subjects": (("USUBJID",),),
    "exposure": (("USUBJID", "EXSTDTC", "EXTRT"), ("USUBJID", "EXSEQ"), ("USUBJID", "EXSTDTC")),
    "tumour_assessments": (
        ("USUBJID", "EVALUATOR", "VISITNUM", "TRLNKID", "TRTESTCD", "TRDTC"),
        ("USUBJID", "EVALUATOR", "VISITNUM", "TRLNKID", "TRTESTCD"),
    ),
    "reported_responses": (("USUBJID", "EVALUATOR", "VISITNUM", "RSTESTCD"),),
    "disposition": (("USUBJID", "DOMAIN", "DSDECOD"), ("USUBJID", "DOMAIN", "DSSTDTC")),
    "survival_status": (("USUBJID", "DSSTDTC"), ("USUBJID",)),
    "adverse_events": (
        ("USUBJID", "AEDECOD", "AESTDTC"),
        ("USUBJID", "AESEQ", "AEDECOD"),
        ("USUBJID", "AESEQ", "AESTDTC"),
        ("USUBJID", "AETERM", "AESTDTC"),
    ),
    "lab_results": (
        ("USUBJID", "LBTESTCD", "LBSPEC", "VISITNUM", "LBDTC"),
        ("USUBJID", "LBTESTCD", "LBSPEC", "VISITNUM"),
    ),
    "vital_signs": (
        ("USUBJID", "VSTESTCD", "VISITNUM", "VSDTC"),
        ("USUBJID", "VSTESTCD", "VISITNUM"),
    ),
    "subject_characteristics": (
        ("USUBJID", "DOMAIN", "TESTCD", "VISITNUM", "DTC"),
        ("USUBJID", "DOMAIN", "TESTCD"),
    ),
}
"""Key columns by table, strongest first."""

SEQUENCES = frozenset({"EXSEQ", "AESEQ", "LBSEQ", "VSSEQ"})


def match_rows(
    before: pd.DataFrame, after: pd.DataFrame, keys: tuple[tuple[str, ...], ...]
) -> tuple[pd.DataFrame, pd.Index, pd.Index]:
    """Pair the rows of two versions of one table.

    Parameters
    ----------
    before, after
        Same columns.
    keys
        Key columns to try, strongest first; equality of all columns but the sequence numbers is
        tried before them.

    Returns
    -------
    tuple
        ``pairs`` with the columns ``before`` and ``after`` (index labels), the labels of ``before``
        without partner, those of ``after`` without partner.
    """
    content = tuple(column for column in before.columns if column not in SEQUENCES)
    left, right = _as_text(before), _as_text(after)
    order = [*left.columns]
    left, right = left.sort_values(order, kind="stable"), right.sort_values(order, kind="stable")
    found = []
    for key in (tuple(before.columns), content, *keys):
        names = list(key)
        a = left[names].assign(_n=left.groupby(names, sort=False).cumcount(), before=left.index)
        b = right[names].assign(_n=right.groupby(names, sort=False).cumcount(), after=right.index)
        pairs = a.merge(b, on=[*names, "_n"])[["before", "after"]]
        found.append(pairs)
        left, right = left.drop(index=list(pairs["before"])), right.drop(index=list(pairs["after"]))
        if left.empty or right.empty:
            break
    return pd.concat(found, ignore_index=True), left.index, right.index


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Cells as text with one null, so that rows can be joined on every column."""
    return frame.apply(lambda s: s.astype(object).where(s.notna(), "").map(str))
