"""What the readings of one lesion at one visit amount to: one value, or missing and why.

The rules of targets are in ``targets``, those of non-targets in ``non_targets``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from hcc_assets.clinical.recist.readings import UNREADABLE

AXES = ("LDIAM", "SAXIS", "LPERP")
"""Tests that give a length; LPERP is the alias of SAXIS for nodes [CLINICAL.md 1, TRTESTCD]."""

NODE_MM = 10
"""Short axis from which a lymph node is pathological [RECIST 1.1, 4.3.2]."""

NO_ROW, NOT_MEASURED, CONFLICT, NOT_READABLE, UNMEASURED_MASS = (
    "no record",
    "not measured",
    "conflicting values",
    "not readable",
    "merged mass not measured",
)
UNUSED = 9
"""Priority of a reading that counts for nothing: ours, behind all that are given (0 to 4)."""


def lesion_cells(rows: pd.DataFrame, priority: np.ndarray, value: np.ndarray) -> pd.DataFrame:
    """One cell per lesion and visit: the reading of the best priority; differing values of that
    priority are a conflict, repeats collapse."""
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
    np.logical_or.at(unreadable, cell[frame["kind"].to_numpy() == UNREADABLE], True)
    read = cells["priority"].to_numpy() < UNUSED
    cells["ok"] = read & ~conflict
    cells["why"] = np.where(
        read & conflict,
        CONFLICT,
        np.where(~read & unreadable, NOT_READABLE, np.where(read, "", NOT_MEASURED)),
    )
    return cells


def missing_words(grid: pd.DataFrame) -> dict[int, list[str]]:
    """Visit code to the lesions of a grid without a usable reading, each with its reason."""
    out: dict[int, list[str]] = {}
    lost = grid[~grid["ok"]]
    for visit, root, why in zip(lost["visit"], lost["root"], lost["why"], strict=True):
        out.setdefault(int(visit), []).append(f"{root} ({why})")
    return {visit: sorted(words) for visit, words in out.items()}
