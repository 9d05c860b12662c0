"""What the readings of one lesion at one visit amount to [RECIST 1.1, 4.3.2, 4.3.3, 4.3.5]: a length, a state, or missing.

Targets give a length in exact units (nodes by short axis, others by longest diameter; fragments summed in place of their lesion), non-targets
a state, new lesions a certainty. Responses are derived from these in ``recist_timepoint``.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd

from hcc_assets.clinical.reading.assessments import is_nodal
from hcc_assets.clinical.recist import lesion_rows as rr
from hcc_assets.clinical.recist.lesion_rows import Coded

AXES = ("LDIAM", "SAXIS", "LPERP")
NO_ROW, NOT_MEASURED, CONFLICT, UNREADABLE, UNMEASURED_MASS = (
    "no record",
    "not measured",
    "conflicting values",
    "not readable",
    "merged mass not measured",
)
_UNUSED = 9


def nodal_lesions(rows: pd.DataFrame) -> pd.Series:
    """Per (series, group, root): is the lesion a lymph node? By its location; where none is given, a short axis and no longest diameter."""
    known = rows[rows["root"].notna()]
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


def _cells(rows: pd.DataFrame, priority: np.ndarray, value: np.ndarray) -> pd.DataFrame:
    """One cell per lesion and visit: the reading of the best priority; differing values of that priority are a conflict, repeats collapse."""
    frame = rows.assign(priority=priority, value=value)
    frame = frame.sort_values(
        ["series", "visit", "root", "lesion", "priority", "kind"], kind="stable"
    ).reset_index(drop=True)
    key = ["series", "visit", "root", "lesion"]
    head = ~frame.duplicated(key)
    cell = np.cumsum(head.to_numpy()) - 1
    cells = frame[head].reset_index(drop=True)
    same = frame["priority"].to_numpy() == cells["priority"].to_numpy()[cell]
    differs = same & (frame["value"].to_numpy() != cells["value"].to_numpy()[cell]).astype(bool)
    conflict = np.zeros(len(cells), dtype=bool)
    np.logical_or.at(conflict, cell[differs], True)
    unreadable = np.zeros(len(cells), dtype=bool)
    np.logical_or.at(unreadable, cell[frame["kind"].to_numpy() == rr.UNREADABLE], True)
    read = cells["priority"].to_numpy() < _UNUSED
    cells["ok"] = read & ~conflict
    cells["why"] = np.where(
        read & conflict,
        CONFLICT,
        np.where(~read & unreadable, UNREADABLE, np.where(read, "", NOT_MEASURED)),
    )
    return cells


def _attach_nodal(rows: pd.DataFrame, nodal: pd.Series) -> np.ndarray:
    if rows.empty:
        return np.zeros(0, dtype=bool)
    index = pd.MultiIndex.from_frame(rows[["series", "group", "root"]])
    return nodal.reindex(index, fill_value=False).to_numpy(dtype=bool)


def _target_cells(rows: pd.DataFrame, nodal: np.ndarray) -> pd.DataFrame:
    kind, test = rows["kind"].to_numpy(), rows["test"].to_numpy()
    units = rows["units"].to_numpy()
    number = kind == rr.NUMBER
    short, alias, longest = test == "SAXIS", test == "LPERP", test == "LDIAM"
    word = np.isin(kind, [rr.ABSENT, rr.SMALL, rr.COALESCED])
    other_axis_zero = number & np.isin(test, AXES) & (units == 0).astype(bool)
    priority = np.select(
        [number & np.where(nodal, short, longest), number & nodal & alias, word, other_axis_zero],
        [0, 1, 2, 3],
        _UNUSED,
    )
    return _cells(rows.assign(nodal=nodal, measured=priority < _UNUSED), priority, units)


def target_grid(coded: Coded, nodal: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Baseline targets, and every baseline target at every later visit.

    Returns
    -------
    tuple of DataFrame
        ``baseline``: ``series, root, nodal, units, ok, why``; ``grid``: ``visit, series, root, nodal, units, ok, gone, back, why, date``.
        ``gone`` is a lesion at 0, or a node below 10 mm; ``back`` its opposite where measured; ``date`` the last scan that measured it.
    """
    rows = coded.rows[(coded.rows["group"] == rr.TARGET) & coded.rows["root"].notna()].reset_index(
        drop=True
    )
    cells = _target_cells(rows, _attach_nodal(rows, nodal))
    cells["date"] = _last_date(rows, cells)
    baseline = cells[cells["visit"] == -1][
        ["series", "root", "nodal", "units", "ok", "why"]
    ].reset_index(drop=True)
    visits = coded.visits[["series"]].rename_axis("visit").reset_index()
    grid = visits.merge(baseline[["series", "root", "nodal"]], on="series", how="inner")
    later = cells[cells["visit"] >= 0]
    direct = later[later["lesion"] == later["root"]][
        ["visit", "root", "units", "ok", "kind", "why", "date"]
    ]
    grid = grid.merge(direct, on=["visit", "root"], how="left")
    grid["ok"] = grid["ok"].eq(True)
    grid["why"] = grid["why"].fillna(NO_ROW)
    grid["date"] = grid["date"].where(
        grid["ok"]
    )  # the last scan that counts, not one that could not be read
    grid["kind"] = grid["kind"].fillna(rr.NONE).astype(int)
    units = np.zeros(len(grid), dtype=coded.scale.dtype)
    ok = grid["ok"].to_numpy(dtype=bool)
    lookup = direct.set_index(["visit", "root"])["units"]
    if ok.any():
        units[ok] = (
            lookup.reindex(pd.MultiIndex.from_frame(grid.loc[ok, ["visit", "root"]]))
            .to_numpy()
            .astype(coded.scale.dtype)
        )
    grid["units"] = units
    ten = 10 * coded.scale.per_mm
    grid["gone"] = grid["ok"] & np.where(
        grid["nodal"], grid["units"] < ten, grid["units"] == 0
    ).astype(bool)
    grid["back"] = grid["ok"] & ~grid["gone"]
    fragments = later[later["lesion"] != later["root"]]
    if len(fragments):
        _sum_fragments(grid, fragments, ten)
    _guard_coalesced(grid)
    return baseline, grid


