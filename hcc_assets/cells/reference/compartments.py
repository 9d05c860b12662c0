"""Clusters within compartments (lymphoid, myeloid, stromal), and rare classes without a cluster.

The whole way from cells to classes is in ``bootstrap``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from hcc_assets.cells.reference import clustering
from hcc_assets.cells.reference.cluster_names import name_clusters
from hcc_assets.cells.reference.seeds import seed_classes
from hcc_assets.cells.reference.training import TrainingCells, grouped_counts
from hcc_assets.study.classes import CELL_CLASSES
from hcc_assets.study.markers import panel_genes

Labels = npt.NDArray[np.intp]

MIN_CLASS_CELLS: Final = 12
"""Cells that a class needs for a profile: own choice, a little more than a sample's (10)."""
CELLS_PER_SUB_CLUSTER: Final = 45
"""Own choice: half of the above, within one compartment."""
_MIN_COMPARTMENT: Final = 200
"""Cells of a compartment that is clustered by itself: own choice, more than four sub-clusters."""
_COMPARTMENTS: Final = (
    ("T", "NK", "B", "plasma"),
    ("monocyte", "macrophage", "dendritic", "neutrophil", "mast"),
    ("vascular_endothelial", "lymphatic_endothelial", "fibroblast"),
)
_RESCUED: Final = (
    "mast",
    "neutrophil",
    "dendritic",
    "plasma",
    "platelet",
    "erythroid",
    "lymphatic_endothelial",
)


def embed(cells: TrainingCells, seed: int = 0) -> npt.NDArray[np.float64]:
    """Batch-corrected components of the cells, rows of length 1."""
    genes = clustering.variable_genes(
        cells.counts, cells.sample, cells.symbols, 1500, panel_genes()
    )
    scores = clustering.principal_components(
        clustering.log_normalise(cells.counts, genes), min(40, len(genes))
    )
    return clustering.unit_rows(clustering.correct_batches(scores, cells.sample, seed))


def sub_clusters(
    cells: TrainingCells, owner: Labels, clusters: Labels, seed: int
) -> tuple[Labels, Labels]:
    """Cluster the cells of one compartment by themselves, where neighbours (T and NK, the myeloid
    classes) lie apart; a sub-cluster with a name takes it.
    """
    out, fine = owner.copy(), clusters.copy()
    for group in _COMPARTMENTS:
        rows = np.flatnonzero(np.isin(owner, [CELL_CLASSES.index(c) for c in group]))
        if len(rows) < _MIN_COMPARTMENT:
            continue
        part = cells.rows(rows)
        k = int(np.clip(len(rows) / CELLS_PER_SUB_CLUSTER, 6, 120))
        labels = clustering.kmeans(embed(part, seed), k, seed)
        counts, ambient = grouped_counts(part, labels, k)
        named = name_clusters(
            np.maximum(counts - 0.9 * ambient, 0.0),
            cells.symbols,
            np.bincount(labels, minlength=k),
            ambient=cells.ambient.mean(axis=0),
        )
        codes = np.array(
            [CELL_CLASSES.index(c) if c in group else -1 for c in named], dtype=np.intp
        )[labels]
        out[rows] = np.where(codes >= 0, codes, owner[rows])
        fine[rows] = clusters.max() + 1 + labels
        clusters = fine
    return out, fine


def rescue(cells: TrainingCells, owner: Labels) -> Labels:
    """Seeds of rare classes that no cluster is named for take their class, with the cells of no
    class left out.
    """
    missing = [c for c in _RESCUED if (owner == CELL_CLASSES.index(c)).sum() < 2 * MIN_CLASS_CELLS]
    if not missing:
        return owner
    out = owner.copy()
    seeds = np.full(len(owner), "", dtype=object)
    for s in range(len(cells.sample_ids)):
        rows = np.flatnonzero(cells.sample == s)
        seeds[rows] = seed_classes(
            cells.counts[rows], cells.symbols, cells.ambient[s], cells.ambient_umi[rows]
        )
    for name in missing:
        mine = seeds == name
        if mine.sum() >= MIN_CLASS_CELLS:
            out[mine] = CELL_CLASSES.index(name)
    return out
