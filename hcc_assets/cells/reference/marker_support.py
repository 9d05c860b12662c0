"""Whether the markers that set the class of a cell apart are there, and from where on they are
missing: learned from the cells that taught the class.

What becomes of cells that lack them is decided in ``calling``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from scipy.special import pdtrc

from hcc_assets.cells.reference.likelihood import log_likelihood
from hcc_assets.cells.reference.model import Reference
from hcc_assets.cells.reference.seeds import CYCLING, NONCLASSICAL_MONOCYTE
from hcc_assets.cells.reference.temperature import temperature_at
from hcc_assets.cells.reference.training import TrainingCells
from hcc_assets.study.classes import CELL_CLASSES, UNASSIGNED
from hcc_assets.study.markers import markers

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]

UNSUPPORTED: Final = -3.0
"""Log-likelihood ratio below which the markers that set a class apart are missing in any case: own
choice, e**-3 or 1 in 20.
"""
_STRICTEST: Final = -1.0
"""Highest limit of a class: with it .46 of the cells of classes left out are found, with
`UNSUPPORTED` .26; with 0 .49, but half of the known platelets are lost (docs/adr/0050).
"""
_LOST: Final = 0.005
"""Share of the cells of a class that its limit may cost: own choice, a sixth of the .03 that a
reference may lose in all (SINGLE_CELL.md, section 5)."""
_ENOUGH: Final = 20
"""Cells of a class for a limit of its own: own choice; the least of fewer is chance."""
_DIGITS: Final = 3
"""Digits that support is compared at, as in ``calling.annotation``."""
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
class Markers:
    """Marker genes: their counts, their share in each profile, the same with the markers that set
    a class apart lowered, and their share in the ambient RNA."""

    panel: sp.csr_matrix
    shares: Matrix
    bare: Matrix
    ambient: Vector

    def support(
        self,
        rows: npt.NDArray[np.intp],
        size: Vector,
        share: Vector,
        best: npt.NDArray[np.intp],
        scale: Vector,
    ) -> Vector:
        """Log-likelihood ratio of the markers of the best profile, for some cells, on a scale."""
        if not self.panel.shape[1]:
            return np.zeros(len(rows))
        unit, each = np.ones(self.panel.shape[1]), np.arange(len(rows))
        with_markers = log_likelihood(
            self.panel[rows], size, self.shares, unit, self.ambient, share
        )
        without = log_likelihood(self.panel[rows], size, self.bare, unit, self.ambient, share)
        ratio = (with_markers[each, best] - without[each, best]) / scale
        apart = (self.shares > self.bare).astype(float)
        there = np.asarray(
            sp.csr_matrix(self.panel[rows], dtype=float).multiply(apart[best]).sum(axis=1)
        ).ravel()
        expected = size * (apart * self.shares).sum(axis=1)[best]
        chance = size * (
            (1 - share) * (apart * self.bare).sum(axis=1)[best]
            + share * (apart @ self.ambient)[best]
        )
        clear = (there >= _FEW * expected) | (
            (there > 0) & (pdtrc(np.maximum(there - 1, 0), np.maximum(chance, 1e-9)) < _CLEAR)
        )
        return np.where(clear, np.maximum(ratio, 0.0), ratio)


def without_markers(reference: Reference) -> tuple[npt.NDArray[np.intp], Matrix]:
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
    symbols = pd.Index(reference.symbols)
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
        apart = symbols.isin(sorted(names)) & (mean[i] > _APART * others)
        out[np.ix_(reference.owner == k, apart)] = np.minimum(
            out[np.ix_(reference.owner == k, apart)], low[apart]
        )
        touched |= apart
    at = np.flatnonzero(touched)
    return at, out[:, at]


def support_of(
    cells: TrainingCells, reference: Reference, rows: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.intp], Vector]:
    """Best profile of some training cells, and the support of their markers for it.

    Parameters
    ----------
    cells
        Over the genes of the reference.
    reference
        With at least one profile.
    rows
        Of the cells.
    """
    shares = reference.shares.astype(float)
    shares = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-12)
    at, bare = without_markers(reference)
    best, support = np.zeros(len(rows), dtype=np.intp), np.zeros(len(rows))
    size, share = cells.size, cells.ambient_share
    for s in np.unique(cells.sample[rows]):
        here = np.flatnonzero(cells.sample[rows] == s)
        i, ambient = rows[here], cells.ambient[s]
        counts = sp.csr_matrix(cells.counts[i])
        likelihood = log_likelihood(counts, size[i], shares, reference.weight, ambient, share[i])
        best[here] = likelihood.argmax(axis=1)
        scale = temperature_at(size[i], reference.temperature)
        panel = Markers(sp.csr_matrix(counts[:, at]), shares[:, at], bare, ambient[at])
        support[here] = panel.support(
            np.arange(len(i)),
            size[i],
            share[i],
            best[here],
            scale if reference.prior else np.ones(len(i)),
        )
    return best, support


def support_limits(
    cells: TrainingCells, owner: npt.NDArray[np.intp], reference: Reference
) -> dict[str, float]:
    """From which support on the markers of each class are missing.

    Parameters
    ----------
    cells, owner
        Training cells over the genes of the reference and their classes (-1 for none).
    reference
        Made of them.

    Returns
    -------
    dict
        Of classes in which fewer than 1 in 200 of the training cells lie below a limit stricter
        than `UNSUPPORTED`. Classes whose own cells are poor in markers (NK, T) keep a wide one.
    """
    rows = np.flatnonzero(owner >= 0)
    best, support = support_of(cells, reference, rows)
    out = {}
    for k in np.unique(owner[rows]):
        own = np.round(support[(owner[rows] == k) & (reference.owner[best] == k)], _DIGITS)
        if CELL_CLASSES[k] == UNASSIGNED or len(own) < _ENOUGH:
            continue
        limit = min(float(np.quantile(own, _LOST, method="lower")), _STRICTEST)
        if limit > UNSUPPORTED:
            out[CELL_CLASSES[k]] = round(limit, _DIGITS)
    return out
