"""Variance moderation as limma does it (Smyth 2004): many small samples lend each other an idea of
their variance. No model fitting belongs here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

TREND_SIZES = (3, 6, 30)
"""Numbers of values from which the trend of the variance has one parameter more (limma,
``fitFDist``)."""


def trigamma_inverse(y: npt.ArrayLike) -> Array:
    """Solve trigamma(x) = y for y > 0 by Newton's method on 1/trigamma, which is convex (limma,
    ``trigammaInverse``)."""
    value = np.asarray(y, dtype=np.float64)
    small, large = value < 1e-6, value > 1e7
    middle = np.where(small | large, 1.0, value)
    x = 0.5 + 1.0 / middle
    for _ in range(50):
        trigamma = special.polygamma(1, x)
        step = trigamma * (1 - trigamma / middle) / special.polygamma(2, x)
        x = x + step
        if np.max(-step / x, initial=0.0) < 1e-10:
            break
    return np.where(
        large,
        1 / np.sqrt(np.where(large, value, 1.0)),
        np.where(small, 1 / np.where(small, value, 1.0), x),
    )


@dataclass(frozen=True)
class Moderated:
    """Posterior variances.

    Attributes
    ----------
    variance
        (…, k) posterior variance.
    df
        (…, k) degrees of freedom of a t statistic made with it: own plus prior, at most those of
        all k pooled.
    prior_variance
        (…, k) variance that the prior expects.
    prior_df
        (…,) weight of the prior; infinite where the variances differ no more than chance lets them.
    """

    variance: Array
    df: Array
    prior_variance: Array
    prior_df: Array


def moderate(variance: npt.ArrayLike, df: npt.ArrayLike) -> Moderated:
    """Squeeze k sample variances towards their common value.

    Parameters
    ----------
    variance
        (…, k) sample variances; NaN where there is none. The prior is estimated along the last
        axis.
    df
        Their residual degrees of freedom, broadcastable to the same shape.

    Returns
    -------
    Moderated
        With fewer than two usable variances nothing is borrowed.

    Notes
    -----
    The scaled F distribution is fitted by moments of log variances (Smyth 2004, section 6.2). A
    variance of zero counts as 1e-5 of the median. Where the variances differ no more than chance
    lets them, the prior is the pooled variance.
    """
    s2 = np.asarray(variance, dtype=np.float64)
    d = np.broadcast_to(np.asarray(df, dtype=np.float64), s2.shape)
    usable = np.isfinite(s2) & (d > 0)
    log_s2, middle = _log_variances(s2, d, usable)
    positive = usable & (middle > 0)
    counts = usable.sum(axis=-1, keepdims=True)
    mean = np.where(positive, log_s2, 0.0).sum(axis=-1, keepdims=True) / np.maximum(counts, 1)
    spread = np.where(positive, (log_s2 - mean) ** 2, 0.0).sum(axis=-1, keepdims=True) / np.maximum(
        counts - 1, 1
    )
    prior_df = _prior_df(spread, d, positive)
    pooled_df = np.where(usable, d, 0.0).sum(axis=-1, keepdims=True)
    pooled = np.where(usable, d * s2, 0.0).sum(axis=-1, keepdims=True) / np.maximum(pooled_df, 1)
    expected = np.where(np.isinf(prior_df), np.log(np.where(pooled > 0, pooled, 1.0)), mean)
    borrow = (counts >= 2) & (middle > 0)
    return _squeezed(s2, d, usable, np.where(borrow, prior_df, 0.0), expected)


def _log_variances(s2: Array, d: Array, usable: Mask) -> tuple[Array, Array]:
    """Log variances without their bias, and the median variance; 0 where not usable."""
    counts = usable.sum(axis=-1, keepdims=True)
    known = np.where(usable, s2, np.nan)
    middle = np.where(
        counts > 0, np.nanmedian(np.where(counts > 0, known, 0.0), axis=-1, keepdims=True), 0.0
    )
    positive = usable & (middle > 0)
    safe = np.where(positive, np.maximum(np.where(usable, s2, 0.0), 1e-5 * middle), 1.0)
    half = np.where(usable, d, 2.0) / 2
    logs = np.log(safe) - special.digamma(half) + np.log(half)
    return np.where(positive, logs, 0.0), middle


def _prior_df(spread: Array, d: Array, used: Mask) -> Array:
    """Weight of the prior that makes log variances scatter so much; infinite where chance alone
    does."""
    n = np.maximum(used.sum(axis=-1, keepdims=True), 1)
    chance = np.where(used, special.polygamma(1, np.where(used, d, 2.0) / 2), 0.0)
    excess = spread - chance.sum(axis=-1, keepdims=True) / n
    finite = excess > 0
    return np.where(finite, 2 * trigamma_inverse(np.where(finite, excess, 1.0)), np.inf)


def _squeezed(s2: Array, d: Array, usable: Mask, prior_df: Array, expected: Array) -> Moderated:
    """Posterior variances; ``expected`` is the mean of log variances where the prior is finite, the
    log of the prior itself where it is infinite."""
    finite = np.isfinite(prior_df) & (prior_df > 0)
    half = np.where(finite, prior_df, 2.0) / 2
    bias = np.where(finite, special.digamma(half) - np.log(half), 0.0)
    prior_variance = np.where(usable, np.exp(expected + bias), np.nan)
    weight = np.where(np.isinf(prior_df), 0.0, prior_df)
    squeezed = (weight * prior_variance + d * s2) / np.maximum(weight + d, 1e-300)
    posterior = np.where(np.isinf(prior_df), prior_variance, squeezed)
    posterior = np.where(usable, np.where(prior_df > 0, posterior, s2), np.nan)
    pooled_df = np.where(usable, d, 0.0).sum(axis=-1, keepdims=True)
    total = np.where(usable, np.minimum(d + prior_df, pooled_df), np.nan)
    return Moderated(posterior, total, prior_variance, prior_df[..., 0])


def moderate_with_trend(
    variance: npt.ArrayLike, df: npt.ArrayLike, covariate: npt.ArrayLike
) -> Moderated:
    """As ``moderate`` for one long vector, with a prior that follows a covariate (limma-trend: the
    mean log expression).

    Parameters
    ----------
    variance, df, covariate
        (k,) each.

    Notes
    -----
    As limma's ``fitFDist`` [CLINICAL.md 11.16]: the trend of log variance is a natural cubic spline
    of 4 parameters with inner knots at the thirds of the covariate (fewer than 30 values: 3, fewer
    than 6: 2, fewer than 3: no trend), and its residual variance has as many degrees of freedom as
    there are values less its parameters. Where that is no more than chance gives, the prior is the
    exponential of the trend.
    """
    s2 = np.asarray(variance, dtype=np.float64)
    d = np.broadcast_to(np.asarray(df, dtype=np.float64), s2.shape)
    x = np.asarray(covariate, dtype=np.float64)
    usable = np.isfinite(s2) & (d > 0) & np.isfinite(x)
    n = int(usable.sum())
    parameters = 1 + sum(n >= least for least in TREND_SIZES)
    parameters = min(parameters, np.unique(x[usable]).size)
    log_s2, middle = _log_variances(s2, d, usable)
    if parameters < 2 or not float(middle[0]) > 0:
        return moderate(np.where(usable, s2, np.nan), d)
    knots = np.unique(np.quantile(x[usable], np.linspace(0, 1, parameters)))
    basis = _natural_spline(np.where(usable, x, knots[0]), knots)
    coefficients, _, rank, _ = np.linalg.lstsq(basis[usable], log_s2[usable], rcond=None)
    expected = basis @ coefficients
    left = (log_s2 - expected)[usable]
    spread = np.array([(left**2).sum() / max(n - int(rank), 1)])
    return _squeezed(s2, d, usable, _prior_df(spread, d, usable), expected)


def _natural_spline(x: Array, knots: Array) -> Array:
    """Basis of natural cubic splines (Hastie, Tibshirani and Friedman, Elements of Statistical
    Learning, 5.2.1), on the unit interval."""
    scale = knots[-1] - knots[0]
    z, k = (x - knots[0]) / scale, (knots - knots[0]) / scale
    columns = [np.ones_like(z), z]
    if k.size > 2:

        def tail(j: int) -> Array:
            return (np.maximum(z - k[j], 0) ** 3 - np.maximum(z - k[-1], 0) ** 3) / (k[-1] - k[j])

        last = tail(k.size - 2)
        columns += [tail(j) - last for j in range(k.size - 2)]
    return np.column_stack(columns)


@dataclass(frozen=True)
class TTest:
    """Estimate with its moderated t test: all arrays of one shape; ``ci_low`` and ``ci_high`` at
    the level asked for."""

    estimate: Array
    se: Array
    df: Array
    p_value: Array
    ci_low: Array
    ci_high: Array


def t_test(
    estimate: npt.ArrayLike, se: npt.ArrayLike, df: npt.ArrayLike, *, level: float = 0.95
) -> TTest:
    """Two-sided t test of each estimate against zero; a standard error of zero or NaN gives NaN for
    everything but the estimate."""
    value, error, freedom = np.broadcast_arrays(
        *(np.asarray(a, dtype=np.float64) for a in (estimate, se, df))
    )
    ok = np.isfinite(error) & (error > 0) & np.isfinite(value)
    safe = np.where(ok, error, 1.0)
    nu = np.where(ok & np.isfinite(freedom), freedom, 1e10)
    p = np.where(ok, 2 * stats.t.sf(np.abs(np.where(ok, value, 0.0)) / safe, nu), np.nan)
    half = np.where(ok, stats.t.ppf(0.5 + level / 2, nu) * safe, np.nan)
    return TTest(
        value.copy(),
        np.where(ok, error, np.nan),
        np.where(ok, freedom, np.nan),
        p,
        value - half,
        value + half,
    )