def _last_date(rows: pd.DataFrame, cells: pd.DataFrame) -> pd.Series:
    read = rows[rows["kind"].isin([rr.NUMBER, rr.ABSENT, rr.SMALL, rr.COALESCED, rr.PRESENT])]
    dates = read.groupby(["series", "visit", "root", "lesion"])["date"].max().rename("last")
    return cells[["series", "visit", "root", "lesion"]].merge(
        dates.reset_index(), how="left", on=["series", "visit", "root", "lesion"]
    )["last"]


def _sum_fragments(grid: pd.DataFrame, fragments: pd.DataFrame, ten: int) -> None:
    """Fragments ``T01.k`` in place of ``T01``; one that was seen before and has no record now makes ``T01`` missing, unless it is measured itself."""
    by_cell: dict[tuple[int, str], list[Any]] = {}
    split: set[tuple[int, str]] = set()
    for cell in cast("list[Any]", list(fragments.itertuples(index=False))):
        by_cell.setdefault((cell.visit, cell.root), []).append(cell)
        split.add((cell.series, cell.root))
    seen: dict[tuple[int, str], set[str]] = {}
    column = {
        name: list(grid.columns).index(name)
        for name in ("units", "ok", "gone", "back", "why", "kind", "date")
    }
    places = zip(
        grid["series"].tolist(), grid["root"].tolist(), grid["visit"].tolist(), strict=True
    )
    for i, (series, root, visit) in enumerate(places):  # the grid is in time order within a series
        if (series, root) not in split:
            continue
        cells = by_cell.get((visit, root), [])
        known = seen.setdefault((series, root), set())
        measured = [c for c in cells if c.ok]
        if not measured and (not cells or grid["ok"].iat[i]):
            if grid["ok"].iat[i]:
                known.clear()  # measured as one again
            continue
        absent = known - {c.lesion for c in cells}
        known |= {c.lesion for c in cells}
        bad = [c.why for c in cells if not c.ok]
        complete = not bad and not absent
        total = sum(int(c.units) for c in measured)
        gone = all(c.units < ten if c.nodal else c.units == 0 for c in measured)
        dates = [c.date for c in measured if not pd.isna(c.date)]
        grid.iat[i, column["units"]] = total  # the measured fragments count in a partial sum
        grid.iat[i, column["ok"]] = complete
        grid.iat[i, column["gone"]] = complete and gone
        grid.iat[i, column["back"]] = not gone
        grid.iat[i, column["why"]] = (
            "" if complete else (bad[0] if bad else "a fragment has " + NO_ROW)
        )
        grid.iat[i, column["kind"]] = (
            rr.NUMBER if any(c.kind != rr.COALESCED for c in measured) else rr.COALESCED
        )
        grid.iat[i, column["date"]] = max(dates) if dates else pd.NaT


