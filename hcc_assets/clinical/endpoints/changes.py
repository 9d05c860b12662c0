"""Differences of the endpoint tables against their last published version, with the cause of each:
new data, corrected data, or re-derivation.

Which inputs changed is decided here from the delivered records; whether a change may be published
at all (shrinking exports) is operations' work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.endpoints import EndpointChanges
from hcc_assets.study.criteria import RECIST

NEW, CORRECTED, REDERIVED = "new data", "corrected data", "re-derivation"

ENDPOINTS: dict[str, tuple[list[str], list[str]]] = {
    "responses": (
        ["USUBJID", "EVALUATOR", "CRITERION", "VISITNUM"],
        ["OVRLRESP", "TRGRESP", "NTRGRESP", "NEWLPROG", "ADT", "BASE", "SUMDIAM", "NADIR_PRIOR"],
    ),
    "best_responses": (
        ["USUBJID", "CRITERION"],
        [
            "BOR",
            "CBOR",
            "BEST_PCHG",
            "RESPDT",
            "TTR_DAYS",
            "DOR_DAYS",
            "EVALUABLE",
            "BLOCKED",
            "EVALUATOR",
        ],
    ),
    "time_to_event": (
        ["USUBJID", "CRITERION", "PARAMCD"],
        ["ADT", "CNSR", "AVAL", "STARTDT", "EVNTDESC", "CNSDTDSC"],
    ),
    "response_rates": (
        ["CRITERION", "measure", "source", "population"],
        ["x", "n", "pct", "lcl", "ucl"],
    ),
    "pfs_summary": (
        ["CRITERION", "PARAMCD", "landmark_days"],
        ["n", "events", "median", "lcl", "ucl", "surv", "surv_lcl", "surv_ucl", "n_risk"],
    ),
    "ae_summary": (["table", "soc", "term", "level"], ["patients", "events", "n"]),
}
"""Endpoint tables: key columns, and the columns whose change is told (the first one also stands for
a row that came or went)."""

_RECORD_KEYS: dict[str, list[str]] = {
    "subjects": ["USUBJID"],
    "exposure": ["USUBJID", "EXSEQ", "EXSTDTC"],
    "tumour_assessments": [
        *("USUBJID", "EVALUATOR", "CRITERION", "VISITNUM", "TRLNKID", "TRTESTCD"),
    ],
    "disposition": ["USUBJID", "DOMAIN", "DSDECOD", "DSSTDTC"],
    "adverse_events": ["USUBJID", "AESEQ", "AEDECOD", "AESTDTC"],
}
_DERIVED = {"SRCROW", "TRTSDT", "TRTEDT", "ONGOING", "WTHDT", "BASELINE"}


@dataclass(frozen=True)
class Causes:
    """Subjects whose delivered records changed between two versions.

    Attributes
    ----------
    new
        Subjects with records or values that were not there before.
    corrected
        Subjects with records that were changed or removed.
    """

    new: frozenset[str] = field(default_factory=frozenset)
    corrected: frozenset[str] = field(default_factory=frozenset)

    def of(self, subject: str | None, *, added: bool) -> str:
        """Cause of a change of this subject (None: of the whole study); ``added``: the row did not
        exist before."""
        new = bool(self.new) if subject is None else subject in self.new
        corrected = bool(self.corrected) if subject is None else subject in self.corrected
        if added and new:
            return NEW
        return CORRECTED if corrected else NEW if new else REDERIVED


def _occurrence(frame: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    """Sort, and number the rows that share a key, so that every row has a key of its own whatever
    the order of delivery."""
    ordered = frame.sort_values(
        [*key, *(c for c in frame.columns if c not in key)],
        kind="stable",
        na_position="last",
        key=_sortable,
    )
    return ordered.assign(_nth=ordered.groupby(list(key), dropna=False).cumcount()).reset_index(
        drop=True
    )


def _sortable(column: pd.Series) -> pd.Series:
    return (
        column
        if column.dtype != object
        else column.map(lambda v: "" if v is None or v != v else str(v))
    )


def _differs(left: pd.Series, right: pd.Series) -> np.ndarray:
    both_null = (left.isna() & right.isna()).to_numpy()
    return ~(both_null | (left == right).fillna(False).to_numpy(dtype=bool))


def input_causes(
    previous: Mapping[str, pd.DataFrame], current: Mapping[str, pd.DataFrame]
) -> Causes:
    """Compare the delivered records of two versions.

    Parameters
    ----------
    previous, current
        The validated clinical tables by name (``subjects``, ``exposure``, ``tumour_assessments``,
        ``disposition``, ``adverse_events``); a table that is absent counts as empty.

    Returns
    -------
    Causes
        A record that is new, or a value that was null and is filled, is new data; a value that
        changed or a record that went is a correction. The last-known-alive record of SS moves on by
        nature and is new data.
    """
    new: set[str] = set()
    corrected: set[str] = set()
    for name, key in _RECORD_KEYS.items():
        before, after = previous.get(name), current.get(name)
        if before is None or after is None:
            new |= set() if after is None else set(after["USUBJID"])
            corrected |= set() if before is None else set(before["USUBJID"])
            continue
        before = _with_criterion(before, key)
        keep = [c for c in before.columns if c in after.columns and c not in _DERIVED]
        merged = _occurrence(before[keep], key).merge(
            _occurrence(after[keep], key),
            on=[*key, "_nth"],
            how="outer",
            suffixes=("", "_now"),
            indicator=True,
        )
        new |= set(merged.loc[merged["_merge"] == "right_only", "USUBJID"])
        gone = merged["_merge"] == "left_only"
        if name == "disposition":
            gone &= merged["DOMAIN"] != "SS"
        corrected |= set(merged.loc[gone, "USUBJID"])
        both = merged[merged["_merge"] == "both"]
        for column in [c for c in keep if c not in key]:
            changed = both[_differs(both[column], both[f"{column}_now"])]
            filled = changed[column].isna()
            new |= set(changed.loc[filled, "USUBJID"])
            corrected |= set(changed.loc[~filled, "USUBJID"])
    return Causes(frozenset(new), frozenset(corrected))


def _with_criterion(previous: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    """A version from before there was a second criterion: all of it is RECIST 1.1."""
    if "CRITERION" in key and "CRITERION" not in previous:
        return previous.assign(CRITERION=RECIST)
    return previous


def _text(value: Any) -> str | None:
    if value is None or pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    if isinstance(value, float | np.floating):
        return f"{value:.12g}"
    return str(value)


def difference(
    previous: pd.DataFrame | None,
    current: pd.DataFrame,
    key: Sequence[str],
    fields: Sequence[str],
    *,
    asset: str,
    causes: Causes = Causes(),
) -> pd.DataFrame:
    """What changed in one table.

    Parameters
    ----------
    previous
        The last published version; None on the first publication, which has no differences.
    current
        The version to be published.
    key
        Key columns; a key column ``USUBJID`` becomes ``subject_id``.
    fields
        Columns to compare. A row that came or went is told by the first of them.
    asset
        Name of the table.
    causes
        From ``input_causes``; a change of a subject without changed records is a re-derivation.

    Returns
    -------
    DataFrame
        ``schemas.endpoints.EndpointChanges`` sorted by subject, key and field.
    """
    if previous is None:
        return empty(EndpointChanges)
    previous = _with_criterion(previous, key)
    used = [c for c in fields if c in previous.columns and c in current.columns]
    sides = [_occurrence(frame[[*key, *used]], key) for frame in (previous, current)]
    merged = sides[0].merge(
        sides[1], on=[*key, "_nth"], how="outer", suffixes=("", "_now"), indicator=True
    )
    others = [c for c in key if c != "USUBJID"]
    rows: list[dict[str, Any]] = []
    for place, column in enumerate(used):
        differs = _differs(merged[column], merged[f"{column}_now"])
        moved = merged["_merge"].to_numpy() != "both"
        for _, row in merged[np.where(moved, place == 0, differs)].iterrows():
            subject = row["USUBJID"] if "USUBJID" in key else None
            before, now = _text(row[column]), _text(row[f"{column}_now"])
            if before == now and row["_merge"] == "both":
                continue
            name = ", ".join(f"{c}={_text(row[c])}" for c in others) or "one row per subject"
            why = causes.of(subject, added=row["_merge"] == "right_only")
            rows.append(
                {
                    "asset": asset,
                    "subject_id": subject,
                    "key": name,
                    "field": column,
                    "from": before,
                    "to": now,
                    "why": why,
                }
            )
    if not rows:
        return empty(EndpointChanges)
    frame = pd.DataFrame(rows).sort_values(
        ["subject_id", "key", "field", "from", "to"],
        kind="stable",
        na_position="first",
        key=_sortable,
    )
    return conform(EndpointChanges, frame)


def endpoint_changes(
    previous: Mapping[str, pd.DataFrame | None], current: Mapping[str, pd.DataFrame], causes: Causes
) -> pd.DataFrame:
    """Differences of all endpoint tables, in the order of ``ENDPOINTS``: the published asset
    ``endpoint_changes``."""
    parts = [
        difference(previous.get(name), current[name], key, fields, asset=name, causes=causes)
        for name, (key, fields) in ENDPOINTS.items()
        if name in current
    ]
    filled = [part for part in parts if len(part)]
    return conform(EndpointChanges, pd.concat(filled)) if filled else empty(EndpointChanges)
