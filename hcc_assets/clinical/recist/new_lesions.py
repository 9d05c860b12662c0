"""New lesions: at which visits they are progression [RECIST 1.1, 4.3.5].

Other lesions are in ``targets`` and ``non_targets``.
"""

from __future__ import annotations

import pandas as pd

from hcc_assets.clinical.recist.lesion_cells import NODE_MM
from hcc_assets.clinical.recist.lesion_rows import NEW, Coded
from hcc_assets.clinical.recist.readings import (
    ABSENT,
    COALESCED,
    EQUIVOCAL,
    NONE,
    NUMBER,
    UNEQUIVOCAL,
    UNREADABLE,
)
from hcc_assets.study.codelists import SHORT_AXIS


def new_lesion_progression(coded: Coded) -> dict[int, tuple[pd.Timestamp, str, bool]]:
    """Visits at which a new lesion is progression [4.3.5].

    An unequivocal new lesion counts from its first scan; an equivocal one counts from its first
    scan on as soon as a later scan of the same lesion is unequivocal, unless it was absent in
    between. A new lesion recorded as present or measured without a word on certainty counts as
    unequivocal, or keeps its earlier uncertainty. A node below 10 mm in short axis is absent.
    Different words on one day are taken as equivocal.

    Returns
    -------
    dict
        Visit code to ``(date of the earliest scan that shows it, lesion id, dated back)``.
    """
    rows = coded.rows[
        (coded.rows["group"] == NEW) & coded.rows["lesion"].notna() & (coded.rows["visit"] >= 0)
    ]
    rows = rows[~rows["kind"].isin([NONE, UNREADABLE])]
    rows = rows.assign(units=rows["units"].mask(_small_node(rows, coded), 0))
    found: dict[int, tuple[pd.Timestamp, str, bool]] = {}
    names = ["series", "lesion", "visit", "date", "kind"]
    ordered = rows.sort_values(names, na_position="last")
    columns = (ordered[c].tolist() for c in [*names, "units"])
    lesions: dict[tuple[int, str], dict[tuple[int, pd.Timestamp], list[tuple[int, int]]]] = {}
    for series, name, at, day, kind, units in zip(*columns, strict=True):
        scans = lesions.setdefault((series, name), {})
        scans.setdefault((at, day), []).append((kind, units))
    for (_, lesion), scans in lesions.items():
        waiting: list[tuple[int, pd.Timestamp]] = []
        equivocal = False
        for (visit, date), scan in scans.items():
            kinds = {kind for kind, _ in scan}
            sized = any(units for _, units in scan)
            gone = not sized and kinds <= {ABSENT, NUMBER, COALESCED}
            if gone:
                waiting, equivocal = [], False
                continue
            if EQUIVOCAL in kinds or (equivocal and UNEQUIVOCAL not in kinds):
                equivocal = True
                waiting.append((int(visit), date))
                continue
            for earlier, scan_date in [*waiting, (int(visit), date)]:
                _keep_earliest(
                    found, earlier, (scan_date, str(lesion), (earlier, scan_date) in waiting)
                )
            waiting, equivocal = [], False
    return found


def _small_node(rows: pd.DataFrame, coded: Coded) -> pd.Series:
    """Nodes with a short axis below 10 mm, which are no lesions [3.1.1]."""
    short = (rows["kind"] == NUMBER) & rows["test"].isin(SHORT_AXIS) & rows["nodal"].astype(bool)
    return short & (rows["units"] < NODE_MM * coded.scale.per_mm).astype(bool)


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
