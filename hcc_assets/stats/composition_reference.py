"""The reference of a log-ratio: which classes stayed, found from the changes and the abundance of
the classes. The test against it is in ``composition_logratio``.

A log-ratio needs a reference, and the data alone cannot say which classes stayed: when eight of
fourteen fall, the six others rise against them. Candidates are all local modes of the mean changes:
each class starts one, and a biweight over the distance in standard errors, times the abundance of
the classes, pulls it to where cells are. A mode is **admissible** when its classes hold enough of
the cells, or are enough of the classes: four rare classes are no reference. The primary reference
is the admissible mode with most cells, and a conclusion holds when every admissible one draws it.

Weights in the reference are abundances, less for a class that varies between patients more than
counting and the usual patient do, since its noise would be in every other class's test. Within half
of the window they do not depend on the mean change: a weight that does makes abundant classes pull
the reference along, and their tests conservative (0.02 in place of 0.05 in the study of
``benchmarks/calibration.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hcc_assets.stats.biopsies import Pairs
from hcc_assets.stats.composition_logratio import Known, log_ratio_test
from hcc_assets.stats.moderated import TTest

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

ALPHA = 0.05
"""Two-sided level at which references are compared and the smallest change is computed: that of the
published intervals."""
WINDOW = 3.0
"""Standard errors of a class's mean change beyond which it is not part of a mode. Our choice: of 2
to 6, the study in ``benchmarks/calibration.py`` finds the right classes most often at 3 when eight
of fourteen fall."""
FLAT = 0.5
"""Share of the window within which a class has its full weight; our choice, see the text above."""
MEMBER = 0.25
"""Biweight from which a class counts as one of the mode's: within 0.71 of the window."""
FEWEST_CLASSES = 3
"""A reference of two classes is a ratio of two classes. Our choice."""
SHARE_OF_CELLS = 0.2
SHARE_OF_CLASSES = 0.4
"""A mode is admissible with this share of the cells or of the classes. Our choice: eight of
fourteen rare classes, or three that hold a fifth of the cells, can be what stayed; the four rare
ones of eight that hold 14 % of the cells of the stimulated blood of Kang 2018 can not."""
_SMALLEST_BETWEEN_VARIANCE = 0.05
"""Of a change between patients: a tenth of that of the calibration study (2 x 0.5²); our choice."""
_STEPS = 200  # at most; a mean shift has settled after some twenty
_SETTLED = 1e-10  # natural log: far below any rounding of the tables


@dataclass(frozen=True)
class References:
    """Candidate references of one denominator, one started at each of k classes.

    Attributes
    ----------
    weights
        (…, k, k) weights of the classes (last axis, sum 1) in each candidate.
    cells
        (…, k) share of the cells that the classes of a candidate hold.
    admissible
        (…, k) candidates that may be the reference.
    primary
        (…, k) weights of the published reference: of the admissible candidates the one with most
        cells; abundances where none is admissible.
    """

    weights: Array
    cells: Array
    admissible: Bools
    primary: Array

    def second(self) -> Array:
        """(…, k) weights of the admissible reference with most cells that shares less than half of
        its weight with the primary one; NaN where there is none."""
        shared = np.minimum(self.weights, self.primary[..., None, :]).sum(axis=-1)
        other = self.admissible & (shared < 0.5)
        chosen = _pick(self.weights, np.where(other, self.cells, -1.0))
        return np.where(other.any(axis=-1)[..., None], chosen, np.nan)


def _pick(weights: Array, score: Array) -> Array:
    best = score.argmax(axis=-1)[..., None, None]
    return np.take_along_axis(weights, best, axis=-2)[..., 0, :]


def find_references(changes: Array, noise: Array, abundance: Array) -> References:
    """All candidate references (see the module's text).

    Parameters
    ----------
    changes
        (…, n, k) log changes per patient.
    noise
        (…, k) mean sampling variance of a change.
    abundance
        (…, k) share of the cells, sum 1.
    """
    n, k = changes.shape[-2:]
    centred = changes - changes.mean(axis=-1, keepdims=True)
    means, variance = centred.mean(axis=-2), centred.var(axis=-2, ddof=1)
    between = np.maximum(
        np.median(variance - noise, axis=-1, keepdims=True), _SMALLEST_BETWEEN_VARIANCE
    )
    expected = between + noise
    window = (WINDOW * np.sqrt(expected / n))[..., None, :]
    steady = abundance * np.minimum(1.0, expected / np.maximum(variance, 1e-300))
    steady = np.maximum(steady, 1e-300)[..., None, :]
    centre = means.copy()
    for _ in range(_STEPS):
        weights = steady * _biweight((means[..., None, :] - centre[..., :, None]) / window)
        moved = (weights * means[..., None, :]).sum(axis=-1) / weights.sum(axis=-1)
        settled = np.abs(moved - centre).max(initial=0.0) < _SETTLED
        centre = moved
        if settled:
            break
    distance = (means[..., None, :] - centre[..., :, None]) / window
    inside = _biweight(distance) >= MEMBER
    weights = steady * _biweight(np.maximum(np.abs(distance) - FLAT, 0) / (1 - FLAT))
    weights = weights / weights.sum(axis=-1, keepdims=True)
    cells = (inside * abundance[..., None, :]).sum(axis=-1)
    members = inside.sum(axis=-1)
    admissible = (members >= FEWEST_CLASSES) & (
        (cells >= SHARE_OF_CELLS) | (members >= SHARE_OF_CLASSES * k)
    )
    largest = _pick(weights, np.where(admissible, cells, -1.0))
    primary = np.where(admissible.any(axis=-1)[..., None], largest, abundance)
    return References(weights, cells, admissible, primary)


def mean_shares(before: Array, after: Array, pairs: Pairs) -> Array:
    """Mean share of each class over patients and both timepoints, from (pairs, k) counts; sum 1."""
    total = np.zeros(before.shape[1])
    for counts in (before, after):
        sums = counts.sum(axis=1, keepdims=True)
        shares = np.divide(counts, sums, out=np.zeros_like(counts), where=sums > 0)
        total += pairs.by_subject(shares).mean(axis=0)
    return total / total.sum()


def agreement(
    test: TTest,
    changes: Array,
    candidates: Array,
    admissible: npt.NDArray[np.bool_],
    *,
    known: Known | None = None,
) -> npt.NDArray[np.bool_]:
    """Whether a test says the same, significance and sign, against all admissible references.

    Parameters
    ----------
    test
        (…, k) against the published reference.
    changes, candidates, admissible
        As for ``find_references``.
    known
        As for ``log_ratio_test``.

    Returns
    -------
    numpy.ndarray
        (…, k); False where no reference is admissible.
    """
    if known is not None:
        known = Known(known.calls[..., None, :, :], known.needles[..., None, :], known.per_change)
    others = log_ratio_test(changes[..., None, :, :], candidates, known=known)
    same = _conclusion(others) == _conclusion(test)[..., None, :]
    some = np.any(admissible, axis=-1, keepdims=True)
    return (same | ~admissible[..., None]).all(axis=-2) & some


def _conclusion(test: TTest) -> Array:
    """1 for a significant rise, -1 for a significant fall, else 0."""
    return np.where(test.p_value < ALPHA, np.sign(test.estimate), 0.0)


def _biweight(distance: Array) -> Array:
    return np.where(np.abs(distance) < 1, (1 - distance**2) ** 2, 0.0)
