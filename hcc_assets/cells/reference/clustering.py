"""Variable genes, principal components, batch correction and k-means in plain numpy and scipy: deterministic, nothing compiled at run time.

For the bootstrap of the reference and for display. No class is named here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from hcc_assets.study import genes as gene_data

Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]

_OVERDISPERSION: Final = 0.3
_MIN_MEAN: Final = 0.002
_MIN_SD: Final = 0.05
_GRAM_CELLS: Final = 1024


def log_normalise(
    counts: sp.csr_matrix, columns: Labels | None = None, target: float = 2000.0
) -> sp.csr_matrix:
    """``log(1 + count * target / total)`` per cell, sparse; cells x genes as given, or of some ``columns`` (the total is over all)."""
    total = np.asarray(counts.sum(axis=1), dtype=float).ravel()
    wanted = counts if columns is None else counts[:, columns]
    out = sp.csr_matrix(sp.diags_array(target / np.maximum(total, 1.0)) @ wanted)
    out.data = np.log1p(out.data)
    return out


def excess_variance(counts: sp.csr_matrix, batch: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Log ratio of a gene's variance to that of counts with little overdispersion, averaged over batches; genes near zero get little.

    The variance is taken within batches, so that a difference between samples makes no gene variable.
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
    """Genes that say more of quality, sex or clone than of the type of cell: mitochondrial, ribosomal, receptor chains, Y genes, XIST."""
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
    """Places of the ``n`` most variable informative genes and of those named in ``always`` that are there, ascending."""
    score = excess_variance(counts, batch)
    bad = uninformative(symbols)
    score[bad] = -np.inf
    ranked = np.lexsort((np.arange(len(score)), -score))[:n]
    wanted = np.flatnonzero(np.isin(symbols, sorted(always)) & ~bad)
    return np.asarray(np.union1d(ranked[np.isfinite(score[ranked])], wanted), dtype=np.intp)


def _gram(normalised: sp.csr_matrix) -> Matrix:
    """Genes x genes sums of products. Dense, some cells at a time: at the density of variable genes BLAS takes half the time of a sparse product."""
    out = np.zeros((normalised.shape[1], normalised.shape[1]))
    for start in range(0, normalised.shape[0], _GRAM_CELLS):
        part = normalised[start : start + _GRAM_CELLS].toarray()
        out += part.T @ part
    return out


def loadings(normalised: sp.csr_matrix, n: int) -> tuple[Matrix, Matrix]:
    """The first ``n`` components of the standardised genes, as many as there are genes: genes x n, signs fixed, and what the mean cell has of each (n,)."""
    from scipy.linalg import eigh

    n = min(n, normalised.shape[1])
    mean = np.asarray(normalised.mean(axis=0)).ravel()
    covariance = _gram(normalised) / normalised.shape[0] - np.outer(mean, mean)
    sd = np.maximum(np.sqrt(np.maximum(np.diag(covariance), 0.0)), _MIN_SD)
    _, vectors = eigh(covariance / np.outer(sd, sd), subset_by_index=(len(sd) - n, len(sd) - 1))
    vectors = vectors[:, ::-1]
    strongest = np.abs(vectors).argmax(axis=0)
    vectors = vectors * np.sign(vectors[strongest, np.arange(vectors.shape[1])])
    return vectors / sd[:, None], np.asarray((mean / sd) @ vectors, dtype=float)


def principal_components(normalised: sp.csr_matrix, n: int = 40) -> Matrix:
    """Scores of cells on the first ``n`` components of the standardised genes; cells x n."""
    vectors, offset = loadings(normalised, n)
    return np.asarray(normalised @ vectors - offset, dtype=float)


def correct_batches(scores: Matrix, batch: npt.NDArray[np.intp], seed: int = 0) -> Matrix:
    """Harmony (Korsunsky 2019, Nat Methods) over the batches; unchanged where there is one batch."""
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
    """Rows scaled to length 1, so that distance follows the direction of a cell and not how deep it was sequenced."""
    return scores / np.maximum(np.linalg.norm(scores, axis=1, keepdims=True), 1e-12)


def kmeans(scores: Matrix, k: int, seed: int = 0, iterations: int = 40) -> Labels:
    """Lloyd's algorithm from k-means++ starts; a cluster that empties keeps its centre. Labels 0..k-1."""
    n = len(scores)
    k = max(1, min(k, n))
    rng = np.random.default_rng(seed)
    square = np.einsum("ij,ij->i", scores, scores)
    first = int(rng.integers(n))
    chosen = [first]
    nearest = np.maximum(square - 2 * scores @ scores[first] + square[first], 0.0)
    for _ in range(k - 1):
        total = nearest.sum()
        at = (
            int(rng.integers(n))
            if total <= 0
            else int(min(np.searchsorted(np.cumsum(nearest), rng.random() * total), n - 1))
        )
        chosen.append(at)
        nearest = np.minimum(
            nearest, np.maximum(square - 2 * scores @ scores[at] + square[at], 0.0)
        )
    centres = scores[chosen].copy()
    labels = np.zeros(n, dtype=np.intp)
    for step in range(iterations):
        found = np.asarray(
            (np.einsum("ij,ij->i", centres, centres) - 2 * scores @ centres.T).argmin(axis=1),
            dtype=np.intp,
        )
        if step and np.array_equal(found, labels):
            break
        labels = found
        member = sp.csr_matrix((np.ones(n), (labels, np.arange(n))), shape=(k, n))
        size = np.bincount(labels, minlength=k)
        centres = np.where(
            size[:, None] > 0, (member @ scores) / np.maximum(size, 1)[:, None], centres
        )
    return labels


def nearest_neighbours(scores: Matrix, k: int, chunk: int = 1024) -> Labels:
    """The ``k`` nearest other cells of each, exact and by increasing distance; cells x k."""
    n = len(scores)
    k = min(k, n - 1)
    square = np.einsum("ij,ij->i", scores, scores)
    out = np.empty((n, k), dtype=np.intp)
    for start in range(0, n, chunk):
        rows = np.arange(start, min(start + chunk, n))
        distance = square[None, :] - 2 * scores[rows] @ scores.T
        distance[np.arange(len(rows)), rows] = np.inf
        near = np.argpartition(distance, k - 1, axis=1)[:, :k]
        order = np.take_along_axis(distance, near, axis=1).argsort(axis=1, kind="stable")
        out[rows] = np.take_along_axis(near, order, axis=1)
    return out
