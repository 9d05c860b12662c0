"""Pseudobulk conserves counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scanpy as sc
import scipy.sparse as sp
from anndata import AnnData
from hypothesis import given, settings
from hypothesis import strategies as st

from hcc_assets.cells.pseudobulk import class_counts, from_frames, pseudobulk, to_frames
from hcc_assets.study.classes import CELL_CLASSES, QC_STATUSES


def _case(seed: int, n: int = 30, genes: int = 7) -> tuple[AnnData, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    counts = AnnData(
        sp.csr_matrix(rng.poisson(0.7, (n, genes)).astype(np.int32)),
        obs=pd.DataFrame(index=[f"b{i}" for i in range(n)]),
        var=pd.DataFrame(
            {"gene_id": [f"g{i}" for i in range(genes)], "gene": [f"S{i}" for i in range(genes)]},
            index=[f"g{i}" for i in range(genes)],
        ),
    )
    calls = pd.DataFrame(
        {
            "barcode": counts.obs_names,
            "cell_class": rng.choice(CELL_CLASSES[:4], n),
            "qc_status": rng.choice(QC_STATUSES[:3], n),
        }
    )
    return counts, calls


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_sums_over_classes_are_the_column_sums_of_the_passing_cells(seed: int) -> None:
    counts, calls = _case(seed)
    bulk = pseudobulk(counts, calls.sample(frac=1, random_state=seed))
    passing = (calls["qc_status"] == "pass").to_numpy()
    assert np.array_equal(bulk.X.sum(axis=0), counts.X[passing].toarray().sum(axis=0))
    assert bulk.obs["n_cells"].sum() == passing.sum()
    assert bulk.X.dtype == np.int64


def test_scanpy_sums_the_same() -> None:
    counts, calls = _case(3, n=200)
    bulk = pseudobulk(counts, calls)
    passing = counts[(calls["qc_status"] == "pass").to_numpy()].copy()
    passing.obs["cell_class"] = calls.set_index("barcode")["cell_class"].reindex(passing.obs_names)
    theirs = sc.get.aggregate(passing, by="cell_class", func="sum")[bulk.obs_names]
    assert np.array_equal(bulk.X, sp.csr_matrix(theirs.layers["sum"]).toarray())


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_class_counts_count_every_barcode_once(seed: int) -> None:
    _, calls = _case(seed)
    table = class_counts(calls)
    assert table["n_cells"].sum() == len(calls)
    assert set(table["cell_class"]) == set(CELL_CLASSES)


def test_no_passing_cell_gives_no_row() -> None:
    counts, calls = _case(1)
    assert pseudobulk(counts, calls.assign(qc_status="doublet")).n_obs == 0


def test_unknown_barcode_is_an_error() -> None:
    counts, calls = _case(1)
    with pytest.raises(ValueError, match="barcodes"):
        pseudobulk(counts, calls.assign(barcode="x", qc_status="pass"))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 50))
def test_the_stored_tables_hold_the_same_sums(seed: int) -> None:
    counts, calls = _case(seed)
    sums = pseudobulk(counts, calls)
    back = from_frames(*to_frames(sums).values())
    assert np.array_equal(back.X.toarray(), np.asarray(sums.X))
    assert (
        back.obs[["cell_class", "n_cells"]].values.tolist()
        == sums.obs[["cell_class", "n_cells"]].values.tolist()
    )
    assert (
        back.var[["gene_id", "gene"]].values.tolist()
        == sums.var[["gene_id", "gene"]].values.tolist()
    )
