"""Exact and resampling statistics of small samples: signed rank, rank sum, Hodges-Lehmann,
bootstrap over patients. Models belong elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import stats

Array = npt.NDArray[np.float64]

EXACT_LIMIT = 200
"""Largest number of values for which the null distribution is enumerated (rules ask for 25, it is
cheap to 200); above it the normal approximation with continuity correction is as good."""

LOWEST_LEVEL = 0.93
"""An exact interval that cannot reach this confidence, because there are too few values, is not
given: five patients reach 0.9375 and count, four do not (single-cell methods, section 4)."""

_DECIMALS = 12  # differences of proportions that are equal on paper differ in the last bits


@dataclass(frozen=True)
class Location:
    """Hodges-Lehmann estimate with an exact interval; ``level`` is the confidence it really has
    (NaN bounds where too few values)."""

    estimate: float
    low: float
    high: float
    level: float


_NOWHERE = Location(float("nan"), float("nan"), float("nan"), float("nan"))


def _finite(values: npt.ArrayLike) -> Array:
    array = np.asarray(values, dtype=np.float64).ravel()
    return array[np.isfinite(array)]


@lru_cache(maxsize=512)
def _signed_rank_null(doubled_ranks: tuple[int, ...]) -> Array:
    """P(T+ = s/2) for s = 0, 1, …, given twice the ranks, by the shift algorithm."""
    mass = np.zeros(sum(doubled_ranks) + 1)
    mass[0] = 1.0
    for rank in doubled_ranks:
        shifted = np.zeros_like(mass)
        shifted[rank:] = mass[: mass.size - rank]
        mass = (mass + shifted) / 2
    return mass


def signed_rank_p(differences: npt.ArrayLike) -> float:
    """Two-sided Wilcoxon signed-rank test, exact also with ties (mid-ranks); zeros are left out as
    Wilcoxon did.

    Parameters
    ----------
    differences
        n paired differences; NaN are left out.

    Returns
    -------
    float
        Without values NaN; when every difference is zero, 1.
    """
    d = np.round(_finite(differences), _DECIMALS)
    if d.size == 0:
        return float("nan")
    d = d[d != 0]
    if d.size == 0:
        return 1.0
    ranks = stats.rankdata(np.abs(d))
    positive = float(ranks[d > 0].sum())
    total = float(ranks.sum())
    if d.size > EXACT_LIMIT:
        deviation = max(abs(positive - total / 2) - 0.5, 0.0)
        return float(2 * stats.norm.sf(deviation / np.sqrt((ranks**2).sum() / 4)))
    null = _signed_rank_null(tuple(sorted(int(r) for r in np.rint(2 * ranks))))
    smaller = round(2 * min(positive, total - positive))
    return min(1.0, 2 * float(null[: smaller + 1].sum()))


def walsh_averages(values: npt.ArrayLike) -> Array:
    """The n(n+1)/2 averages of pairs of values (each with itself included), sorted."""
    x = _finite(values)
    i, j = np.triu_indices(x.size)
    return np.sort((x[i] + x[j]) / 2)


def _bounds(sorted_values: Array, null: Array, level: float) -> Location:
    """Order statistics of the averages (or differences) that the null distribution of their number
    below zero allows."""
    cumulative = np.cumsum(null)
    k = int(
        np.searchsorted(cumulative, (1 - level) / 2 * (1 + 1e-12), side="right")
    )  # P(T < k) <= alpha/2
    k = max(k, 1)
    achieved = 1 - 2 * float(cumulative[k - 1])
    estimate = float(np.median(sorted_values))
    if achieved < min(LOWEST_LEVEL, level):
        return Location(estimate, float("nan"), float("nan"), achieved)
    return Location(estimate, float(sorted_values[k - 1]), float(sorted_values[-k]), achieved)


def hodges_lehmann(differences: npt.ArrayLike, *, level: float = 0.95) -> Location:
    """Pseudomedian of paired differences with the exact interval that belongs to the signed-rank
    test (Hollander, Wolfe and Chicken, 3.3).

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
    averages = walsh_averages(x)
    if x.size > EXACT_LIMIT:
        n = x.size
        z = stats.norm.ppf(0.5 + level / 2)
        k = max(1, int(np.floor(n * (n + 1) / 4 - z * np.sqrt(n * (n + 1) * (2 * n + 1) / 24))))
        return Location(
            float(np.median(averages)), float(averages[k - 1]), float(averages[-k]), level
        )
    null = _signed_rank_null(tuple(2 * r for r in range(1, x.size + 1)))[::2]
    return _bounds(averages, null, level)


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


def mann_whitney_p(x: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """Two-sided Mann-Whitney test, exact also with ties (conditional on the mid-ranks); NaN when a
    group is empty."""
    a, b = np.round(_finite(x), _DECIMALS), np.round(_finite(y), _DECIMALS)
    if a.size == 0 or b.size == 0:
        return float("nan")
    if a.size > b.size:
        a, b = b, a
    if a.size + b.size > EXACT_LIMIT:
        return float(stats.mannwhitneyu(a, b, method="asymptotic").pvalue)
    ranks = np.rint(2 * stats.rankdata(np.concatenate([a, b]))).astype(int)
    null = _rank_sum_null(tuple(sorted(int(r) for r in ranks)), int(a.size))
    observed = int(ranks[: a.size].sum())
    low, high = float(null[: observed + 1].sum()), float(null[observed:].sum())
    return min(1.0, 2 * min(low, high))


def hodges_lehmann_two_sample(
    x: npt.ArrayLike, y: npt.ArrayLike, *, level: float = 0.95
) -> Location:
    """Median of all differences x - y with the exact interval that belongs to the Mann-Whitney test
    (Hollander, Wolfe and Chicken, 4.3)."""
    a, b = _finite(x), _finite(y)
    if a.size == 0 or b.size == 0:
        return _NOWHERE
    differences = np.sort((a[:, None] - b[None, :]).ravel())
    m, n = min(a.size, b.size), max(a.size, b.size)
    if m + n > EXACT_LIMIT:
        z = stats.norm.ppf(0.5 + level / 2)
        k = max(1, int(np.floor(m * n / 2 - z * np.sqrt(m * n * (m + n + 1) / 12))))
        return Location(
            float(np.median(differences)), float(differences[k - 1]), float(differences[-k]), level
        )
    offset = m * (m + 1)
    null = _rank_sum_null(tuple(2 * r for r in range(1, m + n + 1)), m)[offset::2]
    return _bounds(differences, null, level)


def bootstrap_mean_ci(
    values: npt.ArrayLike, *, seed: int, draws: int = 2000, level: float = 0.95
) -> tuple[Array, Array]:
    """Percentile interval of the mean when patients are drawn with replacement; the same draws
    serve every column.

    Parameters
    ----------
    values
        (n, k) one row per patient, finite.
    seed
        Seed of the draws.

    Returns
    -------
    low, high
        (k,) each; NaN with fewer than two patients.
    """
    x = np.asarray(values, dtype=np.float64)
    n = x.shape[0]
    if n < 2:
        return np.full(x.shape[1], np.nan), np.full(x.shape[1], np.nan)
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws) / n
    low, high = np.quantile(weights @ x, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high
