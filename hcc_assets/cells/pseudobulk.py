"""Sums per class of one sample: counts of genes, cells, and cells in parts (each counts for every
class as much as its posterior says). All that statistics across samples need; those belong to
``stats``, shares of single cells to ``calling.class_shares``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from hcc_assets.cells.quality.metrics import as_csr
from hcc_assets.study.classes import CELL_CLASSES, EPITHELIAL, QC_STATUSES, UNASSIGNED

if TYPE_CHECKING:
    from anndata import AnnData


def pseudobulk(counts: AnnData, calls: pd.DataFrame) -> AnnData:
    """Summed counts of the cells that pass, by class.

    Parameters
    ----------
    counts
        Cells x genes.
    calls
        ``barcode, qc_status, cell_class`` (`annotation.Annotation.calls`), in any order.

    Returns
    -------
    anndata.AnnData
        One row per class of `CELL_CLASSES` that has cells, in that order: ``X`` integer sums
        (int64, dense), ``obs`` with ``cell_class`` and ``n_cells``, ``var`` as given.

    Raises
    ------
    ValueError
        A barcode of the calls is not in the counts.
    """
    from anndata import AnnData

    passing = calls[calls["qc_status"] == "pass"]
    rows = counts.obs_names.get_indexer(pd.Index(passing["barcode"]))
    if (rows < 0).any():
        raise ValueError("calls name barcodes that the counts do not have")
    classes = [c for c in CELL_CLASSES if (passing["cell_class"] == c).any()]
    group = passing["cell_class"].map({c: i for i, c in enumerate(classes)}).to_numpy(dtype=np.intp)
    member = sp.csr_matrix(
        (np.ones(len(rows), dtype=np.int64), (group, rows)), shape=(len(classes), counts.n_obs)
    )
    sums = np.asarray((member @ as_csr(counts).astype(np.int64)).toarray(), dtype=np.int64)
    obs = pd.DataFrame(
        {
            "cell_class": pd.Series(classes, dtype=object),
            "n_cells": np.bincount(group.astype(int), minlength=len(classes)).astype(np.int64),
        }
    )
    obs.index = pd.Index(classes, dtype=object)
    return AnnData(X=sums, obs=obs, var=counts.var.copy())


def to_frames(sums: AnnData) -> dict[str, pd.DataFrame]:
    """Sums as two small tables: ``sums`` (``gene_id, gene``, one column per class) and
    ``sums_classes`` (``cell_class, n_cells``).

    Every comparison reads the sums of all samples: from Parquet columns that takes a fifth of what
    the strings of an h5ad cost.
    """
    genes = sums.var[["gene_id", "gene"]].astype(str).reset_index(drop=True)
    table = pd.DataFrame(np.asarray(sums.X).T, columns=sums.obs["cell_class"].astype(str))
    return {
        "sums": pd.concat([genes, table], axis=1),
        "sums_classes": sums.obs[["cell_class", "n_cells"]].reset_index(drop=True),
    }


def from_frames(sums: pd.DataFrame, classes: pd.DataFrame) -> AnnData:
    """What `to_frames` was given, with sparse ``X``."""
    from anndata import AnnData

    names = classes["cell_class"].astype(str)
    X = sp.csr_matrix(sums[list(names)].to_numpy(dtype=np.int64).T)
    return AnnData(
        X=X,
        obs=classes.set_index(pd.Index(names.to_numpy(dtype=object))),
        var=sums[["gene_id", "gene"]].set_index(sums["gene_id"].to_numpy()),
    )


def class_counts(calls: pd.DataFrame) -> pd.DataFrame:
    """Number of barcodes of one sample by class and status.

    Returns
    -------
    pandas.DataFrame
        ``cell_class, qc_status, n_cells``: every class with every status that occurs and ``pass``,
        zeros included; in the order of `CELL_CLASSES` and `QC_STATUSES`.
    """
    statuses = [s for s in QC_STATUSES if s == "pass" or (calls["qc_status"] == s).any()]
    number = calls.groupby(["cell_class", "qc_status"], observed=True).size()
    index = pd.MultiIndex.from_product([CELL_CLASSES, statuses], names=["cell_class", "qc_status"])
    return number.reindex(index, fill_value=0).rename("n_cells").astype("int64").reset_index()


_OWN = "own"
_DIGITS = 6  # of the sums, as of the shares: below is the noise of summing in another order
_SURE = 0.9999
"""Share from which a cell no longer moves: own choice, one cell in 10,000 at most is lost."""
_STEPS = 200
_SETTLED = 1e-6
"""Most steps, and the change of a prevalence at which they end: own choice, below a cell in a
sample of any size."""
_HALF_A_CELL = 0.5
"""Information that every class has beforehand, in cells: the pseudocount of the log-ratios
(single-cell methods, section 3), so that a class without a cell has a variance too."""


def at_prevalence(
    shares: npt.NDArray[np.float64],
    passing: npt.NDArray[np.bool_],
    together: Iterable[str] = EPITHELIAL,
) -> npt.NDArray[np.float64]:
    """Shares under the prevalence of classes in the sample itself, in place of one that is the same
    for all classes (Saerens 2002, expectation-maximisation).

    Without it a class that half resembles a common one never falls: sums of posteriors draw every
    change towards zero (by .5 log2 in the study of ``benchmarks/doubt.py``).

    Parameters
    ----------
    shares
        Cells x classes; rows sum to 1.
    passing
        Cells whose prevalence it is.
    together
        Classes that are one here, and keep how they divide each cell between them: copy number
        divides epithelium at the prevalence of the sample already, and where it is undecided it is
        so of all cells at once. As evidence of single cells, seventy hepatocytes of which each is
        malignant by .6 would all be tumour.
    """
    place = np.arange(shares.shape[1])
    members = [CELL_CLASSES.index(c) for c in together]
    place[members] = min(members, default=0)
    one = np.zeros((len(place), len(place)))
    one[np.arange(len(place)), place] = 1.0
    pooled = shares @ one
    moved = _at_prevalence(pooled, passing)
    if moved is pooled:
        return shares
    factor = np.where(pooled > 0, moved / np.where(pooled > 0, pooled, 1.0), 0.0)
    return np.asarray(shares * factor[:, place])


def _at_prevalence(
    shares: npt.NDArray[np.float64], passing: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    mine = shares[passing]
    if not len(mine):
        return shares
    sure = mine.max(axis=1) >= _SURE
    fixed, open_ = mine[sure].sum(axis=0), mine[~sure]
    share = np.full(mine.shape[1], 1 / mine.shape[1])
    if not len(open_):
        return shares
    for _ in range(_STEPS):
        weighted = open_ * share
        total = weighted.sum(axis=1, keepdims=True)
        new = (fixed + (weighted / np.maximum(total, 1e-300)).sum(axis=0)) / len(mine)
        moved = float(np.abs(new - share).max())
        share = new
        if moved < _SETTLED:
            break
    weighted = shares * share
    total = weighted.sum(axis=1, keepdims=True)
    return np.where(total > 0, weighted / np.where(total > 0, total, 1.0), shares)


def prevalence_variance(shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Variance that the doubt of calls adds to the sums of shares `at_prevalence`.

    The sums are a maximum-likelihood estimate, and the information about the log prevalences that
    the cells have is P'P (Louis 1982), P the shares: all of diag(n) where cells are sure, less
    where they are not. What its inverse has above 1 / n is the doubt. The sum of p (1 - p) is the
    variance of the classes of the cells at a prevalence that is known: it leaves out that the
    prevalence is estimated from the same cells, a tenth of the squared error with half of the cells
    in doubt (``shares`` in ``benchmarks/doubt.py``).

    Parameters
    ----------
    shares
        Passing cells x classes, at their own prevalence; rows sum to 1.

    Returns
    -------
    numpy.ndarray
        (classes,) in cells squared; at least 0, and 0 where every cell is sure.
    """
    known = shares.sum(axis=0) + _HALF_A_CELL
    information = shares.T @ shares
    information[np.diag_indices_from(information)] += _HALF_A_CELL
    root = np.sqrt(known)
    inverse = np.linalg.inv(information / np.outer(root, root))
    return np.asarray(known * np.maximum(np.diag(inverse) - 1, 0.0))


