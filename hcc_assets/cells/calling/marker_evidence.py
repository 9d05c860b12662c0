"""What the markers of a cell say on their own: which conjunctive rule it satisfies, and whether it
is epithelial.

A guard-rail for the likelihood in ``annotation``; no call is made here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.special import pdtrc

from hcc_assets.cells.reference.seeds import EPITHELIAL, HEPATIC, RULES, seed_classes
from hcc_assets.cells.reference.teaching import align, ambient_of, gene_keys
from hcc_assets.study.classes import CELL_CLASSES

if TYPE_CHECKING:
    from anndata import AnnData

    from hcc_assets.cells.quality.assessment import QcResult

_CLEAR: Final = 1e-3
"""Chance of so many molecules from ambient RNA alone: own choice, 1 in 1,000, as for seeds."""
_BLOOD: Final = {
    "erythroid": ("HBB", "HBA1", "HBA2", "HBD", "HBG1", "HBG2", "ALAS2", "AHSP", "CA1", "HBM"),
    "platelet": ("PPBP", "PF4", "GP9", "ITGA2B", "TUBB1", "GNG11", "TREML1", "CMTM5", "GP1BB"),
}
"""Genes of haemoglobin and its making; of platelets."""
_BLOOD_GENES: Final = 2
"""Of these genes, in a cell: own choice, a single one may be a splash."""
_NOT_EPITHELIAL: Final = (
    "PTPRC",
    "CD3D",
    "CD3E",
    "LYZ",
    "C1QA",
    "MS4A1",
    "PECAM1",
    "VWF",
    "CDH5",
    "COL1A1",
    "COL3A1",
    "DCN",
    "HBB",
)


@dataclass(frozen=True)
class MarkerEvidence:
    """Per cell.

    Attributes
    ----------
    seed
        Class (place in `CELL_CLASSES`) whose conjunctive rule the cell satisfies alone, -1 for
        none.
    epithelial
        Clear epithelial or hepatic genes, and none of immune, endothelial or stromal cells beyond
        ambient RNA.
    blood
        By blood element (``erythroid``, ``platelet``): cells with two of its own genes and more
        molecules of them than ambient RNA brings.
    """

    seed: npt.NDArray[np.intp]
    epithelial: npt.NDArray[np.bool_]
    blood: dict[str, npt.NDArray[np.bool_]] = field(default_factory=dict)


def rule_genes(
    counts: AnnData, qc: QcResult
) -> tuple[sp.csr_matrix, npt.NDArray[np.object_], npt.NDArray[np.float64]]:
    """Counts of all barcodes over the genes that any rule looks at, with the symbols of these and
    their share in the ambient RNA of the sample: a hundredth of the matrix, taken once.
    """
    keys = np.unique(gene_keys(counts.var).astype(str)).astype(object)
    rules = {g for r in RULES for g in (*r.any_of, *r.none_of)}
    rules |= {*EPITHELIAL, *HEPATIC, *_NOT_EPITHELIAL, *(g for s in _BLOOD.values() for g in s)}
    mine = counts.var["gene"].astype(str).isin(rules).to_numpy()
    at = np.isin(keys.astype(str), np.unique(gene_keys(counts.var[mine]).astype(str)))
    matrix, _, symbols = align(counts, keys[at])
    return matrix, symbols, ambient_of(qc, counts, keys)[at]


def _excess(
    counts: sp.csc_matrix,
    places: list[int],
    ambient: npt.NDArray[np.float64],
    foreign: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Probability of so many molecules of the genes from ambient RNA alone, and how many of the
    genes are there.
    """
    block = sp.csr_matrix(counts[:, places])
    total = np.asarray(block.sum(axis=1), dtype=float).ravel()
    expected = np.maximum(foreign * float(ambient[places].sum()), 1e-9)
    return np.where(total > 0, pdtrc(np.maximum(total - 1, 0), expected), 1.0), np.asarray(
        (block > 0).sum(axis=1), dtype=np.intp
    ).ravel()


def marker_evidence(
    counts: sp.csr_matrix,
    symbols: npt.NDArray[np.object_],
    ambient: npt.NDArray[np.float64],
    foreign: npt.NDArray[np.float64],
) -> MarkerEvidence:
    """Marker evidence of each cell.

    Parameters
    ----------
    counts, symbols
        Cells x genes of one sample and the symbols of the columns.
    ambient, foreign
        Share of each gene in the ambient RNA; expected ambient molecules of each cell.
    """
    place = {str(s): i for i, s in enumerate(symbols)}
    columns = sp.csc_matrix(counts)
    wide = [place[g] for g in EPITHELIAL if g in place]
    liver = [place[g] for g in HEPATIC if g in place]
    against = [place[g] for g in _NOT_EPITHELIAL if g in place]
    epithelial = np.zeros(counts.shape[0], dtype=bool)
    for at, least in ((wide, 4), (liver, 4)):
        if at:
            tail, there = _excess(columns, at, ambient, 2.0 * foreign)
            epithelial |= (tail < _CLEAR) & (there >= least)
    if against:
        tail, _ = _excess(columns, against, ambient, 2.0 * foreign)
        epithelial &= tail > 0.01
    seeds = seed_classes(counts, symbols, ambient, foreign)
    codes = np.array([CELL_CLASSES.index(s) if s else -1 for s in seeds], dtype=np.intp)
    blood = {}
    for name, genes in _BLOOD.items():
        at = [place[g] for g in genes if g in place]
        blood[name] = np.zeros(counts.shape[0], dtype=bool)
        if at:
            tail, there = _excess(columns, at, ambient, 2.0 * foreign)
            blood[name] = (tail < _CLEAR) & (there >= _BLOOD_GENES)
    return MarkerEvidence(codes, epithelial, blood)


def evidence_without(
    genes: Collection[str],
    evidence: MarkerEvidence,
    rows: npt.NDArray[np.intp],
    counts: sp.csr_matrix,
    symbols: npt.NDArray[np.object_],
    ambient: npt.NDArray[np.float64],
    foreign: npt.NDArray[np.float64],
) -> MarkerEvidence:
    """Evidence of some cells as it is without some genes; that of the others as it was.

    Parameters
    ----------
    genes
        Symbols that no rule may look at.
    evidence
        Of all cells, with all genes.
    rows
        Cells that are looked at again.
    counts, symbols, ambient, foreign
        As for `marker_evidence`, of all cells.
    """
    if not len(rows):
        return evidence
    others = np.where(np.isin(symbols, sorted(genes)), "", symbols)
    again = marker_evidence(sp.csr_matrix(counts[rows]), others, ambient, foreign[rows])
    seed, epithelial = evidence.seed.copy(), evidence.epithelial.copy()
    seed[rows], epithelial[rows] = again.seed, again.epithelial
    return MarkerEvidence(seed, epithelial, evidence.blood)
