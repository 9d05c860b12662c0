"""Molecules of simulated droplets: drawn from profiles, assembled into a matrix, named.

Which profiles there are belongs to ``profiles`` and ``real_states``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Vector = npt.NDArray[np.float64]
_DENSE_SHARE: Final = 2e-4  # genes with a greater share are drawn dense, for speed alone
DAMAGED_MOLECULES: Final = 0.3
"""Share of its molecules that a damaged cell keeps (single-cell methods, section 5)."""
_DAMAGED_MITOCHONDRIAL: Final = 0.4  # share of a damaged cell (single-cell methods, section 5)


def barcodes_of(rng: np.random.Generator, n: int) -> npt.NDArray[np.object_]:
    """``n`` different barcodes."""
    taken: dict[str, None] = {}
    while len(taken) < n:
        letters = rng.integers(0, 4, size=(n - len(taken), 16))
        taken.update(dict.fromkeys("".join(row) + "-1" for row in np.array(list("ACGT"))[letters]))
    return np.array(list(taken), dtype=object)


def draw(
    rng: np.random.Generator, share: Vector, size: Vector, dispersion: float
) -> tuple[npt.NDArray[np.int64], ...]:
    """Molecules of cells that share a profile: row, gene and count of each entry (entries may
    repeat)."""
    dense = np.flatnonzero(share > _DENSE_SHARE)
    rate = np.outer(size, share[dense]) * (
        rng.standard_gamma(dispersion, (len(size), len(dense))) / dispersion
    )
    counts = rng.poisson(rate)
    row, at = np.nonzero(counts)
    sparse = np.flatnonzero(share <= _DENSE_SHARE)
    cumulative = np.cumsum(share[sparse])
    number = rng.poisson(size * cumulative[-1])
    where = np.searchsorted(
        cumulative, rng.random(int(number.sum())) * cumulative[-1], side="right"
    )
    more_rows = np.repeat(np.arange(len(size)), number)
    more_genes = sparse[np.minimum(where, len(sparse) - 1)]
    return (
        np.concatenate([row, more_rows]),
        np.concatenate([dense[at], more_genes]),
        np.concatenate([counts[row, at], np.ones(len(more_rows), dtype=np.int64)]),
    )


def damaged_share(share: Vector, mitochondrial: npt.NDArray[np.bool_]) -> Vector:
    """Profile of a cell that has lost most of its cytoplasm; sum 1."""
    inside = share[mitochondrial].sum()
    return np.where(
        mitochondrial,
        share * _DAMAGED_MITOCHONDRIAL / inside,
        share * (1 - _DAMAGED_MITOCHONDRIAL) / (1 - inside),
    )


def assemble(
    parts: list[tuple[npt.NDArray[np.int64], ...]], shape: tuple[int, int]
) -> sp.csr_matrix:
    """One matrix (int32) from rows, genes and counts of entries that may repeat."""
    rows, genes, counts = (np.concatenate([p[i] for p in parts]).astype(np.int32) for i in range(3))
    return sp.coo_matrix((counts, (rows, genes)), shape=shape, dtype=np.int32).tocsr()
