"""What both readers of HDF5 matrices share: names, a compressed matrix, errors turned into words.

By h5py alone: anndata follows external links and decodes far more than counts. Files are walked by
``hostile`` first; what lies where in a file belongs to ``cellranger_h5`` and ``h5ad``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
from scipy import sparse

from hcc_assets.cells.reading.decoded import Decoded, as_counts, check_shape
from hcc_assets.cells.reading.hostile import open_h5
from hcc_assets.cells.reading.matrix_files import MatrixPart
from hcc_assets.cells.reading.refused import MatrixRefused


def dataset(group: Any, name: str, where: str) -> Any:
    """A data set of ``group``, or `MatrixRefused` (``not_a_matrix``)."""
    item = group.get(name)
    if not isinstance(item, h5py.Dataset):
        raise MatrixRefused("not_a_matrix", f"{where} lacks the data set {name}")
    return item


def texts(values_of: Any, where: str) -> list[str]:
    """A list of names; `MatrixRefused` where it is none or no UTF-8 (``bad_text``)."""
    if values_of.ndim != 1:
        raise MatrixRefused("not_a_matrix", f"{where}: a list of names has more than one dimension")
    values = values_of[()]
    if values.dtype.kind in "iu":
        return [str(v) for v in values.tolist()]
    out = []
    for value in values.tolist():
        if isinstance(value, bytes):
            try:
                value = value.decode("utf-8")
            except UnicodeDecodeError:
                raise MatrixRefused("bad_text", f"{where} has a name that is not UTF-8") from None
        if not isinstance(value, str):
            raise MatrixRefused("bad_text", f"{where} has a name that is no text")
        out.append(value.rstrip("\0"))
    return out


def compressed(
    group: Any, shape: tuple[int, int], where: str, *, by_column: bool = False
) -> sparse.csr_matrix:
    """A CSR matrix of ``shape`` from ``data, indices, indptr``; with ``by_column`` the arrays are
    those of its CSC form.
    """
    data, indices, indptr = (dataset(group, n, where) for n in ("data", "indices", "indptr"))
    if (
        any(d.ndim != 1 for d in (data, indices, indptr))
        or indices.dtype.kind not in "iu"
        or indptr.dtype.kind not in "iu"
    ):
        raise MatrixRefused(
            "not_a_matrix", f"{where}: data, indices and indptr are not lists of numbers"
        )
    major, minor = (shape[1], shape[0]) if by_column else shape
    if len(indptr) != major + 1 or len(indices) != len(data):
        raise MatrixRefused(
            "dimensions", f"{where}: data, indices and indptr do not fit the claimed size"
        )
    check_shape(shape[0], shape[1], len(data), where)
    pointer = indptr[()].astype(np.int64)
    if pointer[0] != 0 or pointer[-1] != len(data) or (np.diff(pointer) < 0).any():
        raise MatrixRefused("dimensions", f"{where}: indptr does not fit the data")
    index = indices[()]
    if index.size and (index.min() < 0 or index.max() >= minor):
        raise MatrixRefused("dimensions", f"{where} has an entry outside its claimed size")
    values = as_counts(data[()], where)
    width: Any = np.int32 if len(data) < 2**31 else np.int64
    kind = sparse.csc_matrix if by_column else sparse.csr_matrix
    matrix = kind((values, index.astype(np.int32, copy=False), pointer.astype(width)), shape=shape)
    matrix.sort_indices()
    same = np.diff(matrix.indices) == 0
    if same.size:
        ends = matrix.indptr[1:-1]
        ends = ends[(ends > 0) & (ends < matrix.nnz)]
        same[ends - 1] = False
        if same.any():
            raise MatrixRefused(
                "duplicate_entries", f"{where} gives {int(same.sum())} entries twice"
            )
    return matrix.tocsr()


def guarded(part: MatrixPart, reader: Callable[[Any], Decoded]) -> Decoded:
    """What ``reader`` makes of the open file; whatever h5py raises inside becomes a refusal."""
    file = open_h5(part.matrix)
    try:
        return reader(file)
    except MatrixRefused:
        raise
    except MemoryError:
        raise MatrixRefused(
            "too_large", f"{part.matrix.name} needs more memory than a sample may take"
        ) from None
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, IndexError, OverflowError):
        raise MatrixRefused(
            "damaged", f"{part.matrix.name} is damaged inside or cut off; send it again"
        ) from None
    finally:
        file.close()
