"""From delivered lesion rows to coded rows: which visit a row belongs to, which baseline lesion, what kind of reading it is.

Visits are put in time order here, baseline is set apart and records after the cut-off are left out. What the readings of one lesion at one visit
amount to is in ``recist_lesions``; no response is derived here.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd

from hcc_assets.clinical.recist.arithmetic import Scale, millimetres
from hcc_assets.study.codelists import NOT_DONE

NONE, NUMBER, ABSENT, SMALL, COALESCED, PRESENT, PROGRESSION, EQUIVOCAL, UNEQUIVOCAL, UNREADABLE = (
    range(10)
)

WORDS = {
    "ABSENT": ABSENT,
    "TOO SMALL TO MEASURE": SMALL,
    "TOO SMALL": SMALL,
    "COALESCED": COALESCED,
    "PRESENT": PRESENT,
    "UNEQUIVOCAL PROGRESSION": PROGRESSION,
    "EQUIVOCAL": EQUIVOCAL,
    "UNEQUIVOCAL": UNEQUIVOCAL,
    "NOT EVALUABLE": NONE,
    "NOT DONE": NONE,
    "NOT ASSESSED": NONE,
    "UNKNOWN": NONE,
    "NE": NONE,
    "ND": NONE,
    "": NONE,
}
TARGET, NON_TARGET, NEW = "TARGET", "NON-TARGET", "NEW"
_FIVE = Decimal(5)


@dataclass(frozen=True)
class Coded:
    """Lesion rows with codes instead of names.

    Attributes
    ----------
    rows
        ``series, visit (-1 baseline), group, lesion, root (baseline lesion or null), test, kind, units, date, location``.
    series
        One row per subject and reader: ``USUBJID, EVALUATOR, has_rows``; the index is the code.
    visits
        One row per series and post-baseline visit in time order: ``series, VISITNUM, VISIT, last``; the index is the code.
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


def read_result(text: str, unit: str) -> tuple[int, Decimal]:
    """Kind of a result text and its contribution in mm [4.3.2]: too small to measure is 5 mm, absent and coalesced are 0."""
    word = " ".join(text.upper().split())
    if word in WORDS:
        kind = WORDS[word]
        return kind, _FIVE if kind == SMALL else Decimal(0)
    value = millimetres(text.strip(), unit)
    return (UNREADABLE, Decimal(0)) if value is None else (NUMBER, value)


def _readings(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, Scale]:
    text = frame["TRORRES"].fillna("").astype(str)
    unit = frame["TRORRESU"].fillna("").astype(str)
    blank = (text.str.strip() == "").to_numpy()
    from_number = blank & frame["TRSTRESN"].notna().to_numpy()
    if from_number.any():
        text = text.mask(
            from_number, frame["TRSTRESN"].map(lambda v: repr(float(v)) if v == v else "")
        )
        unit = unit.mask(from_number, frame["TRSTRESU"].fillna("").astype(str))
    codes, uniques = pd.factorize(text + "\x1f" + unit)
    read = [read_result(*str(u).split("\x1f", 1)) for u in uniques]
    scale = Scale.of([value for _, value in read], len(frame))
    kinds = (
        np.array([kind for kind, _ in read], dtype=np.int8)[codes] if read else np.zeros(0, np.int8)
    )
    units = (
        np.array([scale.units(value) for _, value in read], dtype=scale.dtype)[codes]
        if read
        else np.zeros(0, scale.dtype)
    )
    not_done = (
        frame["TRSTAT"].fillna("").astype(str).str.strip().str.upper().eq(NOT_DONE).to_numpy()
    )
    kinds[not_done] = NONE
    return kinds, units, scale


def _last_possible(flag: str | None, date: pd.Timestamp) -> pd.Timestamp:
    return date + (pd.offsets.YearEnd(0) if flag == "M" else pd.offsets.MonthEnd(0))


def _place_soft_visits(visits: pd.DataFrame) -> pd.Series:
    """Order date of visits whose date is partial or absent: after the visit with the next smaller number, within the month that is given."""
    order = visits["last"].copy()
    for series in visits.loc[visits["soft"], "series"].unique():
        block = visits[visits["series"] == series].sort_values("VISITNUM")
        previous = pd.NaT
        for index, visit in block.iterrows():
            date = visit["last"]
            if visit["soft"]:
                if pd.isna(date):
                    date = previous
                elif not pd.isna(previous) and date < previous:
                    date = min(previous, _last_possible(visit["flag"], date))
                order.loc[index] = date
            previous = (
                date if pd.isna(previous) or (not pd.isna(date) and date > previous) else previous
            )
    return order


