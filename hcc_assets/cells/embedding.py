"""The display atlas: an embedding fitted once on a balanced sketch of cells, then frozen; every
sample is projected into it on its own.

For looking only. No call, count or test reads it, no matrix of all cells is ever made, and a new
sample moves no earlier cell. Export of the cells to one file is in ``atlas_export``.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from hcc_assets.cells.cell_layout import NEIGHBOURS, on_the_clusters, place, umap_layout
from hcc_assets.cells.quality.metrics import as_csr
from hcc_assets.cells.reference.clustering import (
    correct_batches,
    kmeans,
    loadings,
    log_normalise,
    unit_rows,
    variable_genes,
)
from hcc_assets.cells.sketch import Sketch

if TYPE_CHECKING:
    from anndata import AnnData

Matrix = npt.NDArray[np.float64]
Layout = Literal["umap", "components"]

TARGET_CELLS: Final = 10_000
"""Cells of the sketch, at most: own choice (ADR 0022)."""

N_GENES: Final = 1500
"""Variable genes: own choice within the usual 1,000 to 3,000; as many as the reference is clustered
on.
"""
N_COMPONENTS: Final = 30
"""Components: own choice within the usual 20 to 50."""
_CLUSTERS: Final = 50
"""Clusters of the sketch by which samples are brought onto it: own choice, several for each of the
18 classes; Harmony takes at most 100."""
_CELLS_A_CLUSTER: Final = 30
"""Cells of the sketch for each cluster: Harmony's rule (Korsunsky 2019)."""


