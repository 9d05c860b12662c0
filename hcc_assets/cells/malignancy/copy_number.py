"""Copy-number profiles from expression: which genes count, windows along the genome, deviation of
each cell from normal cells. Calls belong to ``decision``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from hcc_assets.study import genes as gene_data
from hcc_assets.study.markers import panel_genes

Matrix = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float64]

BIN_BASES: Final = 5_000_000
"""Distance of the points along the genome at which a profile is read: own choice, well within a
window of 81 genes.
"""

WINDOW_GENES: Final = 81
"""Running mean over genes: middle of the 61 to 101 of SINGLE_CELL.md, section 2.5."""
MIN_GENES_IN_ARM: Final = 15
"""Genes of an arm that is read: own choice, so that the mean of an arm has a quarter of the noise
of a gene.
"""
CLIP: Final = 3.0
"""Deviation of a gene, at most: SINGLE_CELL.md, section 2.5."""
_CHUNK: Final = 1024
"""Cells at a time: own choice for memory; no result depends on it."""
SCALE: Final = 1e4
"""Counts per cell before the logarithm: CP10k."""


@dataclass(frozen=True)
class Windows:
    """Where genes are read along the genome.

    Attributes
    ----------
    columns
        Columns of the count matrix that are used, in genomic order.
    weights
        Used genes x bins: the running mean over the nearest genes of the same chromosome arm.
    bins
        Names of the bins, such as ``8q:127.5`` (arm and megabase), in genomic order; the same place
        has the same name in every sample.
    """

    columns: npt.NDArray[np.intp]
    weights: sp.csr_matrix
    bins: pd.Index

    @property
    def arms(self) -> npt.NDArray[np.object_]:
        """Arm of each bin."""
        return np.array([b.split(":")[0] for b in self.bins], dtype=object)

    def among(self, kept: npt.NDArray[np.intp]) -> Windows:
        """The same windows of a matrix that has only the columns ``kept`` (ascending, all of those
        that are used among them).
        """
        return Windows(np.searchsorted(kept, self.columns), self.weights, self.bins)


def excluded(symbols: pd.Index) -> npt.NDArray[np.bool_]:
    """Genes whose expression says nothing of copy number: markers, mitochondrial, ribosomal,
    haemoglobin, immunoglobulin and T-cell receptor genes.
    """
    return np.asarray(
        symbols.isin(panel_genes())
        | gene_data.is_mitochondrial(symbols)
        | gene_data.is_ribosomal(symbols)
        | gene_data.is_haemoglobin(symbols)
        | gene_data.is_receptor_chain(symbols)
    )


def windows(gene_ids: pd.Index, symbols: pd.Index, expressed: npt.NDArray[np.bool_]) -> Windows:
    """Windows over the expressed genes of autosomes outside the MHC.

    An arm with fewer genes than a window is one, with fewer than 15 it is left out.

    Parameters
    ----------
    gene_ids, symbols
        Names of the n columns (ids may be symbols where a delivery has nothing else).
    expressed
        n flags: genes seen often enough to count.
    """
    where = gene_data.positions(gene_ids)
    chromosome, start = where["chromosome"].to_numpy(), where["start"].to_numpy()
    mhc = (
        (chromosome == gene_data.MHC_REGION[0])
        & (start >= gene_data.MHC_REGION[1])
        & (start < gene_data.MHC_REGION[2])
    )
    autosome = np.isin(chromosome.astype(str), gene_data.CHROMOSOMES[:22])
    usable = np.flatnonzero(autosome & ~mhc & expressed & ~excluded(symbols))
    usable = usable[np.argsort(where["order"].to_numpy()[usable], kind="stable")]
    arm = where["arm"].to_numpy()[usable]
    rows: list[npt.NDArray[np.intp]] = []
    names: list[str] = []
    arms = pd.unique(arm)
    for name in arms:
        inside = np.flatnonzero(arm == name)
        if len(inside) < MIN_GENES_IN_ARM:
            continue
        place = start[usable[inside]]
        size = min(WINDOW_GENES, len(inside))
        for point in (
            np.arange(place.min() // BIN_BASES, place.max() // BIN_BASES + 1) * BIN_BASES
            + BIN_BASES // 2
        ):
            first = int(np.clip(np.searchsorted(place, point) - size // 2, 0, len(inside) - size))
            rows.append(inside[first : first + size])
            names.append(f"{name}:{point / 1e6:.1f}")
    lengths = np.array([len(r) for r in rows], dtype=np.intp)
    indices = np.concatenate(rows) if rows else np.empty(0, dtype=np.intp)
    data = np.repeat(1.0 / np.maximum(lengths, 1), lengths).astype(np.float32)
    weights = sp.csc_matrix(
        (data, indices, np.concatenate([[0], np.cumsum(lengths)])), shape=(len(usable), len(rows))
    ).tocsr()
    return Windows(usable, weights, pd.Index(names, dtype=object))


def class_means(
    values: sp.csr_matrix, labels: npt.NDArray[np.object_], classes: list[str]
) -> pd.DataFrame:
    """Mean of each gene in each class: classes x genes."""
    codes = pd.Categorical(labels, categories=classes).codes
    inside = np.flatnonzero(codes >= 0)
    picker = sp.csr_matrix(
        (np.ones(len(inside), dtype=np.float64), (codes[inside], inside)),
        shape=(len(classes), values.shape[0]),
    )
    sizes = np.maximum(np.asarray(picker.sum(axis=1)).ravel(), 1)
    return pd.DataFrame((picker @ values).toarray() / sizes[:, None], index=classes)


@dataclass(frozen=True)
class Normal:
    """Range of each used gene in normal cells: the smallest and the largest class mean."""

    low: Matrix
    high: Matrix

    @classmethod
    def of(cls, means: pd.DataFrame, columns: npt.NDArray[np.intp]) -> Normal:
        """From classes x genes means over all columns of the count matrix."""
        table = np.asarray(means, dtype=np.float32)[:, columns]
        return cls(table.min(axis=0), table.max(axis=0))


def profiles(
    values: sp.csr_matrix,
    where: Windows,
    normal: Normal,
    *,
    rows: npt.NDArray[np.intp] | None = None,
    weights: sp.csr_matrix | None = None,
) -> Matrix:
    """Profile of each cell: deviation from the normal range, clipped at 3, averaged over the
    windows, centred per cell.

    Parameters
    ----------
    values
        Cells x all genes, log-normalised.
    where, normal
        Windows and the normal range of their genes.
    rows
        The cells that are read; all when not given.
    weights
        Instead of ``where.weights`` (same shape), where genes were taken out.

    Returns
    -------
    numpy.ndarray
        Cells x bins.
    """
    which = np.arange(values.shape[0]) if rows is None else rows
    operator = sp.csr_matrix(where.weights if weights is None else weights).T
    low, high = normal.low[:, None], normal.high[:, None]
    out = np.empty((len(which), operator.shape[0]), dtype=np.float32)
    for begin in range(0, len(which), _CHUNK):
        # genes x cells, as the product reads it
        dense = values[which[begin : begin + _CHUNK]].T.toarray(order="C")[where.columns]
        dense -= np.clip(dense, low, high)
        np.clip(dense, -CLIP, CLIP, out=dense)
        out[begin : begin + _CHUNK] = (operator @ dense).T
    out -= np.median(out, axis=1, keepdims=True) if out.shape[1] else 0
    return out


def mean_deviation(values: sp.csr_matrix, where: Windows, normal: Normal) -> Vector:
    """Deviation of the cells' mean from the normal range, per used gene."""
    mean = np.asarray(values.mean(axis=0, dtype=np.float64)).ravel()[where.columns]
    return np.asarray(mean - np.clip(mean, normal.low, normal.high), dtype=np.float64)
