"""Cox regression on one covariate (Efron's ties), small enough to be run for hundreds of features.

Larger models belong to lifelines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Array = npt.NDArray[np.float64]

# Log hazard ratio per SD at which the likelihood is taken to be monotone: a ratio of three million
# is no estimate (our choice; without a maximum Newton passes it in a few steps).
_LARGEST = 15.0


@dataclass(frozen=True)
class CoxFit:
    """Log hazard ratio per unit of the covariate with Wald interval and test; NaN when the
    likelihood has no finite maximum."""

    coefficient: float
    se: float
    ci_low: float
    ci_high: float
    p_value: float
    n: int
    n_events: int


def cox_single(
    time: npt.ArrayLike, event: npt.ArrayLike, covariate: npt.ArrayLike, *, level: float = 0.95
) -> CoxFit:
    """Fit a Cox model with one covariate by Newton's method.

    Parameters
    ----------
    time
        (n,) follow-up, positive.
    event
        (n,) True where the event happened.
    covariate
        (n,) values.

    Returns
    -------
    CoxFit
        Partial likelihood of Efron (1977), as in R ``survival::coxph`` and lifelines.
    """
    t, d, x = (
        np.asarray(time, dtype=np.float64),
        np.asarray(event, dtype=bool),
        np.asarray(covariate, dtype=np.float64),
    )
    n, events = t.size, int(d.sum())
    nan = float("nan")
    nothing = CoxFit(nan, nan, nan, nan, nan, n, events)
    spread = float(x.std(ddof=1)) if n > 1 else 0.0
    if events == 0 or not spread > 0:
        return nothing
    z = (x - x.mean()) / spread
    order = np.lexsort((~d, -t))  # latest first, so that risk sets are prefixes
    t, d, z = t[order], d[order], z[order]
    when = np.flatnonzero(d)
    last_at_risk = np.searchsorted(-t, -t[when], side="right") - 1
    _, group, size = np.unique(t[when], return_inverse=True, return_counts=True)
    rank = (
        np.arange(when.size)
        - np.concatenate([[0], np.cumsum(np.bincount(group)[::-1])])[:-1][size.size - 1 - group]
    )
    part = rank / size[group]
    beta = 0.0
    converged = False
    information = 0.0
    for _ in range(50):
        risk = np.exp(z * beta)
        sums = np.cumsum(np.column_stack([risk, risk * z, risk * z * z]), axis=0)[last_at_risk]
        tied = np.zeros((size.size, 3))
        np.add.at(tied, group, np.column_stack([risk, risk * z, risk * z * z])[when])
        s0, s1, s2 = (sums - part[:, None] * tied[group]).T
        gradient = float((z[when] - s1 / s0).sum())
        information = float((s2 / s0 - (s1 / s0) ** 2).sum())
        if not information > 1e-12:
            return nothing
        step = float(np.clip(gradient / information, -2.0, 2.0))
        beta += step
        if abs(beta) > _LARGEST:
            return nothing
        if abs(step) < 1e-9:
            converged = True
            break
    if not converged:
        return nothing
    se = 1 / np.sqrt(information)
    half = float(stats.norm.ppf(0.5 + level / 2) * se)
    p = float(2 * stats.norm.sf(abs(beta) / se))
    return CoxFit(
        beta / spread,
        float(se / spread),
        (beta - half) / spread,
        (beta + half) / spread,
        p,
        n,
        events,
    )
