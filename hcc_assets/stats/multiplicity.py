"""Control of many tests at once. Which tests make one family is decided where tests are made."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import false_discovery_control


def benjamini_hochberg(p_values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Adjusted p-values of Benjamini and Hochberg (1995), along the last axis.

    Parameters
    ----------
    p_values
        Array of any shape; NaN is a test that was not made: it stays NaN and does not count in
        the family.

    Returns
    -------
    numpy.ndarray
        Same shape, monotone in the p-values, at most 1.

    Raises
    ------
    ValueError
        A p-value outside [0, 1].
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim > 1:
        return np.apply_along_axis(benjamini_hochberg, -1, p)
    made = ~np.isnan(p)
    adjusted = np.full(p.shape, np.nan)
    adjusted[made] = false_discovery_control(p[made])
    return adjusted


def within(p_values: npt.ArrayLike, families: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Benjamini-Hochberg within each family.

    Parameters
    ----------
    p_values, families
        n p-values and the family of each.
    """
    p = np.asarray(p_values, dtype=np.float64)
    labels = np.asarray(families, dtype=str)
    out = np.full(p.shape, np.nan)
    for family in np.unique(labels):
        mine = labels == family
        out[mine] = benjamini_hochberg(p[mine])
    return out