def _guard_coalesced(grid: pd.DataFrame) -> None:
    """A coalesced lesion counts 0 because its mass is measured under another id; where none is measured, it is missing and has not disappeared."""
    coalesced = (grid["kind"] == rr.COALESCED).to_numpy() & grid["ok"].to_numpy(dtype=bool)
    if not coalesced.any():
        return
    carriers = (
        (grid["ok"] & (grid["kind"] != rr.COALESCED))
        .groupby(grid["visit"])
        .transform("any")
        .to_numpy(dtype=bool)
    )
    alone = coalesced & ~carriers
    grid.loc[alone, ["ok", "gone"]] = False
    grid.loc[alone, "why"] = UNMEASURED_MASS


def _non_target_state(
    rows: pd.DataFrame, nodal: np.ndarray, ten: int
) -> tuple[np.ndarray, np.ndarray]:
    """State code of each row (PROGRESSION, PRESENT, ABSENT; NONE where it says nothing) and its priority."""
    kind, test, units = rows["kind"].to_numpy(), rows["test"].to_numpy(), rows["units"].to_numpy()
    number = (kind == rr.NUMBER) & np.isin(test, AXES)
    below = (units < ten).astype(bool)
    zero = (units == 0).astype(bool)
    short = number & nodal & np.isin(test, ["SAXIS", "LPERP"])
    longest = number & nodal & (test == "LDIAM") & below
    length = number & ~nodal & ((test == "LDIAM") | zero)
    says_absent = np.isin(kind, [rr.ABSENT, rr.COALESCED]) | ((kind == rr.SMALL) & nodal)
    says_present = (kind == rr.PRESENT) | ((kind == rr.SMALL) & ~nodal)
    progression = kind == rr.PROGRESSION
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
        [rr.PROGRESSION, rr.ABSENT, rr.PRESENT, rr.ABSENT, rr.PRESENT, rr.ABSENT, rr.PRESENT],
        rr.NONE,
    )
    word = says_absent | says_present | progression
    priority = np.select(
        [short & (test == "SAXIS"), short, word, longest | length], [1, 2, 3, 4], _UNUSED
    )
    return state, priority


