"""Tumour, hepatocyte or cholangiocyte among the epithelial cells of a cohort without labels:
subject by subject, by copy number of each cell and by what its neighbours are.

Clusters of all cells together are too coarse for it: the hepatocytes of a biopsy lie in one cluster
with its tumour. Names of clusters are in ``cluster_names``, all other classes in ``bootstrap``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from hcc_assets.cells.malignancy.decision import call_malignancy
from hcc_assets.cells.reference import clustering
from hcc_assets.cells.reference.cluster_names import NOVEL, name_clusters, of_the_liver
from hcc_assets.cells.reference.compartments import MIN_CLASS_CELLS, embed
from hcc_assets.cells.reference.disguised import with_mesenchymal, without_disguise
from hcc_assets.cells.reference.prior_fit import Adapted
from hcc_assets.cells.reference.prior_view import PriorView
from hcc_assets.cells.reference.training import TrainingCells, grouped_counts
from hcc_assets.study.classes import CELL_CLASSES, UNASSIGNED
from hcc_assets.study.prior import EPITHELIUM

Labels = npt.NDArray[np.intp]
Vector = npt.NDArray[np.float64]

EPITHELIAL_CLASSES: Final = ("tumour", "hepatocyte", "cholangiocyte")
_MIN_EPITHELIAL: Final = 30
"""Epithelial cells of a subject for a copy-number profile: own choice, twice the least of one
sample.
"""
_CELLS_PER_CLUSTER: Final = 20
"""Epithelial cells of a subject for a cluster of their own: own choice, so that a dozen hepatocytes
beside a tumour can be one (benchmarks/tumours.py)."""
_MOST_CLUSTERS: Final = 12
"""Own choice: tumour with sub-clones and dividing cells, hepatocytes by zone, ducts."""
_CLEAR: Final = (0.3, 0.7)
"""Posterior of being malignant below and above which copy number decides for a cell: own choice,
the cells between teach nothing."""
_SURE: Final = 0.7
"""Posterior from which the prior's word on epithelium of another organ stands: as for cells that
teach in ``bootstrap``."""
_ANY: Final = f"{EPITHELIUM}/any"
"""The mean of these states: what is likest to it is no type of its own."""
_NONE: Final = CELL_CLASSES.index(UNASSIGNED)
_TUMOUR, _HEPATOCYTE, _CHOLANGIOCYTE = (CELL_CLASSES.index(c) for c in EPITHELIAL_CLASSES)


def labels_of(named: list[str]) -> npt.NDArray[np.object_]:
    """Labels for the copy-number method from names of clusters."""
    return np.array([n if n not in ("", NOVEL) else UNASSIGNED for n in named], dtype=object)


def malignant_cells(
    cells: TrainingCells, labels: npt.NDArray[np.object_]
) -> tuple[Vector, dict[int, pd.Series]]:
    """Posterior of being malignant of the epithelial cells of each subject in whom copy number
    shows anything, NaN elsewhere; and the malignant profiles of these subjects.

    Parameters
    ----------
    cells, labels
        Cells of the cohort and their lineage, as `decision.call_malignancy` takes it.
    """
    genes = pd.DataFrame({"gene_id": cells.genes, "gene": cells.symbols})
    out = np.full(len(labels), np.nan)
    found: dict[int, pd.Series] = {}
    subject = cells.subject[cells.sample]
    for s in np.unique(subject):
        rows = np.flatnonzero(subject == s)
        if np.isin(labels[rows], EPITHELIAL_CLASSES).sum() < _MIN_EPITHELIAL:
            continue
        result = call_malignancy(sp.csr_matrix(cells.counts[rows]), genes, labels[rows])
        if result.profile is not None:
            out[rows] = result.calls["posterior"].to_numpy(dtype=float)
            found[int(s)] = result.profile
    return out, found


def malignant_share(by_cell: Vector, clusters: Labels, k: int) -> Vector:
    """Share of the cells of each of ``k`` clusters that copy number shows to be malignant; NaN
    where it says nothing."""
    out = np.full(k, np.nan)
    for c in range(k):
        mine = by_cell[clusters == c]
        told = mine[np.isfinite(mine)]
        if len(told) >= max(MIN_CLASS_CELLS, 0.2 * len(mine)):
            out[c] = float(told.mean())
    return out


def epithelial_classes(
    cells: TrainingCells,
    view: PriorView,
    found: Adapted,
    clusters: Labels,
    named: list[str],
    call: Labels,
    seed: int,
) -> Labels:
    """Classes of all cells, those of epithelium by copy number and their own clusters.

    Parameters
    ----------
    cells, view, found
        Cells, the prior over their genes and as it was adapted to them.
    clusters, named
        Clusters of all cells and their names by markers.
    call
        Class of each cell by the prior, -1 for none.
    seed
        Of the clustering.

    Returns
    -------
    numpy.ndarray
        ``call``, but for epithelial cells of a cluster that is mostly epithelium, in the cohort or
        in their subject. A cell that copy number shows to be malignant is tumour; one that it shows
        to be normal is what its cluster is named, or what it is likest to; where copy number is
        silent the name of its cluster among the epithelial cells of its subject stands, and is no
        class where there is none. A cell that is surely epithelium of another organ is no class
        where it would be normal or its cluster is named cholangiocyte, since ductal genes are those
        of many epithelia; a prior that lacks the class of that name is not asked.
    """
    state_is = view.epithelial[found.state]
    by_prior = np.array([*CELL_CLASSES, UNASSIGNED], dtype=object)[call]
    call = with_mesenchymal(cells, by_prior, clusters, call)
    subject = cells.subject[cells.sample]
    rows = np.flatnonzero(state_is & in_epithelium(state_is, clusters, subject))
    if not len(rows):
        return call
    labels = labels_of(named)[clusters]
    labels = np.where(np.isin(labels, EPITHELIAL_CLASSES), by_prior, labels)
    labels[rows] = "epithelial"
    labels[(call == _TUMOUR) & (labels != "epithelial")] = "mesenchymal"
    told_apart = np.where(labels == "epithelial", "hepatocyte", labels)
    by_cell, profiles = malignant_cells(cells, told_apart)
    others = np.where(labels == "epithelial", labels, by_prior)
    call = without_disguise(cells, others, clusters, call, profiles)
    fine = _own_clusters(cells, rows, seed)
    names = np.array(_named(cells, rows, fine, clusters, by_cell), dtype=object)[fine]
    name = np.array([CELL_CLASSES.index(n) if n in EPITHELIAL_CLASSES else _NONE for n in names])
    own, told = view.owner[found.state[rows]], by_cell[rows]
    own = np.where(of_the_liver(cells.ambient.mean(axis=0), cells.symbols), own, _NONE)
    liver = np.isin(name, (_HEPATOCYTE, _CHOLANGIOCYTE))
    # who has no profile of a class cannot speak against its name
    foreign = of_another_organ(view, found, rows) & (~liver | np.isin(name, view.owner))
    normal = np.where((name == _TUMOUR) | (name == _NONE), own, name)
    normal = np.where(foreign, _NONE, normal)
    silent = np.where(foreign & (name == _CHOLANGIOCYTE), _NONE, name)
    out = call.copy()
    out[rows] = np.where(
        np.isnan(told),
        silent,
        np.where(told > _CLEAR[1], _TUMOUR, np.where(told < _CLEAR[0], normal, -1)),
    )
    return out


def of_another_organ(view: PriorView, found: Adapted, rows: Labels) -> npt.NDArray[np.bool_]:
    """Cells that are surely of one state of epithelium of another organ. The mean of these states,
    which is what a tumour without a lineage is likest to, does not count.

    Parameters
    ----------
    view, found
        The prior and as it was adapted to the cells.
    rows
        Cells that are asked for.
    """
    one = (view.owner == _NONE) & (np.array(view.names, dtype=object) != _ANY)
    sure = found.probability[rows, _NONE] >= _SURE
    return np.asarray(one[found.state[rows]] & sure, dtype=bool)


def in_epithelium(
    epithelial: npt.NDArray[np.bool_], clusters: Labels, subject: Labels
) -> npt.NDArray[np.bool_]:
    """Cells of clusters that are mostly epithelium, in the cohort or among the cells of their
    subject, if these are enough for a class.

    Tumours in epithelial to mesenchymal transition share a cluster, and may be likest to epithelium
    in one subject and to fibroblasts in the next.

    Parameters
    ----------
    epithelial
        Whether each cell is likest to epithelium.
    clusters, subject
        Cluster of all cells and subject of each cell.
    """
    k = int(clusters.max(initial=-1)) + 1
    size, theirs = (np.bincount(c, minlength=k) for c in (clusters, clusters[epithelial]))
    out = (theirs > 0.5 * size)[clusters]
    pair = subject * k + clusters
    n = int(pair.max(initial=-1)) + 1
    size, theirs = (np.bincount(c, minlength=n) for c in (pair, pair[epithelial]))
    own = (theirs > 0.5 * size) & (theirs >= MIN_CLASS_CELLS)
    return np.asarray(out | own[pair], dtype=bool)


def _own_clusters(cells: TrainingCells, rows: Labels, seed: int) -> Labels:
    """Clusters of the epithelial cells of each subject, numbered through."""
    out = np.zeros(len(rows), dtype=np.intp)
    subject = cells.subject[cells.sample[rows]]
    first = 0
    for s in np.unique(subject):
        mine = np.flatnonzero(subject == s)
        k = int(np.clip(len(mine) / _CELLS_PER_CLUSTER, 1, _MOST_CLUSTERS))
        if k > 1:
            part = cells.rows(rows[mine])
            out[mine] = clustering.kmeans(embed(part, seed), k, seed)
        out[mine] += first
        first += k
    return out


def _named(
    cells: TrainingCells, rows: Labels, fine: Labels, clusters: Labels, by_cell: Vector
) -> list[str]:
    """Names of the epithelial clusters, held against each other and all other clusters."""
    n = int(fine.max()) + 1
    group = clusters + n
    group[rows] = fine
    k = int(group.max()) + 1
    counts, ambient = grouped_counts(cells, group, k)
    return name_clusters(
        np.maximum(counts - 0.9 * ambient, 0.0),
        cells.symbols,
        np.bincount(group, minlength=k),
        ambient=cells.ambient.mean(axis=0),
        malignant=malignant_share(by_cell, group, k),
    )[:n]
