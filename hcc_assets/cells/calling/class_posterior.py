"""How probable each class of a reference is for each cell, how surprising the cell is, and whether
the markers that set its class apart are there.

The reference is made in ``reference``; what becomes of doubtful cells is decided in ``annotation``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.special import pdtrc

from hcc_assets.cells.reference.likelihood import (
    class_scores,
    log_likelihood,
    posterior,
    size_evidence,
)
from hcc_assets.cells.reference.model import Reference
from hcc_assets.cells.reference.outliers import deviance_per_molecule
from hcc_assets.cells.reference.seeds import CYCLING, NONCLASSICAL_MONOCYTE
from hcc_assets.cells.reference.temperature import temperature_at
from hcc_assets.study.classes import CELL_CLASSES, UNASSIGNED
from hcc_assets.study.markers import markers

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]

_CHUNK: Final = 4096
"""Cells at a time: own choice, 4,096 x 30 profiles stay in the cache; no result depends on it."""
_CLEAR: Final = 1e-3
"""Chance of so many marker molecules from ambient RNA below which they count as there: own choice,
1 in 1,000, as for seeds.
"""
_FEW: Final = 0.35
"""Markers count as missing where fewer than that share of the expected molecules is there: own
choice, a third.
"""
_APART: Final = 2.0
"""A marker sets a class apart where its share is that many times the share in any other class: own
choice, one log2 unit.
"""


@dataclass(frozen=True)
class ClassPosterior:
    """What the reference says of each cell.

    Attributes
    ----------
    probability
        Cells x `CELL_CLASSES`; rows sum to 1.
    surprise
        Robust sd by which the deviance of a cell lies above that of training cells of its best
        profile at its depth.
    support
        Log-likelihood ratio, over the markers that set the class of the best profile apart, of that
        profile against one without them; not below 0 where a third of the expected molecules is
        there, or more than ambient RNA and chance bring.
    """

    probability: Matrix
    surprise: Vector
    support: Vector


def restrict(
    reference: Reference, symbols: npt.NDArray[np.object_]
) -> tuple[Reference, npt.NDArray[np.intp]]:
    """The reference over those of its genes that a delivery measures (non-empty ``symbols``), and
    their places.
    """
    kept = np.flatnonzero(symbols != "")
    if len(kept) == len(reference.genes):
        return reference, kept
    shares = reference.shares[:, kept].astype(float)
    shares = (shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-12)).astype(np.float32)
    view = replace(
        reference,
        genes=reference.genes[kept],
        symbols=reference.symbols[kept],
        weight=reference.weight[kept],
        shares=shares,
    )
    return view, kept


def _without_markers(reference: Reference) -> tuple[npt.NDArray[np.intp], Matrix]:
    """Panel genes (places), and the profiles over them with the markers that set their class apart
    lowered to the least class.
    """
    present = [k for k in np.unique(reference.owner) if CELL_CLASSES[k] != UNASSIGNED]
    weight = np.maximum(reference.n_cells, 1).astype(float)
    mean = np.array(
        [
            np.average(
                reference.shares[reference.owner == k], axis=0, weights=weight[reference.owner == k]
            )
            for k in present
        ],
        dtype=float,
    ).reshape(len(present), len(reference.genes))
    low = mean.min(axis=0) if len(present) > 1 else np.zeros(len(reference.genes))
    out = reference.shares.astype(float)
    touched = np.zeros(len(reference.genes), dtype=bool)
    for i, k in enumerate(present):
        panel = markers()[CELL_CLASSES[k]]
        names = {*panel.positive, *(g for genes in panel.subsets.values() for g in genes)} - CYCLING
        if CELL_CLASSES[k] == "monocyte":
            names |= set(NONCLASSICAL_MONOCYTE)
        others = (
            np.delete(mean, i, axis=0).max(axis=0)
            if len(present) > 1
            else np.zeros(len(reference.genes))
        )
        apart = np.isin(reference.symbols, sorted(names)) & (mean[i] > _APART * others)
        out[np.ix_(reference.owner == k, apart)] = np.minimum(
            out[np.ix_(reference.owner == k, apart)], low[apart]
        )
        touched |= apart
    at = np.flatnonzero(touched)
    return at, out[:, at]


def class_posterior(
    counts: sp.csr_matrix, ambient: Vector, foreign: Vector, reference: Reference
) -> ClassPosterior:
    """Posterior of the classes that the reference knows.

    Parameters
    ----------
    counts
        Cells x genes of the reference.
    ambient, foreign
        Ambient profile over these genes (sums to 1); expected ambient molecules of each cell.
    reference
        With at least one profile.
    """
    n = counts.shape[0]
    probability, surprise, support = np.zeros((n, len(CELL_CLASSES))), np.zeros(n), np.zeros(n)
    shares = reference.shares.astype(float)
    shares = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-12)
    total = np.asarray(counts.sum(axis=1), dtype=float).ravel()
    at, bare = _without_markers(reference)
    panel = sp.csr_matrix(counts[:, at])
    unit = np.ones(len(at))
    for start in range(0, n, _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, n))
        size = total[rows]
        share = np.minimum(foreign[rows] / np.maximum(size, 1.0), 0.5)
        likelihood = log_likelihood(counts[rows], size, shares, reference.weight, ambient, share)
        temperature = temperature_at(size, reference.temperature)
        scores = class_scores(likelihood, reference.owner, len(CELL_CLASSES), temperature)
        probability[rows] = posterior(scores + size_evidence(size, reference.log_size))
        best = likelihood.argmax(axis=1)
        each = np.arange(len(rows))
        deviance = deviance_per_molecule(
            counts[rows], size, reference.weight, likelihood[each, best]
        )
        surprise[rows] = reference.limits.score(deviance, size, best)
        if len(at):
            with_markers = log_likelihood(
                panel[rows], size, shares[:, at], unit, ambient[at], share
            )
            without = log_likelihood(panel[rows], size, bare, unit, ambient[at], share)
            ratio = with_markers[each, best] - without[each, best]
            if reference.prior:
                # markers on the scale of the other genes: misfit grows with the molecules
                ratio = ratio / temperature
            apart = (shares[:, at] > bare).astype(float)
            there = np.asarray(
                sp.csr_matrix(panel[rows], dtype=float).multiply(apart[best]).sum(axis=1)
            ).ravel()
            expected = size * (apart * shares[:, at]).sum(axis=1)[best]
            chance = size * (
                (1 - share) * (apart * bare).sum(axis=1)[best] + share * (apart @ ambient[at])[best]
            )
            clear = (there >= _FEW * expected) | (
                (there > 0) & (pdtrc(np.maximum(there - 1, 0), np.maximum(chance, 1e-9)) < _CLEAR)
            )
            support[rows] = np.where(clear, np.maximum(ratio, 0.0), ratio)
    return ClassPosterior(probability, surprise, support)
