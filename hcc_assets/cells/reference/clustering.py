"""Variable genes, principal components, batch correction and k-means: the same bytes for any
number of threads, nothing compiled at run time.

For the bootstrap of the reference and for display. No class is named here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

from hcc_assets.study import genes as gene_data

Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]

_OVERDISPERSION: Final = 0.3
"""Of counts within a class: between the 1 / theta of 0.25 to 0.5 of SINGLE_CELL.md, section 5."""
_MIN_MEAN: Final = 0.002
"""Molecules per cell from which a variance says anything: own choice, 4 in 2,000 cells."""
_MIN_SD: Final = 0.05
"""Least sd that a gene is divided by: own choice: no gene of few cells leads a component."""
_STARTS: Final = 10
"""Starts of k-means: with 10 the hard simulated cohort has 98.2 % of its cells right, with one
start of Lloyd's algorithm 96.5 %; with 3 real blood has 95 % of its monocytes, not 97 % (ADR 0028).
"""


def log_normalise(
    counts: sp.csr_matrix, columns: Labels | None = None, target: float = 2000.0
) -> sp.csr_matrix:
    """``log(1 + count * target / total)`` per cell, sparse; cells x genes as given, or of some
    ``columns`` (the total is over all).
    """
    total = np.asarray(counts.sum(axis=1), dtype=float).ravel()
    wanted = counts if columns is None else counts[:, columns]
    out = sp.csr_matrix(sp.diags_array(target / np.maximum(total, 1.0)) @ wanted)
    out.data = np.log1p(out.data)
    return out


def excess_variance(counts: sp.csr_matrix, batch: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Log ratio of a gene's variance to that of counts with little overdispersion, averaged over
    batches; genes near zero get little.

    The variance is taken within batches, so that a difference between samples makes no gene
    variable.
    """
    total = np.asarray(counts.sum(axis=1), dtype=float).ravel()
    score = np.zeros(counts.shape[1])
    groups = np.unique(batch)
    for group in groups:
        rows = np.flatnonzero(batch == group)
        size = np.maximum(total[rows], 1.0)
        median = float(np.median(size))
        scaled = sp.csr_matrix(sp.diags_array(median / size) @ counts[rows])
        mean = np.asarray(scaled.mean(axis=0)).ravel()
        variance = np.asarray(scaled.multiply(scaled).mean(axis=0)).ravel() - mean**2
        expected = mean * float(np.mean(median / size)) + _OVERDISPERSION * mean**2
        ratio = np.where(mean > _MIN_MEAN, variance / np.maximum(expected, 1e-9), 1e-2)
        score += np.log(np.maximum(ratio, 1e-2))
    return score / max(len(groups), 1)


def uninformative(symbols: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    """Genes that say more of quality, sex or clone than of the type of cell: mitochondrial,
    ribosomal, receptor chains, Y genes, XIST.
    """
    names = [str(s) for s in symbols]
    sex = np.isin(symbols, [*gene_data.Y_GENES, gene_data.X_INACTIVATION_GENE])
    return (
        gene_data.is_mitochondrial(names)
        | gene_data.is_ribosomal(names)
        | gene_data.is_receptor_chain(names)
        | sex
    )


def variable_genes(
    counts: sp.csr_matrix,
    batch: npt.NDArray[np.intp],
    symbols: npt.NDArray[np.object_],
    n: int,
    always: Iterable[str] = (),
) -> Labels:
    """Places of the ``n`` most variable informative genes and of those named in ``always`` that are
    there, ascending.
    """
    score = excess_variance(counts, batch)
    bad = uninformative(symbols)
    score[bad] = -np.inf
    ranked = np.lexsort((np.arange(len(score)), -score))[:n]
    wanted = np.flatnonzero(np.isin(symbols, sorted(always)) & ~bad)
    return np.asarray(np.union1d(ranked[np.isfinite(score[ranked])], wanted), dtype=np.intp)


def loadings(normalised: sp.csr_matrix, n: int) -> tuple[Matrix, Matrix]:
    """The first ``n`` components of the standardised genes, or as many as there can be.

    Returns
    -------
    tuple
        Genes x n for log-normalised counts as given, signs fixed, and what the mean cell has of
        each (n,).
    """
    from sklearn.decomposition import PCA
    from sklearn.utils.sparsefuncs import mean_variance_axis

    _, variance = mean_variance_axis(normalised, axis=0)
    sd = np.maximum(np.sqrt(variance), _MIN_SD)
    values = normalised.toarray() / sd
    with threadpool_limits(1):
        fit = PCA(min(n, *values.shape), svd_solver="covariance_eigh").fit(values)
    return fit.components_.T / sd[:, None], fit.components_ @ fit.mean_


def principal_components(normalised: sp.csr_matrix, n: int = 40) -> Matrix:
    """Scores of cells on the first ``n`` components of the standardised genes; cells x n."""
    vectors, offset = loadings(normalised, n)
    return np.asarray(normalised @ vectors - offset, dtype=float)


def correct_batches(scores: Matrix, batch: npt.NDArray[np.intp], seed: int = 0) -> Matrix:
    """Harmony (Korsunsky 2019, Nat Methods) over the batches; unchanged where there is one."""
    if len(np.unique(batch)) < 2:
        return scores
    import harmonypy
    import pandas as pd

    meta = pd.DataFrame({"batch": pd.Series(batch).map("b{}".format)})
    corrected = np.asarray(
        harmonypy.run_harmony(
            scores, meta, ["batch"], verbose=False, random_state=seed, ncores=1
        ).Z_corr,
        dtype=float,
    )
    return corrected if corrected.shape == scores.shape else np.ascontiguousarray(corrected.T)


def unit_rows(scores: Matrix) -> Matrix:
    """Rows scaled to length 1, so that distance follows the direction of a cell and not how deep it
    was sequenced.
    """
    return scores / np.maximum(np.linalg.norm(scores, axis=1, keepdims=True), 1e-12)


def kmeans(scores: Matrix, k: int, seed: int = 0) -> Labels:
    """K-means, the best of `_STARTS` starts by k-means++. Labels 0 to k - 1; cells x components."""
    from sklearn.cluster import KMeans

    with threadpool_limits(1):
        fit = KMeans(max(1, min(k, len(scores))), n_init=_STARTS, random_state=seed).fit(scores)
    return fit.labels_.astype(np.intp)


def nearest_neighbours(scores: Matrix, k: int) -> tuple[Labels, Matrix]:
    """The ``k`` nearest other cells of each, exact and by increasing distance; each cells x k."""
    from sklearn.neighbors import NearestNeighbors

    with threadpool_limits(1):
        search = NearestNeighbors(n_neighbors=min(k, len(scores) - 1), algorithm="brute")
        distance, near = search.fit(scores).kneighbors()
    return near, distance
