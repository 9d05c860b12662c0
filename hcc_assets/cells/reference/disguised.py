"""Tumour cells of a cohort that the prior takes for another class: it has no tumour, and one that
lost what liver cells have is likest to whatever secretes, divides or makes a matrix.

Which epithelial cells are tumour is in ``epithelium``; the copy-number methods are in
``malignancy``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from hcc_assets.cells.malignancy.copy_number import excluded
from hcc_assets.cells.malignancy.decision import NORMAL_CLASSES
from hcc_assets.cells.malignancy.lineage import Coherence, arms_of, lineage_between
from hcc_assets.cells.malignancy.mesenchymal import (
    ABERRANT,
    AMPLITUDE,
    MESENCHYMAL,
    mesenchymal_clone,
)
from hcc_assets.cells.malignancy.populations import beyond
from hcc_assets.cells.reference.compartments import MIN_CLASS_CELLS
from hcc_assets.cells.reference.training import TrainingCells
from hcc_assets.study.classes import CELL_CLASSES, UNASSIGNED

Labels = npt.NDArray[np.intp]

_TUMOUR: Final = CELL_CLASSES.index("tumour")
_CLEAR: Final = (0.3, 0.7)
"""Posterior of being malignant below and above which copy number decides for a cell: as for
epithelium."""
_OF_THE_CLONE: Final = 0.6
"""Correlation of the arms of a group of cells with those of the tumour of its subject, from which
it is of that tumour: own choice; a third of the arms' variance, which ambient RNA of the tumour
does not bring together with `mesenchymal.ABERRANT`."""


def with_mesenchymal(
    cells: TrainingCells, labels: npt.NDArray[np.object_], clusters: Labels, call: Labels
) -> Labels:
    """Calls with the tumour cells that look like fibroblasts; what else is of the liver, or of no
    class, in clusters of which they are the greater part is theirs as well.

    Parameters
    ----------
    cells, clusters
        Cells and their clusters.
    labels, call
        Class of each cell by the prior, and its place in `CELL_CLASSES` (-1 for none).
    """
    genes = pd.DataFrame({"gene_id": cells.genes, "gene": cells.symbols})
    subject = cells.subject[cells.sample]
    out = call.copy()
    for s in np.unique(subject):
        rows = np.flatnonzero(subject == s)
        clone = mesenchymal_clone(sp.csr_matrix(cells.counts), genes, labels[rows], rows)
        if clone is None:
            continue
        mine, p = rows[clone.rows], clone.posterior
        out[mine] = np.where(p > _CLEAR[1], _TUMOUR, np.where(p < _CLEAR[0], call[mine], -1))
        inside = clusters[rows]
        k = int(inside.max()) + 1
        malignant = np.bincount(clusters[mine[p > _CLEAR[1]]], minlength=k)
        among = np.bincount(inside[labels[rows] == MESENCHYMAL], minlength=k)
        theirs = (malignant > 0.5 * among) & (malignant >= MIN_CLASS_CELLS)
        between = np.isin(labels[rows], ("hepatocyte", "cholangiocyte", UNASSIGNED))
        out[rows[theirs[inside] & between]] = _TUMOUR
    return out


def without_disguise(
    cells: TrainingCells,
    labels: npt.NDArray[np.object_],
    clusters: Labels,
    call: Labels,
    profiles: dict[int, pd.Series],
) -> Labels:
    """Calls in which groups (subject, cluster, class) that have the copy number of their subject's
    tumour are tumour.

    Parameters
    ----------
    cells, clusters, call
        As for `with_mesenchymal`.
    labels
        Lineage of each cell; classes of `decision.NORMAL_CLASSES` are looked at.
    profiles
        Malignant profile by subject, where one is known.
    """
    ids, symbols = pd.Index(cells.genes.astype(str)), pd.Index(cells.symbols.astype(str))
    arms = arms_of(ids, excluded(symbols))
    subject = cells.subject[cells.sample]
    out = call.copy()
    for s, profile in profiles.items():
        rows = np.flatnonzero((subject == s) & np.isin(labels, NORMAL_CLASSES))
        clone = profile.groupby([b.split(":")[0] for b in profile.index]).mean()
        normal = {c: _molecules(cells, rows[labels[rows] == c]) for c in np.unique(labels[rows])}
        for name in normal:
            mine = rows[labels[rows] == name]
            others = {c: m for c, m in normal.items() if c != name}
            for c in np.unique(clusters[mine]):
                group = mine[clusters[mine] == c]
                if len(group) < MIN_CLASS_CELLS or not others:
                    continue
                seen = _molecules(cells, group)
                lineage = lineage_between(name, seen, others, ids, symbols, arms, alike=False)
                found = lineage.against(seen) if lineage is not None else None
                if found is not None and _of_the_clone(found, clone):
                    out[group] = _TUMOUR
    return out


def _molecules(cells: TrainingCells, rows: Labels) -> npt.NDArray[np.float64]:
    return np.asarray(cells.counts[rows].sum(axis=0), dtype=np.float64).ravel()


def _of_the_clone(found: Coherence, clone: pd.Series) -> bool:
    if not beyond(found, ABERRANT) or found.amplitude < AMPLITUDE:
        return False
    both = found.arms.index.intersection(clone.index)
    return bool(np.corrcoef(found.arms[both], clone[both])[0, 1] >= _OF_THE_CLONE)
