"""Baseline targets at every visit as a length in exact units [RECIST 1.1, 4.3.2].

Nodes count by short axis, others by longest diameter; fragments are summed in place of their
lesion. Responses are derived from these in ``timepoints``.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd

from hcc_assets.clinical.recist.lesion_cells import (
    AXES,
    NO_ROW,
    NODE_MM,
    UNMEASURED_MASS,
    UNUSED,
    lesion_cells,
)
from hcc_assets.clinical.recist.lesion_rows import TARGET, Coded
from hcc_assets.clinical.recist.readings import ABSENT, COALESCED, NONE, NUMBER, PRESENT, SMALL


def _target_cells(rows: pd.DataFrame) -> pd.DataFrame:
    kind, test = rows["kind"].to_numpy(), rows["test"].to_numpy()
    units, nodal = rows["units"].to_numpy(), rows["nodal"].to_numpy()
    number = kind == NUMBER
    short, alias, longest = test == "SAXIS", test == "LPERP", test == "LDIAM"
    word = np.isin(kind, [ABSENT, SMALL, COALESCED])
    other_axis_zero = number & np.isin(test, AXES) & (units == 0).astype(bool)
    priority = np.select(
        [number & np.where(nodal, short, longest), number & nodal & alias, word, other_axis_zero],
        [0, 1, 2, 3],
        UNUSED,
    )
    return lesion_cells(rows.assign(measured=priority < UNUSED), priority, units)


def target_grid(coded: Coded) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Baseline targets, and every baseline target at every later visit.

    Returns
    -------
    tuple of DataFrame
        ``baseline``: ``series, root, nodal, units, ok, why``; ``grid``: ``visit, series, root,
        nodal, units, ok, gone, back, why, date``. ``gone`` is a lesion at 0, or a node below 10 mm;
        ``back`` its opposite where measured; ``date`` the last scan that measured it.
    """
    rows = coded.rows[(coded.rows["group"] == TARGET) & coded.rows["root"].notna()].reset_index(
        drop=True
    )
    cells = _target_cells(rows)
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
    grid["kind"] = grid["kind"].fillna(NONE).astype(int)
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
    ten = NODE_MM * coded.scale.per_mm
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
    read = rows[rows["kind"].isin([NUMBER, ABSENT, SMALL, COALESCED, PRESENT])]
    dates = read.groupby(["series", "visit", "root", "lesion"])["date"].max().rename("last")
    return cells[["series", "visit", "root", "lesion"]].merge(
        dates.reset_index(), how="left", on=["series", "visit", "root", "lesion"]
    )["last"]


def _sum_fragments(grid: pd.DataFrame, fragments: pd.DataFrame, ten: int) -> None:
    """Fragments ``T01.k`` in place of ``T01``; one that was seen before and has no record now makes
    ``T01`` missing, unless it is measured itself."""
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
            NUMBER if any(c.kind != COALESCED for c in measured) else COALESCED
        )
        grid.iat[i, column["date"]] = max(dates) if dates else pd.NaT


def _guard_coalesced(grid: pd.DataFrame) -> None:
    """A coalesced lesion counts 0 because its mass is measured under another id; where none is
    measured, it is missing and has not disappeared."""
    coalesced = (grid["kind"] == COALESCED).to_numpy() & grid["ok"].to_numpy(dtype=bool)
    if not coalesced.any():
        return
    carriers = (
        (grid["ok"] & (grid["kind"] != COALESCED))
        .groupby(grid["visit"])
        .transform("any")
        .to_numpy(dtype=bool)
    )
    alone = coalesced & ~carriers
    grid.loc[alone, ["ok", "gone"]] = False
    grid.loc[alone, "why"] = UNMEASURED_MASS
