"""Exact intervals of a shift by inverting a rank test, ties and zeros included.

A rank test of a shift changes only at certain points (averages of pairs of values, or differences
between groups), so that it is asked in each gap between two. The interval is from the first to the
last gap that is not rejected, as in R's ``wilcox.test`` but with the null distribution that the
ties of the data have. At a shift of zero, which is the one whose p-value is printed, that p-value
decides, so that interval and p-value never contradict each other. Which test it is belongs to
``paired``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

LOWEST_LEVEL = 0.93
"""An exact interval that cannot reach this confidence, because there are too few values, is not
given: five patients reach 0.9375 and count, four do not (single-cell methods, section 4)."""

DECIMALS = 12  # differences of proportions that are equal on paper differ in the last bits
_LARGEST = 1e17  # four times it is still a 64-bit integer

_CLOSE = 1e-12  # p-values that are equal on paper differ in the last bits

_FAR = 8.0
"""Gaps are looked at from where the test of values without ties has an eighth of the level (our
choice): ties change a p-value by less, which the tests show by looking at every gap."""


@dataclass(frozen=True)
class Location:
    """Hodges-Lehmann estimate with an exact interval; ``level`` is the confidence it really has
    (NaN bounds where too few values)."""

    estimate: float
    low: float
    high: float
    level: float


@dataclass(frozen=True)
class Side:
    """The test as it is met from one end.

    Attributes
    ----------
    points
        Shifts at which the test changes, from the outermost inwards.
    p_gap
        p-value in the gap outside of a point, by its number.
    rough
        p-value in the gap outside of each point, had the values no ties.
    """

    points: Array
    p_gap: Callable[[int], float]
    rough: Array


def whole_numbers(*values: Array) -> list[Whole]:
    """Values as whole numbers of one unit (1e-12, larger for large values), so that ties are exact.

    Parameters
    ----------
    values
        Arrays of finite numbers that are compared with each other.
    """
    top = max((float(np.abs(v).max(initial=0.0)) for v in values), default=0.0)
    decimals = DECIMALS
    while top * 10.0**decimals > _LARGEST:
        decimals -= 1
    return [np.rint(v * 10.0**decimals).astype(np.int64) for v in values]


def invert(estimate: float, lower: Side, upper: Side, level: float, p_zero: float) -> Location:
    """Interval of all shifts that the test does not reject at 1 - ``level``.

    Parameters
    ----------
    lower, upper
        The test met from below and from above (points of both are shifts).
    level
        Confidence asked for. Where no shift at all is rejected at it the interval is that of the
        smallest p-value there is, with its level, down to `LOWEST_LEVEL`.
    p_zero
        The p-value that is printed, of a shift of zero.
    """
    smallest = lower.p_gap(0)
    alpha = max(1 - level, smallest)
    if 1 - smallest < min(LOWEST_LEVEL, level):
        return Location(estimate, float("nan"), float("nan"), 1 - smallest)
    low, outside = _edge(lower, alpha)
    high, beyond = _edge(upper, alpha)
    largest = max(outside, beyond)
    if low > high:  # all but one shift are rejected: most values are equal
        low = high = estimate
    if low > 0 or high < 0:
        if p_zero > alpha + _CLOSE:
            low, high = min(low, 0.0), max(high, 0.0)
        else:
            largest = max(largest, p_zero)
    return Location(estimate, low, high, 1 - largest)


def _edge(side: Side, alpha: float) -> tuple[float, float]:
    """Outermost shift that is not rejected, and the largest p-value outside of it."""
    near = np.flatnonzero(side.rough > alpha / _FAR)
    start = max(int(near[0]) - 1, 0) if near.size else 0
    largest = 0.0
    for k in range(start, side.points.size):
        gap = side.p_gap(k)
        if gap > alpha + _CLOSE:
            return float(side.points[max(k - 1, 0)]), largest
        largest = max(largest, gap)
    return float(side.points[-1]), largest
