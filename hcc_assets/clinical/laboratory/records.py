"""The table ``labs``: each result with its baseline, its grades, and whether it is
treatment-emergent.

Rules: the baseline is the last value on or before first dose, of those that the delivery flags
where it flags some. Until then a value is graded against the limits of normal alone, afterwards
against the baseline where CTCAE says so. Of several results of one visit and day the worst stands.
Corrected calcium is derived where it was not delivered.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import numpy as np
import pandas as pd

from hcc_assets.clinical.laboratory.grading import compare, grades
from hcc_assets.clinical.laboratory.results import NULL, all_results, read_results
from hcc_assets.clinical.safety.events import study_day
from hcc_assets.schemas.base import columns, conform, empty
from hcc_assets.schemas.labs import Labs
from hcc_assets.study.config import StudyConfig

_DIGITS: Final = 10
"""Significant digits of a converted value: more than any laboratory measures, fewer than the
rounding of a double shows (our choice)."""

_ALBUMIN: Final = 40.0
_PER_GRAM: Final = 0.02
"""Corrected calcium = calcium + 0.02 mmol/l for each g/l of albumin below 40 (Payne 1973)."""

_KEY: Final = ["USUBJID", "DOMAIN", "LBTESTCD", "LBSPEC", "VISITNUM", "LBDT"]


def derive_labs(
    subjects: pd.DataFrame,
    course: pd.DataFrame,
    lab_results: pd.DataFrame,
    vital_signs: pd.DataFrame | None,
    config: StudyConfig,
    *,
    cutoff: dt.date,
) -> pd.DataFrame:
    """Graded laboratory values and vital signs.

    Parameters
    ----------
    subjects, lab_results, vital_signs
        Frames of ``schemas.clinical``.
    course
        Frame of ``schemas.exposure.TreatmentCourse``: the window of treatment is of it.
    config
        ``labs.ctcae_version`` and ``safety.teae_window_days``.
    cutoff
        Later values are left out.

    Returns
    -------
    pandas.DataFrame
        ``schemas.labs.Labs``, sorted; subjects that DM does not have are left out.

    Raises
    ------
    KeyError
        There are no rules of that version of CTCAE.
    """
    values = read_results(all_results(lab_results, vital_signs))
    limit = pd.Timestamp(cutoff)
    values = values[values["USUBJID"].isin(subjects["USUBJID"]) & ~(values["LBDT"] > limit)]
    if values.empty:
        return empty(Labs)
    values = _with_corrected_calcium(values.reset_index(drop=True))
    period = course.set_index("USUBJID")
    start, end = (
        values["USUBJID"].map(period[c]).astype("datetime64[ns]") for c in ("TRTSDT", "TRTEDT")
    )
    who = _series_of(values)
    values = _with_baseline(values, start, who)
    until = end + pd.Timedelta(days=config.safety.teae_window_days)
    after = (values["LBDT"] >= start) & ~values["baseline"]
    values["relative"] = after & _beyond(values["base"], values["base_high"])
    found = grades(values, config.labs.ctcae_version)
    values[found.columns] = found
    at = np.flatnonzero(values["baseline"])
    for way in "LH":
        values[f"was_{way}"] = _spread(found[f"grade_{way}"], at, who)
    values["treated"] = after & (values["LBDT"] <= until)
    values["day"] = study_day(values["LBDT"], start)
    return _table(_one_a_day(values))


def _beyond(value: pd.Series, limit: pd.Series) -> np.ndarray:
    return compare(value.to_numpy(), limit.to_numpy(), ">")


def _with_corrected_calcium(values: pd.DataFrame) -> pd.DataFrame:
    """Rows of CACR for days with calcium and albumin and no corrected calcium."""
    day = ["USUBJID", "LBDT", "VISITNUM"]
    known = values[values["printed"].notna() & values["LBDT"].notna()]
    calcium = known[known["test"] == "CA"]
    albumin = known.loc[known["test"] == "ALB"].drop_duplicates(day)[[*day, "value"]]
    have = values.loc[values["test"] == "CACR", day].drop_duplicates().assign(there=True)
    if calcium.empty or albumin.empty:
        return values
    new = calcium.merge(albumin.rename(columns={"value": "albumin"}), on=day)
    new = new.merge(have, how="left", on=day)
    new = new[new["there"].isna()].drop(columns="there")
    new["value"] += _PER_GRAM * (_ALBUMIN - new.pop("albumin"))
    new = new.assign(LBTESTCD="CACR", test="CACR", text=None, LBBLFL=None)
    # it is compared in the unit in which it was made
    new = new.assign(printed="mmol/L", scale=1.0)
    return pd.concat([values, new], ignore_index=True) if len(new) else values


def _series_of(values: pd.DataFrame) -> np.ndarray:
    """Number of the series of each value: one subject, domain and test; -1 without a test."""
    codes = np.zeros(len(values), dtype=np.int64)
    for name in ("USUBJID", "DOMAIN", "test"):
        own, uniques = pd.factorize(values[name])
        codes = np.where((codes < 0) | (own < 0), -1, codes * (len(uniques) + 1) + own)
    found = pd.factorize(codes)[0]
    return np.where(codes < 0, -1, found)


def _spread(column: pd.Series, rows: np.ndarray, who: np.ndarray) -> np.ndarray:
    """What the one row of each series says, on all rows of the series."""
    kind = object if column.dtype == object else float
    known = np.full(max(int(who.max()), 0) + 2, None if kind is object else np.nan, dtype=kind)
    known[who[rows]] = column.to_numpy()[rows]
    return np.asarray(known[who])


def _with_baseline(values: pd.DataFrame, start: pd.Series, who: np.ndarray) -> pd.DataFrame:
    """Values with ``baseline`` (it is this row), ``base`` and ``base_high`` in the row's unit."""
    flagged = values["LBBLFL"] == "Y"
    before = (values["LBDT"] <= start) | (flagged & start.isna())
    can = values.loc[
        before & values["value"].notna() & (who >= 0), ["LBDT", "VISITNUM", "value", "SRCROW"]
    ]
    can = can.assign(who=who[can.index], flagged=flagged.loc[can.index])
    can = can.sort_values(["who", "flagged", "LBDT", "VISITNUM", "value", "SRCROW"], kind="stable")
    last = can.index[~can.duplicated("who", keep="last")].to_numpy()
    out = values.copy(deep=False)
    out["baseline"] = np.isin(np.arange(len(values)), last)
    unit = _spread(values["unit"], last, who)
    own = values["unit"].to_numpy()
    same = (unit == own) | (pd.isna(unit) & pd.isna(own))
    for name, source in (("base", "value"), ("base_high", "high")):
        out[name] = np.where(same, _spread(values[source], last, who), np.nan)
    return out


