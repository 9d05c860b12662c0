"""Doublet scores and calls of one sample: simulated doublets as neighbours (Scrublet, Wolock 2019),
and markers of lineages that exclude each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import pdtr

from hcc_assets.cells.quality.ambient import Ambient, incompatible_matrix, lineage_evidence
from hcc_assets.cells.quality.metrics import as_csr, row_sums
from hcc_assets.cells.quality.simulated_doublets import SIMULATED_PER_CELL, neighbour_shares
from hcc_assets.study.markers import markers

if TYPE_CHECKING:
    from anndata import AnnData

RATE_PER_1000: Final = 0.008
"""Expected doublet rate per 1,000 recovered cells (10x user guides)."""
MIN_CELLS: Final = 50
"""Cells that have neighbours to speak of: own choice, as for limits by lineage."""
_MAX_RATE: Final = 0.3
"""Rate, at most: own choice; above the 24 % that the rule gives for 30,000 cells."""
_LEVELS: Final = (0.3, 0.4, 0.5, 0.6)
"""Shares of simulated doublets by which the rate is told: own choice, where few singlets score."""
_DOUBT: Final = 0.25
"""Probability below the number that is taken: own choice; as many planted doublets are found as
with the number itself, and fewer singlets of small samples go (benchmarks/doublets.py)."""
_MISSED: Final = 1.5
"""Singlets that may be called for each doublet more that is found: own choice; of 1 to 3 the least
at which six of ten doublets of two classes go in every simulation (ADR 0052)."""
_OWN_GENES: Final = 3
"""Markers of a class that a cell must show: as a seed cell (SINGLE_CELL.md, section 2.4)."""
_MOST_LOST: Final = 1 / 3
"""Share of a class that doublets explain at the most: own choice, above `_MAX_RATE`."""
_SURE: Final = 1e-5
"""Chance of the markers from ambient RNA: own choice, a tenth of a cell in 10,000."""
_TYPICAL: Final = 0.1
"""Share of what is typical of the lineage: own choice, against traces of what a macrophage has
eaten.
"""
_EXPLAINED: Final = 0.99
"""Chance up to which pairing at random explains a number of cells of two lineages: own choice, one
wrong in a hundred of the pairs (benchmarks/doublets.py)."""
_LIKE_DOUBLETS: Final = 0.3
"""Cells of two lineages that are more than that must have neighbours as all but the least 30 % of
simulated doublets have: own choice; of .2 to .5 the one that loses few single cells and still finds
six of ten doublets of two classes (ADR 0052)."""


@dataclass(frozen=True)
class Doublets:
    """Scores and calls in the order of the cells given.

    Attributes
    ----------
    score
        Probability-like score in 0..1 (posterior under the estimated rate); NaN for cells not
        scored.
    called
        True for doublets by either rule.
    conflict
        True where two lineages that exclude each other are both expressed beyond ambient level, as
        doublets explain it (`lineage_conflict`).
    expected_rate, threshold
        Expected rate at this number of cells; score above which a cell is called (NaN when nothing
        was scored).
    """

    score: npt.NDArray[np.float64]
    called: npt.NDArray[np.bool_]
    conflict: npt.NDArray[np.bool_]
    expected_rate: float
    threshold: float


def expected_rate(n_cells: int) -> float:
    """0.8 % per 1,000 cells, at most a half."""
    return min(RATE_PER_1000 * n_cells / 1000, 0.5)


def _posterior(
    share: npt.NDArray[np.float64], k: int, ratio: float, rate: float
) -> npt.NDArray[np.float64]:
    """Scrublet's posterior of being a doublet from the share of simulated neighbours (Wolock 2019,
    eq. 3).
    """
    q = (share * k + 1) / (k + 2)
    return np.clip(
        q * rate / ratio / np.maximum(1 - rate - q * (1 - rate - rate / ratio), 1e-12), 0, 1
    )


def _threshold(
    observed: npt.NDArray[np.float64], simulated: npt.NDArray[np.float64], rate: float
) -> float:
    """Score that makes missed doublets, each counted `_MISSED` times, and singlets called doublets
    fewest, if a share ``rate`` of the cells scores as the simulated ones do.
    """
    cuts = np.unique(np.concatenate([observed, simulated]))
    above_observed = 1 - np.searchsorted(np.sort(observed), cuts, side="right") / len(observed)
    above_simulated = 1 - np.searchsorted(np.sort(simulated), cuts, side="right") / len(simulated)
    missed = _MISSED * rate * (1 - above_simulated)
    cost = missed + np.maximum(above_observed - rate * above_simulated, 0)
    return float(cuts[len(cuts) - 1 - int(np.argmin(cost[::-1]))])


def lineage_conflict(
    matrix: sparse.csr_matrix,
    symbols: npt.NDArray[Any],
    ambient: Ambient,
    rate: float,
    doublet_like: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.bool_]:
    """Cells with at least two core markers of each of two lineages that exclude each other, both
    beyond what ambient RNA explains.

    Both must also reach a tenth of what is typical of the lineage, so that a macrophage with traces
    of what it has eaten is none. Two lineages that meet in more cells than pairing at random brings
    together are told of by those cells alone that are like doublets in the rest of their genes: a
    class of this tissue, or this assay, then has genes of the other of its own.

    Parameters
    ----------
    matrix, symbols, ambient
        Cells x genes, their symbols, and what ambient RNA brings.
    rate
        Share of doublets among the cells.
    doublet_like
        Cells whose neighbours are simulated doublets; without it every conflict stands.
    """
    total = row_sums(matrix).astype(np.float64)
    evidence = lineage_evidence(matrix, symbols, ambient.profile)
    clash = incompatible_matrix(evidence.names)
    contamination = np.maximum(2 * ambient.expected_umi(total, default=0.1), 0.05 * total)
    clear = (evidence.detected >= 2) & (evidence.above(contamination) < _SURE)
    strength = np.divide(
        evidence.total, total[:, None], out=np.zeros_like(evidence.total), where=total[:, None] > 0
    )
    for a in range(len(evidence.names)):
        alone = clear[:, a] & ~(clear & clash[a][None, :]).any(axis=1)
        if alone.sum() >= 10:
            clear[:, a] &= strength[:, a] >= _TYPICAL * np.median(strength[alone, a])
    out = np.zeros(matrix.shape[0], dtype=bool)
    for a, b in np.argwhere(np.triu(clash)):
        both = clear[:, a] & clear[:, b]
        by_chance = 2 * rate * clear[:, a].mean() * clear[:, b].mean() * len(both)
        if doublet_like is not None and pdtr(both.sum() - 1, by_chance) >= _EXPLAINED:
            both &= doublet_like
        out |= both
    return out


def _whole_classes(
    matrix: sparse.csr_matrix,
    symbols: npt.NDArray[Any],
    ambient: Ambient,
    called: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    """Cells of classes that neighbours alone would take away: those that show the markers of a
    class beyond ambient level, where more than a third of them is called.

    A rare class that lies between two others (dendritic cells between monocytes and B cells) has
    simulated doublets of these for neighbours; the genes that are its own neither of them has.
    """
    total = row_sums(matrix).astype(np.float64)
    panels = {name: panel.positive for name, panel in markers().items()}
    evidence = lineage_evidence(matrix, symbols, ambient.profile, panels)
    contamination = np.maximum(2 * ambient.expected_umi(total, default=0.1), 0.05 * total)
    clear = (evidence.detected >= _OWN_GENES) & (evidence.above(contamination) < _SURE)
    lost = np.divide(
        called.astype(float) @ clear,
        clear.sum(axis=0),
        where=clear.any(axis=0),
        out=np.zeros(clear.shape[1]),
    )
    return np.asarray(clear[:, lost > _MOST_LOST].any(axis=1))


def estimated_rate(
    observed: npt.NDArray[np.float64], simulated: npt.NDArray[np.float64], expected: float
) -> float:
    """Rate of doublets from the scores themselves: how many cells score as the top 30 to 60 % of
    simulated doublets do, in proportion.

    The least of these is taken, since singlets only add, and of that what the lower quartile of the
    largest number is of it (Clopper 1934), since a few cells of a small sample say little; it is
    kept between half of the expected rate and `_MAX_RATE`.
    """
    from scipy.special import betaincinv

    n = [int(np.sum(observed > np.quantile(simulated, 1 - level))) for level in _LEVELS]
    share = min(k / level for k, level in zip(n, _LEVELS, strict=True)) / len(observed)
    if share:
        share *= betaincinv(n[-1], len(observed) - n[-1] + 1, _DOUBT) * len(observed) / n[-1]
    return float(np.clip(share, expected / 2, _MAX_RATE))


def find_doublets(
    counts: AnnData, usable: npt.NDArray[np.bool_], ambient: Ambient, *, seed: int = 0
) -> Doublets:
    """Score and call doublets.

    Parameters
    ----------
    counts
        Cells x genes of one sample.
    usable
        Cells past the hard floor, by position; the others are neither scored nor called.
    ambient
        Of the same counts.
    seed
        Beside the content of the sample, what the simulated pairs are drawn from.

    Returns
    -------
    Doublets
        In the order of ``counts``.
    """
    from threadpoolctl import threadpool_limits

    n = counts.n_obs
    score, called, conflict = np.full(n, np.nan), np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    cells = np.flatnonzero(usable)
    rate = expected_rate(len(cells))
    if len(cells) == 0:
        return Doublets(score, called, conflict, rate, float("nan"))
    barcodes = counts.obs_names.to_numpy().astype(str)
    cells = cells[np.argsort(barcodes[cells], kind="stable")]
    matrix = as_csr(counts)[cells]
    delivered, symbols = matrix, counts.var["gene"].to_numpy()
    threshold, found = float("nan"), rate
    like: npt.NDArray[np.bool_] | None = None
    if len(cells) >= MIN_CELLS and counts.n_vars >= MIN_CELLS:
        genes = np.argsort(counts.var_names.to_numpy().astype(str), kind="stable")
        if not np.array_equal(genes, np.arange(len(genes))):
            matrix = matrix.tocsc()[:, genes].tocsr()
        matrix.sort_indices()
        with threadpool_limits(limits=1):
            shares = neighbour_shares(matrix, barcodes[cells], seed)
        if shares is not None:
            share, simulated, k = shares
            found = estimated_rate(share, simulated, rate)
            cut = _threshold(share, simulated, found)
            posterior = _posterior(np.append(share, cut), k, SIMULATED_PER_CELL, found)
            score[cells], threshold = posterior[:-1], float(posterior[-1])
            near = share > cut
            near &= ~_whole_classes(delivered, symbols, ambient, near)
            called[cells] = near
            like = share >= np.quantile(simulated, _LIKE_DOUBLETS)
    conflict[cells] = lineage_conflict(delivered, symbols, ambient, max(found, rate), like)
    return Doublets(score, called | conflict, conflict, rate, threshold)
