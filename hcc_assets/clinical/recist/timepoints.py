"""Response per visit from lesion tables [RECIST 1.1, 4.3 and tables 1 and 2], for all subjects and
readers at once.

Every rule is a comparison of whole columns; the only loops are over visit positions (smallest
earlier sum) and over the few visits with fragments, new lesions or sticky responses. Words for the
result are in ``reasons``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hcc_assets.clinical.recist.arithmetic import Ints, Scale, is_partial_response, is_progression
from hcc_assets.clinical.recist.lesion_cells import missing_words
from hcc_assets.clinical.recist.lesion_rows import TARGET, Coded
from hcc_assets.clinical.recist.new_lesions import new_lesion_progression
from hcc_assets.clinical.recist.non_targets import non_target_cells, non_targets_by_visit
from hcc_assets.clinical.recist.segments import (
    any_by,
    segmented_running_minimum,
    set_before,
    sum_by,
)
from hcc_assets.clinical.recist.targets import target_grid
from hcc_assets.study.config import Recist

NON_CR = "NON-CR/NON-PD"


@dataclass(frozen=True)
class Timepoints:
    """Everything that is known about each visit, one entry per row of ``visits``.

    Attributes
    ----------
    visits
        ``series, VISITNUM, VISIT, last`` with ``ADT, TRGRESP, NTRGRESP, NEWLPROG, OVRLRESP,
        N_EXPECTED, N_ASSESSED`` and the flags that the reason is told from.
    base, total, nadir
        Exact sums in units of ``scale``, valid where ``has_base``, ``complete`` and ``has_nadir``.
    missing
        Visit code to the lesions without a usable reading and why.
    new
        Visit code to the new lesion that is progression there: date, id, dated back.
    """

    visits: pd.DataFrame
    base: Ints
    total: Ints
    nadir: Ints
    has_base: Any
    complete: Any
    has_nadir: Any
    missing: dict[int, list[str]]
    new: dict[int, tuple[pd.Timestamp, str, bool]]
    scale: Scale


def _overall(
    target: np.ndarray, non_target: np.ndarray, new: np.ndarray, no_baseline: np.ndarray
) -> np.ndarray:
    """RECIST 1.1 tables 1 and 2."""
    return np.select(
        [
            no_baseline,
            (target == "PD") | (non_target == "PD") | new,
            (target == "CR") & np.isin(non_target, ["CR", "NA"]),
            target == "CR",
            target == "NA",
        ],
        ["NE", "PD", "CR", "PR", non_target],
        target,
    ).astype(object)


def _sticky(
    overall: np.ndarray, dates: np.ndarray, series: np.ndarray, confirmation_days: int
) -> np.ndarray:
    """EORTC reading: after a confirmed PR an SD is kept as PR until progression (70, 70, 80 of
    100)."""
    out = overall.copy()
    for code in np.unique(series[overall == "PR"]):
        rows = np.flatnonzero(series == code)
        first = None
        confirmed = False
        for row in rows:
            if overall[row] == "PD":
                break
            if overall[row] in ("PR", "CR"):
                confirmed = confirmed or (
                    first is not None
                    and (dates[row] - first) >= np.timedelta64(confirmation_days, "D")
                )
                first = dates[row] if first is None and overall[row] == "PR" else first
            elif overall[row] == "SD" and confirmed:
                out[row] = "PR"
            elif overall[row] == "SD":
                first = None  # a PR followed by SD is not confirmed by a later PR
    return out


def derive_timepoints(
    coded: Coded, rules: Recist, marker_raised: np.ndarray | None = None
) -> Timepoints:
    """Derive all components and the overall response of every visit.

    Parameters
    ----------
    coded
        Rows from ``lesion_rows.code_rows``.
    rules
        ``[recist]`` of the study.
    marker_raised
        Visits at which the tumour marker is above its limit of normal: they are no complete
        response [RECIST 1.1, 4.3.3].
    """
    visits, scale = coded.visits.copy(), coded.scale
    size, n_series = len(visits), len(coded.series)
    series = visits["series"].to_numpy(dtype=int)
    baseline, grid = target_grid(coded)
    code = grid["visit"].to_numpy(dtype=int)
    units, ok = grid["units"].to_numpy(), grid["ok"].to_numpy(dtype=bool)

    base_code = baseline["series"].to_numpy(dtype=int)
    base_sum = sum_by(
        base_code,
        np.where(baseline["ok"], baseline["units"].to_numpy(), 0).astype(scale.dtype),
        n_series,
    )
    has_targets = np.bincount(base_code, minlength=n_series) > 0
    has_base = has_targets & ~any_by(base_code, ~baseline["ok"].to_numpy(dtype=bool), n_series)
    n_targets = np.bincount(code, minlength=size)[:size]
    partial = sum_by(code, units, size)  # a missing lesion has 0 units here
    lost = any_by(code, ~ok, size)
    targets = n_targets > 0
    complete = targets & ~lost
    first = (
        np.flatnonzero(np.append(True, series[1:] != series[:-1]))
        if size
        else np.zeros(0, dtype=int)
    )
    nadir, has_nadir = segmented_running_minimum(
        partial, complete, base_sum[series[first]], has_base[series[first]], first
    )

    missing = missing_words(grid)
    found = new_lesion_progression(coded)
    new = np.isin(np.arange(size), list(found))
    nt = non_targets_by_visit(non_target_cells(coded), visits, missing, rules.node_reappearance)
    raised = np.zeros(size, dtype=bool) if marker_raised is None else marker_raised
    no_baseline = ~(targets | (nt["nt_expected"].to_numpy() > 0))
    all_gone = complete & ~any_by(code, ~grid["gone"].to_numpy(dtype=bool), size)
    nt_any = (nt["nt_expected"].to_numpy() > 0) | nt["nt_late"].to_numpy()
    nt_clear = (
        nt_any
        & ~nt["nt_progression"].to_numpy()
        & ~nt["nt_lost"].to_numpy()
        & ~nt["nt_present"].to_numpy()
        & ~raised
    )
    cr = (all_gone | ~targets) & (nt_clear | (~nt_any & ~raised)) & ~new & ~no_baseline
    cr_before = set_before(cr, series)

    back = grid["back"].to_numpy(dtype=bool)
    if rules.node_reappearance == "pd_rule":
        back = back & ~grid["nodal"].to_numpy(dtype=bool)
    returned = any_by(code, back, size) & cr_before
    grows = targets & has_nadir & is_progression(partial, nadir, scale.per_mm)
    shrinks = complete & has_base[series] & is_partial_response(partial, base_sum[series])
    target = np.select(
        [
            no_baseline & _target_rows(coded, size),
            ~targets,
            lost & (returned | grows),
            lost,
            all_gone,
            returned | grows,
            shrinks,
            has_base[series] | has_nadir,
        ],
        ["NE", "NA", "PD", "NE", "CR", "PD", "PR", "SD"],
        "NE",
    ).astype(object)
    nt_returned = nt["nt_returns"].to_numpy() & cr_before
    non_target = np.select(
        [
            no_baseline & nt["nt_record"].to_numpy(),
            ~nt_any & ~(raised & all_gone),
            nt["nt_progression"].to_numpy() | nt_returned,
            nt["nt_lost"].to_numpy(),
            nt_clear,
        ],
        ["NE", "NA", "PD", "NE", "CR"],
        NON_CR,
    ).astype(object)
    overall = _overall(target, non_target, new, no_baseline)
    dates = _dates(coded, visits, grid, nt, found, overall, target, nt_returned)
    if rules.sticky_pr:
        overall = _sticky(overall, dates, series, rules.confirmation_days)
    visits = visits.assign(
        ADT=dates,
        TRGRESP=target,
        NTRGRESP=non_target,
        NEWLPROG=np.where(new, "Y", "N"),
        OVRLRESP=overall,
        N_EXPECTED=n_targets + nt["nt_expected"].to_numpy(),
        N_ASSESSED=np.bincount(code[ok], minlength=size)[:size] + nt["nt_assessed"].to_numpy(),
        no_baseline=no_baseline,
        lost=lost,
        returned=returned,
        nt_progression=nt["nt_progression"].to_numpy(),
    )
    return Timepoints(
        visits,
        base_sum[series],
        partial,
        nadir,
        has_base[series] & targets,
        complete,
        has_nadir & targets,
        missing,
        found,
        scale,
    )


def _target_rows(coded: Coded, size: int) -> np.ndarray:
    rows = coded.rows[(coded.rows["group"] == TARGET) & (coded.rows["visit"] >= 0)]
    return any_by(rows["visit"].to_numpy(dtype=int), np.ones(len(rows), bool), size)


def _dates(
    coded: Coded,
    visits: pd.DataFrame,
    grid: pd.DataFrame,
    nt: pd.DataFrame,
    found: dict[int, tuple[pd.Timestamp, str, bool]],
    overall: np.ndarray,
    target: np.ndarray,
    nt_returned: np.ndarray,
) -> np.ndarray:
    """ADT: PD at the earliest component that shows it (target: the last target scan); anything else
    at the last scan of the visit."""
    size = len(visits)
    last = visits["last"].to_numpy(dtype="datetime64[ns]")
    scan = grid.groupby("visit")["date"].max().reindex(range(size)).to_numpy(dtype="datetime64[ns]")
    nat = np.full(size, np.datetime64("NaT", "ns"))
    new_date = nat.copy()
    for visit, (date, _, _) in found.items():
        new_date[visit] = np.datetime64("NaT", "ns") if pd.isna(date) else np.datetime64(date, "ns")
    parts = np.vstack(
        [
            np.where(target == "PD", scan, nat),
            np.where(
                nt["nt_progression"],
                nt["nt_progression_date"].to_numpy(dtype="datetime64[ns]"),
                nat,
            ),
            np.where(nt_returned, nt["nt_returns_date"].to_numpy(dtype="datetime64[ns]"), nat),
            new_date,
        ]
    )
    earliest = np.fmin.reduce(parts, axis=0) if size else nat
    return np.where((overall == "PD") & ~np.isnat(earliest), earliest, last)