def _first_text(values: pd.Series, keys: pd.Series) -> pd.Series:
    """First text of each group in alphabetical order, whatever the order of rows."""
    pairs = (
        pd.DataFrame({"key": keys, "text": values})
        .dropna()
        .drop_duplicates()
        .sort_values(["key", "text"])
    )
    return pairs.drop_duplicates("key").set_index("key")["text"]


def _visit_table(follow: pd.DataFrame, baseline: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Post-baseline visits in time order, and the visit code of each follow-up row (-1: visit lies before the baseline)."""
    undated = follow["VISITNUM"].isna()
    by_date = follow["date"].mask(~undated)
    key = (
        follow.groupby([follow["series"], follow["VISITNUM"], by_date], dropna=False, sort=True)
        .ngroup()
        .to_numpy()
    )
    done = follow["kind"].to_numpy() != NONE
    first = pd.Series(key).drop_duplicates().sort_values()
    visits = follow.iloc[first.index][["series", "VISITNUM"]].reset_index(drop=True)
    keys = pd.Series(key, index=follow.index)
    visits["VISIT"] = _first_text(follow["VISIT"], keys).reindex(visits.index)
    visits["last"] = follow["date"].where(done).groupby(keys).max().reindex(visits.index)
    visits["last"] = visits["last"].fillna(follow["date"].groupby(keys).max())
    visits["soft"] = ~(follow["imputed"].isna() & follow["date"].notna()).groupby(
        keys
    ).any().reindex(visits.index, fill_value=False).astype(bool)
    visits["flag"] = _first_text(follow["imputed"], keys).reindex(visits.index)
    start = baseline.groupby("series")["date"].min()
    first_number = baseline.groupby("series")["VISITNUM"].min()
    before = (visits["last"] < visits["series"].map(start)).to_numpy()
    before |= (
        visits["last"].isna() & (visits["VISITNUM"] < visits["series"].map(first_number))
    ).to_numpy()
    visits["order"] = _place_soft_visits(visits)
    visits["last"] = visits["last"].where(~visits["soft"] | visits["last"].isna(), visits["order"])
    kept = visits[~before].sort_values(
        ["series", "order", "VISITNUM"], kind="stable", na_position="last"
    )
    code = np.full(len(visits), -1)
    code[kept.index] = np.arange(len(kept))
    return kept.reset_index(drop=True)[["series", "VISITNUM", "VISIT", "last"]], code[key]


def _roots(rows: pd.DataFrame) -> pd.Series:
    """Baseline lesion of each row: the lesion itself, or the one that it is a fragment of (``T01.2`` of ``T01``); null for a later lesion."""
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


def code_rows(tumour_assessments: pd.DataFrame, cutoff: dt.date | None) -> Coded:
    """Code the rows of ``tumour_assessments``.

    Parameters
    ----------
    tumour_assessments
        Frame of ``schemas.clinical.TumourAssessments``.
    cutoff
        Rows after this date are ignored. A row without a date takes the last date of its visit for this purpose.
    """
    frame = tumour_assessments.sort_values(
        ["USUBJID", "EVALUATOR", "SRCROW"], kind="stable"
    ).reset_index(drop=True)
    if cutoff is not None and len(frame):
        visit_date = frame.groupby(["USUBJID", "EVALUATOR", "VISITNUM"], dropna=False)[
            "TRDT"
        ].transform("max")
        frame = frame[~(frame["TRDT"].fillna(visit_date) > pd.Timestamp(cutoff))].reset_index(
            drop=True
        )
    kinds, units, scale = _readings(frame)
    lesion = pd.Series(
        _map_unique(frame["TRLNKID"], lambda v: (v or "").strip().upper() or None), dtype=object
    )
    group = pd.Series(_map_unique(frame["TRGRPID"], _group_word), dtype=object)
    group = group.where(
        group.notna(), pd.Series(_map_unique(lesion, _group_of_id), dtype=object)
    ).fillna("OTHER")
    series = frame.groupby(["USUBJID", "EVALUATOR"], sort=True).ngroup()
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
            "VISIT": frame["VISIT"].to_numpy(),
            "imputed": frame["TRDTF"].to_numpy(),
        }
    )
    is_base = frame["BASELINE"].to_numpy(dtype=bool)
    visits, code = _visit_table(rows[~is_base].reset_index(drop=True), rows[is_base])
    rows["visit"] = -1
    rows.loc[~is_base, "visit"] = np.where(code < 0, -2, code)
    rows = rows[rows["visit"] >= -1].reset_index(drop=True)
    rows["root"] = _roots(rows)
    names = (
        frame[["USUBJID", "EVALUATOR"]]
        .drop_duplicates()
        .sort_values(["USUBJID", "EVALUATOR"])
        .reset_index(drop=True)
    )
    return Coded(rows.drop(columns=["VISITNUM", "VISIT", "imputed"]), names, visits, scale)
