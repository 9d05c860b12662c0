"""Which tumour assessment is the baseline. Responses against it are derived in ``recist``."""

from __future__ import annotations

import pandas as pd

from hcc_assets.study.codelists import BASELINE_VISITS

_READER = ["USUBJID", "EVALUATOR"]
_NO_VISIT = -1e6


def mark_baseline(frame: pd.DataFrame, first_dose: pd.Series) -> pd.Series:
    """Rows of the baseline assessment, per subject and reader.

    The baseline is the visit named SCREENING or BASELINE (in any letter case; the later one where there are both), otherwise the last assessment
    that was complete on or before the first dose. A subject without either has no baseline.

    Parameters
    ----------
    frame
        ``USUBJID, EVALUATOR, VISITNUM, VISIT, TRDT``.
    first_dose
        First dose by ``USUBJID``.

    Returns
    -------
    pandas.Series
        Boolean, index of ``frame``.
    """
    if frame.empty:
        return pd.Series(False, index=frame.index, dtype=bool)
    by_day = (
        _NO_VISIT - (frame["TRDT"] - pd.Timestamp("1900-01-01")).dt.days
    )  # visits without a number are told apart by their day
    work = frame[_READER].assign(
        visit=frame["VISITNUM"].fillna(by_day).fillna(2 * _NO_VISIT),
        number=frame["VISITNUM"],
        named=frame["VISIT"].str.strip().str.upper().isin(BASELINE_VISITS),
        day=frame["TRDT"],
    )
    key = [*_READER, "visit"]
    visits = work.groupby(key, sort=True, as_index=False).agg(
        named=("named", "any"), last=("day", "max"), number=("number", "max")
    )
    dose = visits["USUBJID"].map(first_dose).astype("datetime64[ns]")
    any_named = visits.groupby(_READER)["named"].transform("any")
    candidate = visits["named"] | (~any_named & (visits["last"] <= dose))
    chosen = (
        visits[candidate]
        .sort_values([*_READER, "last", "number"], kind="stable", na_position="first")
        .drop_duplicates(_READER, keep="last")
    )
    flags = work.merge(chosen[key].assign(baseline=True), how="left", on=key)["baseline"].eq(True)
    return flags.set_axis(frame.index)
