"""What a tumour assessment says by itself: whether it is the baseline, whether its lesion is a
lymph node, which reader makes the endpoints. Responses are derived in ``recist``."""

from __future__ import annotations

import pandas as pd

from hcc_assets.study.codelists import BASELINE_VISITS, NODE
from hcc_assets.study.config import StudyConfig

FRAGMENT = r"^(.+)\.\d+$"
"""Id of a fragment: that of its lesion, a dot and a number, ``T01.1`` [CLINICAL.md 1, TRLNKID]."""

_READER = ["USUBJID", "EVALUATOR", "CRITERION"]
UNSCHEDULED_FROM = 90
"""Visit numbers that EDC systems give to unscheduled visits (99, 999) [CLINICAL.md 11.9]; a trial
with assessments every six weeks has no ninetieth."""
ONE_VISIT_DAYS = 7
"""Within which scans of one scheduled number are one visit: the default visit window of the study
[CLINICAL.md 1]."""
_NO_VISIT = -1e6
"""Stands for the number of a visit without one. Ours: below every visit number, days subtracted."""


def visit_parts(frame: pd.DataFrame) -> pd.Series:
    """Which scan of a visit number each row belongs to: 0, and one more each time that a lesion is
    measured again on a later day. A visit is its number and its date: sites give one number to
    all unscheduled visits, or to two scans of a screening [CLINICAL.md 11.9]. At a scheduled visit
    what is measured again within `ONE_VISIT_DAYS` is the same scan, with a repeat or a conflict.

    Parameters
    ----------
    frame
        ``USUBJID, EVALUATOR, CRITERION, VISITNUM, VISIT, TRDT, TRLNKID, TRTESTCD``.
    """
    part = pd.Series(0, index=frame.index, dtype="int64")
    test = ["TRLNKID", "TRTESTCD"]
    visit = [*_READER, "VISITNUM"]
    dated = frame[frame[[*visit, *test, "TRDT"]].notna().all(axis=1)]
    dated = dated[dated.duplicated([*visit, *test], keep=False)]
    if dated.empty:
        return part
    days = dated.groupby([*visit, *test])["TRDT"].transform("nunique")
    again = pd.MultiIndex.from_frame(dated.loc[days > 1, visit].drop_duplicates())
    if again.empty:
        return part
    suspects = frame[pd.MultiIndex.from_frame(frame[visit]).isin(again) & frame["TRDT"].notna()]
    for _, rows in suspects.groupby(visit, sort=True):
        name = rows["VISIT"].str.strip().str.upper()
        free = name.isin(BASELINE_VISITS).any() or is_unscheduled(name, rows["VISITNUM"]).any()
        apart = pd.Timedelta(days=0 if free else ONE_VISIT_DAYS)
        seen: set[tuple[object, object]] = set()
        number, begun = 0, rows["TRDT"].min()
        for day, scan in rows.groupby("TRDT", sort=True):
            mine = set(zip(scan["TRLNKID"], scan["TRTESTCD"], strict=True))
            if mine & seen and pd.Timestamp(str(day)) - begun > apart:
                number, seen, begun = number + 1, set(), pd.Timestamp(str(day))
            seen |= mine
            part[scan.index] = number
    return part


def is_unscheduled(name: pd.Series, number: pd.Series) -> pd.Series:
    """Visits named so, with a number that is not whole, or one from `UNSCHEDULED_FROM`."""
    named = name.str.upper().str.contains("UNSCH", regex=False).eq(True)
    return named | (number % 1 != 0) & number.notna() | (number >= UNSCHEDULED_FROM)


def mark_baseline(frame: pd.DataFrame, first_dose: pd.Series) -> pd.Series:
    """Rows of the baseline assessment, per subject and reader.

    The baseline is the visit named SCREENING or BASELINE (in any letter case; the last one that was
    complete on or before the first dose where there are several), otherwise the last assessment
    that was complete on or before the first dose. A subject without either has no baseline.

    Parameters
    ----------
    frame
        ``USUBJID, EVALUATOR, CRITERION, VISITNUM, VISIT, TRDT, TRLNKID, TRTESTCD``.
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
        part=visit_parts(frame),
        number=frame["VISITNUM"],
        named=frame["VISIT"].str.strip().str.upper().isin(BASELINE_VISITS),
        day=frame["TRDT"],
    )
    key = [*_READER, "visit", "part"]
    visits = work.groupby(key, sort=True, as_index=False).agg(
        named=("named", "any"), last=("day", "max"), number=("number", "max")
    )
    dose = visits["USUBJID"].map(first_dose).astype("datetime64[ns]")
    any_named = visits.groupby(_READER)["named"].transform("any")
    candidate = visits["named"] | (~any_named & (visits["last"] <= dose))
    visits["in_time"] = visits["last"] <= dose
    chosen = (
        visits[candidate]
        .sort_values([*_READER, "in_time", "last", "number"], kind="stable", na_position="first")
        .drop_duplicates(_READER, keep="last")
    )
    flags = work.merge(chosen[key].assign(baseline=True), how="left", on=key)["baseline"].eq(True)
    return flags.set_axis(frame.index)


def is_nodal(location: str | None) -> bool:
    """True when a location is a lymph node (``LYMPH NODE``, alone or with its region)."""
    return location is not None and NODE in location.upper()


def endpoint_readers(
    tumour_assessments: pd.DataFrame, config: StudyConfig
) -> dict[str, str | None]:
    """The one reader of each subject whose readings make the endpoints.

    ``recist.endpoint_reader`` where the subject has it; otherwise the only reader there is;
    otherwise the reader whom ``TRACPTFL`` marks at every visit; otherwise None, which is an E
    finding and blocks the subject's tumour data.

    Returns
    -------
    dict
        Subject to reader or None; subjects with lesion rows only.
    """
    wanted = " ".join(config.recist.endpoint_reader.upper().split())
    readers: dict[str, str | None] = {}
    accepted = tumour_assessments["TRACPTFL"].fillna("").str.upper() == "Y"
    pairs = tumour_assessments[["USUBJID", "EVALUATOR"]].drop_duplicates()
    for subject, block in pairs.groupby("USUBJID", sort=True)["EVALUATOR"]:
        names = sorted(block)
        match = [n for n in names if " ".join(n.upper().split()) == wanted]
        readers[str(subject)] = match[0] if match else names[0] if len(names) == 1 else None
    for subject in [s for s, reader in readers.items() if reader is None]:
        rows = tumour_assessments[tumour_assessments["USUBJID"] == subject]
        flagged = rows[accepted[rows.index]]
        names = sorted(set(flagged["EVALUATOR"]))
        everywhere = set(rows["VISITNUM"].dropna()) <= set(flagged["VISITNUM"].dropna())
        readers[subject] = names[0] if len(names) == 1 and everywhere else None
    return readers