def non_target_cells(coded: Coded, nodal: pd.Series) -> pd.DataFrame:
    """State of every non-target at every visit that has a record of it.

    The reader's word of unequivocal progression stands above all; a node is judged by its short axis (present from 10 mm), anything else by the word.

    Returns
    -------
    DataFrame
        ``series, visit, root (null: not a baseline lesion), lesion, state, ok, why, date, sized`` (``sized``: decided by a node's length).
    """
    ten = 10 * coded.scale.per_mm
    rows = coded.rows[
        (coded.rows["group"] == rr.NON_TARGET) & coded.rows["lesion"].notna()
    ].reset_index(drop=True)
    node = np.zeros(len(rows), dtype=bool)
    rooted = rows["root"].notna().to_numpy()
    node[rooted] = _attach_nodal(rows[rooted], nodal)
    node[~rooted] = [
        is_nodal(v if isinstance(v, str) else None) for v in rows.loc[~rooted, "location"]
    ]
    state, priority = _non_target_state(rows, node, ten)
    rows["known"] = rooted
    rows["root"] = rows["root"].where(rooted, rows["lesion"])
    words = rows["test"].to_numpy() == "TUMSTATE"
    progression = state == rr.PROGRESSION
    cells = _cells(rows.assign(state=state), priority, state)
    key = ["series", "visit", "root", "lesion"]
    flagged = rows[progression].groupby(key)["date"].min().rename("flag_date").reset_index()
    clashing = (
        rows[words & (priority < _UNUSED)]
        .assign(state=state[words & (priority < _UNUSED)])
        .groupby(key)["state"]
        .nunique()
    )
    clashing = clashing[clashing > 1].rename("clash").reset_index()
    cells = cells.merge(flagged.assign(flagged=True), on=key, how="left").merge(
        clashing, on=key, how="left"
    )
    worse = cells["flagged"].eq(True) & cells["clash"].isna()
    cells["ok"] = (cells["ok"] | worse) & cells["clash"].isna()
    cells["state"] = np.where(worse, rr.PROGRESSION, cells["state"])
    cells["why"] = np.where(cells["clash"].notna(), CONFLICT, np.where(worse, "", cells["why"]))
    cells["date"] = cells["flag_date"].where(worse, _first_date(rows[priority < _UNUSED], cells))
    cells["sized"] = cells["priority"].isin([1, 2]) & ~worse
    cells["root"] = [
        root if known else None for root, known in zip(cells["root"], cells["known"], strict=True)
    ]
    return cells[["series", "visit", "root", "lesion", "state", "ok", "why", "date", "sized"]]


def _first_date(rows: pd.DataFrame, cells: pd.DataFrame) -> pd.Series:
    key = ["series", "visit", "root", "lesion"]
    dates = rows.groupby(key)["date"].min().rename("first_date").reset_index()
    return cells[key].merge(dates, on=key, how="left")["first_date"]


def new_lesion_progression(coded: Coded) -> dict[int, tuple[pd.Timestamp, str, bool]]:
    """Visits at which a new lesion is progression [4.3.5].

    An unequivocal new lesion counts from its first scan; an equivocal one counts from its first scan on as soon as a later scan of the same lesion is
    unequivocal, unless it was absent in between. A new lesion recorded as present or measured without a word on certainty counts as unequivocal,
    or keeps its earlier uncertainty. Different words on one day are taken as equivocal.

    Returns
    -------
    dict
        Visit code to ``(date of the earliest scan that shows it, lesion id, dated back)``.
    """
    rows = coded.rows[
        (coded.rows["group"] == rr.NEW) & coded.rows["lesion"].notna() & (coded.rows["visit"] >= 0)
    ]
    rows = rows[~rows["kind"].isin([rr.NONE, rr.UNREADABLE])]
    found: dict[int, tuple[pd.Timestamp, str, bool]] = {}
    for (_, lesion), block in rows.sort_values(
        ["series", "lesion", "visit", "date", "kind"], na_position="last"
    ).groupby(["series", "lesion"], sort=True):
        waiting: list[tuple[int, pd.Timestamp]] = []
        equivocal = False
        for place, scan in block.groupby(["visit", "date"], sort=True, dropna=False):
            visit, date = cast("tuple[int, pd.Timestamp]", place)
            kinds = set(scan["kind"])
            gone = not scan["units"].astype(bool).any() and kinds <= {
                rr.ABSENT,
                rr.NUMBER,
                rr.COALESCED,
            }
            if gone:
                waiting, equivocal = [], False
                continue
            if rr.EQUIVOCAL in kinds or (equivocal and rr.UNEQUIVOCAL not in kinds):
                equivocal = True
                waiting.append((int(visit), date))
                continue
            for earlier, scan_date in [*waiting, (int(visit), date)]:
                _keep_earliest(
                    found, earlier, (scan_date, str(lesion), (earlier, scan_date) in waiting)
                )
            waiting, equivocal = [], False
    return found


def _keep_earliest(
    found: dict[int, tuple[pd.Timestamp, str, bool]],
    visit: int,
    entry: tuple[pd.Timestamp, str, bool],
) -> None:
    known = found.get(visit)
    if (
        known is None
        or pd.isna(known[0])
        or (not pd.isna(entry[0]) and (entry[0], entry[1]) < (known[0], known[1]))
    ):
        found[visit] = entry
