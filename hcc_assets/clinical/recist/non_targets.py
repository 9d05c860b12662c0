"""Non-targets: their state at every visit, and what they show together [RECIST 1.1, 4.3.3].

The reader's word stands above a size. The response that follows is derived in ``timepoints``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from hcc_assets.clinical.recist.lesion_cells import (
    AXES,
    CONFLICT,
    NO_ROW,
    NODE_MM,
    UNUSED,
    lesion_cells,
    missing_words,
)
from hcc_assets.clinical.recist.lesion_rows import NON_TARGET, Coded
from hcc_assets.clinical.recist.readings import (
    ABSENT,
    COALESCED,
    NONE,
    NUMBER,
    PRESENT,
    PROGRESSION,
    SMALL,
)
from hcc_assets.clinical.recist.segments import any_by


def _non_target_state(rows: pd.DataFrame, ten: int) -> tuple[np.ndarray, np.ndarray]:
    """State code of each row (PROGRESSION, PRESENT, ABSENT; NONE where it says nothing) and its
    priority."""
    kind, test, units, nodal = (
        rows[name].to_numpy() for name in ("kind", "test", "units", "nodal")
    )
    number = (kind == NUMBER) & np.isin(test, AXES)
    below = (units < ten).astype(bool)
    zero = (units == 0).astype(bool)
    short = number & nodal & np.isin(test, ["SAXIS", "LPERP"])
    longest = number & nodal & (test == "LDIAM") & below
    length = number & ~nodal & ((test == "LDIAM") | zero)
    says_absent = np.isin(kind, [ABSENT, COALESCED]) | ((kind == SMALL) & nodal)
    says_present = (kind == PRESENT) | ((kind == SMALL) & ~nodal)
    progression = kind == PROGRESSION
    state = np.select(
        [
            progression,
            short & below,
            short,
            says_absent,
            says_present,
            longest | (length & zero),
            length,
        ],
        [PROGRESSION, ABSENT, PRESENT, ABSENT, PRESENT, ABSENT, PRESENT],
        NONE,
    )
    word = says_absent | says_present | progression
    priority = np.select(
        [short & (test == "SAXIS"), short, word, longest | length], [1, 2, 3, 4], UNUSED
    )
    return state, priority


def non_target_cells(coded: Coded) -> pd.DataFrame:
    """State of every non-target at every visit that has a record of it.

    The reader's word of unequivocal progression stands above all; a node is judged by its short
    axis (present from 10 mm), anything else by the word.

    Returns
    -------
    DataFrame
        ``series, visit, root (null: not a baseline lesion), lesion, state, ok, why, date, sized``
        (``sized``: decided by a node's length).
    """
    ten = NODE_MM * coded.scale.per_mm
    rows = coded.rows[
        (coded.rows["group"] == NON_TARGET) & coded.rows["lesion"].notna()
    ].reset_index(drop=True)
    rooted = rows["root"].notna().to_numpy()
    state, priority = _non_target_state(rows, ten)
    rows["known"] = rooted
    rows["root"] = rows["root"].where(rooted, rows["lesion"])
    words = rows["test"].to_numpy() == "TUMSTATE"
    progression = state == PROGRESSION
    cells = lesion_cells(rows.assign(state=state), priority, state)
    key = ["series", "visit", "root", "lesion"]
    flagged = rows[progression].groupby(key)["date"].min().rename("flag_date").reset_index()
    clashing = (
        rows[words & (priority < UNUSED)]
        .assign(state=state[words & (priority < UNUSED)])
        .groupby(key)["state"]
        .nunique()
    )
    clashing = clashing[clashing > 1].rename("clash").reset_index()
    cells = cells.merge(flagged.assign(flagged=True), on=key, how="left").merge(
        clashing, on=key, how="left"
    )
    worse = cells["flagged"].eq(True) & cells["clash"].isna()
    cells["ok"] = (cells["ok"] | worse) & cells["clash"].isna()
    cells["state"] = np.where(worse, PROGRESSION, cells["state"])
    cells["why"] = np.where(cells["clash"].notna(), CONFLICT, np.where(worse, "", cells["why"]))
    cells["date"] = cells["flag_date"].where(worse, _first_date(rows[priority < UNUSED], cells))
    cells["sized"] = cells["priority"].isin([1, 2]) & ~worse
    cells["root"] = [
        root if known else None for root, known in zip(cells["root"], cells["known"], strict=True)
    ]
    return cells[["series", "visit", "root", "lesion", "state", "ok", "why", "date", "sized"]]


def _first_date(rows: pd.DataFrame, cells: pd.DataFrame) -> pd.Series:
    key = ["series", "visit", "root", "lesion"]
    dates = rows.groupby(key)["date"].min().rename("first_date").reset_index()
    return cells[key].merge(dates, on=key, how="left")["first_date"]


def non_targets_by_visit(
    cells: pd.DataFrame, visits: pd.DataFrame, missing: dict[int, list[str]], node_rule: str
) -> pd.DataFrame:
    """Per visit: what the non-target lesions show."""
    size = len(visits)
    base = cells.loc[
        (cells["visit"] == -1) & (cells["lesion"] == cells["root"]), ["series", "root"]
    ].drop_duplicates()
    later = cells[cells["visit"] >= 0]
    grid = (
        visits[["series"]].rename_axis("visit").reset_index().merge(base, on="series", how="inner")
    )
    direct = later[later["lesion"] == later["root"]]
    fragments = later[later["root"].notna() & (later["lesion"] != later["root"])]
    # a fragment stands for its lesion: the lesion is not expected where any fragment has a record
    split = pd.MultiIndex.from_frame(fragments[["visit", "root"]])
    direct = direct[~pd.MultiIndex.from_frame(direct[["visit", "root"]]).isin(split)]
    stated = pd.concat([direct, fragments])
    merged = grid.merge(stated.drop(columns=["series"]), on=["visit", "root"], how="left")
    merged["ok"] = merged["ok"].eq(True)
    merged["why"] = merged["why"].fillna(NO_ROW)
    for visit, words in missing_words(merged).items():
        missing.setdefault(visit, []).extend(words)
    late = later[
        later["root"].isna() & later["ok"]
    ]  # first recorded after the baseline: never expected, but what it shows counts
    seen = pd.concat([merged[merged["ok"]], late])
    code, state = seen["visit"].to_numpy(dtype=int), seen["state"].to_numpy()
    present = state == PRESENT
    returns = present & ~(seen["sized"].to_numpy(dtype=bool) & (node_rule == "pd_rule"))
    progressing = state == PROGRESSION
    dates = seen.assign(visit=code)
    return pd.DataFrame(
        {
            "nt_expected": np.bincount(grid["visit"], minlength=size)
            if len(grid)
            else np.zeros(size, int),
            "nt_lost": any_by(
                merged["visit"].to_numpy(dtype=int), ~merged["ok"].to_numpy(dtype=bool), size
            ),
            "nt_assessed": _assessed(merged, size),
            "nt_late": any_by(
                late["visit"].to_numpy(dtype=int),
                late["state"].isin([PRESENT, PROGRESSION]).to_numpy(),
                size,
            ),
            "nt_record": any_by(
                later["visit"].to_numpy(dtype=int), np.ones(len(later), bool), size
            ),
            "nt_progression": any_by(code, progressing, size),
            "nt_present": any_by(code, present, size),
            "nt_returns": any_by(code, returns, size),
            "nt_progression_date": dates[progressing]
            .groupby("visit")["date"]
            .min()
            .reindex(range(size))
            .to_numpy(),
            "nt_returns_date": dates[returns]
            .groupby("visit")["date"]
            .min()
            .reindex(range(size))
            .to_numpy(),
        }
    )


def _assessed(merged: pd.DataFrame, size: int) -> np.ndarray:
    whole = merged.groupby(["visit", "root"])["ok"].all()
    return np.bincount(
        whole.index.get_level_values("visit")[whole.to_numpy(dtype=bool)].to_numpy(dtype=int),
        minlength=size,
    )[:size]