def _one_a_day(values: pd.DataFrame) -> pd.DataFrame:
    """Of several results of one test, specimen, visit and day the baseline, else the worst; in
    order."""
    twice = values.duplicated(_KEY, keep=False)
    if twice.any():
        some = values[twice]
        worst = some[["grade_L", "grade_H"]].max(axis=1)
        some = some.assign(worst=-worst.fillna(-1), first=~some["baseline"])
        some = some.sort_values([*_KEY, "first", "worst", "value", "SRCROW"], kind="stable")
        values = values.drop(index=some.index[some.duplicated(_KEY)])
    keys = ["SRCROW", "VISITNUM", "LBDT", "LBSPEC", "LBTESTCD", "DOMAIN", "USUBJID"]
    codes = [pd.factorize(values[name], sort=True, use_na_sentinel=False)[0] for name in keys]
    return values.take(np.lexsort(codes)).reset_index(drop=True)


def _text(grade: pd.Series) -> pd.Series:
    words = np.array(["0", "1", "2", "3", "4", None], dtype=object)
    return pd.Series(words[grade.fillna(5).to_numpy(dtype=int)], index=grade.index)


def _downward(values: pd.DataFrame) -> pd.Series:
    """Whether the signed grade is the one downward. Where both directions have one, an odd range
    was delivered: the change from baseline decides, without a baseline the direction downward
    (as in admiral)."""
    low, high = values["grade_L"].fillna(0), values["grade_H"].fillna(0)
    return (low > 0) & ((high == 0) | ~(values["value"] > values["base"]))


def _table(values: pd.DataFrame) -> pd.DataFrame:
    low, high = values["grade_L"], values["grade_H"]
    down = _downward(values)
    either = low.notna() | high.notna()
    signed = _text(high.fillna(0)).mask(down, "-" + _text(low.fillna(0))).where(either, NULL)
    emergent = pd.Series(False, index=values.index)
    for way in "LH":
        # a grade against an abnormal baseline starts from that baseline, not from its grade
        was = values[f"was_{way}"].mask(values[f"instead_{way}"], 0).fillna(0)
        emergent |= values[f"grade_{way}"] > was
    base, value = values["base"], values["value"]
    changed = (100 * (value - base) / base).where(base != 0)
    rounded = {c: _rounded(values[c]) for c in ("value", "low", "high", "base", "base_high")}
    as_they_are = ("USUBJID", "DOMAIN", "LBTESTCD", "LBSPEC", "VISITNUM", "VISIT", "SRCROW")
    frame = {
        **{name: values[name] for name in as_they_are},
        "ADT": values["LBDT"],
        "ADTF": values["LBDTF"],
        "ADY": values["day"],
        "AVAL": rounded["value"],
        "AVALC": values["text"],
        "AVALU": values["unit"],
        "ANRLO": rounded["low"],
        "ANRHI": rounded["high"],
        "ABLFL": pd.Series("Y", index=values.index).where(values["baseline"], NULL),
        "BASE": rounded["base"],
        "BASEHI": rounded["base_high"],
        "PCHG": _rounded(changed),
        "ATOXGR": signed,
        "ATOXGRL": _text(low),
        "ATOXGRH": _text(high),
        "BTOXGRL": _text(values["was_L"]),
        "BTOXGRH": _text(values["was_H"]),
        "TERML": values["term_L"],
        "TERMH": values["term_H"],
        "CONVENTION": values["note_H"].where(values["note_H"].notna(), values["note_L"]),
        "ONTRTFL": np.where(values["treated"], "Y", "N"),
        "TRTEMFL": np.where(values["treated"] & emergent, "Y", "N"),
    }
    return conform(Labs, pd.DataFrame({name: frame[name] for name in columns(Labs)}, copy=False))


def _rounded(numbers: pd.Series) -> pd.Series:
    """Numbers to `_DIGITS` significant digits."""
    values = numbers.to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(values == 0, 0, np.floor(np.log10(np.abs(values))))
    power = 10.0 ** (_DIGITS - 1 - np.nan_to_num(size))
    return pd.Series(np.round(values * power) / power, index=numbers.index)
