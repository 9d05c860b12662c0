"""Paired changes of composition on the log-ratio scale, on arrays: transform and test.

The reference is chosen in ``composition_reference``, tables belong to ``paired_changes``.

Counts of one denominator are (…, pairs, classes); leading axes are replicates, so that the
calibration study runs this code and no copy of it.

Two choices, each measured in ``benchmarks/calibration.py``:

* *Depth.* A rare class has a biased log count when few cells are expected, and the bias depends on
  how many cells the biopsy has. Biopsies after treatment tend to be smaller, so the bias would look
  like an effect. Both biopsies of a pair are therefore brought to the smaller one's depth by the
  expectation of log(count + 0.5) over binomial thinning: without a change both have the same
  distribution, at any depth.
* *Variance.* Each class has its own. Moderation to a common one makes a class that varies more than
  the others (tumour, between needles) significant too often: 12 to 19 % at 8 to 12 pairs
  (single-cell methods, 6.5). The paired t test of one class is exact whatever the others do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from hcc_assets.stats.biopsies import Pairs
from hcc_assets.stats.moderated import TTest, t_test

Array = npt.NDArray[np.float64]

PSEUDOCOUNT = 0.5  # single-cell methods, section 3

_EXACT_BELOW = 20.0  # beyond, the fourth-order expansion is off by less than 1e-4
_ROUNDING = 1e-12  # of doubles, with room for the sums
_LEAST_BETWEEN = 0.05
"""Least share of the scatter that lies between patients: own choice, so that no few of them carry
the mean when the known errors look as large as the scatter."""
_EXACT_TERMS = 80  # P(count > 80) is below 1e-20 when 20 are expected


def thinned_log(before: npt.ArrayLike, after: npt.ArrayLike) -> tuple[Array, Array]:
    """Expected log(count + 0.5) of both biopsies when each is thinned to the smaller total of the
    pair.

    Parameters
    ----------
    before, after
        (…, classes) counts, whole or soft (sums of posteriors).

    Returns
    -------
    before, after
        Same shapes, natural log. Exact where the thinned count is expected up to 20, fourth-order
        expansion above (error below 1e-4). A soft count lies between its whole neighbours.
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
    out[few] = _few_thinned(counts[few], np.maximum(keep[few], 1e-12))
    return out[0], out[1]


def _few_thinned(counts: Array, keep: Array) -> Array:
    """Expected log of a thinned small count. Between whole counts the line that joins them, plus
    what the logarithm lies above that line, in proportion to what is kept: without thinning it is
    the logarithm itself."""
    floor = np.floor(counts)
    part = counts - floor
    low = _expected_log(floor, keep)
    if not part.any():
        return low
    line = (1 - part) * np.log(floor + PSEUDOCOUNT) + part * np.log(floor + 1 + PSEUDOCOUNT)
    above = np.log(counts + PSEUDOCOUNT) - line
    return (1 - part) * low + part * _expected_log(floor + 1, keep) + keep * above


def _expected_log(counts: Array, keep: Array) -> Array:
    """Expectation of log(x + 0.5), x binomial of whole counts, term by term."""
    mass = (1 - keep) ** counts
    odds = keep / (1 - keep)
    expectation = mass * np.log(PSEUDOCOUNT)
    for j in range(1, int(min(counts.max(initial=0.0), _EXACT_TERMS)) + 1):
        mass = mass * np.maximum(counts - j + 1, 0) / j * odds
        expectation = expectation + mass * np.log(j + PSEUDOCOUNT)
    return expectation


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
class Known:
    """What is known of the error of each patient's change, before patients are compared.

    Attributes
    ----------
    calls
        (…, n, k) variance of a log change by the doubt of calls, class by class.
    needles
        (…, k) variance of a log-ratio between needles of one biopsy, NaN where none can be seen.
    per_change
        (n,) multiple of it in a patient's change: 1 / needles before + 1 / needles after.
    """

    calls: Array
    needles: Array
    per_change: Array


@dataclass(frozen=True)
class Needles:
    """Samples of the biopsies: ``unit`` (samples,) row of the biopsy of each, ``counts`` (samples,
    k), and ``calls`` (samples, k), the variance of the counts by the doubt of calls."""

    unit: npt.NDArray[np.intp]
    counts: Array
    calls: Array

    def known(self, counts: Array, pairs: Pairs, tested: npt.NDArray[np.bool_]) -> Known | None:
        """Error of each patient's change; None where calls are beyond doubt and every biopsy is one
        sample. ``needles`` are filled in where the reference is known."""
        one_each = np.bincount(self.unit, minlength=len(counts)).max(initial=0) <= 1
        if one_each and not self.calls.any():
            return None
        variance = np.zeros_like(counts)
        np.add.at(variance, self.unit, self.calls)
        relative = (variance / (counts + PSEUDOCOUNT) ** 2)[:, tested]
        each = 1 / needles_of(self.counts, self.unit, len(counts))
        # the mean of several pairs of one patient has a part of the variance of one
        part = pairs.by_subject(np.ones(len(pairs))) / np.bincount(pairs.owner)
        return Known(
            pairs.by_subject(relative[pairs.before] + relative[pairs.after]) * part[:, None],
            np.full(int(tested.sum()), np.nan),
            pairs.by_subject(each[pairs.before] + each[pairs.after]) * part,
        )


