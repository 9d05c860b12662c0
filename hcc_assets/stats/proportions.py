"""Exact and score intervals of proportions and rates. Small-sample numbers only; no modelling.

The quantile functions come from ``scipy.special`` (imported when called), which is what R's ``binom.test`` and ``poisson.test`` evaluate too.
"""

from __future__ import annotations

import math

NAN = float("nan")


def clopper_pearson(x: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Exact two-sided interval of a binomial proportion (Clopper and Pearson 1934) from beta quantiles.

    Parameters
    ----------
    x, n
        Successes and trials.
    level
        Confidence level.

    Returns
    -------
    tuple of float
        Lower and upper limit, 0 to 1; x = 0 has lower 0, x = n has upper 1; NaN for n = 0.

    Raises
    ------
    ValueError
        Not 0 <= x <= n, or the level is not inside (0, 1).
    """
    _check(level)
    if not 0 <= x <= n:
        raise ValueError("successes must lie between 0 and the number of trials")
    if n == 0:
        return NAN, NAN
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    lower = 0.0 if x == 0 else float(betaincinv(x, n - x + 1, tail))
    upper = 1.0 if x == n else float(betaincinv(x + 1, n - x, 1 - tail))
    return lower, upper


def wilson(x: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Score interval of a binomial proportion (Wilson 1927), for display where exact coverage is not asked for; limits 0 to 1, NaN for n = 0."""
    _check(level)
    if not 0 <= x <= n:
        raise ValueError("successes must lie between 0 and the number of trials")
    if n == 0:
        return NAN, NAN
    from scipy.special import ndtri

    z = float(ndtri(1 - (1 - level) / 2))
    p = x / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (0.0 if x == 0 else max(0.0, centre - half)), (
        1.0 if x == n else min(1.0, centre + half)
    )


def poisson_rate(events: int, exposure: float, level: float = 0.95) -> tuple[float, float, float]:
    """Rate and its exact interval (Garwood 1936) from gamma quantiles.

    Parameters
    ----------
    events
        Number of events.
    exposure
        Person-time; the rate is per unit of it.
    level
        Confidence level.

    Returns
    -------
    tuple of float
        Rate, lower and upper limit; all NaN when the exposure is 0. No events: lower 0.
    """
    _check(level)
    if events < 0 or exposure < 0:
        raise ValueError("events and exposure must not be negative")
    if exposure == 0:
        return NAN, NAN, NAN
    from scipy.special import gammaincinv

    tail = (1 - level) / 2
    lower = 0.0 if events == 0 else float(gammaincinv(events, tail)) / exposure
    return events / exposure, lower, float(gammaincinv(events + 1, 1 - tail)) / exposure


def _check(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError("the confidence level must lie between 0 and 1")
