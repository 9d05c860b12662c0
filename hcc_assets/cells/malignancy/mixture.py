"""Two-component mixture of correlations in which the normal component is anchored on cells known to
be normal. Nothing of profiles or genes belongs here.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

_ANCHORS: Final = 300
"""Cells that the known normal ones count as, at most: own choice, about a class of one biopsy, so
that many lymphocytes outvote no candidates.
"""
_ITERATIONS: Final = 60
"""Own choice: a bound on the work."""
_SETTLED: Final = 1e-13
"""Change of every parameter at which nothing more is to come: own choice, the noise of a sum."""
_MIN_SD: Final = 0.02
"""Own choice: least sd of correlations, so that no component shrinks to a point."""
_SHIFT: Final = 0.15
"""How far the normal component may leave its anchor: own choice, for hepatocytes beside an anchor
of immune cells.
"""
_APART: Final = 1.5
"""Distance of the means in pooled sd: own choice; two normals are bimodal from 2, here the lower
one is anchored.
"""


def _density(x: Vector, mean: float, sd: float) -> Vector:
    return np.asarray(np.exp(-0.5 * np.square((x - mean) / sd)) / sd, dtype=np.float64)


def _fit(
    candidates: Vector, normal: Vector, high: float
) -> tuple[float, Vector, tuple[float, float, float, float]]:
    """Expectation maximisation from one starting mean of the upper component: log-likelihood,
    posterior, both means and sds.
    """
    weight = min(1.0, _ANCHORS / len(normal)) if len(normal) else 0.0
    low = anchor = float(np.median(normal)) if len(normal) else float(np.quantile(candidates, 0.1))
    sd_low = max(float(np.std(normal)) if len(normal) else float(np.std(candidates)) / 2, _MIN_SD)
    sd_high = max(float(np.std(candidates)) / 2, _MIN_SD)
    share, posterior, likelihood = 0.5, np.zeros(len(candidates)), -np.inf
    before = np.full(5, np.inf)
    for _ in range(_ITERATIONS):
        up, down = (
            share * _density(candidates, high, sd_high),
            (1 - share) * _density(candidates, low, sd_low),
        )
        total = np.maximum(up + down, 1e-300)
        posterior, likelihood = up / total, float(np.log(total).sum())
        inside = posterior.sum()
        if inside < 1e-6:
            return -np.inf, np.zeros(len(candidates)), (low, high, sd_low, sd_high)
        high = float(posterior @ candidates / inside)
        sd_high = max(float(np.sqrt(posterior @ np.square(candidates - high) / inside)), _MIN_SD)
        rest = 1.0 - posterior
        mass = rest.sum() + weight * len(normal)
        if mass > 1e-6:
            low = float((rest @ candidates + weight * normal.sum()) / mass)
            low = float(np.clip(low, anchor - _SHIFT, anchor + _SHIFT)) if len(normal) else low
            spread = rest @ np.square(candidates - low) + weight * np.square(normal - low).sum()
            sd_low = max(float(np.sqrt(spread / mass)), _MIN_SD)
        share = float(np.clip(posterior.mean(), 1e-3, 1 - 1e-3))
        now = np.array([share, high, low, sd_high, sd_low])
        if np.abs(now - before).max() < _SETTLED:
            break
        before = now
    return likelihood, posterior, (low, high, sd_low, sd_high)


def split_normal_from_malignant(candidates: Vector, normal: Vector) -> Vector:
    """Probability of each candidate to belong to the upper component of a two-normal mixture.

    Parameters
    ----------
    candidates
        Correlation of the cells to be split.
    normal
        Correlation of known normal cells; they are held in the lower component and count as at most
        300 cells, so that a sample without any normal candidate still has a normal component to
        differ from. May be empty.

    Returns
    -------
    numpy.ndarray
        Posterior of each candidate; 0 everywhere where the components do not separate (means under
        1.5 pooled sd apart). Monotone in the correlation.
    """
    if len(candidates) == 0:
        return np.zeros(0)
    starts = {
        float(np.quantile(candidates, 0.9)),
        float(np.mean(np.sort(candidates)[-max(3, len(candidates) // 50) :])),
    }
    fits = [_fit(candidates, normal, high) for high in sorted(starts)]
    apart = [
        f for f in fits if f[2][1] - f[2][0] >= _APART * np.sqrt((f[2][2] ** 2 + f[2][3] ** 2) / 2)
    ]
    if not apart:
        return np.zeros(len(candidates))
    _, posterior, (low, high, _, _) = max(apart, key=lambda f: f[0])
    order = np.argsort(candidates, kind="stable")
    value = candidates[order]
    shaped = np.where(
        value <= low,
        0.0,
        np.where(value >= high, np.maximum(posterior[order], 0.999), posterior[order]),
    )
    posterior[order] = np.maximum.accumulate(shaped)
    return posterior
