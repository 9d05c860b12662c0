"""Paired changes of composition on the log-ratio scale, on arrays: transform, reference, moderated
test. Tables belong to ``composition_changes``.

Counts of one denominator are (…, pairs, classes); leading axes are replicates, so that the
calibration study runs this code and no copy of it.

Three choices, each measured in ``benchmarks/calibration.py``:

* *Depth.* A rare class has a biased log count when few cells are expected, and the bias depends on
  how many cells the biopsy has. Biopsies after treatment tend to be smaller, so the bias would look
  like an effect. Both biopsies of a pair are therefore brought to the smaller one's depth by the
  expectation of log(count + 0.5) over binomial thinning: without a change both have the same
  distribution, at any depth.
* *Reference.* A log-ratio needs one. The mean of all classes (CLR) is off by the mean of the true
  changes; the median over classes within each patient is off by nearly as much, because the changes
  of one patient are mostly noise. The reference here starts at the median over classes of the
  *mean* changes and is refined by Tukey's biweight, so that a class that clearly moves gets no
  weight. It is then a fixed weighted mean of classes; each patient's own value of it is subtracted,
  so that its uncertainty is in the test.
* *Variance.* Moderated over classes (limma), the prior following the expected sampling variance,
  since rare classes vary more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from hcc_assets.stats.moderated import TTest, moderate, t_test

Array = npt.NDArray[np.float64]
Reference = Literal["robust", "clr", "patient_median"]

PSEUDOCOUNT = 0.5  # single-cell methods, section 3
BIWEIGHT = 4.0
"""Tuning constant of the reference in standard errors: a class that changed by more has no weight
in it. Our choice; what it does is measured in ``benchmarks/calibration.py``."""

_EXACT_BELOW = 20.0  # beyond, the fourth-order expansion is off by less than 1e-4
_EXACT_TERMS = 80  # P(count > 80) is below 1e-20 when 20 are expected
# a tenth of the variance of changes in ``benchmarks/calibration.py`` (2 x 0.5²); our choice
_SMALLEST_BETWEEN_VARIANCE = 0.05


def thinned_log(before: npt.ArrayLike, after: npt.ArrayLike) -> tuple[Array, Array]:
    """Expected log(count + 0.5) of both biopsies when each is thinned to the smaller total of the
    pair.

    Parameters
    ----------
    before, after
        (…, classes) counts.

    Returns
    -------
    before, after
        Same shapes, natural log. Exact where the thinned count is expected up to 20, fourth-order
        expansion above (error below 1e-4).
    """
    counts = np.stack([np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)])
    totals = counts.sum(axis=-1, keepdims=True)
    smaller = totals.min(axis=0, keepdims=True)
    keep = np.broadcast_to(
        np.where(totals > 0, smaller / np.where(totals > 0, totals, 1.0), 1.0), counts.shape
    )
    mean = counts * keep
    variance = mean * (1 - keep)
    shifted = mean + PSEUDOCOUNT
    out = (
        np.log(shifted)
        - variance / (2 * shifted**2)
        + variance * (1 - 2 * keep) / (3 * shifted**3)
        - 3 * variance**2 / (4 * shifted**4)
    )
    few = (mean <= _EXACT_BELOW) & (keep < 1)
    c, r = counts[few], np.maximum(keep[few], 1e-12)
    mass = (1 - r) ** c
    odds = r / (1 - r)
    expectation = mass * np.log(PSEUDOCOUNT)
    for j in range(1, int(min(c.max(initial=0.0), _EXACT_TERMS)) + 1):
        mass = mass * np.maximum(c - j + 1, 0) / j * odds
        expectation = expectation + mass * np.log(j + PSEUDOCOUNT)
    out[few] = expectation
    return out[0], out[1]


def posterior_log(counts: npt.ArrayLike) -> tuple[Array, Array]:
    """Mean and variance of the log abundance under a Gamma(count + 0.5) posterior, up to the
    constant that a log-ratio removes.

    Returns
    -------
    mean, variance
        ``digamma(c + 0.5)`` and ``trigamma(c + 0.5)``.
    """
    c = np.asarray(counts, dtype=np.float64) + PSEUDOCOUNT
    return special.digamma(c), special.polygamma(1, c)


def clr(log_values: npt.ArrayLike) -> Array:
    """Centred log-ratio along the last axis: sums to zero."""
    values = np.asarray(log_values, dtype=np.float64)
    return values - values.mean(axis=-1, keepdims=True)


def sampling_variance(before: npt.ArrayLike, after: npt.ArrayLike) -> Array:
    """Approximate variance of a log change from counting few cells: sum of log(1 + 1/(c + 0.5));
    finite at zero cells."""
    return np.log1p(1 / (np.asarray(before, float) + PSEUDOCOUNT)) + np.log1p(
        1 / (np.asarray(after, float) + PSEUDOCOUNT)
    )


@dataclass(frozen=True)
class LogRatioTest:
    """Test of each class; natural log.

    ``weights`` (…, classes) is what each class contributes to the reference.
    """

    test: TTest
    weights: Array


def _moderated_se(values: Array, noise: Array) -> tuple[Array, Array]:
    n = values.shape[-2]
    variance = values.var(axis=-2, ddof=1)
    between = np.maximum(
        np.median(variance - noise, axis=-1, keepdims=True), _SMALLEST_BETWEEN_VARIANCE
    )
    moderated = moderate(variance, n - 1, expected=between + noise)
    return np.sqrt(moderated.variance / n), moderated.df


def robust_reference(changes: Array, noise: Array) -> Array:
    """Weights of the classes in the robust reference (see the module's text).

    Parameters
    ----------
    changes
        (…, n, k) log changes per patient.
    noise
        (…, k) mean sampling variance.

    Returns
    -------
    numpy.ndarray
        (…, k), non-negative, sum 1.
    """
    centred = clr(changes)
    means = centred.mean(axis=-2)
    se, _ = _moderated_se(centred, noise)
    se = np.where(np.isfinite(se) & (se > 0), se, 1.0)
    centre = np.median(means, axis=-1, keepdims=True)
    weights = np.ones_like(means)
    for _ in range(10):
        distance = (means - centre) / (BIWEIGHT * se)
        weights = np.where(np.abs(distance) < 1, (1 - distance**2) ** 2, 0.0)
        total = weights.sum(axis=-1, keepdims=True)
        weights = np.where(
            total > 1e-6, weights / np.where(total > 1e-6, total, 1.0), 1 / means.shape[-1]
        )
        centre = (weights * means).sum(axis=-1, keepdims=True)
    return weights


def log_ratio_test(
    changes: npt.ArrayLike,
    noise: npt.ArrayLike,
    *,
    reference: Reference = "robust",
    level: float = 0.95,
) -> LogRatioTest:
    """Moderated paired t test of each class against the reference.

    Parameters
    ----------
    changes
        (…, n, k) log changes, one row per patient (n at least 2, k at least 2).
    noise
        (…, n, k) their sampling variances.
    reference
        ``robust`` (published), ``clr`` or ``patient_median``. With two classes only ``clr`` has a
        meaning and is used.
    """
    d = np.asarray(changes, dtype=np.float64)
    w = np.asarray(noise, dtype=np.float64).mean(axis=-2)
    k = d.shape[-1]
    weights = np.full((*d.shape[:-2], k), 1 / k)
    if reference == "patient_median" and k > 2:
        values = d - np.median(d, axis=-1, keepdims=True)
    else:
        if reference == "robust" and k > 2:
            weights = robust_reference(d, w)
        values = d - (d * weights[..., None, :]).sum(axis=-1, keepdims=True)
    se, df = _moderated_se(values, w)
    return LogRatioTest(t_test(values.mean(axis=-2), se, df, level=level), weights)
