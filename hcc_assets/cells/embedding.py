"""The display atlas: an embedding fitted once on a balanced sketch of cells, then frozen; every
sample is projected into it on its own.

For looking only. No call, count or test reads it, no matrix of all cells is ever made, and a new
sample moves no earlier cell. Export of the cells to one file is in ``atlas_export``.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from hcc_assets.cells.cell_layout import NEIGHBOURS, place, umap_layout
from hcc_assets.cells.quality.metrics import as_csr
from hcc_assets.cells.reference.clustering import (
    correct_batches,
    loadings,
    log_normalise,
    variable_genes,
)
from hcc_assets.study.classes import UNASSIGNED

if TYPE_CHECKING:
    from anndata import AnnData

Matrix = npt.NDArray[np.float64]
Layout = Literal["umap", "components"]

TARGET_CELLS: Final = 10_000
"""Cells of the sketch, at most: own choice (ADR 0022)."""
PER_CLASS: Final = 60
"""Cells of one class in one sample, at most: own choice, so that rare classes are seen (ADR 0022).
"""

N_GENES: Final = 1500
"""Variable genes: own choice within the usual 1,000 to 3,000; as many as the reference is clustered
on.
"""
N_COMPONENTS: Final = 30
"""Components: own choice within the usual 20 to 50."""
_SHRINK: Final = 20.0
"""Cells at which a class is moved half of the way to its island: own choice, the 20 cells from
which a class counts elsewhere (SINGLE_CELL.md, section 4).
"""


@dataclass(frozen=True)
class Sketch:
    """Some cells of one sample.

    Attributes
    ----------
    sample_id
        Sample.
    counts
        (cells, genes) counts.
    genes
        ``gene_id, gene``.
    cells
        ``barcode, cell_class``.
    """

    sample_id: str
    counts: sp.csr_matrix
    genes: pd.DataFrame
    cells: pd.DataFrame


def take_sketch(
    counts: AnnData, calls: pd.DataFrame, *, sample_id: str, per_class: int = PER_CLASS
) -> Sketch:
    """At most ``per_class`` passing cells of each class of one sample, chosen by a hash of the
    barcode: the order of cells does not matter.

    Parameters
    ----------
    counts
        Cells x genes.
    calls
        ``barcode, qc_status, cell_class``.
    """
    passing = calls[(calls["qc_status"] == "pass") & (calls["cell_class"] != UNASSIGNED)]
    digest = [
        hashlib.blake2b(f"{sample_id}|{b}".encode(), digest_size=8).hexdigest()
        for b in passing["barcode"]
    ]
    ranked = passing.assign(digest=digest).sort_values("digest", kind="stable")
    chosen = (
        ranked.groupby("cell_class", sort=False)
        .head(per_class)
        .sort_values("digest", kind="stable")
    )
    rows = counts.obs_names.get_indexer(pd.Index(chosen["barcode"]))
    genes = pd.DataFrame(
        {c: counts.var[c].astype(str).to_numpy(dtype=object) for c in ("gene_id", "gene")}
    )
    return Sketch(
        sample_id,
        sp.csr_matrix(as_csr(counts)[rows]),
        genes,
        chosen[["barcode", "cell_class"]].reset_index(drop=True),
    )


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
    cell_class
        (cells,) class of each cell of the sketch.
    """

    gene_id: npt.NDArray[np.str_]
    loadings: Matrix
    offset: Matrix
    components: Matrix
    xy: Matrix
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
            cell_class=self.cell_class,
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, raw: bytes) -> AtlasModel:
        """Read what ``to_bytes`` wrote."""
        with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
            return cls(
                **{
                    name: arrays[name]
                    for name in ("gene_id", "loadings", "offset", "components", "xy", "cell_class")
                }
            )


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
    return AtlasModel(
        np.array(shared)[chosen], vectors, offset, corrected.round(6), xy.round(4), cell_class
    )


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


def project(model: AtlasModel, counts: AnnData, calls: pd.DataFrame) -> pd.DataFrame:
    """Place the passing cells of one sample in the frozen embedding.

    Parameters
    ----------
    model
        Frozen embedding.
    counts
        Cells x genes; genes of the model that the sample lacks count as zero.
    calls
        ``barcode, qc_status, cell_class``.

    Returns
    -------
    pandas.DataFrame
        ``barcode, cell_class, x, y`` of the passing cells, in the order of the calls.

    Notes
    -----
    Linear projection; each class is moved to where the atlas has that class (by n / (n + 20) of the
    way: few cells move little), which is what batch correction does for classes that the atlas
    knows; then the mean place of the ten nearest cells of the sketch, nearer ones weighing more.
    Exact neighbours, no compiled code.
    """
    passing = calls[calls["qc_status"] == "pass"].reset_index(drop=True)
    rows = counts.obs_names.get_indexer(pd.Index(passing["barcode"]))
    columns = _first_columns(counts.var["gene_id"], model.gene_id)
    present = columns >= 0
    logs = log_normalise(as_csr(counts)[rows], columns[present])
    components = np.asarray(logs @ model.loadings[present]) - model.offset
    cell_class = passing["cell_class"].to_numpy(dtype=str)
    for name in np.unique(cell_class):
        there, here = model.cell_class == name, cell_class == name
        if name != UNASSIGNED and there.any():
            shift = model.components[there].mean(axis=0) - components[here].mean(axis=0)
            components[here] += shift * here.sum() / (here.sum() + _SHRINK)
    xy = place(components, model.components, model.xy)
    return pd.DataFrame(
        {
            "barcode": passing["barcode"].to_numpy(),
            "cell_class": passing["cell_class"].to_numpy(),
            "x": xy[:, 0],
            "y": xy[:, 1],
        }
    )
