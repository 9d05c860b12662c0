"""What is kept of one sample to recognise it later: a hash per cell and the sex-linked counts.
Comparing samples belongs to ``comparison``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from hcc_assets.cells.quality.metrics import row_sums
from hcc_assets.study.genes import X_INACTIVATION_GENE, Y_GENES, gene_id_of

_ROWS: Final = 2048
"""Cells at a time: own choice for memory; no result depends on it."""
_MIN_MOLECULES: Final = 10
"""Sex-linked molecules of a sample: own choice; 0.12 of 10 is one molecule."""
_PRESENT_CP10K: Final = 0.1
"""Level at which XIST or Y genes are there: own choice, a tenth of the usual ones below."""
_FOREIGN_SHARE: Final = 0.12
"""Share of the other sex that ambient RNA and doublets may bring: own choice, the ambient share of
the hard setting of SINGLE_CELL.md, section 2.4.
"""
_USUAL_XIST: Final = 1.5
"""Molecules per 10,000 in cells of a woman: own choice; only its ratio to the next counts."""
_USUAL_Y: Final = 8.0
"""Molecules per 10,000 of the Y genes together in cells of a man: own choice, likewise."""


def _gene_hashes(gene_ids: pd.Index) -> npt.NDArray[np.uint64]:
    return np.array(
        [
            int.from_bytes(hashlib.blake2b(str(g).encode(), digest_size=8).digest(), "little")
            for g in gene_ids
        ],
        dtype=np.uint64,
    )


def fingerprint(counts: sp.csr_matrix, barcodes: pd.Index, gene_ids: pd.Index) -> pd.DataFrame:
    """Fingerprint of one sample.

    Parameters
    ----------
    counts
        Cells x genes, whole numbers.
    barcodes, gene_ids
        Names of rows and columns (ids or symbols).

    Returns
    -------
    pandas.DataFrame
        ``barcode, cell_hash`` (int64, depends on the counts alone, not on the order of genes),
        ``n_umi, xist_umi, y_umi``; one row per cell, sorted by barcode.
    """
    matrix = sp.csr_matrix(counts)
    ids = pd.Index(gene_ids).astype(str)
    of_gene = _gene_hashes(ids)
    hashes = np.concatenate(
        [np.zeros(0, dtype=np.uint64)]
        + [_row_hashes(matrix[a : a + _ROWS], of_gene) for a in range(0, matrix.shape[0], _ROWS)]
    )

    def molecules(symbols: tuple[str, ...]) -> npt.NDArray[np.int64]:
        at = np.flatnonzero(ids.isin([*symbols, *(gene_id_of().get(s, s) for s in symbols)]))
        return np.asarray(matrix[:, at].sum(axis=1)).ravel().astype(np.int64)

    out = pd.DataFrame(
        {
            "barcode": np.asarray(barcodes, dtype=object),
            "cell_hash": hashes.view(np.int64),
            "n_umi": row_sums(matrix),
            "xist_umi": molecules((X_INACTIVATION_GENE,)),
            "y_umi": molecules(Y_GENES),
        }
    )
    return out.sort_values("barcode", kind="stable").reset_index(drop=True)


def _row_hashes(matrix: sp.csr_matrix, of_gene: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        terms = of_gene[matrix.indices] * matrix.data.astype(np.uint64)
        sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(terms, dtype=np.uint64)])
        return np.asarray(sums[matrix.indptr[1:]] - sums[matrix.indptr[:-1]], dtype=np.uint64)


def content_digest(cells: pd.DataFrame) -> str:
    """Digest of the counts of a sample, 32 hex digits: the same for the same cells in any order and
    under any barcodes.
    """
    hashes = np.sort(cells.loc[cells["n_umi"] > 0, "cell_hash"].to_numpy(dtype=np.int64))
    return hashlib.sha256(hashes.tobytes()).hexdigest()[:32]


def expressed_sex(cells: pd.DataFrame) -> tuple[str, float, float]:
    """Sex that the counts show.

    Returns
    -------
    sex, xist, y
        ``M``, ``F``, ``mixed`` (both at levels that ambient RNA does not explain: two donors) or
        ``undetermined``; XIST and Y molecules per 10,000.
    """
    total = float(cells["n_umi"].sum())
    if total == 0:
        return "undetermined", float("nan"), float("nan")
    n_x, n_y = float(cells["xist_umi"].sum()), float(cells["y_umi"].sum())
    x, y = n_x / total * 1e4, n_y / total * 1e4
    if n_x + n_y < _MIN_MOLECULES or max(x, y) < _PRESENT_CP10K:
        return "undetermined", x, y
    female = x / _USUAL_XIST / (x / _USUAL_XIST + y / _USUAL_Y)
    return (
        ("F" if female > 1 - _FOREIGN_SHARE else "M" if female < _FOREIGN_SHARE else "mixed"),
        x,
        y,
    )


def overlaps(
    fingerprints: Mapping[str, pd.DataFrame], key: Literal["barcode", "cell_hash"]
) -> pd.DataFrame:
    """Share of barcodes, or of cells with equal counts, that each two samples have in common.

    Parameters
    ----------
    fingerprints
        Of each sample.
    key
        ``barcode``: 16-letter sequence, a suffix such as ``-1`` left aside; ``cell_hash``: cells of
        at least 200 molecules, whatever their barcode.

    Returns
    -------
    pandas.DataFrame
        Samples x samples, of the smaller of the two; the diagonal is 1, a sample without cells has
        0.
    """
    names = sorted(fingerprints)
    values = [
        fingerprints[s]["barcode"].astype(str).str.split("-").str[0]
        if key == "barcode"
        else fingerprints[s].loc[fingerprints[s]["n_umi"] >= 200, key]
        for s in names
    ]
    sizes = np.array([v.nunique() for v in values], dtype=np.intp)
    unique = [v.drop_duplicates() for v in values]
    codes, levels = (
        pd.factorize(pd.concat(unique, ignore_index=True))
        if names
        else (np.empty(0, dtype=np.intp), [])
    )
    member = sp.csr_matrix(
        (np.ones(len(codes)), (np.repeat(np.arange(len(names)), sizes), codes)),
        shape=(len(names), max(len(levels), 1)),
    )
    shared = (member @ member.T).toarray()
    smaller = np.minimum.outer(sizes, sizes)
    return pd.DataFrame(
        np.divide(shared, smaller, out=np.zeros_like(shared), where=smaller > 0),
        index=names,
        columns=names,
    )
