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

from hcc_assets.cells.malignancy.copy_number import SCALE, excluded, windows
from hcc_assets.cells.malignancy.decision import MIN_CANDIDATES, NORMAL_CLASSES, oncofetal_score
from hcc_assets.cells.malignancy.lineage import arms_of, lineage_between
from hcc_assets.cells.malignancy.molecules import (
    expressed_in,
    log_values,
    molecules_of,
    sizes_of,
)
from hcc_assets.cells.malignancy.parting import candidates_of
from hcc_assets.cells.malignancy.populations import judge
from hcc_assets.cells.malignancy.split import MIN_CELLS
from hcc_assets.study.markers import MATURE_HEPATOCYTE, ONCOFETAL

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
    counts: sp.csr_matrix,
    genes: pd.DataFrame,
    labels: npt.NDArray[np.object_],
    rows: npt.NDArray[np.intp],
) -> MesenchymalClone | None:
    """Malignant cells among the fibroblasts of one sample; None where there are none.

    Parameters
    ----------
    counts, genes, labels, rows
        As for `decision.call_malignancy`; the rows of the result are places among ``labels``.

    Notes
    -----
    Nothing is known of such a tumour beforehand: a population is held against every kind of
    fibroblast and against what lies between fibroblast and hepatocyte, and the least deviation
    counts. Fibroblasts have no part in the factor of a gene between sample and prior.
    """
    at = np.flatnonzero(labels == MESENCHYMAL)
    if len(at) < MIN_CANDIDATES:
        return None
    ids, symbols = (pd.Index(genes[c].astype(str)) for c in ("gene_id", "gene"))
    mine = rows[at]
    others = {
        c: molecules_of(counts, rows[labels == c])
        for c in NORMAL_CLASSES
        if c != MESENCHYMAL and (labels == c).sum() >= MIN_CELLS
    }
    if not others:
        return None
    arms = arms_of(ids, excluded(symbols))
    lineage = lineage_between(MESENCHYMAL, molecules_of(counts, mine), others, ids, symbols, arms)
    if lineage is None:
        return None
    seen = expressed_in(counts, mine)
    where = windows(ids, symbols, seen)
    spoken = np.flatnonzero(symbols.isin({*ONCOFETAL, *MATURE_HEPATOCYTE}))
    kept = np.union1d(where.columns, spoken)
    values = log_values(counts, mine, kept, sizes_of(counts, mine), SCALE)
    cells = candidates_of(counts, mine, values, kept, ids, symbols, arms, where, seen)
    found = judge(cells, lineage, oncofetal_score(values, symbols[kept]), ABERRANT, AMPLITUDE)
    if not found.aneuploid:
        return None
    profile = pd.Series(found.own, index=where.bins, name="profile")
    return MesenchymalClone(at, found.posterior, profile)
