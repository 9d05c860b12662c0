"""Which droplets of a raw matrix hold a cell, when no filtered matrix was delivered. Quality of the
cells is judged in ``quality``.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.special import gammaln, pdtrc

from hcc_assets.cells.quality.ambient import EMPTY_UMI
from hcc_assets.cells.quality.gene_sets import positions, qc_genes
from hcc_assets.stats.multiplicity import benjamini_hochberg
from hcc_assets.study.config import StudyConfig

if TYPE_CHECKING:
    from anndata import AnnData

FDR: Final = 0.01
"""False discovery rate of the droplets called by profile: own choice."""
_SIMULATED: Final = 2000
"""Draws for each total: own choice; EmptyDrops has 10,000, the smallest p-value of 2,000 still
passes at 1 %.
"""
_TOP: Final = 3000
"""Counts at which a droplet is a cell in any sample: own choice, above what ambient RNA gives."""
_RESCUE_P: Final = 1e-6
"""Chance of the neutrophil transcripts from ambient RNA: own choice, fewer than one droplet in
100,000.
"""
_RESCUE_GENES: Final = 4
"""Own choice: one more than the 3 genes of a seed (SINGLE_CELL.md, section 2.4), since no cell has
been called yet.
"""
_SPECIFIC: Final = ("CSF3R", "FCGR3B", "CXCR2", "CXCR1", "CMTM2", "PROK2", "ADGRG3", "FPR2")


def knee(total: npt.NDArray[np.int64], floor: int) -> float:
    """Counts above which a droplet is a cell beyond doubt: a tenth of the 99th percentile of the
    expected cells, whose number is found by minimising (expected - called)^2 / expected, as Cell
    Ranger 7 does (OrdMag).
    """
    ranked = np.sort(total[total >= floor])[::-1].astype(float)
    if len(ranked) == 0:
        return float("inf")
    expected = np.unique(np.geomspace(min(10, len(ranked)), len(ranked), 200).astype(int))
    cutoff = np.maximum(
        np.round(ranked[np.minimum((expected * 0.01).astype(int), len(ranked) - 1)] * 0.1), floor
    )
    called = np.searchsorted(-ranked, -cutoff, side="right")
    loss = (expected - called) ** 2 / expected
    return float(cutoff[int(np.argmin(loss))])


def ambient_counts(raw: AnnData) -> npt.NDArray[np.int64]:
    """Summed counts of the droplets below 100 UMI, one per gene."""
    matrix: sparse.csr_matrix = raw.X
    total = np.asarray(matrix.sum(axis=1, dtype=np.int64)).ravel()
    return np.asarray(
        matrix[np.flatnonzero((total > 0) & (total < EMPTY_UMI))].sum(axis=0, dtype=np.int64)
    ).ravel()


def _log_probability(
    matrix: sparse.csr_matrix, log_share: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Multinomial log-probability of each row under the ambient profile."""
    total = np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()
    spread = sparse.csr_matrix(
        (gammaln(matrix.data + 1.0), matrix.indices, matrix.indptr), shape=matrix.shape
    )
    return gammaln(total + 1) - np.asarray(spread.sum(axis=1)).ravel() + matrix @ log_share


def _p_values(
    matrix: sparse.csr_matrix, share: npt.NDArray[np.float64], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Monte-Carlo p-value of each row being drawn from the ambient profile (EmptyDrops, Lun 2019),
    all totals from one set of growing draws.
    """
    used = np.flatnonzero(share > 0)
    log_share = np.full(len(share), np.log(share[used].min()) - 5)
    log_share[used] = np.log(share[used])
    total = np.asarray(matrix.sum(axis=1), dtype=np.int64).ravel()
    observed = _log_probability(matrix, log_share)
    cumulative = np.cumsum(share[used])
    cumulative /= cumulative[-1]
    counts = np.zeros((_SIMULATED, len(used)), dtype=np.int32)
    value = np.zeros(_SIMULATED)
    rows = np.arange(_SIMULATED)
    at_total = {int(t): np.flatnonzero(total == t) for t in np.unique(total)}
    p = np.ones(len(total))
    for n in range(1, int(total.max()) + 1):
        gene = np.minimum(
            np.searchsorted(cumulative, rng.random(_SIMULATED), side="right"), len(used) - 1
        )
        counts[rows, gene] += 1
        value += log_share[used[gene]] + np.log(n) - np.log(counts[rows, gene])
        if n in at_total:
            ranked = np.sort(value)
            p[at_total[n]] = (np.searchsorted(ranked, observed[at_total[n]], side="right") + 1) / (
                _SIMULATED + 1
            )
    return p


def _neutrophil(
    matrix: sparse.csr_matrix, symbols: npt.NDArray[Any], share: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Droplets with more neutrophil transcripts than ambient RNA gives: several genes, one of them
    specific.
    """
    genes, specific = (
        positions(symbols, qc_genes().neutrophil_rescue),
        positions(symbols, _SPECIFIC),
    )
    total = np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()
    by_gene = matrix.tocsc()
    block = by_gene[:, genes]
    found = np.asarray(block.sum(axis=1), dtype=np.float64).ravel()
    p = pdtrc(np.maximum(found - 1, 0), np.maximum(total * share[genes].sum(), 1e-9))
    several = np.asarray((block > 0).sum(axis=1)).ravel() >= _RESCUE_GENES
    sure = np.asarray((by_gene[:, specific] > 0).sum(axis=1)).ravel() >= 1
    return (found > 0) & (p < _RESCUE_P) & several & sure


def call_cells(raw: AnnData, config: StudyConfig, *, seed: int = 0) -> pd.DataFrame:
    """Judge every droplet of a raw matrix.

    Droplets above the knee are cells; those between ``single_cell.min_umi`` and the knee are cells
    where their profile is not the ambient one (Monte-Carlo multinomial test, BH at 1 %), or where
    they carry neutrophil transcripts beyond ambient level: neutrophils have little RNA and look
    like background.

    Returns
    -------
    pandas.DataFrame
        One row per barcode in the order of ``raw``: ``barcode, n_umi, is_cell, evidence`` (``knee,
        profile, neutrophil`` or None).
    """
    matrix: sparse.csr_matrix = raw.X
    total = np.asarray(matrix.sum(axis=1, dtype=np.int64)).ravel()
    floor = max(config.single_cell.min_umi, EMPTY_UMI)
    sure = min(knee(total, floor), float(_TOP))
    evidence = np.full(len(total), None, dtype=object)
    evidence[total >= sure] = "knee"
    empty = ambient_counts(raw)
    between = np.flatnonzero((total >= floor) & (total < sure))
    if len(between) and empty.sum() > 0:
        barcodes = raw.obs_names.to_numpy().astype(str)
        between = between[np.argsort(barcodes[between], kind="stable")]
        share = empty / empty.sum()
        digest = hashlib.sha256("\n".join(barcodes[between]).encode() + str(seed).encode()).digest()
        inside = matrix[between]
        other = (
            benjamini_hochberg(
                _p_values(inside, share, np.random.default_rng(int.from_bytes(digest[:16], "big")))
            )
            <= FDR
        )
        evidence[between[_neutrophil(inside, raw.var["gene"].to_numpy(), share)]] = "neutrophil"
        evidence[between[other]] = "profile"
    is_cell = np.array([e is not None for e in evidence], dtype=bool)
    return pd.DataFrame(
        {
            "barcode": raw.obs_names.to_numpy().astype(object),
            "n_umi": total,
            "is_cell": is_cell,
            "evidence": evidence,
        }
    )
