"""Rows and columns of a matrix in another order, without a third copy of it.

Imports numpy and scipy only: the parsing child process uses it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

_ROWS: Final = 2048
"""Cells at a time: own choice for memory, about 50 MB of a deep sample; no result depends on it."""


def reordered(
    matrix: sparse.csr_matrix, cells: npt.NDArray[np.int64], features: npt.NDArray[np.int64]
) -> sparse.csr_matrix:
    """Rows and columns in the given order, the indices of each row sorted.

    Parameters
    ----------
    matrix
        Cells x features, CSR, indices in any order, no entry twice.
    cells, features
        Place in ``matrix`` of each row and column of the result.
    """
    place = np.empty(len(features), dtype=matrix.indices.dtype)
    place[features] = np.arange(len(features))
    indptr = np.zeros(len(cells) + 1, dtype=np.int64)
    np.cumsum(np.diff(matrix.indptr)[cells], out=indptr[1:])
    data, indices = np.empty_like(matrix.data), np.empty_like(matrix.indices)
    for a in range(0, len(cells), _ROWS):
        part = matrix[cells[a : a + _ROWS]]
        part = sparse.csr_matrix((part.data, place[part.indices], part.indptr), part.shape)
        part = part.tocsc().tocsr()  # sorts the rows in two passes
        to = slice(indptr[a], indptr[min(a + _ROWS, len(cells))])
        data[to], indices[to] = part.data, part.indices
    return sparse.csr_matrix((data, indices, indptr), shape=matrix.shape)
