"""From delivered lesion rows to coded rows: which visit a row belongs to, which baseline lesion,
what kind of reading it is.

Visits are put in time order here, baseline is set apart and records after the cut-off are left out.
What the readings of one lesion at one visit amount to is in ``lesion_cells``; no response is
derived here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Set
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hcc_assets.clinical.reading.assessments import is_nodal, visit_parts
from hcc_assets.clinical.recist.arithmetic import Scale
from hcc_assets.clinical.recist.readings import NONE, readings
from hcc_assets.clinical.recist.visits import visit_table
from hcc_assets.study.criteria import DERIVED

TARGET, NON_TARGET, NEW = "TARGET", "NON-TARGET", "NEW"
_SERIES = ["USUBJID", "EVALUATOR", "CRITERION"]


@dataclass(frozen=True)
class Coded:
    """Lesion rows with codes instead of names.

    Attributes
    ----------
    rows
        ``series, visit (-1 baseline), group, lesion, root (baseline lesion or null), test, kind,
        units, date, location, nodal`` (is the lesion a lymph node).
    series
        One row per subject, reader and criterion: ``USUBJID, EVALUATOR, CRITERION``; the index is
        the code.
    visits
        One row per series and post-baseline visit in time order: ``series, VISITNUM, VISIT, last``;
        the index is the code.
    scale
        Units of ``rows.units``.
    """

    rows: pd.DataFrame
    series: pd.DataFrame
    visits: pd.DataFrame
    scale: Scale


def _map_unique(values: pd.Series, function) -> np.ndarray:  # type: ignore[no-untyped-def]
    codes, uniques = pd.factorize(values, use_na_sentinel=False)
    return np.array([function(u if isinstance(u, str) else None) for u in uniques], dtype=object)[
        codes
    ]


def _group_word(group: str | None) -> str | None:
    text = (group or "").strip().upper().replace("_", " ").replace("-", " ")
    return {
        "TARGET": TARGET,
        "NON TARGET": NON_TARGET,
        "NONTARGET": NON_TARGET,
        "NEW": NEW,
        "NEW LESION": NEW,
    }.get(text)


def _group_of_id(lesion: str | None) -> str | None:
    text = lesion or ""
    return (
        NEW
        if text.startswith("NEW")
        else NON_TARGET
        if text.startswith("NT")
        else TARGET
        if text.startswith("T")
        else None
    )


def _roots(rows: pd.DataFrame) -> pd.Series:
    """Baseline lesion of each row: the lesion itself, or the one that it is a fragment of
    (``T01.2`` of ``T01``); null for a later lesion."""
    base = rows.loc[
        (rows["visit"] == -1) & rows["lesion"].notna(), ["series", "group", "lesion"]
    ].drop_duplicates()
    known = (
        rows[["series", "group", "lesion"]]
        .merge(base.assign(hit=True), how="left", on=["series", "group", "lesion"])["hit"]
        .notna()
        .to_numpy()
    )
    root = pd.Series(
        [v if k else None for v, k in zip(rows["lesion"], known, strict=True)], dtype=object
    )
    loose = np.flatnonzero(
        ~known & rows["lesion"].fillna("").str.contains(".", regex=False).to_numpy()
    )
    if len(loose):
        lookup = set(base.itertuples(index=False, name=None))
        for position in loose.tolist():
            series, group, lesion = (
                rows["series"].iat[position],
                rows["group"].iat[position],
                str(rows["lesion"].iat[position]),
            )
            while "." in lesion:
                lesion = lesion.rsplit(".", 1)[0]
                if (series, group, lesion) in lookup:
                    root.iat[position] = lesion
                    break
    return root


def _nodal(rows: pd.DataFrame) -> np.ndarray:
    """Per row: is its lesion a lymph node?

    A lesion of baseline by its location there, else anywhere, else by a short axis and no longest
    diameter; any other by the location of the row.
    """
    found = np.array(
        [is_nodal(v if isinstance(v, str) else None) for v in rows["location"]], dtype=bool
    )
    rooted = rows["root"].notna().to_numpy()
    if rooted.any():
        lesions = _nodal_lesions(rows[rooted])
        index = pd.MultiIndex.from_frame(rows.loc[rooted, ["series", "group", "root"]])
        found[rooted] = lesions.reindex(index).to_numpy(dtype=bool)
    return found


def _nodal_lesions(known: pd.DataFrame) -> pd.Series:
    """`_nodal` per (series, group, root)."""
    key = [known["series"], known["group"], known["root"]]
    node = known["location"].map(
        lambda v: is_nodal(v) if isinstance(v, str) and v.strip() else None
    )
    at_base = node.where((known["visit"] == -1).to_numpy())
    by_place = _first_known(at_base, key)
    anywhere = _first_known(node, key)
    axis = (known["test"] == "SAXIS").groupby(key).any() & ~(known["test"] == "LDIAM").groupby(
        key
    ).any()
    return by_place.fillna(anywhere).fillna(axis.astype(float)) > 0


def _first_known(values: pd.Series, key: list[pd.Series]) -> pd.Series:
    return values.map({True: 1.0, False: 0.0}).astype(float).groupby(key).max()


def code_rows(
    tumour_assessments: pd.DataFrame, cutoff: dt.date | None, unusable: Set[int] = frozenset()
) -> Coded:
    """Code the rows of ``tumour_assessments``.

    Parameters
    ----------
    tumour_assessments
        Frame of ``schemas.clinical.TumourAssessments``.
    cutoff
        Rows after this date are ignored. A row without a date takes the last date of its visit for
        this purpose.
    unusable
        ``SRCROW`` of rows that say nothing, as if they were not evaluable.
    """
    frame = tumour_assessments[tumour_assessments["CRITERION"].isin(DERIVED)].sort_values(
        [*_SERIES, "SRCROW"], kind="stable"
    )
    frame = frame.assign(part=visit_parts(frame)).reset_index(drop=True)
    if cutoff is not None and len(frame):
        visit_date = frame.groupby([*_SERIES, "VISITNUM"], dropna=False)["TRDT"].transform("max")
        frame = frame[~(frame["TRDT"].fillna(visit_date) > pd.Timestamp(cutoff))].reset_index(
            drop=True
        )
    kinds, units, scale = readings(frame)
    kinds[frame["SRCROW"].isin(unusable).to_numpy()] = NONE
    lesion = pd.Series(
        _map_unique(frame["TRLNKID"], lambda v: (v or "").strip().upper() or None), dtype=object
    )
    group = pd.Series(_map_unique(frame["TRGRPID"], _group_word), dtype=object)
    group = group.where(
        group.notna(), pd.Series(_map_unique(lesion, _group_of_id), dtype=object)
    ).fillna("OTHER")
    series = frame.groupby(_SERIES, sort=True).ngroup()
    rows = pd.DataFrame(
        {
            "series": series.to_numpy(dtype=np.int64),
            "group": group.to_numpy(),
            "lesion": lesion.to_numpy(),
            "test": _map_unique(frame["TRTESTCD"], lambda v: (v or "").strip().upper()),
            "kind": kinds,
            "units": units,
            "date": frame["TRDT"].to_numpy(),
            "location": frame["TULOC"].to_numpy(),
            "VISITNUM": frame["VISITNUM"].to_numpy(),
            "part": frame["part"].to_numpy(),
            "VISIT": frame["VISIT"].to_numpy(),
            "imputed": frame["TRDTF"].to_numpy(),
        }
    )
    is_base = frame["BASELINE"].to_numpy(dtype=bool)
    visits, code = visit_table(rows[~is_base].reset_index(drop=True), rows[is_base])
    rows["visit"] = -1
    rows.loc[~is_base, "visit"] = np.where(code < 0, -2, code)
    rows = rows[rows["visit"] >= -1].reset_index(drop=True)
    rows["root"] = _roots(rows)
    rows["nodal"] = _nodal(rows)
    names = frame[_SERIES].drop_duplicates().sort_values(_SERIES).reset_index(drop=True)
    return Coded(rows.drop(columns=["VISITNUM", "part", "VISIT", "imputed"]), names, visits, scale)
