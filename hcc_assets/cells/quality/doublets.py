"""Doublet scores and calls of one sample: simulated doublets as neighbours (Scrublet, Wolock 2019),
and markers of lineages that exclude each other.

Exact neighbours by matrix product; nothing is compiled at run time and nothing depends on the order
of cells or genes, on threads or on the clock.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hcc_assets.cells.quality.ambient import Ambient, incompatible_matrix, lineage_evidence
from hcc_assets.cells.quality.metrics import as_csr

if TYPE_CHECKING:
    from anndata import AnnData

Vector = npt.NDArray[np.float64]

RATE_PER_1000: Final = 0.008
"""Expected doublet rate per 1,000 recovered cells (10x user guides)."""
SIMULATED_PER_CELL: Final = 2
MIN_CELLS: Final = 50
_N_GENES: Final = 2000
_N_COMPONENTS: Final = 15
_NEIGHBOURS: Final = (0.25, 0.5, 1.0)
_MIN_GENES: Final = 20
_HELD_OUT: Final = 0.15
_MAX_RATE: Final = 0.3
_CHUNK_VALUES: Final = 500_000
_CALIBRATION: Final = 1500
_SURE: Final = 1e-5
_TYPICAL: Final = 0.1


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
        True where two lineages that exclude each other are both expressed beyond ambient level.
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


def _variable_genes(matrix: sparse.csr_matrix, n: int) -> npt.NDArray[np.intp]:
    """Genes whose variance of size-normalised counts is most above that of genes of like mean
    (quadratic trend in log-log).
    """
    total = np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()
    scaled = sparse.csr_matrix(
        (
            matrix.data / np.repeat(total / total.mean(), np.diff(matrix.indptr)),
            matrix.indices,
            matrix.indptr,
        ),
        shape=matrix.shape,
    )
    cells = matrix.shape[0]
    mean = np.asarray(scaled.sum(axis=0)).ravel() / cells
    scaled.data **= 2
    variance = np.asarray(scaled.sum(axis=0)).ravel() / cells - mean**2
    detected = np.bincount(matrix.indices, minlength=matrix.shape[1])
    usable = np.flatnonzero((detected >= 3) & (variance > 0))
    if len(usable) <= n:
        return usable
    x, y = np.log(mean[usable]), np.log(variance[usable])
    excess = y - np.polyval(np.polyfit(x, y, 2), x)
    return np.sort(usable[np.lexsort((usable, -excess))[:n]])


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


def _share_simulated(
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
    """Score that makes missed doublets and singlets called doublets fewest, if a share ``rate`` of
    the cells scores as the simulated ones do.
    """
    cuts = np.unique(np.concatenate([observed, simulated]))
    above_observed = 1 - np.searchsorted(np.sort(observed), cuts, side="right") / len(observed)
    above_simulated = 1 - np.searchsorted(np.sort(simulated), cuts, side="right") / len(simulated)
    cost = rate * (1 - above_simulated) + np.maximum(above_observed - rate * above_simulated, 0)
    return float(cuts[len(cuts) - 1 - int(np.argmin(cost[::-1]))])


def lineage_conflict(
    matrix: sparse.csr_matrix, symbols: npt.NDArray[Any], ambient: Ambient
) -> npt.NDArray[np.bool_]:
    """Cells with at least two core markers of each of two lineages that exclude each other, both
    beyond what ambient RNA explains.

    Both must also reach a tenth of what is typical of the lineage, so that a macrophage with traces
    of what it has eaten is none.
    """
    total = np.asarray(matrix.sum(axis=1, dtype=np.int64), dtype=np.float64).ravel()
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
    for a in range(len(evidence.names)):
        out |= clear[:, a] & (clear & clash[a][None, :]).any(axis=1)
    return out


def _pairs(
    rng: np.random.Generator, pool: npt.NDArray[np.intp], n: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    first, second = rng.integers(0, len(pool), n), rng.integers(0, len(pool) - 1, n)
    second += second >= first
    return pool[first], pool[second]


def _standardised(values: npt.NDArray[np.float64], cells: int) -> npt.NDArray[np.float64]:
    sd = values[:cells].std()
    return np.clip((values - values[:cells].mean()) / (sd if sd > 0 else 1.0), -5, 5)


def _shares(
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
    total = np.asarray(matrix.sum(axis=1, dtype=np.int64), dtype=np.float64).ravel()
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
    pairs = (inside[first] + inside[second]).tocsr()
    simulated = _log_normalised(pairs, total[first] + total[second], target)
    components = np.concatenate([x @ loadings, simulated @ loadings]) - offset
    scale = float(components[:cells].std(axis=0).mean())
    size = _standardised(np.log(np.concatenate([total, total[first] + total[second]])), cells)
    detected = np.log1p(
        np.concatenate([np.diff(inside.indptr), np.diff(pairs.indptr)]).astype(np.float64)
    )
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
    share = _share_simulated(np.concatenate([space[:cells], space[end:]]), space[:end], cells, ks)
    return share[:cells], share[cells:], ks[1]


def estimated_rate(
    observed: npt.NDArray[np.float64], simulated: npt.NDArray[np.float64], expected: float
) -> float:
    """Rate of doublets from the scores themselves: how many cells score as the top 30 to 60 % of
    simulated doublets do, in proportion.

    The least of these is taken, since singlets only add; it is kept between half of the expected
    rate and `_MAX_RATE`.
    """
    shares = [
        float(np.mean(observed > np.quantile(simulated, 1 - level))) / level
        for level in (0.3, 0.4, 0.5, 0.6)
    ]
    return float(np.clip(min(shares), expected / 2, _MAX_RATE))


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
    conflict[cells] = lineage_conflict(matrix, counts.var["gene"].to_numpy(), ambient)
    threshold = float("nan")
    if len(cells) >= MIN_CELLS and counts.n_vars >= MIN_CELLS:
        genes = np.argsort(counts.var_names.to_numpy().astype(str), kind="stable")
        if not np.array_equal(genes, np.arange(len(genes))):
            matrix = matrix.tocsc()[:, genes].tocsr()
        matrix.sort_indices()
        with threadpool_limits(limits=1):
            shares = _shares(matrix, barcodes[cells], seed)
        if shares is not None:
            share, simulated, k = shares
            found = estimated_rate(share, simulated, rate)
            cut = _threshold(share, simulated, found)
            posterior = _posterior(np.append(share, cut), k, SIMULATED_PER_CELL, found)
            score[cells], threshold = posterior[:-1], float(posterior[-1])
            called[cells] = share > cut
    return Doublets(score, called | conflict, conflict, rate, threshold)
