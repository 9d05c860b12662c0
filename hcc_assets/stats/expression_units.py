"""Pseudobulk sums of many samples as one aligned matrix, per class and biopsy, on the log scale.

Sums per sample are ``cells.pseudobulk``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from hcc_assets.stats.biopsies import Biopsies
from hcc_assets.study.classes import CELL_CLASSES
from hcc_assets.study.config import StudyConfig

if TYPE_CHECKING:
    from anndata import AnnData

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

RARE_CLASSES = ("mast", "dendritic", "neutrophil")
"""Classes that are accepted with half of ``min_cells_pseudobulk``, and marked."""

MIN_UMI = 20_000
MIN_UMI_NEUTROPHIL = 5_000
"""Fewest counts of a usable pseudobulk (single-cell methods, section 4)."""

PRIOR_COUNT = 2.0  # as edgeR's ``cpm(log=TRUE)``
_REFERENCE_GENES = 2_000  # most expressed, so that a ratio of counts means something; our choice


@dataclass(frozen=True)
class Stack:
    """Pseudobulk rows of all samples on the union of their genes.

    Attributes
    ----------
    index
        ``sample_id, cell_class, n_cells``, one row per row of ``matrix``.
    matrix
        (rows, genes) sums of counts.
    genes
        ``gene_id, gene``, sorted by ``gene_id``.
    measured
        (samples, genes): False where the delivery of a sample does not have the gene; None when all
        deliveries have all genes.
    sample_row
        Row of ``measured`` for each sample.
    """

    index: pd.DataFrame
    matrix: sp.csr_matrix
    genes: pd.DataFrame
    measured: Flags | None
    sample_row: dict[str, int]


def stack_pseudobulks(pseudobulks: Mapping[str, AnnData] | Iterable[tuple[str, AnnData]]) -> Stack:
    """Align pseudobulks on the union of their genes by ``gene_id``.

    Parameters
    ----------
    pseudobulks
        Per sample an AnnData with ``obs[cell_class, n_cells]``, ``var[gene_id, gene]`` and integer
        sums in ``X``. The order of samples, classes and genes does not matter; counts of a gene
        that a sample lists twice are added. Genes of a delivery that has only symbols join the
        Ensembl id that carries this symbol, where exactly one does.
    """
    items = sorted(
        pseudobulks.items() if isinstance(pseudobulks, Mapping) else pseudobulks,
        key=lambda item: str(item[0]),
    )
    symbol_of: dict[str, str] = {}
    # deliveries of one chemistry share their gene list: align each list once
    distinct: dict[str, npt.NDArray[np.str_]] = {}
    keys: list[str] = []
    for _, data in items:
        ids, symbols = (data.var[name].astype(str).tolist() for name in ("gene_id", "gene"))
        key = "\n".join([*ids, "", *symbols])
        keys.append(key)
        if key in distinct:
            continue
        distinct[key] = np.array(ids, dtype=str)
        for gene_id, symbol in zip(ids, symbols, strict=True):
            if symbol_of.setdefault(gene_id, symbol) > symbol:
                symbol_of[gene_id] = symbol
    alias = _symbol_aliases(symbol_of)
    if alias:
        distinct = {
            k: np.array([alias.get(g, g) for g in ids], dtype=str) for k, ids in distinct.items()
        }
    union = (
        np.unique(np.concatenate(list(distinct.values()))) if distinct else np.array([], dtype=str)
    )
    position = {key: np.searchsorted(union, ids) for key, ids in distinct.items()}
    blocks, index = [], []
    measured = np.zeros((len(items), union.size), dtype=bool)
    for row, ((sample_id, data), key) in enumerate(zip(items, keys, strict=True)):
        where = position[key]
        measured[row, where] = True
        counts = sp.coo_matrix(data.X)
        blocks.append(
            sp.csr_matrix(
                (counts.data.astype(float), (counts.row, where[counts.col])),
                shape=(data.n_obs, union.size),
            )
        )
        index.append(
            pd.DataFrame(
                {
                    "sample_id": str(sample_id),
                    "cell_class": data.obs["cell_class"].astype(str).to_numpy(),
                    "n_cells": data.obs["n_cells"].to_numpy(dtype=int),
                }
            )
        )
    frame = (
        pd.concat(index, ignore_index=True)
        if index
        else pd.DataFrame({"sample_id": [], "cell_class": [], "n_cells": []}, dtype=object)
    )
    matrix = sp.vstack(blocks, format="csr") if blocks else sp.csr_matrix((0, union.size))
    genes = pd.DataFrame(
        {"gene_id": union.astype(object), "gene": [symbol_of.get(g, g) for g in union]}
    )
    return Stack(
        frame,
        matrix,
        genes,
        None if measured.all() else measured,
        {str(s): i for i, (s, _) in enumerate(items)},
    )


def _symbol_aliases(symbol_of: Mapping[str, str]) -> dict[str, str]:
    """Ids that are a bare symbol, mapped to the one Ensembl id with that symbol."""
    carriers: dict[str, list[str]] = {}
    for gene_id, symbol in symbol_of.items():
        if gene_id != symbol:
            carriers.setdefault(symbol, []).append(gene_id)
    return {
        g: carriers[g][0] for g, s in symbol_of.items() if g == s and len(carriers.get(g, [])) == 1
    }


@dataclass(frozen=True)
class ClassUnits:
    """Usable biopsies of one class.

    Attributes
    ----------
    rows
        Rows of ``Biopsies.units``.
    counts
        (n, genes) summed counts.
    n_cells
        (n,) cells behind them.
    measured
        (n, genes), None when all are.
    samples
        ``sample_id`` and ``unit`` (index into ``rows``) of the single pseudobulks, with
        ``n_cells``; ``sample_counts`` are their counts.
    """

    rows: npt.NDArray[np.intp]
    counts: Array
    n_cells: Array
    measured: Flags | None
    samples: pd.DataFrame
    sample_counts: Array


def class_units(
    stack: Stack, biopsies: Biopsies, cell_class: str, config: StudyConfig
) -> ClassUnits:
    """Sum the pseudobulks of one class within biopsies and keep those with enough cells and counts
    (SINGLE_CELL rules, ``MIN_UMI``)."""
    of_class = (stack.index["cell_class"] == cell_class).to_numpy()
    known = stack.index["sample_id"].isin(biopsies.unit_of).to_numpy()
    chosen = np.flatnonzero(of_class & known)
    ids = stack.index["sample_id"].to_numpy()[chosen]
    unit = np.array([biopsies.unit_of[s] for s in ids], dtype=np.intp)
    dense = np.asarray(stack.matrix[chosen].toarray())
    rows, inverse = np.unique(unit, return_inverse=True)
    counts, n_cells = np.zeros((rows.size, dense.shape[1])), np.zeros(rows.size)
    np.add.at(counts, inverse, dense)
    np.add.at(n_cells, inverse, stack.index["n_cells"].to_numpy(dtype=float)[chosen])
    measured: Flags | None = None
    if stack.measured is not None:
        measured = np.ones(counts.shape, dtype=bool)
        for position, sample in zip(inverse, ids, strict=True):
            measured[position] &= stack.measured[stack.sample_row[str(sample)]]
    least = config.single_cell.min_cells_pseudobulk
    fewest = -(-least // 2) if cell_class in RARE_CLASSES else least
    umi = MIN_UMI_NEUTROPHIL if cell_class == "neutrophil" else MIN_UMI
    keep = (n_cells >= fewest) & (counts.sum(axis=1) >= umi)
    position_of = np.cumsum(keep) - 1
    kept_samples = keep[inverse]
    samples = pd.DataFrame(
        {
            "sample_id": ids[kept_samples],
            "unit": position_of[inverse][kept_samples],
            "n_cells": stack.index["n_cells"].to_numpy(dtype=int)[chosen][kept_samples],
        }
    )
    return ClassUnits(
        rows[keep],
        counts[keep],
        n_cells[keep],
        None if measured is None else measured[keep],
        samples,
        dense[kept_samples],
    )


def log_cpm(counts: Array, *, reference: Array | None = None) -> tuple[Array, Array]:
    """Normalised log2 counts per million.

    Parameters
    ----------
    counts
        (n, genes).
    reference
        (genes,) mean log2 CPM to normalise against; None: the mean of these rows.

    Returns
    -------
    values, reference
        (n, genes) and (genes,).

    Notes
    -----
    Prior count of 2 in proportion to the library (edgeR ``cpm(log=TRUE)``); then each row is
    shifted so that the median deviation of the 2,000 highest genes from the reference is zero,
    which a few strongly changed genes do not move.
    """
    library = counts.sum(axis=1, keepdims=True)
    prior = PRIOR_COUNT * library / max(float(library.mean()), 1.0)
    values = np.log2((counts + prior) / np.maximum(library + 2 * prior, 1.0) * 1e6)
    if reference is None:
        reference = values.mean(axis=0)
        top = np.argsort(-reference, kind="stable")[:_REFERENCE_GENES]
        values -= np.median(values[:, top] - reference[top], axis=1, keepdims=True)
        return values, values.mean(axis=0)
    top = np.argsort(-reference, kind="stable")[:_REFERENCE_GENES]
    return values - np.median(values[:, top] - reference[top], axis=1, keepdims=True), reference


@dataclass(frozen=True)
class Ambient:
    """Ambient RNA of one sample: ``profile`` by ``gene_id`` (sums to 1) and the share of all counts
    that is ambient."""

    profile: pd.Series[Any]
    fraction: float


def ambient_counts(
    stack: Stack, biopsies: Biopsies, units: ClassUnits, ambient: Mapping[str, Ambient] | None
) -> Array | None:
    """Counts of each gene in each biopsy of a class that ambient RNA is expected to bring.

    Ambient RNA comes by the droplet and not by the cell's own RNA: so each cell brings the sample's
    mean ambient count, whatever its class.

    Returns
    -------
    numpy.ndarray or None
        (n, genes) like ``units.counts``; None when nothing is known of ambient RNA.
    """
    if not ambient:
        return None
    out = np.zeros(units.counts.shape)
    per_sample = (
        stack.index.assign(umi=np.asarray(stack.matrix.sum(axis=1)).ravel())
        .groupby("sample_id")[["umi", "n_cells"]]
        .sum()
    )
    for sample_id, unit, n_cells in units.samples.itertuples(index=False):
        found = ambient.get(str(sample_id))
        if found is None or not np.isfinite(found.fraction):
            continue
        mean_umi = per_sample.loc[sample_id, "umi"] / max(per_sample.loc[sample_id, "n_cells"], 1)
        profile = found.profile.reindex(stack.genes["gene_id"]).fillna(0.0).to_numpy(dtype=float)
        out[unit] += n_cells * mean_umi * found.fraction * profile
    return out


def analysed_classes() -> tuple[str, ...]:
    """Classes with a pseudobulk analysis: all but ``unassigned`` and the blood elements."""
    return tuple(c for c in CELL_CLASSES if c not in ("erythroid", "platelet", "unassigned"))