@dataclass(frozen=True)
class AtlasModel:
    """Frozen embedding.

    Attributes
    ----------
    gene_id
        (genes,) genes that it uses.
    loadings, offset
        Components of log-normalised counts: ``logs @ loadings - offset``; (genes, c) and (c,).
    components, xy
        (cells, c) batch-corrected components and (cells, 2) display coordinates of the sketch.
    centres
        (clusters, c) directions of its clusters, each of length 1.
    cell_class
        (cells,) class of each cell of the sketch: a caption, no place depends on it.
    """

    gene_id: npt.NDArray[np.str_]
    loadings: Matrix
    offset: Matrix
    components: Matrix
    xy: Matrix
    centres: Matrix
    cell_class: npt.NDArray[np.str_]

    @property
    def version(self) -> str:
        """Content hash."""
        return "atlas-" + hashlib.sha256(self.to_bytes()).hexdigest()[:12]

    def to_bytes(self) -> bytes:
        """Serialise as ``npz`` of plain arrays; no pickle, the same model gives the same bytes."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            gene_id=self.gene_id,
            loadings=self.loadings,
            offset=self.offset,
            components=self.components,
            xy=self.xy,
            centres=self.centres,
            cell_class=self.cell_class,
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, raw: bytes) -> AtlasModel:
        """Read what ``to_bytes`` wrote.

        Raises
        ------
        LookupError
            An earlier version of the package wrote it.
        """
        with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
            if {field.name for field in fields(cls)} - set(arrays.files):
                raise LookupError("an earlier version fitted the embedding; run hcc refresh")
            return cls(**{field.name: arrays[field.name] for field in fields(cls)})


def fit_atlas(
    sketches: Iterable[Sketch], *, seed: int = 0, layout: Layout = "umap", n_genes: int = N_GENES
) -> AtlasModel:
    """Fit the embedding: variable genes, components, Harmony over samples, UMAP.

    Parameters
    ----------
    sketches
        One per sample, in any order. Genes that not every sample has are left out.
    seed
        Seed of Harmony and UMAP. One thread, so that their number changes nothing.
    layout
        ``umap``, or ``components`` for the first two components (no compilation; for tests and as
        long as there are very few cells).

    Raises
    ------
    ValueError
        There are fewer than ten cells, or the samples share fewer than fifty genes.
    """
    from threadpoolctl import threadpool_limits

    parts = sorted(sketches, key=lambda s: s.sample_id)
    cells = sum(len(s.cells) for s in parts)
    if cells < NEIGHBOURS:
        raise ValueError("an atlas needs at least ten called cells")
    share = min(1.0, TARGET_CELLS / cells)
    shared = sorted(set.intersection(*(set(s.genes["gene_id"]) for s in parts)))
    if len(shared) < 50:
        raise ValueError("the samples share fewer than fifty genes by gene id")
    blocks, batch, classes = [], [], []
    for number, part in enumerate(parts):
        keep = np.sort(_thin(part.cells["cell_class"].to_numpy(dtype=str), share))
        columns = _first_columns(part.genes["gene_id"], np.array(shared))
        blocks.append(part.counts[keep][:, columns])
        batch.append(np.full(keep.size, number, dtype=np.intp))
        classes.append(part.cells["cell_class"].to_numpy(dtype=str)[keep])
    counts, batches, cell_class = (
        sp.vstack(blocks, format="csr"),
        np.concatenate(batch),
        np.concatenate(classes),
    )
    symbol = dict(zip(parts[0].genes["gene_id"], parts[0].genes["gene"], strict=True))
    chosen = variable_genes(
        counts, batches, np.array([symbol[g] for g in shared], dtype=object), n_genes
    )
    with threadpool_limits(1):
        logs = log_normalise(counts, chosen)
        vectors, _ = loadings(logs, min(N_COMPONENTS, len(chosen) - 1, cells - 1))
        vectors = vectors.round(8)
        offset = np.asarray(logs.mean(axis=0)).ravel() @ vectors
        corrected = correct_batches(np.asarray(logs @ vectors) - offset, batches, seed)
        xy = corrected[:, :2].copy() if layout == "components" else umap_layout(corrected, seed)
        centres = _cluster_centres(corrected, seed)
    return AtlasModel(
        np.array(shared)[chosen],
        vectors,
        offset,
        corrected.round(6),
        xy.round(4),
        centres.round(6),
        cell_class,
    )


def _cluster_centres(components: Matrix, seed: int) -> Matrix:
    directions = unit_rows(components)
    k = max(2, min(_CLUSTERS, len(components) // _CELLS_A_CLUSTER))
    labels = kmeans(directions, k, seed)
    return unit_rows(np.array([directions[labels == c].mean(axis=0) for c in np.unique(labels)]))


def _thin(classes: npt.NDArray[np.str_], share: float) -> npt.NDArray[np.intp]:
    """The first ``share`` of each class, at least five cells where there are as many; cells of a
    sketch are in random order already.
    """
    out = [np.flatnonzero(classes == c) for c in np.unique(classes)]
    return (
        np.concatenate([rows[: max(5, int(np.ceil(share * rows.size)))] for rows in out])
        if out
        else np.zeros(0, dtype=np.intp)
    )


def _first_columns(gene_ids: pd.Series, wanted: npt.NDArray[np.str_]) -> npt.NDArray[np.intp]:
    """First column of each wanted gene, -1 where there is none."""
    ids = gene_ids.astype(str).to_numpy(dtype=str)
    unique, first = np.unique(ids, return_index=True)
    at = pd.Index(unique).get_indexer(pd.Index(wanted))
    return np.where(at >= 0, first[at], -1).astype(np.intp)


@dataclass(frozen=True)
class Located:
    """Where the cells of one sample lie.

    Attributes
    ----------
    components
        (cells, c) log-normalised counts on the loadings of the model.
    corrected
        The same, brought onto the cells of the sketch.
    xy
        (cells, 2) display coordinates.
    """

    components: Matrix
    corrected: Matrix
    xy: Matrix


def locate(model: AtlasModel, counts: AnnData, barcodes: pd.Index) -> Located:
    """Place cells of one sample in the frozen embedding, by their counts alone.

    Parameters
    ----------
    model
        Frozen embedding.
    counts
        Cells x genes of one sample; genes of the model that it lacks count as zero.
    barcodes
        The cells that are placed.

    Notes
    -----
    Linear projection; what the sample differs from the sketch within clusters of the sketch is
    taken off, as Symphony does (Kang 2021, Nat Commun 12:5890); then the mean place of the ten
    nearest cells of the sketch, nearer ones weighing more. No call is read: a wrong one is seen
    where it lies. Exact neighbours, no compiled code.
    """
    rows = counts.obs_names.get_indexer(barcodes)
    columns = _first_columns(counts.var["gene_id"], model.gene_id)
    present = columns >= 0
    logs = log_normalise(as_csr(counts)[rows], columns[present])
    components = np.asarray(logs @ model.loadings[present]) - model.offset
    corrected = on_the_clusters(components, model.components, model.centres)
    return Located(components, corrected, place(corrected, model.components, model.xy))


def project(model: AtlasModel, counts: AnnData, calls: pd.DataFrame) -> pd.DataFrame:
    """Place the passing cells of one sample in the frozen embedding (`locate`).

    Parameters
    ----------
    calls
        ``barcode, qc_status, cell_class``.

    Returns
    -------
    pandas.DataFrame
        ``barcode, cell_class, x, y`` of the passing cells, in the order of the calls.
    """
    passing = calls[calls["qc_status"] == "pass"].reset_index(drop=True)
    xy = locate(model, counts, pd.Index(passing["barcode"])).xy
    return passing[["barcode", "cell_class"]].assign(x=xy[:, 0], y=xy[:, 1])
