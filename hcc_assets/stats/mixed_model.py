"""Random-intercept model of one outcome, by REML: what unpaired biopsies add to a paired
comparison. Which outcome is decided elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize

from hcc_assets.stats.moderated import TTest, t_test

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MixedFit:
    """Effect of the covariate with its test, and the variances between and within groups."""

    test: TTest
    variance_between: float
    variance_within: float


def random_intercept(
    outcome: npt.ArrayLike, covariate: npt.ArrayLike, group: npt.ArrayLike, *, level: float = 0.95
) -> MixedFit:
    """Fit ``outcome ~ 1 + covariate + (1 | group)`` by REML.

    Parameters
    ----------
    outcome, covariate
        (n,) values, finite; the covariate is 0 before and 1 after treatment.
    group
        (n,) patient of each value.

    Returns
    -------
    MixedFit
        With Satterthwaite degrees of freedom. NaN when the covariate does not vary or fewer than
        four values are given.

    Notes
    -----
    Under missing at random given the other biopsy the estimate is unbiased; under any other
    mechanism it is not, hence the table of missing biopsies. With complete pairs only it equals the
    paired t test (where the variance between patients is positive).
    """
    y, x = np.asarray(outcome, dtype=np.float64), np.asarray(covariate, dtype=np.float64)
    _, g = np.unique(np.asarray(group, dtype=str), return_inverse=True)
    n = y.size
    nan = float("nan")
    if n < 4 or np.ptp(x) == 0:
        return MixedFit(t_test(nan, nan, nan), nan, nan)
    design = np.column_stack([np.ones(n), x])
    size = np.bincount(g).astype(float)
    both = np.column_stack([design, y])
    sums = np.zeros((size.size, 3))
    np.add.at(sums, g, both)
    cross = both.T @ both

    def moments(ratio: float) -> Array:
        return cross - (sums * (ratio / (1 + size * ratio))[:, None]).T @ sums

    def criterion(log_ratio: float) -> float:
        ratio = np.exp(log_ratio)
        m = moments(ratio)
        xvx, xvy = m[:2, :2], m[:2, 2]
        residual = m[2, 2] - xvy @ np.linalg.solve(xvx, xvy)
        return float(
            (n - 2) * np.log(max(residual, 1e-300))
            + np.linalg.slogdet(xvx)[1]
            + np.log1p(size * ratio).sum()
        )

    grid = np.linspace(-12, 8, 41)
    values = [criterion(v) for v in grid]
    best = int(np.argmin(values))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)]
    found = optimize.minimize_scalar(
        criterion, bounds=(low, high), method="bounded", options={"xatol": 1e-9}
    )
    ratio = 0.0 if best == 0 or size.max() == 1 else float(np.exp(found.x))
    m = moments(ratio)
    beta = np.linalg.solve(m[:2, :2], m[:2, 2])
    within = float(m[2, 2] - m[:2, 2] @ beta) / (n - 2)
    if within <= 1e-14 * max(1.0, float(np.var(y))):
        return MixedFit(t_test(beta[1], nan, nan), nan, within)
    between = ratio * within
    se = float(np.sqrt(within * np.linalg.inv(m[:2, :2])[1, 1]))
    return MixedFit(
        t_test(beta[1], se, _satterthwaite(design, g, between, within), level=level),
        between,
        within,
    )


def _satterthwaite(design: Array, g: npt.NDArray[np.intp], between: float, within: float) -> float:
    """Degrees of freedom 2 v² / Var(v) of the variance v of the slope, Var(v) by the delta method
    from the expected REML information."""
    n = design.shape[0]
    same = (g[:, None] == g[None, :]).astype(float)
    if between <= 0 or len(np.unique(g)) == n:
        return float(n - 2)

    inverse = np.linalg.inv(between * same + within * np.eye(n))
    middle = np.linalg.inv(design.T @ inverse @ design)
    half = inverse @ design
    projection = inverse - half @ middle @ half.T
    pz = projection @ same
    information = 0.5 * np.array(
        [
            [np.sum(pz * pz.T), np.sum(pz * projection)],
            [np.sum(pz * projection), np.sum(projection * projection)],
        ]
    )
    # d Var(beta) / d theta = middle X' V^-1 (dV) V^-1 X middle
    slope = half @ middle[:, 1]
    gradient = np.array([slope @ same @ slope, slope @ slope])
    variance = float(gradient @ np.linalg.solve(information, gradient))
    return float(np.clip(2 * middle[1, 1] ** 2 / max(variance, 1e-300), 1.0, n - 2))
