"""Exact and score intervals of proportions and rates. Small-sample numbers only; no modelling.

scipy is imported when called: the rooms that count events load without it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

NAN = float("nan")


def clopper_pearson(x: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Exact two-sided interval of a binomial proportion (Clopper and Pearson 1934), by scipy.

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
    from scipy.stats import binomtest

    interval = binomtest(x, n).proportion_ci(level, method="exact")
    return float(interval.low), float(interval.high)


def wilson(
    x: npt.ArrayLike, n: npt.ArrayLike, level: float = 0.95
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Score interval of proportions (Wilson 1927), for display where coverage need not be exact.

    Arrays of one shape in, limits 0 to 1 of that shape out; NaN where n = 0.
    Own because scipy takes one proportion at a time (ADR 0026).
    """
    from scipy.special import ndtri

    _check(level)
    x, n = np.asarray(x, dtype=float), np.asarray(n, dtype=float)
    z2 = ndtri(0.5 + level / 2) ** 2
    safe = np.where(n > 0, n, np.nan)
    centre = (x + z2 / 2) / (safe + z2)
    half = np.sqrt(z2) / (safe + z2) * np.sqrt(x * (safe - x) / safe + z2 / 4)
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


def wilson_wider(
    x: npt.ArrayLike, n: npt.ArrayLike, variance: npt.ArrayLike, level: float = 0.95
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Wilson's interval where the number of successes is itself in doubt.

    Parameters
    ----------
    x, n
        Expected successes and trials, of one shape; parts are allowed.
    variance
        Variance of ``x`` beyond that of drawing ``n`` trials. Trials are divided by the design
        effect 1 + variance / (n p (1 - p)), p taken two successes and two failures towards the
        middle (Agresti and Coull 1998) so that it exists at 0 and 1 too.
    """
    x, n = np.asarray(x, dtype=float), np.asarray(n, dtype=float)
    p = (x + 2) / (n + 4)
    effect = 1 + np.asarray(variance, dtype=float) / np.maximum(n * p * (1 - p), 1e-300)
    return wilson(x / effect, n / effect, level)


def poisson_rate(events: int, exposure: float, level: float = 0.95) -> tuple[float, float, float]:
    """Rate and its exact interval (Garwood 1936) from the gamma quantiles of scipy.

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

    Raises
    ------
    ValueError
        Negative events or exposure, or the level is not inside (0, 1).
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