def log_ratio_test(
    changes: npt.ArrayLike,
    weights: npt.ArrayLike,
    *,
    known: Known | None = None,
    level: float = 0.95,
    others: bool = True,
) -> TTest:
    """Paired t test of each class against a weighted mean of the other classes; each patient's own
    value of the reference is subtracted, so that its uncertainty is in the test.

    A class is not in its own reference: with the weight w there it would show 1 - w of its change.
    Estimate, error and interval are therefore divided by 1 - w, and no p-value depends on it.

    Parameters
    ----------
    changes
        (…, n, k) log changes, one row per patient (n at least 2).
    weights
        (…, k) of the reference, sum 1; for each class what the others have counts.
    known
        Where given, a patient counts the less the more of the change is known to be error (inverse
        variance; the scatter of the patients is divided as Knapp and Hartung 2003 do, so that
        equal errors give the paired t), and the variance of the calls is added to that of the
        mean. The degrees of freedom stay: the scatter of the patients has that variance in it
        already, and more of them would take back most of what was added.
    others
        False: against the mean with the class in it, as a centred log-ratio is defined.

    Returns
    -------
    TTest
        (…, k), natural log, n - 1 degrees of freedom.
    """
    d = np.asarray(changes, dtype=np.float64)
    w = np.asarray(weights, dtype=np.float64)
    values = d - (d * w[..., None, :]).sum(axis=-1, keepdims=True)
    n = d.shape[-2]
    centre, variance = values.mean(axis=-2), values.var(axis=-2, ddof=1) / n
    if known is not None:
        calls = _of_ratio(known.calls, w)
        needles = np.nan_to_num(known.needles)[..., None, :]
        error = calls + needles * known.per_change[:, None]
        between = n * variance
        between = np.maximum(between - error.mean(axis=-2), _LEAST_BETWEEN * between)
        each = 1 / np.maximum(between[..., None, :] + error, 1e-300)
        each = each / each.sum(axis=-2, keepdims=True)
        centre = (each * values).sum(axis=-2)
        variance = (each * (values - centre[..., None, :]) ** 2).sum(axis=-2) / (n - 1)
        added = (each**2 * calls).sum(axis=-2)
        variance = variance + np.where(variance > 0, added, 0.0)
    se = np.sqrt(variance)
    # what is left of a class that is the whole reference is rounding
    se = np.where(se > _ROUNDING * np.abs(d).max(axis=(-2, -1))[..., None], se, 0.0)
    rest = of_others(w) if others else np.ones_like(w)
    return t_test(centre / rest, se / rest, n - 1.0, level=level)


def of_others(weights: Array) -> Array:
    """Weight that the other classes have in the reference of each class, (…, k): a log-ratio
    against a reference with the class in it is this much of that against the others. 1 for a class
    that is the whole reference."""
    rest = 1 - weights
    return np.where(rest > _ROUNDING, rest, 1.0)


def _of_ratio(variance: Array, weights: Array) -> Array:
    """Variance of each class's log-ratio from those of the log counts, independent between
    classes."""
    w = weights[..., None, :]
    return variance * (1 - 2 * w) + (variance * w**2).sum(axis=-1, keepdims=True)


def needle_variance(
    counts: Array, calls: Array, unit: npt.NDArray[np.intp], weights: Array
) -> Array:
    """Variance of a log-ratio between the needles of one biopsy, beyond counting and calls.

    Parameters
    ----------
    counts, calls
        (samples, k) cells and the variance of their number by the doubt of calls.
    unit
        (samples,) biopsy of each sample.
    weights
        (k,) of the reference.

    Returns
    -------
    numpy.ndarray
        (k,) pooled over biopsies with two samples or more, at least 0; NaN where there is none.
    """
    mean, counting = posterior_log(counts)
    ratio = mean - (mean @ weights)[:, None]
    noise = _of_ratio(counting + calls / (counts + PSEUDOCOUNT) ** 2, weights)
    units, row, size = np.unique(unit, return_inverse=True, return_counts=True)
    freedom = int((size - 1).sum())
    if freedom == 0:
        return np.full(counts.shape[1], np.nan)
    centre = np.zeros((len(units), counts.shape[1]))
    np.add.at(centre, row, ratio)
    centre /= size[:, None]
    several = (size > 1)[row]
    within = ((ratio - centre[row])[several] ** 2).sum(axis=0) / freedom
    return np.asarray(np.maximum(within - noise[several].mean(axis=0), 0.0))


def needles_of(counts: Array, unit: npt.NDArray[np.intp], n_units: int) -> Array:
    """Number of needles of each biopsy as its summed counts weigh them: (sum of cells) squared over
    the sum of squares; 1 for one needle."""
    cells = counts.sum(axis=1)
    total, squares = (np.bincount(unit, v, minlength=n_units) for v in (cells, cells**2))
    return np.where(squares > 0, total**2 / np.where(squares > 0, squares, 1.0), 1.0)
