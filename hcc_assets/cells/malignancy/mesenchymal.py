"""Tumour cells in epithelial to mesenchymal transition, which look like fibroblasts and are no
candidates of ``decision``: populations whose copy number no fibroblast has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from hcc_assets.cells.malignancy.copy_number import excluded, log_normalised, windows
from hcc_assets.cells.malignancy.decision import NORMAL_CLASSES, detected, oncofetal_score
from hcc_assets.cells.malignancy.lineage import arms_of, lineage_between
from hcc_assets.cells.malignancy.parting import candidates_of
from hcc_assets.cells.malignancy.populations import judge
from hcc_assets.cells.malignancy.split import MIN_CELLS

MESENCHYMAL: Final = "fibroblast"
"""Class that such cells are taken for."""
ABERRANT: Final = 1.5
"""`lineage.Coherence.ratio` from which a population is aneuploid, the least over all lineages: at
most 1.1 in simulated fibroblasts and 1.24 in real B, T, NK, monocytes and dendritic cells held
against their own states; 1.7 and more in simulated tumours (benchmarks/tumours.py)."""
AMPLITUDE: Final = 0.07
"""Amplitude by arm, likewise: that of aneuploid tumours (`decision.MalignancyResult`); the real
classes above have .06 at most."""


@dataclass(frozen=True)
class MesenchymalClone:
    """Cells that look like fibroblasts (``rows``), the posterior of each to be malignant, and their
    consensus by bin."""

    rows: npt.NDArray[np.intp]
    posterior: npt.NDArray[np.float64]
    profile: pd.Series


def mesenchymal_clone(
    counts: sp.csr_matrix, genes: pd.DataFrame, labels: npt.NDArray[np.object_]
) -> MesenchymalClone | None:
    """Malignant cells among the fibroblasts of one sample; None where there are none.

    Parameters
    ----------
    counts, genes, labels
        As for `decision.call_malignancy`.

    Notes
    -----
    Nothing is known of such a tumour beforehand: a population is held against every kind of
    fibroblast and against what lies between fibroblast and hepatocyte, and the least deviation
    counts. Fibroblasts have no part in the factor of a gene between sample and prior.
    """
    rows = np.flatnonzero(labels == MESENCHYMAL)
    if len(rows) < MIN_CELLS:
        return None
    ids, symbols = (pd.Index(genes[c].astype(str)) for c in ("gene_id", "gene"))
    mine = sp.csr_matrix(counts[rows])
    others = {
        c: np.asarray(counts[np.flatnonzero(labels == c)].sum(axis=0), dtype=np.float64).ravel()
        for c in NORMAL_CLASSES
        if c != MESENCHYMAL and (labels == c).sum() >= MIN_CELLS
    }
    if not others:
        return None
    arms = arms_of(ids, excluded(symbols))
    total = np.asarray(mine.sum(axis=0), dtype=np.float64).ravel()
    lineage = lineage_between(MESENCHYMAL, total, others, ids, symbols, arms)
    if lineage is None:
        return None
    seen = detected(mine, np.ones(len(rows), dtype=bool))
    size = np.asarray(mine.sum(axis=1), dtype=np.float64).ravel()
    values = log_normalised(mine)
    where = windows(ids, symbols, seen)
    cells = candidates_of(values, size, ids, symbols, arms, where, seen)
    panel = oncofetal_score(values, symbols)
    found = judge(cells, lineage, panel, ABERRANT, AMPLITUDE)
    if not found.aneuploid:
        return None
    profile = pd.Series(found.own, index=where.bins, name="profile")
    return MesenchymalClone(rows, found.posterior, profile)
