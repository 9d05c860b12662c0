"""Exact and resampling statistics of small samples: signed rank, rank sum, Hodges-Lehmann,
bootstrap over patients. Models belong elsewhere, intervals by inverting a test to ``inversion``."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import stats

from hcc_assets.stats.inversion import Location, Side, Whole, invert, whole_numbers

Array = npt.NDArray[np.float64]

EXACT_LIMIT = 200
"""Largest number of values for which the null distribution is enumerated (rules ask for 25, it is
cheap to 200); above it the normal approximation with continuity correction is as good."""

_NOWHERE = Location(float("nan"), float("nan"), float("nan"), float("nan"))


def _finite(values: npt.ArrayLike) -> Array:
    array = np.asarray(values, dtype=np.float64).ravel()
    return array[np.isfinite(array)]


def _doubled_ranks(values: Whole) -> tuple[Whole, tuple[int, ...]]:
    """Twice the mid-rank of each value, and all of them in order."""
    _, group, size = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (2 * (np.cumsum(size) - size) + size + 1)[group]
    return ranks, tuple(np.sort(ranks).tolist())


@lru_cache(maxsize=512)
def _signed_rank_null(doubled_ranks: tuple[int, ...]) -> Array:
    """P(T+ <= s/2) for s = 0, 1, …, given twice the ranks, by the shift algorithm."""
    mass = np.zeros(sum(doubled_ranks) + 1)
    mass[0] = 1.0
    for rank in doubled_ranks:
        shifted = np.zeros_like(mass)
        shifted[rank:] = mass[: mass.size - rank]
        mass = (mass + shifted) / 2
    return np.cumsum(mass)


def _signed_rank(d: Whole) -> float:
    """Two-sided p-value of whole differences; zeros are left out."""
    d = d[d != 0]
    if d.size == 0:
        return 1.0
    ranks, ordered = _doubled_ranks(np.abs(d))
    positive, total = int(ranks[d > 0].sum()), int(ranks.sum())
    if d.size > EXACT_LIMIT:
        deviation = max(abs(positive - total / 2) / 2 - 0.5, 0.0)
        return float(2 * stats.norm.sf(deviation / np.sqrt((ranks.astype(float) ** 2).sum() / 16)))
    return min(1.0, 2 * float(_signed_rank_null(ordered)[min(positive, total - positive)]))


def signed_rank_p(differences: npt.ArrayLike) -> float:
    """Two-sided Wilcoxon signed-rank test, exact also with ties (mid-ranks); zeros are left out as
    Wilcoxon did.

    Where a difference is zero, or two are equal with opposite signs, the test jumps at a shift of
    zero: the p-value is then the largest of those at it, just below and just above it, which is the
    one that never contradicts the interval of `hodges_lehmann` [CLINICAL.md 11.16].

    Parameters
    ----------
    differences
        n paired differences; NaN are left out.

    Returns
    -------
    float
        Without values NaN; when every difference is zero, 1.
    """
    x = _finite(differences)
    if x.size == 0:
        return float("nan")
    (d,) = whole_numbers(x)
    return max(_signed_rank(4 * d - shift) for shift in (0, -1, 1))


def walsh_averages(values: npt.ArrayLike) -> Array:
    """The n(n+1)/2 averages of pairs of values (each with itself included), sorted."""
    x = _finite(values)
    i, j = np.triu_indices(x.size)
    return np.sort((x[i] + x[j]) / 2)


def hodges_lehmann(differences: npt.ArrayLike, *, level: float = 0.95) -> Location:
    """Pseudomedian of paired differences with the exact interval of all shifts that the test of
    `signed_rank_p` does not reject, ties and zeros included (Hollander, Wolfe and Chicken, 3.3).

    Parameters
    ----------
    differences
        n differences; NaN are left out.
    level
        Confidence asked for. Five differences reach 93.75 % at most; ``Location.level`` tells.
    """
    x = _finite(differences)
    if x.size == 0:
        return _NOWHERE
    (d,) = whole_numbers(x)
    sides = (_signed_rank_side(x, d, 1), _signed_rank_side(-x, -d, -1))
    return invert(float(np.median(walsh_averages(x))), *sides, level, signed_rank_p(x))


def _signed_rank_side(x: Array, d: Whole, sign: int) -> Side:
    i, j = np.triu_indices(x.size)
    sums, where, number = np.unique(d[i] + d[j], return_index=True, return_counts=True)
    below = np.cumsum(number) - number  # averages below each gap: the statistic in it
    return Side(
        sign * ((x[i] + x[j]) / 2)[where],
        lambda k: _signed_rank(4 * d - (2 * int(sums[k]) - 1)),
        _rough(x.size, below),
    )


def _rough(n: int, statistic: Whole) -> Array:
    if n > EXACT_LIMIT:
        mean, sd = n * (n + 1) / 4, np.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        return np.asarray(2 * stats.norm.cdf((statistic - mean) / sd), dtype=np.float64)
    return 2 * _signed_rank_null(tuple(range(2, 2 * n + 1, 2)))[2 * statistic]


@lru_cache(maxsize=512)
def _rank_sum_null(doubled_ranks: tuple[int, ...], m: int) -> Array:
    """P(rank sum of m of the values = s/2), by counting subsets with the shift algorithm."""
    top = sum(doubled_ranks[-m:]) if m else 0
    ways = np.zeros((m + 1, top + 1))
    ways[0, 0] = 1.0
    for rank in doubled_ranks:
        if rank <= top:
            ways[1:, rank:] += ways[:-1, : top + 1 - rank].copy()
    return ways[m] / ways[m].sum()


def _mann_whitney(a: Whole, b: Whole) -> float:
    """Two-sided p-value of two groups of whole numbers."""
    if a.size > b.size:
        a, b = b, a
    if a.size + b.size > EXACT_LIMIT:
        return float(stats.mannwhitneyu(a, b, method="asymptotic").pvalue)
    ranks, ordered = _doubled_ranks(np.concatenate([a, b]))
    null = _rank_sum_null(ordered, int(a.size))
    observed = int(ranks[: a.size].sum())
    low, high = float(null[: observed + 1].sum()), float(null[observed:].sum())
    return min(1.0, 2 * min(low, high))


def mann_whitney_p(x: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """Two-sided Mann-Whitney test, exact also with ties (conditional on the mid-ranks); NaN when a
    group is empty.

    Where a value of one group is in the other too, the largest of the p-values at a shift of zero
    and just beside it, as in `signed_rank_p`.
    """
    a, b = _finite(x), _finite(y)
    if a.size == 0 or b.size == 0:
        return float("nan")
    c, d = whole_numbers(a, b)
    return max(_mann_whitney(2 * c - shift, 2 * d) for shift in (0, -1, 1))


def hodges_lehmann_two_sample(
    x: npt.ArrayLike, y: npt.ArrayLike, *, level: float = 0.95
) -> Location:
    """Median of all differences x - y with the exact interval of all shifts that the test of
    `mann_whitney_p` does not reject (Hollander, Wolfe and Chicken, 4.3)."""
    a, b = _finite(x), _finite(y)
    if a.size == 0 or b.size == 0:
        return _NOWHERE
    c, d = whole_numbers(a, b)
    sides = (_rank_sum_side(a, b, c, d, 1), _rank_sum_side(-a, -b, -c, -d, -1))
    return invert(float(np.median(a[:, None] - b[None, :])), *sides, level, mann_whitney_p(a, b))


def _rank_sum_side(x: Array, y: Array, c: Whole, d: Whole, sign: int) -> Side:
    differences, where, number = np.unique(
        (c[:, None] - d[None, :]).ravel(), return_index=True, return_counts=True
    )
    below = np.cumsum(number) - number
    return Side(
        sign * (x[:, None] - y[None, :]).ravel()[where],
        lambda k: _mann_whitney(2 * c - (2 * int(differences[k]) - 1), 2 * d),
        _rough_rank_sum(x.size, y.size, below),
    )


def _rough_rank_sum(m: int, n: int, statistic: Whole) -> Array:
    m, n = min(m, n), max(m, n)
    if m + n > EXACT_LIMIT:
        sd = np.sqrt(m * n * (m + n + 1) / 12)
        return np.asarray(2 * stats.norm.cdf((statistic - m * n / 2) / sd), dtype=np.float64)
    null = _rank_sum_null(tuple(range(2, 2 * (m + n) + 1, 2)), m)[m * (m + 1) :: 2]
    return 2 * np.cumsum(null)[statistic]


def bootstrap_mean_ci(
    values: npt.ArrayLike, *, seed: int, draws: int = 2000, level: float = 0.95
) -> tuple[Array, Array]:
    """Bootstrap-t interval of the mean when patients are drawn with replacement (Efron and
    Tibshirani 1993, 12.5); the same draws serve every column.

    Parameters
    ----------
    values
        (n, k) one row per patient, finite.
    seed
        Seed of the draws.

    Returns
    -------
    low, high
        (k,) each; NaN with fewer than two patients, without scatter, and where so many draws are of
        equal values that their t has no quantile.

    Notes
    -----
    The percentile interval covers 83 % at five patients [CLINICAL.md 11.11].
    """
    x = np.asarray(values, dtype=np.float64)
    n = x.shape[0]
    nothing = np.full(x.shape[1], np.nan)
    if n < 2:
        return nothing, nothing.copy()
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws) / n
    mean, centred = x.mean(axis=0), x - x.mean(axis=0)
    error = np.sqrt((centred**2).sum(axis=0) / (n - 1) / n)
    shift = weights @ centred
    spread = np.maximum(weights @ centred**2 - shift**2, 0.0)
    flat = spread <= 1e-12 * (centred**2).mean(axis=0)  # a draw of equal values, but for rounding
    with np.errstate(divide="ignore", invalid="ignore"):
        t = shift / np.sqrt(spread / (n - 1))
    t = np.where(flat, np.where(shift == 0, 0.0, np.copysign(np.inf, shift)), t)
    tails = [(1 - level) / 2, (1 + level) / 2]
    below, above = np.quantile(t, tails, axis=0, method="inverted_cdf")
    usable = (error > 0) & np.isfinite(below) & np.isfinite(above)
    safe = np.where(usable, error, 0.0)
    below, above = np.where(usable, below, 0.0), np.where(usable, above, 0.0)
    low, high = mean - above * safe, mean - below * safe
    return np.where(usable, low, np.nan), np.where(usable, high, np.nan)
