"""The second pass of quality control: limits from the sample itself, per lineage, once cells have a
provisional class.

The hard floor is in ``metrics``; upper outliers in counts are left to ``doublets``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

MIN_GROUP: Final = 50
"""Cells that a lineage needs for limits of its own: SINGLE_CELL.md, section 2.1."""
COUNT_MADS: Final = 5.0
"""Lower limit in MAD: SINGLE_CELL.md, section 2.1 (sc-best-practices)."""
MIN_SPREAD: Final = 0.2
"""Least MAD of log1p counts and genes: own choice; in a class of very even cells (resting T cells)
one of half the usual size is small, not broken.
"""
MT_MADS: Final = 3.0
"""Upper limit in MAD: SINGLE_CELL.md, section 2.1."""
MT_FLOOR: Final = 10.0
"""Percent: no cell is dropped for a mitochondrial share below this (SINGLE_CELL.md, section 2.1).
"""
MT_CAP: Final = 20.0
"""Percent, immune and stromal cells: SINGLE_CELL.md, section 2.1."""
MT_CAP_HEPATOCYTE: Final = 40.0
"""Percent, hepatocytes and tumour: the upper end of the 35 to 40 of SINGLE_CELL.md, section 2.1."""
HEPATOCYTE_LINEAGE: Final = frozenset(
    {"hepatocyte", "tumour", "hepatocyte_lineage", "hepatic", "epithelial", "cholangiocyte"}
)


def _mad(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Median and unscaled median absolute deviation, the scale that the 5 and 3 of the rule are in
    (sc-best-practices).
    """
    median = float(np.median(values))
    return median, float(np.median(np.abs(values - median)))


def _limits(
    metrics: pd.DataFrame, own: npt.NDArray[np.bool_], sample: npt.NDArray[np.bool_], cap: float
) -> tuple[float, float, float]:
    """Lower limits of log1p counts and genes, upper limit of mitochondrial percent, for one group.

    A group below `MIN_GROUP` takes the wider spread of sample and group and the limit of the
    sample, but is never held to a stricter one than its own median allows: few neutrophils among
    many tumour cells are small, not broken.
    """
    out = []
    group = metrics.loc[own]
    small = int(own.sum()) < MIN_GROUP
    for column in ("log1p_umi", "log1p_genes"):
        median, mad = _mad(group[column].to_numpy())
        if small:
            whole, spread = _mad(metrics.loc[sample, column].to_numpy())
            out.append(min(whole, median) - COUNT_MADS * max(spread, mad, MIN_SPREAD))
        else:
            out.append(median - COUNT_MADS * max(mad, MIN_SPREAD))
    median, mad = _mad(group["pct_mt"].to_numpy())
    if small:
        whole, spread = _mad(metrics.loc[sample, "pct_mt"].to_numpy())
        median, mad = max(whole, median), max(spread, mad)
    return out[0], out[1], min(max(median + MT_MADS * mad, MT_FLOOR), cap)


def adaptive_status(metrics: pd.DataFrame, lineage: pd.Series) -> pd.Series:
    """Status after the limits of sample and lineage.

    Parameters
    ----------
    metrics
        ``qc_status`` after the hard floor and doublets, ``log1p_umi, log1p_genes, pct_mt``; one
        sample.
    lineage
        Provisional class or lineage of each row of ``metrics`` (by position); null where none was
        given.

    Returns
    -------
    pandas.Series
        ``qc_status`` by the index of ``metrics``. Only ``pass`` changes, to ``low_umi``,
        ``low_genes`` (below median - 5 MAD of log1p within sample and lineage, a MAD being at least
        0.2) or ``high_mt`` (above min(max(median + 3 MAD, 10), cap); cap 20 %, hepatocyte lineage
        and tumour 40 %). There is no upper limit on counts.
    """
    status = metrics["qc_status"].to_numpy(dtype=object).copy()
    names = lineage.astype(object).where(lineage.notna(), "unassigned").to_numpy()
    sample = status == "pass"
    for name in sorted(set(names[sample])):
        own = sample & (names == name)
        cap = MT_CAP_HEPATOCYTE if name in HEPATOCYTE_LINEAGE else MT_CAP
        low_umi, low_genes, high_mt = _limits(metrics, own, sample, cap)
        rules = (
            ("high_mt", metrics["pct_mt"].to_numpy() > high_mt),
            ("low_genes", metrics["log1p_genes"].to_numpy() < low_genes),
            ("low_umi", metrics["log1p_umi"].to_numpy() < low_umi),
        )
        for value, broken in rules:
            status[own & broken] = value
    return pd.Series(status, index=metrics.index, name="qc_status", dtype=object)
