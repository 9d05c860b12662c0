"""Simulated doublets of one sample and their share among the neighbours of each cell.

Exact neighbours by matrix product; nothing is compiled at run time and nothing depends on the order
of cells or genes, on threads or on the clock. What is called a doublet is decided in ``doublets``.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hcc_assets.cells.quality.metrics import row_sums

Vector = npt.NDArray[np.float64]

SIMULATED_PER_CELL: Final = 2
"""SINGLE_CELL.md, section 2.3, as Scrublet."""
_N_GENES: Final = 2000
"""Scanpy's usual number of variable genes."""
_N_COMPONENTS: Final = 15
"""Own choice: half of Scrublet's 30; size and richness are added (benchmarks/doublets.py)."""
_NEIGHBOURS: Final = (0.25, 0.5, 1.0)
"""Numbers of neighbours over the root of the number of cells: Scrublet's 0.5, with half and double
of it (benchmarks/doublets.py).
"""
_MIN_GENES: Final = 20
"""Variable genes without which nothing is scored: own choice, more than there are components."""
_HELD_OUT: Final = 0.15
"""Share of the cells whose pairs are held out: own choice."""
_CHUNK_VALUES: Final = 500_000
"""Distances at a time: own choice, 2 MB stay in the cache."""
_PAIRS: Final = 4096
"""Pairs, or cells, at a time: own choice for memory; no result depends on it."""
_CALIBRATION: Final = 1500
"""Held-out doublets, at most: own choice, for quantiles to 1 %."""


def _variable_genes(matrix: sparse.csr_matrix, n: int) -> npt.NDArray[np.intp]:
    """Genes whose variance of size-normalised counts is most above that of genes of like mean
    (quadratic trend in log-log).
    """
    total = row_sums(matrix).astype(np.float64)
    cells, n_genes = matrix.shape
    factor = total / total.mean()
    sums, squares = np.zeros(n_genes), np.zeros(n_genes)
    detected = np.zeros(n_genes, dtype=np.int64)
    for a in range(0, cells, _PAIRS):
        part = matrix[a : a + _PAIRS]
        detected += np.bincount(part.indices, minlength=n_genes)
        scaled = part.data / np.repeat(factor[a : a + _PAIRS], np.diff(part.indptr))
        part = sparse.csr_matrix((scaled, part.indices, part.indptr), part.shape)
        sums = _added(sums, part)
        part.data **= 2
        squares = _added(squares, part)
    mean = sums / cells
    variance = squares / cells - mean**2
    usable = np.flatnonzero((detected >= 3) & (variance > 0))
    if len(usable) <= n:
        return usable
    x, y = np.log(mean[usable]), np.log(variance[usable])
    excess = y - np.polyval(np.polyfit(x, y, 2), x)
    return np.sort(usable[np.lexsort((usable, -excess))[:n]])


def _added(sums: Vector, part: sparse.csr_matrix) -> Vector:
    """Sums with those of more rows, added row by row as over the whole matrix: the same bits."""
    whole = sparse.vstack([sparse.csr_matrix(sums[None, :]), part], format="csr")
    return np.asarray(whole.sum(axis=0), dtype=np.float64).ravel()


def _log_normalised(
    matrix: sparse.csr_matrix, total: npt.NDArray[np.float64], target: float
) -> sparse.csr_matrix:
    out = sparse.csr_matrix(
        (matrix.data.astype(np.float32), matrix.indices, matrix.indptr), shape=matrix.shape
    )
    out.data *= np.repeat((target / np.maximum(total, 1)).astype(np.float32), np.diff(out.indptr))
    np.log1p(out.data, out=out.data)
    return out


