"""Ambient RNA and cell calling against simulated truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse

from hcc_assets.cells.quality.ambient import estimate_ambient
from hcc_assets.cells.reading.cell_calling import ambient_counts, call_cells, knee
from hcc_assets.simulate.cells import SimulationSettings, make_world, simulate_sample
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.cells.matrices import toy


@pytest.fixture(scope="module", params=["easy", "hard"])
def droplets(request):
    sample = simulate_sample(
        make_world(4, SimulationSettings.named(request.param)),
        1,
        "pre",
        900,
        4,
        empty_droplets=8000,
    )
    var = sample.genes[["gene_id", "gene"]].set_index(
        pd.Index(sample.genes["gene_id"], dtype=object, name=None)
    )
    names = np.concatenate([sample.barcodes, sample.empty_barcodes])
    raw = AnnData(
        sparse.vstack([sample.counts, sample.empty]).tocsr(), obs=pd.DataFrame(index=names), var=var
    )
    return raw, sample.truth


def test_contamination_is_near_the_truth(droplets):
    raw, truth = droplets
    counts = raw[:900].copy()
    usable = (truth["n_umi"] >= 200).to_numpy()
    true = truth["ambient_umi"].sum() / truth["n_umi"].sum()
    for source, given in (("mean", None), ("raw", raw)):
        found = estimate_ambient(counts, usable, raw=given)
        assert found.source == source
        assert found.profile.sum() == pytest.approx(1)
        assert 0.6 * true <= found.fraction <= 1.5 * true


def test_cells_of_one_lineage_alone_do_not_pass_for_ambient_rna(droplets):
    raw, truth = droplets
    single = (truth["cell_class"] == "T") & ~truth["doublet"]
    sorted_cells = raw[:900][single.to_numpy()].copy()
    found = estimate_ambient(sorted_cells, np.ones(sorted_cells.n_obs, dtype=bool))
    assert found.source == "mean"
    assert np.isnan(found.fraction) or found.fraction <= 0.3


def test_raw_profile_is_that_of_the_empty_droplets(droplets):
    raw, _ = droplets
    counts = raw[:900].copy()
    found = estimate_ambient(counts, np.ones(900, dtype=bool), raw=raw)
    empty = np.asarray(raw.X[900:].sum(axis=0), dtype=float).ravel()
    assert np.abs(found.profile - empty / empty.sum()).sum() < 0.05
    counts.var["empty_umi"] = ambient_counts(raw)
    np.testing.assert_array_equal(
        estimate_ambient(counts, np.ones(900, dtype=bool)).profile, found.profile
    )


def test_no_lineage_no_estimate():
    found = estimate_ambient(toy(40, 60), np.ones(40, dtype=bool))
    assert np.isnan(found.fraction) and found.profile.sum() == pytest.approx(1)
    np.testing.assert_allclose(found.expected_umi([100.0], default=0.1), [10.0])


def test_cells_are_called_and_neutrophils_rescued(droplets):
    raw, truth = droplets
    calls = call_cells(raw, StudyConfig())
    is_cell = calls["is_cell"].to_numpy()
    assert is_cell[900:].sum() <= 5
    reachable = (truth["n_umi"] >= 200).to_numpy() & ~truth["damaged"].to_numpy()
    neutrophil = reachable & (truth["cell_class"] == "neutrophil").to_numpy()
    assert is_cell[:900][reachable].mean() >= 0.98
    assert is_cell[:900][neutrophil].mean() >= 0.95
    assert set(calls.loc[is_cell, "evidence"]) <= {"knee", "profile", "neutrophil"}


def test_calling_does_not_depend_on_order(droplets):
    raw, _ = droplets
    order = np.random.default_rng(0).permutation(raw.n_obs)
    first, second = call_cells(raw, StudyConfig()), call_cells(raw[order].copy(), StudyConfig())
    pd.testing.assert_frame_equal(
        first.sort_values("barcode", ignore_index=True),
        second.sort_values("barcode", ignore_index=True),
    )


def test_knee_lies_between_cells_and_empty_droplets():
    rng = np.random.default_rng(0)
    total = np.concatenate([rng.lognormal(8.5, 0.4, 1000), rng.lognormal(3.5, 0.4, 20_000)]).astype(
        np.int64
    )
    assert 200 <= knee(total, 200) <= 4000
    assert knee(np.array([1, 2, 3]), 200) == float("inf")
