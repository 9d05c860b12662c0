"""Sums of counts per class of one sample: all that expression statistics across samples need.
Statistics belong to ``stats``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy.sparse as sp

from hcc_assets.cells.quality.metrics import as_csr
from hcc_assets.study.classes import CELL_CLASSES, QC_STATUSES

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
