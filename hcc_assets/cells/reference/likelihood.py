"""How likely the counts of a cell are under each profile of a reference, the ambient RNA of its own
sample mixed in.

The profiles come from ``training``; what is made of the likelihoods (class, confidence,
unassigned) belongs to ``annotation``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Matrix = npt.NDArray[np.float64]

AMBIENT_LEVELS: Final = np.array(
    [0.0, 0.02, 0.04, 0.06, 0.08, 0.10, 0.125, 0.15, 0.18, 0.22, 0.26, 0.30, 0.35, 0.40, 0.45, 0.50]
)
"""Ambient shares at which mixtures are formed: own choice, closer where most cells are; a cell
takes the nearest, so that one product serves many cells.
"""
_FLOOR: Final = 2e-7
"""Least share of any gene: own choice, a molecule in five million."""
SIZE_SD: Final = 0.9
"""Natural-log sd of library size within a class over chemistries and depths: own choice, wide, so
that it speaks weakly.
"""


def ambient_level(share: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Nearest entry of `AMBIENT_LEVELS` for each cell."""
    middle = (AMBIENT_LEVELS[1:] + AMBIENT_LEVELS[:-1]) / 2
    return np.asarray(np.digitize(share, middle), dtype=np.intp)


def log_likelihood(
    counts: sp.csr_matrix,
    size: npt.NDArray[np.float64],
    shares: Matrix,
    weight: npt.NDArray[np.float64],
    ambient: npt.NDArray[np.float64],
    ambient_share: npt.NDArray[np.float64],
) -> Matrix:
    """Weighted Poisson log-likelihood of each cell under each profile, up to a constant of the
    cell.

    Parameters
    ----------
    counts
        Cells x genes.
    size
        Molecules of each cell over these genes.
    shares
        Profiles x genes: share of molecules; each row sums to 1.
    weight
        Weight of each gene, 0 to 1: below 1 where its counts vary more from cell to cell than
        molecules drawn at random.
    ambient
        Share of each gene in the ambient RNA of the sample; sums to 1.
    ambient_share
        Share of ambient molecules in each cell.

    Returns
    -------
    numpy.ndarray
        Cells x profiles.

    Notes
    -----
    ``sum_g w_g (x_g log m_g - n m_g)`` with ``m = (1 - a) profile + a ambient``. The product is
    sparse by dense in one thread: the same bits everywhere.
    """
    out = np.zeros((counts.shape[0], len(shares)))
    level = ambient_level(ambient_share)
    used = np.flatnonzero(weight > 0)
    whole = len(used) == counts.shape[1]
    narrow = sp.csr_matrix(counts if whole else counts[:, used], dtype=np.float64)
    if (weight[used] != 1).any():
        weighed = narrow.data * weight[used][narrow.indices]
        narrow = sp.csr_matrix((weighed, narrow.indices, narrow.indptr), narrow.shape)
    for at in np.unique(level):
        rows = np.flatnonzero(level == at)
        a = AMBIENT_LEVELS[at]
        mix = (1 - a) * shares[:, used] + a * ambient[used] + _FLOOR
        out[rows] = (
            narrow[rows] @ np.ascontiguousarray(np.log(mix).T)
            - size[rows, None] * (mix * weight[used]).sum(axis=1)[None, :]
        )
    return out


def class_scores(
    likelihood: Matrix,
    owner: npt.NDArray[np.intp],
    n_classes: int,
    temperature: float | npt.NDArray[np.float64],
) -> Matrix:
    """Tempered log evidence of each class: the mean over its profiles of the tempered likelihoods,
    in logs; cells x classes.

    A class without a profile gets minus infinity. ``temperature`` is one number or one per cell.
    """
    tempered = likelihood / np.reshape(np.asarray(temperature, dtype=float), (-1, 1))
    out = np.full((len(likelihood), n_classes), -np.inf)
    for k in range(n_classes):
        mine = tempered[:, owner == k]
        if mine.shape[1]:
            top = mine.max(axis=1)
            out[:, k] = top + np.log(np.exp(mine - top[:, None]).mean(axis=1))
    return out


def typical_log_size(
    size: npt.NDArray[np.float64], owner: npt.NDArray[np.intp], n_classes: int
) -> npt.NDArray[np.float64]:
    """Median natural log of molecules of the cells of each class; NaN for a class without cells."""
    out = np.full(n_classes, np.nan)
    for k in np.unique(owner[owner >= 0]):
        out[k] = round(float(np.median(np.log(np.maximum(size[owner == k], 1.0)))), 4)
    return out


def size_evidence(size: npt.NDArray[np.float64], centre: npt.NDArray[np.float64]) -> Matrix:
    """Log density of a cell's molecules under each class, wide enough that depth of sequencing
    matters little: it tells neutrophils from monocytes; cells x classes.

    A class without a centre gets the evidence of the nearest one.
    """
    distance = (np.log(np.maximum(size, 1.0))[:, None] - centre[None, :]) / SIZE_SD
    out = -0.5 * distance**2
    best = (
        np.nanmax(out, axis=1, keepdims=True)
        if np.isfinite(centre).any()
        else np.zeros((len(size), 1))
    )
    return np.asarray(np.where(np.isnan(out), best, out), dtype=float)


def posterior(scores: Matrix) -> Matrix:
    """Softmax over classes; cells x classes, rows sum to 1."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), dtype=float)