def _components(
    x: sparse.csr_matrix, n: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Loadings (genes x n, for unscaled x) and offset (n) of the principal components of
    standardised columns, by randomised subspace iteration.
    """
    cells = x.shape[0]
    mean = np.asarray(x.sum(axis=0)).ravel() / cells
    squares = x.copy()
    squares.data **= 2
    sd = np.sqrt(np.maximum(np.asarray(squares.sum(axis=0)).ravel() / cells - mean**2, 1e-12))
    inverse = np.minimum(1 / sd, 10).astype(np.float32)
    centre = (mean * inverse).astype(np.float32)
    transposed = x.T.tocsr()

    def forward(v: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return x @ (inverse[:, None] * v) - (centre @ v)[None, :]

    def backward(u: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return inverse[:, None] * (transposed @ u) - np.outer(centre, u.sum(axis=0))

    v = rng.standard_normal((x.shape[1], min(n + 10, *x.shape))).astype(np.float32)
    for _ in range(3):
        u = np.linalg.qr(forward(v))[0]
        v = np.linalg.qr(backward(u))[0]
    _, _, rotation = np.linalg.svd(forward(v), full_matrices=False)
    v = v @ rotation[:n].T
    return (inverse[:, None] * v).astype(np.float32), (centre @ v).astype(np.float32)


def share_simulated(
    query: npt.NDArray[np.float32],
    base: npt.NDArray[np.float32],
    n_observed: int,
    ks: tuple[int, ...],
) -> npt.NDArray[np.float64]:
    """Share of simulated doublets among the k nearest rows of ``base``, mean over ``ks``.

    Rows of ``base`` from ``n_observed`` on are simulated. The first ``n_observed`` rows of
    ``query`` are those of ``base`` and do not count as their own neighbours.
    """
    left = np.concatenate([-2 * query, np.ones((len(query), 1), dtype=np.float32)], axis=1)
    right = np.concatenate([base, (base**2).sum(axis=1, keepdims=True)], axis=1).T.copy()
    out = np.zeros(len(query))
    step = max(1, _CHUNK_VALUES // len(base))
    largest = max(ks)
    stride = max(1, len(base) // (largest * 8))
    for first in range(0, len(query), step):
        block = left[first : first + step]
        distance = block @ right
        own = np.arange(first, min(first + len(block), n_observed))
        distance[own - first, own] = np.inf
        # a strided subset bounds the largest k-th distance from above, so that only few
        # candidates are ranked; where it does not hold, all are
        sample = np.ascontiguousarray(distance[:, ::stride])
        rank = min(sample.shape[1] - 1, 2 * (largest // stride) + 8)
        near = distance <= np.partition(sample, rank, axis=1)[:, rank][:, None]
        found = np.flatnonzero(near.ravel())
        count = np.bincount(found // len(base), minlength=len(block))
        if (count < largest).any():
            near[count < largest] = True
            found = np.flatnonzero(near.ravel())
            count = np.bincount(found // len(base), minlength=len(block))
        rows, columns = found // len(base), found % len(base)
        order = np.lexsort((columns, distance.ravel()[found], rows))
        starts = np.concatenate([[0], np.cumsum(count)[:-1]])
        simulated = columns[order] >= n_observed
        for k in ks:
            take = (starts[:, None] + np.arange(k)[None, :]).ravel()
            out[first : first + len(block)] += simulated[take].reshape(len(block), k).mean(axis=1)
    return out / len(ks)


def _pairs(
    rng: np.random.Generator, pool: npt.NDArray[np.intp], n: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    first, second = rng.integers(0, len(pool), n), rng.integers(0, len(pool) - 1, n)
    second += second >= first
    return pool[first], pool[second]


def _standardised(values: npt.NDArray[np.float64], cells: int) -> npt.NDArray[np.float64]:
    sd = values[:cells].std()
    return np.clip((values - values[:cells].mean()) / (sd if sd > 0 else 1.0), -5, 5)


def neighbour_shares(
    matrix: sparse.csr_matrix, barcodes: npt.NDArray[Any], seed: int
) -> tuple[Vector, Vector, int] | None:
    """Share of simulated neighbours of each cell and of held-out simulated doublets, and the number
    of neighbours. Input in canonical order.

    Neighbours are found on principal components, log counts (a doublet has the counts of two cells)
    and genes beyond what the counts lead to expect. The held-out doublets are made of cells that
    made none of the others: pairs that share a cell with a neighbour would score higher than real
    doublets do. None where no gene varies.
    """
    cells = matrix.shape[0]
    total = row_sums(matrix).astype(np.float64)
    digest = hashlib.sha256(
        np.ascontiguousarray(total).tobytes()
        + "\n".join(map(str, barcodes)).encode()
        + str(seed).encode()
    ).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:16], "big"))
    chosen = _variable_genes(matrix, _N_GENES)
    if len(chosen) < _MIN_GENES:
        return None
    inside = matrix[:, chosen]
    target = float(np.median(total))
    x = _log_normalised(inside, total, target)
    loadings, offset = _components(x, min(_N_COMPONENTS, cells - 1, len(chosen) - 1), rng)
    pool = rng.permutation(cells)
    held = max(10, round(_HELD_OUT * cells))
    first, second = (
        np.concatenate(parts)
        for parts in zip(
            _pairs(rng, pool[held:], SIMULATED_PER_CELL * cells),
            _pairs(rng, pool[:held], min(_CALIBRATION, cells)),
            strict=True,
        )
    )
    places, n_detected = [x @ loadings], [np.diff(inside.indptr)]
    for a in range(0, len(first), _PAIRS):
        one, two = first[a : a + _PAIRS], second[a : a + _PAIRS]
        pairs = (inside[one] + inside[two]).tocsr()
        places.append(_log_normalised(pairs, total[one] + total[two], target) @ loadings)
        n_detected.append(np.diff(pairs.indptr))
    components = np.concatenate(places) - offset
    scale = float(components[:cells].std(axis=0).mean())
    size = _standardised(np.log(np.concatenate([total, total[first] + total[second]])), cells)
    detected = np.log1p(np.concatenate(n_detected).astype(np.float64))
    richness = _standardised(
        detected - np.polyval(np.polyfit(size[:cells], detected[:cells], 2), size), cells
    )
    space = (
        np.concatenate([components, scale * size[:, None], 0.5 * scale * richness[:, None]], axis=1)
        .round(3)
        .astype(np.float32)
    )
    end = cells * (1 + SIMULATED_PER_CELL)
    ks = tuple(
        min(end - 2, max(5, round(f * np.sqrt(cells))) * (1 + SIMULATED_PER_CELL))
        for f in _NEIGHBOURS
    )
    share = share_simulated(np.concatenate([space[:cells], space[end:]]), space[:end], cells, ks)
    return share[:cells], share[cells:], ks[1]
