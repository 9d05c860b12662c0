"""Cells that look like no class of the reference: how surprising the counts of a cell are under its
best profile, against training cells of the same depth.

A threshold is applied in ``annotation``; the likelihood itself is in ``likelihood``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from hcc_assets.cells.reference.training import Profiles, TrainingCells, evidence

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]

_MIN_FIT: Final = 40
"""Cells for a line of their own: own choice, ten for each of its parameters."""
_MIN_SPREAD: Final = 0.02
"""Least robust sd: own choice, so that no profile has none."""


@dataclass(frozen=True)
class OutlierLimits:
    """Deviance per molecule of training cells, per profile: ``line`` (profiles x 3, quadratic in
    the log of molecules) and ``spread`` (robust sd).
    """

    line: Matrix
    spread: Vector

    @classmethod
    def none(cls) -> OutlierLimits:
        """Limits of a reference without profiles."""
        return cls(np.empty((0, 3)), np.empty(0))

    def to_lists(self) -> list[list[float]]:
        """For JSON, rounded to 6 digits."""
        return [
            [round(float(v), 6) for v in (*line, s)]
            for line, s in zip(self.line, self.spread, strict=True)
        ]

    @classmethod
    def from_lists(cls, rows: list[list[Any]]) -> OutlierLimits:
        """The inverse of `to_lists`."""
        values = np.array(rows, dtype=float).reshape(len(rows), 4)
        return cls(values[:, :3], values[:, 3])

    def score(self, deviance: Vector, size: Vector, profile: npt.NDArray[np.intp]) -> Vector:
        """How many robust sd the deviance of each cell lies above that of training cells of its
        profile and depth.
        """
        x = np.log(np.maximum(size, 1.0))
        expected = self.line[profile, 0] + self.line[profile, 1] * x + self.line[profile, 2] * x**2
        return np.asarray((deviance - expected) / self.spread[profile], dtype=float)


def deviance_per_molecule(
    counts: sp.csr_matrix, size: Vector, weight: Vector, likelihood: Vector
) -> Vector:
    """Weighted Poisson deviance of each cell from its profile, per molecule.

    Parameters
    ----------
    counts
        Cells x genes.
    size
        Molecules of each cell over these genes.
    weight
        Weight of each gene.
    likelihood
        `likelihood.log_likelihood` of each cell under its profile.
    """
    values = sp.csr_matrix(counts)
    # x (log x - log n - 1), the first part from a table where x is a number of molecules
    own = _x_log_x(values.data)
    by_gene = sp.csr_matrix((own, values.indices, values.indptr), values.shape) @ weight
    total = values @ weight
    saturated = by_gene - (np.log(np.maximum(size, 1.0)) + 1.0) * total
    return np.asarray((saturated - likelihood) / np.maximum(size, 1.0), dtype=float)


def _x_log_x(x: npt.NDArray[Any]) -> Vector:
    if np.issubdtype(x.dtype, np.integer) and len(x):
        every = np.arange(int(x.max()) + 1, dtype=np.float64)
        if len(every) <= len(x):
            return np.asarray((every * np.log(np.maximum(every, 1.0)))[x], dtype=np.float64)
    return np.asarray(x * np.log(np.maximum(x, 1.0)), dtype=np.float64)


def fit_limits(
    cells: TrainingCells, profiles: Profiles, owner: npt.NDArray[np.intp], n_own: int
) -> OutlierLimits:
    """Limits from the training cells that have a class; profiles with few cells take the line of
    all cells. Those of the prior, behind the first ``n_own``, take the line of all cells held
    against the prior alone, which fits them less.
    """
    rows = np.flatnonzero(owner >= 0)
    size = cells.size[rows]
    likelihood = evidence(cells, profiles, rows)
    allowed = owner[rows][:, None] == profiles.owner[None, :]
    best = np.where(allowed, likelihood, -np.inf).argmax(axis=1)
    deviance = deviance_per_molecule(
        cells.counts[rows], size, profiles.weight, likelihood[np.arange(len(rows)), best]
    )
    x = np.log(np.maximum(size, 1.0))
    line, spread = np.zeros((len(profiles.owner), 3)), np.zeros(len(profiles.owner))
    whole = _robust_line(x, deviance)
    prior = whole
    told = np.flatnonzero(allowed[:, n_own:].any(axis=1))
    if len(told):
        foreign = np.where(allowed[told, n_own:], likelihood[told, n_own:], -np.inf).max(axis=1)
        far = deviance_per_molecule(
            sp.csr_matrix(cells.counts[rows[told]]), size[told], profiles.weight, foreign
        )
        prior = _robust_line(x[told], far, whole)
    for p in range(len(profiles.owner)):
        mine = best == p
        line[p], spread[p] = (
            _robust_line(x[mine], deviance[mine], whole)
            if mine.sum() >= _MIN_FIT
            else (whole if p < n_own else prior)
        )
    return OutlierLimits(np.round(line, 6), np.round(spread, 6))


def _robust_line(
    x: Vector, y: Vector, fallback: tuple[Vector, float] | None = None
) -> tuple[Vector, float]:
    """Quadratic fit that leaves out far points, and the robust spread around it."""
    if len(x) < 8 or np.ptp(x) < 0.3:
        if fallback is not None:
            return fallback
        return np.array([float(np.median(y)) if len(y) else 0.0, 0.0, 0.0]), 1.0
    keep = np.ones(len(x), dtype=bool)
    line = np.zeros(3)
    spread = 1.0
    centre = float(x.mean())
    for _ in range(4):
        degree = 2 if keep.sum() >= 60 else 1
        fitted = np.polynomial.polynomial.polyfit(x[keep] - centre, y[keep], degree)
        a, b, c = np.pad(fitted, (0, 2 - degree))
        line = np.array([a - b * centre + c * centre**2, b - 2 * c * centre, c])
        rest = y - (line[0] + line[1] * x + line[2] * x**2)
        spread = max(
            1.4826 * float(np.median(np.abs(rest[keep] - np.median(rest[keep])))), _MIN_SPREAD
        )
        keep = np.abs(rest) < 4 * spread
    return line, spread
