"""Variance moderation as limma does it (Smyth 2004): many small samples lend each other an idea of
their variance. No model fitting belongs here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

Array = npt.NDArray[np.float64]


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


def moderate(
    variance: npt.ArrayLike, df: npt.ArrayLike, *, expected: npt.ArrayLike | None = None
) -> Moderated:
    """Squeeze k sample variances towards their common value, or towards a multiple of ``expected``.

    Parameters
    ----------
    variance
        (…, k) sample variances; NaN where there is none. The prior is estimated along the last
        axis.
    df
        Their residual degrees of freedom, broadcastable to the same shape.
    expected
        Relative size that a variance should have (a trend), same shape; None for no trend.

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
    shape = (
        np.ones_like(s2)
        if expected is None
        else np.broadcast_to(np.asarray(expected, dtype=np.float64), s2.shape)
    )
    usable = np.isfinite(s2) & (d > 0) & np.isfinite(shape) & (shape > 0)
    ratio = np.where(usable, s2 / np.where(usable, shape, 1.0), np.nan)
    counts = usable.sum(axis=-1, keepdims=True)
    middle = np.where(
        counts > 0, np.nanmedian(np.where(counts > 0, ratio, 0.0), axis=-1, keepdims=True), 0.0
    )
    positive = usable & (middle > 0)
    safe = np.where(positive, np.maximum(np.where(usable, ratio, 0.0), 1e-5 * middle), 1.0)
    half = np.where(usable, d, 2.0) / 2
    log_ratio = np.where(positive, np.log(safe) - special.digamma(half) + np.log(half), 0.0)
    n = np.maximum(counts, 1)
    mean = log_ratio.sum(axis=-1, keepdims=True) / n
    spread = np.where(positive, (log_ratio - mean) ** 2, 0.0).sum(
        axis=-1, keepdims=True
    ) / np.maximum(counts - 1, 1)
    excess = (
        spread - np.where(positive, special.polygamma(1, half), 0.0).sum(axis=-1, keepdims=True) / n
    )
    finite = excess > 0
    prior_df = np.where(finite, 2 * trigamma_inverse(np.where(finite, excess, 1.0)), np.inf)
    half_prior = np.where(finite, prior_df, 2.0) / 2
    pooled_df = np.where(usable, d, 0.0).sum(axis=-1, keepdims=True)
    pooled_ratio = np.where(usable, d * ratio, 0.0).sum(axis=-1, keepdims=True) / np.maximum(
        pooled_df, 1
    )
    log_prior = np.where(
        finite,
        mean + special.digamma(half_prior) - np.log(half_prior),
        np.log(np.where(pooled_ratio > 0, pooled_ratio, 1.0)),
    )
    borrow = (counts >= 2) & (middle > 0)
    prior_df = np.where(borrow, prior_df, 0.0)
    prior_variance = np.where(usable, np.exp(log_prior) * shape, np.nan)
    weight = np.where(np.isinf(prior_df), 0.0, prior_df)
    squeezed = (weight * prior_variance + d * s2) / np.maximum(weight + d, 1e-300)
    posterior = np.where(np.isinf(prior_df), prior_variance, squeezed)
    posterior = np.where(usable, np.where(borrow, posterior, s2), np.nan)
    total = np.where(usable, np.minimum(np.where(borrow, d + prior_df, d), pooled_df), np.nan)
    return Moderated(posterior, total, prior_variance, prior_df[..., 0])


def moderate_with_trend(
    variance: npt.ArrayLike, df: npt.ArrayLike, covariate: npt.ArrayLike
) -> Moderated:
    """As ``moderate`` for one long vector, with a prior that follows a covariate (limma-trend: the
    mean log expression).

    The trend of log variance is a natural cubic spline with knots at quantiles of the covariate,
    one to four degrees of freedom by number of values.

    Parameters
    ----------
    variance, df, covariate
        (k,) each.
    """
    s2 = np.asarray(variance, dtype=np.float64)
    d = np.broadcast_to(np.asarray(df, dtype=np.float64), s2.shape)
    x = np.asarray(covariate, dtype=np.float64)
    usable = np.isfinite(s2) & (s2 > 0) & (d > 0) & np.isfinite(x)
    if usable.sum() < 30 or np.ptp(x[usable]) == 0:
        return moderate(s2, d)
    log_s2 = np.log(s2[usable]) - special.digamma(d[usable] / 2) + np.log(d[usable] / 2)
    knots = np.unique(np.quantile(x[usable], [0.0, 0.25, 0.5, 0.75, 1.0]))
    low, high = knots[0], knots[-1]
    coefficients, *_ = np.linalg.lstsq(_natural_spline(x[usable], knots), log_s2, rcond=None)
    fitted = (
        _natural_spline(np.clip(np.where(np.isfinite(x), x, low), low, high), knots) @ coefficients
    )
    return moderate(s2, d, expected=np.exp(fitted))


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
