"""What a matrix of counts says of some of its cells, read in blocks of cells: sums over them, and
log-normalised values of the genes that are needed. So no copy of the whole matrix is made; this is
the largest moment of a sample's work.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Vector = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

_CHUNK: Final = 2048
"""Cells at a time: own choice, about 50 MB of a deep sample; no result depends on it."""


_EXPRESSED: Final = 0.05
"""Share of cells in which a gene is seen: own choice; in fewer it brings noise to its window and no
signal.
"""


def blocks(counts: sp.csr_matrix, rows: Places) -> Iterator[sp.csr_matrix]:
    """The cells ``rows``, in their order, some at a time."""
    for begin in range(0, len(rows), _CHUNK):
        yield sp.csr_matrix(counts[rows[begin : begin + _CHUNK]])


def molecules_of(counts: sp.csr_matrix, rows: Places) -> Vector:
    """Molecules of each gene in some cells."""
    out = np.zeros(counts.shape[1])
    for part in blocks(counts, rows):
        out += part.T @ np.ones(part.shape[0])
    return out


def cells_with(counts: sp.csr_matrix, rows: Places) -> Places:
    """Of some cells, how many have each gene."""
    out = np.zeros(counts.shape[1], dtype=np.intp)
    for part in blocks(counts, rows):
        there = part.data > 0
        indices = part.indices if there.all() else part.indices[there]
        out += np.bincount(indices, minlength=counts.shape[1])
    return out


def expressed_in(counts: sp.csr_matrix, rows: Places) -> npt.NDArray[np.bool_]:
    """Genes that enough of some cells have to count: `_EXPRESSED` of them, and two."""
    return np.asarray(cells_with(counts, rows) >= max(2.0, _EXPRESSED * len(rows)))


def sizes_of(counts: sp.csr_matrix, rows: Places) -> Vector:
    """Molecules of each of some cells."""
    parts = [np.asarray(b.sum(axis=1), dtype=np.float64).ravel() for b in blocks(counts, rows)]
    return np.concatenate([np.zeros(0), *parts])


def log_values(
    counts: sp.csr_matrix, rows: Places, columns: Places, size: Vector, scale: float
) -> sp.csr_matrix:
    """``log(1 + scale x / size)`` of some cells over some genes, sparse float32; a cell of size 0
    is empty.

    Parameters
    ----------
    counts
        Cells x genes.
    rows, columns
        Places of the cells, and of the genes in ascending order.
    size
        Molecules of each of these cells over all genes.
    scale
        Molecules that a cell is brought to.
    """
    factor = np.where(size > 0, scale / np.maximum(size, 1e-12), 0.0).astype(np.float32)
    part = sp.csr_matrix(counts[:, columns])
    part = part if len(rows) == part.shape[0] else sp.csr_matrix(part[rows])
    data = part.data.astype(np.float32)
    data *= np.repeat(factor, np.diff(part.indptr))
    np.log1p(data, out=data)
    return sp.csr_matrix((data, part.indices, part.indptr), part.shape)