def soft_counts(
    calls: pd.DataFrame,
    shares: npt.NDArray[np.float64],
    calibration: Mapping[str, float],
    blind: npt.NDArray[np.float64],
) -> pd.DataFrame:
    """`class_counts` with sums of posteriors beside them.

    Parameters
    ----------
    calls
        ``barcode, qc_status, cell_class`` and, where others called too, ``call_source``: a cell
        that a person or another tool called counts whole in its class.
    shares
        Barcodes x `CELL_CLASSES` in the order of ``calls``; rows sum to 1.
    calibration
        `Reference.calibration`: how far confidence and accuracy of a class are apart.
    blind
        Shares without the genes that the drug acts on.

    Returns
    -------
    pandas.DataFrame
        ``cell_class, qc_status, n_cells``, then ``n_expected`` (sum of shares `at_prevalence`),
        ``n_assigned`` (of the cells that have a class), ``calls_variance`` (what the doubt of
        calls adds to the variance of the number: `prevalence_variance` of the cells that pass,
        whose prevalence it is, sum of p (1 - p) of the others), ``calls_error`` (cells by which
        confidence that is not calibrated may shift it; 0 where that is not known) and ``n_blind``
        (as ``n_expected``, of ``blind``).
    """
    out = class_counts(calls)
    given = np.zeros(len(calls), dtype=bool)
    if "call_source" in calls:
        given = (calls["call_source"] != _OWN).to_numpy()
    at = pd.Index(CELL_CLASSES).get_indexer(pd.Index(calls["cell_class"].to_numpy(object)[given]))
    passing = (calls["qc_status"] == "pass").to_numpy()

    def as_used(found: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        whole = found.copy()
        whole[given] = 0.0
        whole[np.flatnonzero(given), at] = 1.0
        return at_prevalence(whole, passing)

    p, unseen = as_used(shares), as_used(blind)
    error = np.array([calibration.get(c, 0.0) for c in CELL_CLASSES])
    assigned = (calls["cell_class"] != UNASSIGNED).to_numpy()
    row = pd.Index(CELL_CLASSES).get_indexer(pd.Index(out["cell_class"]))
    sums = np.zeros((len(out), 5))
    for status in out["qc_status"].unique():
        mine = (calls["qc_status"] == status).to_numpy()
        every = np.column_stack(
            [
                p[mine].sum(axis=0),
                p[mine & assigned].sum(axis=0),
                prevalence_variance(p[mine])
                if status == "pass"
                else (p[mine] * (1 - p[mine])).sum(axis=0),
                error * p[mine & ~given].sum(axis=0),
                unseen[mine].sum(axis=0),
            ]
        )
        here = (out["qc_status"] == status).to_numpy()
        sums[here] = every[row[here]]
    names = ("n_expected", "n_assigned", "calls_variance", "calls_error", "n_blind")
    return out.assign(**{n: np.round(sums[:, i], _DIGITS) for i, n in enumerate(names)})
