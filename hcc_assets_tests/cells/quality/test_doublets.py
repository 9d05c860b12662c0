"""Doublets: found, deterministic, and conflicts of lineages only beyond ambient level."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse
from sklearn.metrics import average_precision_score
from threadpoolctl import threadpool_limits

from hcc_assets.cells.quality.ambient import Ambient, estimate_ambient
from hcc_assets.cells.quality.doublets import (
    _threshold,
    _whole_classes,
    estimated_rate,
    expected_rate,
    find_doublets,
)
from hcc_assets.cells.quality.simulated_doublets import share_simulated
from hcc_assets.simulate.cells import SimulationSettings, make_world, simulate_sample
from hcc_assets.simulate.real_cells import simulate_real_sample
from hcc_assets.simulate.real_world import make_real_world
from hcc_assets.study.markers import markers
from hcc_assets_tests.cells.matrices import toy
from hcc_assets_tests.cells.quality.test_assessment import by_symbol


@pytest.fixture(scope="module")
def hard():
    sample = simulate_sample(make_world(2, SimulationSettings.hard()), 0, "pre", 1200, 2)
    good = (sample.truth["n_umi"] >= 200).to_numpy() & ~sample.truth["damaged"].to_numpy()
    var = sample.genes[["gene_id", "gene"]].set_index(
        pd.Index(sample.genes["gene_id"], dtype=object, name=None)
    )
    return AnnData(
        sample.counts[good], obs=pd.DataFrame(index=sample.barcodes[good]), var=var
    ), sample.truth[good].reset_index(drop=True)


def run(counts: AnnData, seed: int = 0):
    usable = np.ones(counts.n_obs, dtype=bool)
    return find_doublets(counts, usable, estimate_ambient(counts, usable), seed=seed)


def test_doublets_of_the_hard_setting_are_found(hard):
    counts, truth = hard
    found = run(counts)
    assert average_precision_score(truth["doublet"], found.score) >= 0.6
    called = found.called
    assert np.mean(truth["doublet"].to_numpy()[called]) >= 0.75
    assert called[truth["doublet"].to_numpy()].mean() >= 0.3
    assert found.score.min() >= 0 and found.score.max() <= 1


def test_threads_and_repetition_change_nothing(hard):
    counts, _ = hard
    first = run(counts)
    with threadpool_limits(limits=2):
        second = run(counts.copy())
    np.testing.assert_array_equal(first.score, second.score)
    np.testing.assert_array_equal(first.called, second.called)


def test_neighbours_are_exact():
    rng = np.random.default_rng(0)
    base, extra = (
        rng.normal(size=(400, 5)).astype(np.float32),
        rng.normal(size=(50, 5)).astype(np.float32),
    )
    ours = share_simulated(np.concatenate([base[:150], extra]), base, 150, (10, 20))
    distance = ((np.concatenate([base[:150], extra])[:, None, :] - base[None]) ** 2).sum(axis=2)
    distance[np.arange(150), np.arange(150)] = np.inf
    near = np.argsort(distance, axis=1)
    expected = ((near[:, :10] >= 150).mean(axis=1) + (near[:, :20] >= 150).mean(axis=1)) / 2
    np.testing.assert_allclose(ours, expected)


def test_rate_and_threshold():
    assert (
        expected_rate(1000) == pytest.approx(0.008)
        and expected_rate(10_000) == pytest.approx(0.08)
        and expected_rate(10**6) == 0.5
    )
    rng = np.random.default_rng(1)
    simulated = rng.beta(20, 3, 2000)
    observed = np.concatenate([rng.beta(3, 20, 1900), rng.beta(20, 3, 100)])
    rate = estimated_rate(observed, simulated, 0.02)
    assert 0.03 < rate < 0.07
    called = observed > _threshold(observed, simulated, rate)
    assert called[1900:].mean() > 0.95 and called[:1900].mean() < 0.01


def test_two_lineages_in_one_cell_conflict():
    housekeeping = {f"G{k}": 10 for k in range(100)}
    t_cell, hepatic = {"CD3D": 8, "CD3E": 6, "TRAC": 9}, {"ALB": 200, "APOA1": 60, "APOC3": 30}
    rows = (
        [housekeeping | t_cell] * 30
        + [housekeeping | hepatic] * 30
        + [housekeeping | t_cell | hepatic, housekeeping | t_cell | {"ALB": 6, "APOA1": 2}]
    )
    counts = by_symbol(rows)
    profile = np.asarray(counts.X.sum(axis=0), dtype=float).ravel()
    found = find_doublets(
        counts,
        np.ones(counts.n_obs, dtype=bool),
        Ambient(profile / profile.sum(), "mean", 0.05, 0.0, 0.05),
    )
    assert found.conflict[60] and found.called[60]
    assert not found.conflict[61] and not found.conflict[:60].any()


def test_a_class_with_genes_of_another_lineage_is_no_doublet():
    """Fibroblasts with endothelial genes of their own stay; doublets of other lineages are found as
    before."""
    rng = np.random.default_rng(3)
    own = [f"F{k}" for k in range(40)], [f"E{k}" for k in range(40)], [f"T{k}" for k in range(40)]
    genes = ["COL1A1", "COL1A2", "DCN", "VWF", "CDH5", "CLDN5", "CD3D", "CD3E", "TRAC"]
    names = np.array([*genes, *(g for group in own for g in group)], dtype=object)
    mean = np.zeros((3, len(names)))
    for k in range(3):
        mean[k, 3 * k : 3 * k + 3] = 12.0
        mean[k, 9 + 40 * k : 49 + 40 * k] = 6.0
    mean[0, 3:6] = 5.0
    kind = np.repeat([0, 1, 2], [80, 80, 240])
    singles = rng.poisson(mean[kind])
    first, second = rng.choice(kind, 24), rng.choice(kind, 24)
    pairs = rng.poisson(mean[first] + mean[second])
    names_of_cells = [f"c{k:03d}" for k in range(424)]
    counts = AnnData(
        sparse.csr_matrix(np.concatenate([singles, pairs])),
        obs=pd.DataFrame(index=names_of_cells),
        var=pd.DataFrame({"gene_id": names, "gene": names}, index=names),
    )
    profile = np.asarray(counts.X.sum(axis=0), dtype=float).ravel()
    every = np.ones(counts.n_obs, dtype=bool)
    found = find_doublets(counts, every, Ambient(profile / profile.sum(), "mean", 0.05, 0.0, 0.05))
    assert found.called[:80].mean() <= 0.02
    mixed = (first != second) & ((first == 2) | (second == 2))
    assert found.called[400:][mixed].mean() >= 0.9


def test_macrophages_of_a_tissue_stay_and_doublets_of_two_classes_go():
    """Profiles of a study whose macrophages have genes of liver cells: a third of them went."""
    drawn = simulate_real_sample(make_real_world(31), 3, "pre", 900, 0)
    truth = drawn.truth
    var = drawn.genes[["gene_id", "gene"]].set_index("gene_id", drop=False).rename_axis(None)
    counts = AnnData(drawn.counts, obs=pd.DataFrame(index=drawn.barcodes.astype(str)), var=var)
    usable = ~truth["damaged"].to_numpy()
    called = find_doublets(counts, usable, estimate_ambient(counts, usable)).called
    double = truth["doublet"].to_numpy()
    mixed = double & (truth["cell_class"] != truth["second_class"]).to_numpy() & usable
    alone = (truth["cell_class"] == "macrophage").to_numpy() & ~double & usable
    assert alone.sum() > 200 and called[alone].mean() <= 0.05
    assert called[mixed].mean() >= 0.6


def test_too_few_cells_are_not_scored():
    found = run(toy(20, 60))
    assert np.isnan(found.score).all() and np.isnan(found.threshold) and not found.called.any()


def test_cells_outside_are_left_alone(hard):
    counts, _ = hard
    usable = np.arange(counts.n_obs) % 3 != 0
    found = find_doublets(counts, usable, estimate_ambient(counts, usable))
    assert (
        np.isnan(found.score[~usable]).all()
        and not found.called[~usable].any()
        and not np.isnan(found.score[usable]).any()
    )


def test_identical_cells_do_no_harm():
    counts = toy(1, 200)
    same = AnnData(
        sparse.vstack([counts.X] * 80).tocsr(),
        obs=pd.DataFrame(index=[f"c{k:02d}" for k in range(80)]),
        var=counts.var,
    )
    found = run(same)
    assert found.score.shape == (80,)


def test_a_small_sample_of_singlets_keeps_its_cells():
    """What a few cells say of the rate is taken with its doubt."""
    rng = np.random.default_rng(4)
    simulated = rng.beta(4, 3, 400)
    rates = [estimated_rate(rng.beta(3, 5, 200), simulated, 0.0016) for _ in range(50)]
    assert np.mean(rates) < 0.1 and min(rates) >= 0.0008
    large = estimated_rate(rng.beta(3, 5, 20_000), simulated, 0.0016)
    assert np.median(rates) < large


def test_neighbours_do_not_take_a_rare_class_away():
    """Cells that show genes of a class are kept where most of the class was called, and only
    there."""
    rng = np.random.default_rng(7)
    panels = [markers()[name].positive[:6] for name in ("dendritic", "B")]
    names = np.array([*panels[0], *panels[1], *(f"G{k}" for k in range(100))], dtype=object)
    mean = np.full((300, 112), 3.0)
    mean[:, :12] = 0.0
    mean[:8, :6] = mean[8:108, 6:12] = 3.0
    matrix = sparse.csr_matrix(rng.poisson(mean))
    profile = np.asarray(matrix.mean(axis=0)).ravel()
    ambient = Ambient(profile / profile.sum(), "mean", 0.05, 0.0, 0.05)
    called = np.zeros(300, dtype=bool)
    called[:6] = called[8:28] = called[290:] = True
    kept = _whole_classes(matrix, names, ambient, called)
    assert kept[:8].all() and not kept[8:].any()
    called[3:6] = False
    called[:2] = True
    assert _whole_classes(matrix, names, ambient, called).sum() == 8
    called[2:8] = False
    assert not _whole_classes(matrix, names, ambient, called).any()
