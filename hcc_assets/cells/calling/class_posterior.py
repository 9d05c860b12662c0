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

from hcc_assets.cells.reference.likelihood import (
    class_scores,
    log_likelihood,
    posterior,
    size_evidence,
)
from hcc_assets.cells.reference.marker_support import Markers, without_markers
from hcc_assets.cells.reference.model import Reference
from hcc_assets.cells.reference.outliers import deviance_per_molecule
from hcc_assets.cells.reference.temperature import temperature_at
from hcc_assets.study.classes import CELL_CLASSES

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]

_CHUNK: Final = 4096
"""Cells at a time: own choice, 4,096 x 30 profiles stay in the cache; no result depends on it."""


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
    blind, blind_support
        Probability and support without the genes that were left out; None where none were.
    """

    probability: Matrix
    surprise: Vector
    support: Vector
    blind: Matrix | None = None
    blind_support: Vector | None = None

    def without(self) -> ClassPosterior:
        """The posterior without the genes left out; surprise is that of all genes."""
        if self.blind is None or self.blind_support is None:
            return self
        return ClassPosterior(self.blind, self.surprise, self.blind_support)


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


def class_posterior(
    counts: sp.csr_matrix,
    ambient: Vector,
    foreign: Vector,
    reference: Reference,
    left_out: npt.NDArray[np.bool_] | None = None,
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
    left_out
        Genes without which the posterior is given too: their part of the likelihood, which is a
        sum over genes, is taken off again.
    """
    n = counts.shape[0]
    probability, surprise, support = np.zeros((n, len(CELL_CLASSES))), np.zeros(n), np.zeros(n)
    blind, blind_support = np.zeros((n, len(CELL_CLASSES))), np.zeros(n)
    out = np.flatnonzero(left_out) if left_out is not None else np.zeros(0, dtype=np.intp)
    shares = reference.shares.astype(float)
    shares = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-12)
    total = np.asarray(counts.sum(axis=1), dtype=float).ravel()
    at, bare = without_markers(reference)
    markers_at = Markers(sp.csr_matrix(counts[:, at]), shares[:, at], bare, ambient[at])
    seen = ~np.isin(at, out)
    seeing = Markers(
        sp.csr_matrix(counts[:, at[seen]]), shares[:, at[seen]], bare[:, seen], ambient[at[seen]]
    )
    aside = sp.csr_matrix(counts[:, out])
    for start in range(0, n, _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, n))
        size = total[rows]
        share = np.minimum(foreign[rows] / np.maximum(size, 1.0), 0.5)
        likelihood = log_likelihood(counts[rows], size, shares, reference.weight, ambient, share)
        temperature = temperature_at(size, reference.temperature)
        # markers on the scale of the other genes: misfit grows with the molecules
        scale = temperature if reference.prior else np.ones(len(rows))
        evidence = size_evidence(size, reference.log_size)
        scores = class_scores(likelihood, reference.owner, len(CELL_CLASSES), temperature)
        probability[rows] = posterior(scores + evidence)
        best = likelihood.argmax(axis=1)
        each = np.arange(len(rows))
        deviance = deviance_per_molecule(
            counts[rows], size, reference.weight, likelihood[each, best]
        )
        surprise[rows] = reference.limits.score(deviance, size, best)
        support[rows] = markers_at.support(rows, size, share, best, scale)
        if len(out):
            less = likelihood - log_likelihood(
                aside[rows], size, shares[:, out], reference.weight[out], ambient[out], share
            )
            scores = class_scores(less, reference.owner, len(CELL_CLASSES), temperature)
            blind[rows] = posterior(scores + evidence)
            blind_support[rows] = seeing.support(rows, size, share, less.argmax(axis=1), scale)
    if not len(out):
        return ClassPosterior(probability, surprise, support)
    return ClassPosterior(probability, surprise, support, blind, blind_support)
