"""The split of a sample whose candidates are liver cells: by normal cells of their own lineage,
from the prior and from the patient's own liver. ``split`` is for all other samples.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from hcc_assets.cells.malignancy.copy_number import Windows, excluded
from hcc_assets.cells.malignancy.lineage import LINEAGES, arms_of, lineage_of
from hcc_assets.cells.malignancy.molecules import molecules_of
from hcc_assets.cells.malignancy.parting import candidates_of
from hcc_assets.cells.malignancy.populations import judge
from hcc_assets.cells.malignancy.split import MIN_CELLS, Split, correlation, outliers

Vector = npt.NDArray[np.float64]

_CORE: Final = 2.5
"""Robust sd within which the candidates of a sample without an aneuploid population are its normal
cells: own choice, 99 % of them."""


def lineage_split(
    counts: sp.csr_matrix,
    rows: npt.NDArray[np.intp],
    values: sp.csr_matrix,
    kept: npt.NDArray[np.intp],
    candidate: npt.NDArray[np.bool_],
    labels: npt.NDArray[np.object_],
    normal_classes: tuple[str, ...],
    ids: pd.Index,
    symbols: pd.Index,
    where: Windows,
    seen: npt.NDArray[np.bool_],
    panel: Vector,
    given: Vector | None,
) -> Split | None:
    """Part the candidates by their lineage; None where they are unlike the prior's hepatocytes.

    Parameters
    ----------
    counts, rows
        Counts of a sample, and the rows that are its cells here.
    values, kept
        Log-normalised counts of the candidates over some genes, and the places of these; the used
        genes of ``where`` are among them.
    candidate, labels
        Which cells are judged, and the class of each cell.
    normal_classes
        Classes whose cells tell the factor of each gene between the sample and the prior.
    ids, symbols, where, seen
        Names of the genes, windows over those that are ``seen``.
    panel
        Onco-fetal minus mature expression of each candidate.
    given
        Earlier malignant profile of the patient over the bins of ``where``; read where the sample
        itself shows no aneuploid population.
    """
    at = np.flatnonzero(candidate)
    arms = arms_of(ids, excluded(symbols))
    others = {
        c: molecules_of(counts, rows[labels == c])
        for c in normal_classes
        if (labels == c).sum() >= MIN_CELLS
    }
    lineage = lineage_of(molecules_of(counts, rows[at]), others, ids, symbols, arms)
    if lineage is None:
        return None
    named = tuple(labels[at] == name for name in LINEAGES)
    cells = candidates_of(counts, rows[at], values, kept, ids, symbols, arms, where, seen, named)
    found = judge(cells, lineage, panel)
    if found.aneuploid or given is None:
        return Split(
            found.own, found.r, found.posterior, found.own, found.amplitude, found.aneuploid
        )
    r = correlation(cells.bins, given)
    centre = float(np.median(r))
    spread = 1.4826 * float(np.median(np.abs(r - centre)))
    core = r[np.abs(r - centre) <= _CORE * spread]
    return Split(given, r, outliers(r, core, panel), found.own, found.amplitude, True)
