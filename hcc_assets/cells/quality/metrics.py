"""Metrics of single barcodes from their counts, with the hard floor. What a class of cell may have
is judged in ``adaptive``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from hcc_assets.cells.quality.gene_sets import positions, qc_genes
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.genes import is_haemoglobin, is_mitochondrial, is_ribosomal

if TYPE_CHECKING:
    from anndata import AnnData

MAX_PCT_MT: Final = 50.0
"""Hard floor on mitochondrial share, in percent (SINGLE_CELL.md, section 2.1): above it no cell of
any class is intact.
"""
MAX_PCT_HB: Final = 20.0
"""Hard floor on haemoglobin share, in percent (SINGLE_CELL.md, section 2.1)."""
ERYTHROID_PCT_HB: Final = 50.0
"""Own choice, by definition: a barcode that is mostly haemoglobin is a red cell, whatever else it
has taken up.
"""
_ROWS: Final = 2048
"""Cells at a time: own choice for memory, about 50 MB of a deep sample; no result depends on it."""
_TOP: Final = 20
"""Genes of the top fraction: SINGLE_CELL.md, section 2.1."""


def as_csr(counts: AnnData) -> sparse.csr_matrix:
    """``counts.X`` as CSR, without a copy where it is one already."""
    matrix: Any = counts.X
    return matrix if isinstance(matrix, sparse.csr_matrix) else sparse.csr_matrix(matrix)


def row_sums(matrix: sparse.csr_matrix) -> npt.NDArray[np.int64]:
    """Sum of each row, some rows at a time: a sum in a wider type copies what it sums."""
    parts = [
        np.asarray(matrix[a : a + _ROWS].sum(axis=1, dtype=np.int64)).ravel()
        for a in range(0, matrix.shape[0], _ROWS)
    ]
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def column_sums(matrix: sparse.csr_matrix) -> npt.NDArray[np.int64]:
    """Sum of each column, some rows at a time."""
    out = np.zeros(matrix.shape[1], dtype=np.int64)
    for a in range(0, matrix.shape[0], _ROWS):
        out += np.asarray(matrix[a : a + _ROWS].sum(axis=0, dtype=np.int64)).ravel()
    return out


def _percent(part: npt.NDArray[Any], total: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return np.divide(100.0 * part, total, out=np.zeros(len(total)), where=total > 0)


def _set_sums(matrix: sparse.csr_matrix, sets: dict[str, Any]) -> dict[str, npt.NDArray[np.int64]]:
    """Counts of each barcode in each set of genes (flags or positions)."""
    member = np.zeros((len(sets), matrix.shape[1]), dtype=bool)
    for k, wanted in enumerate(sets.values()):
        member[k, wanted] = True
    columns = np.flatnonzero(member.any(axis=0))
    sums = np.asarray(matrix[:, columns] @ member[:, columns].T.astype(np.int64))
    return {name: sums[:, k] for k, name in enumerate(sets)}


def _top_sum(matrix: sparse.csr_matrix, n: int) -> npt.NDArray[np.int64]:
    """Sum of the ``n`` largest counts of each row."""
    out = np.zeros(matrix.shape[0], dtype=np.int64)
    data, pointer = matrix.data, matrix.indptr
    for row in range(matrix.shape[0]):
        values = data[pointer[row] : pointer[row + 1]]
        out[row] = (
            np.partition(values, len(values) - n)[len(values) - n :] if len(values) > n else values
        ).sum(dtype=np.int64)
    return out


def barcode_metrics(counts: AnnData) -> pd.DataFrame:
    """Metrics of each barcode.

    Returns
    -------
    pandas.DataFrame
        One row per barcode in the order of ``counts``: ``barcode, n_umi, n_genes, pct_mt, pct_ribo,
        pct_hb, pct_top20, pct_malat1`` (percent of the barcode's counts), ``log1p_umi,
        log1p_genes`` (natural), ``complexity`` (log10 genes over log10 counts, NaN below 2 counts).
        They agree with ``scanpy.pp.calculate_qc_metrics`` on the same gene sets.
    """
    matrix = as_csr(counts)
    symbols = counts.var["gene"].to_numpy()
    total = row_sums(matrix)
    detected = (
        np.diff(matrix.indptr).astype(np.int64)
        if (matrix.data != 0).all()
        else np.asarray((matrix != 0).sum(axis=1)).ravel()
    )
    sets = {
        "mt": is_mitochondrial(symbols),
        "ribo": is_ribosomal(symbols),
        "hb": is_haemoglobin(symbols),
        "malat1": positions(symbols, ("MALAT1",)),
    }
    sums = _set_sums(matrix, sets)
    complexity = np.full(len(total), np.nan)
    ok = total > 1
    complexity[ok] = np.log10(np.maximum(detected[ok], 1)) / np.log10(total[ok])
    return pd.DataFrame(
        {
            "barcode": counts.obs_names.to_numpy().astype(object),
            "n_umi": total,
            "n_genes": detected.astype(np.int64),
            "pct_mt": _percent(sums["mt"], total),
            "pct_ribo": _percent(sums["ribo"], total),
            "pct_hb": _percent(sums["hb"], total),
            "pct_top20": _percent(_top_sum(matrix, _TOP), total),
            "pct_malat1": _percent(sums["malat1"], total),
            "log1p_umi": np.log1p(total),
            "log1p_genes": np.log1p(detected),
            "complexity": complexity,
        }
    )


def floor_status(
    metrics: pd.DataFrame, counts: AnnData, config: StudyConfig
) -> npt.NDArray[np.object_]:
    """Hard floor, one status per barcode: ``low_umi, low_genes, high_mt, erythroid, high_hb`` or
    ``pass``, the first that applies.

    Counts and genes come from ``study.toml``; both must be reached. Haemoglobin above 20 % is
    ``erythroid`` where it is most of the cell or at least two other erythroid genes are there, else
    ``high_hb`` (a cell with lysed red cells around it).
    """
    single = config.single_cell
    matrix = as_csr(counts)
    red = positions(counts.var["gene"].to_numpy(), qc_genes().erythroid)
    hb = metrics["pct_hb"].to_numpy()
    high = np.flatnonzero(hb > MAX_PCT_HB)
    erythroid = hb > ERYTHROID_PCT_HB
    if len(high) and len(red):
        erythroid[high] |= np.asarray((matrix[high][:, red] > 0).sum(axis=1)).ravel() >= 2
    status = np.full(len(metrics), "pass", dtype=object)
    rules = (
        ("high_hb", hb > MAX_PCT_HB),
        ("erythroid", erythroid),
        ("high_mt", metrics["pct_mt"].to_numpy() > MAX_PCT_MT),
        ("low_genes", metrics["n_genes"].to_numpy() < single.min_genes),
        ("low_umi", metrics["n_umi"].to_numpy() < single.min_umi),
    )
    for name, broken in rules:
        status[broken] = name
    return status
