"""The prior of public profiles over the genes of a cohort, and whether it describes the cohort.

The prior itself is in ``study.prior``; cells meet it in ``prior_fit``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.study.classes import CELL_CLASSES, UNASSIGNED
from hcc_assets.study.markers import panel_genes
from hcc_assets.study.prior import EPITHELIUM, Prior

Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]

FITS: Final = 0.2
"""Partial correlation from which the prior is used: .76 in blood, .53 in 600 monocytes alone, .47
in head and neck, .46 in 44 dendritic cells alone, .28 and above in colon, whose epithelium the
prior lacks; at most .12 in simulations with invented genes."""
_CLUSTERS: Final = 60
"""Clusters that are held against the prior, the largest: own choice, enough for a quartile."""
_ASSAY: Final = 0.6
"""Variance of a log share between assays: own choice, a log sd of .8."""
_EXPECTED: Final = 0.2
"""Molecules that a cluster must lead one to expect of a gene: own choice, below it says nothing."""
_MIN_GENES: Final = 100
"""Genes that a correlation needs: own choice, chance is then a tenth."""
_NONE: Final = CELL_CLASSES.index(UNASSIGNED)


@dataclass(frozen=True)
class PriorView:
    """The prior over genes of a cohort.

    Attributes
    ----------
    at
        Places of the cohort's genes that the prior knows.
    shares, weight, variance
        States x those genes; weight and variance between studies of each of the genes.
    owner
        Class of each state (place in `CELL_CLASSES`); ``unassigned`` for epithelium of other
        organs.
    names
        ``class/state``.
    """

    at: Labels
    shares: Matrix
    weight: npt.NDArray[np.float64]
    variance: npt.NDArray[np.float64]
    owner: Labels
    names: tuple[str, ...]

    @cached_property
    def epithelial(self) -> npt.NDArray[np.bool_]:
        """States that are epithelium, of the liver or of another organ."""
        kinds = (EPITHELIUM, "hepatocyte", "cholangiocyte")
        return np.array([n.partition("/")[0] in kinds for n in self.names], dtype=bool)


def view_of(
    known: Prior, genes: npt.NDArray[np.object_], usable: npt.NDArray[np.bool_]
) -> PriorView:
    """The prior over those of ``genes`` that it knows; genes that are not ``usable`` have no
    weight."""
    place = pd.Index(known.genes).get_indexer(pd.Index(genes))
    at = np.flatnonzero(place >= 0)
    shares = known.shares[:, place[at]]
    shares = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-12)
    within, between = known.within[place[at]], known.between[place[at]]
    weight = np.where(usable[at], between / (between + within + 0.02), 0.0)
    owner = [CELL_CLASSES.index(c) if c in CELL_CLASSES else _NONE for c in known.classes]
    return PriorView(
        at, shares, weight, np.maximum(within, 0.05), np.array(owner, dtype=np.intp), known.states
    )


def fit_of(own: Matrix, view: PriorView, symbols: npt.NDArray[np.object_]) -> float:
    """How well the prior describes clusters of a cohort: upper quartile over clusters of the
    highest partial correlation with a state, over genes that are in no marker panel.

    Parameters
    ----------
    own
        Clusters x genes of the cohort: counts less ambient RNA.

    Notes
    -----
    Both sides are log ratios to the mean of the prior, less what that mean explains (quadratic), so
    that neither a flat assay nor the genes that every cell has count as likeness, and a home with
    one class alone is held against the prior as well as a whole tumour. Genes weigh by the inverse
    of sampling and assay variance, so that few and shallow cells do not hide the likeness. The
    upper quartile, since tissues have clusters that no study of the prior has.
    """
    use = (view.weight > 0) & ~np.isin(symbols[view.at], sorted(panel_genes()))
    counts = own[:, view.at[use]]
    total = counts.sum(axis=1)
    order = np.argsort(-total, kind="stable")[:_CLUSTERS]
    order = order[total[order] > 0]
    if not len(order) or not use.any():
        return 0.0
    known = np.log(view.shares[:, use] + 1e-6)
    centre = known.mean(axis=0)
    base = np.exp(centre) / np.exp(centre).sum()
    found = []
    for n, row in zip(total[order], counts[order], strict=True):
        expected = n * base
        seen = np.flatnonzero(expected > _EXPECTED)
        if len(seen) < _MIN_GENES:
            continue
        root = np.sqrt(view.weight[use][seen] / (_ASSAY + 1.0 / (expected[seen] + 0.5)))
        x = centre[seen]
        explained, _ = np.linalg.qr(np.stack([np.ones_like(x), x, x**2], axis=1) * root[:, None])
        left = root * (np.log((row[seen] + 0.5) / (n + 1.0)) - np.log(base[seen] + 1e-7))
        right = root * (known[:, seen] - x)
        left = left - explained @ (explained.T @ left)
        right = right - (right @ explained) @ explained.T
        length = np.linalg.norm(right, axis=1) * np.linalg.norm(left)
        found.append(float((right @ left / np.maximum(length, 1e-12)).max()))
    return float(np.quantile(found, 0.75)) if found else 0.0
