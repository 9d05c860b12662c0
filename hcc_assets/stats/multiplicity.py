"""Control of many tests at once. Which tests make one family is decided where the tests are made."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def benjamini_hochberg(p_values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Adjusted p-values that control the false discovery rate (Benjamini and Hochberg 1995), along the last axis.

    Parameters
    ----------
    p_values
        Array of any shape; NaN is a test that was not made: it stays NaN and does not count in the family.

    Returns
    -------
    numpy.ndarray
        Same shape, monotone in the p-values, at most 1.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.shape[-1:] in ((), (0,)):
        return p.copy()
    order = np.argsort(p, axis=-1, kind="stable")  # NaN last
    ordered = np.take_along_axis(p, order, axis=-1)
    made = np.isfinite(ordered)
    family = made.sum(axis=-1, keepdims=True)
    scaled = np.where(made, ordered * family / np.arange(1, p.shape[-1] + 1), np.inf)
    monotone = np.minimum.accumulate(scaled[..., ::-1], axis=-1)[..., ::-1]
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.where(made, np.minimum(monotone, 1.0), np.nan), axis=-1)
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
