"""Malignant against normal: the simulated hard world, a real tumour of another organ, and what must
not change a call.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from hcc_assets.cells.malignancy import copy_number
from hcc_assets.cells.malignancy import decision as malignancy
from hcc_assets.cells.malignancy.decision import MalignancyResult, call_malignancy
from hcc_assets.cells.malignancy.mixture import split_normal_from_malignant
from hcc_assets.simulate.cells import (
    SimulatedSample,
    SimulationSettings,
    World,
    make_world,
    simulate_sample,
)

SHARED = Path(__file__).resolve().parents[3].parent / "shared"


@pytest.fixture(scope="module")
def hard() -> World:
    return make_world(1, SimulationSettings.hard())


@pytest.fixture(scope="module")
def biopsies(hard: World) -> list[SimulatedSample]:
    return [simulate_sample(hard, p, "pre", 1200, 0) for p in range(4)]


@pytest.fixture(scope="module")
def results(biopsies: list[SimulatedSample]) -> list[MalignancyResult]:
    return [call(b) for b in biopsies]


def call(sample: SimulatedSample, **more: object) -> MalignancyResult:
    labels = sample.truth["cell_class"]
    return call_malignancy(sample.counts, sample.genes, labels, **more)  # type: ignore[arg-type]


def clean(sample: SimulatedSample, *classes: str) -> np.ndarray:
    truth = sample.truth
    return (~truth["doublet"] & ~truth["damaged"] & truth["cell_class"].isin(classes)).to_numpy()


def test_the_bar_of_the_hard_simulation(
    biopsies: list[SimulatedSample], results: list[MalignancyResult]
) -> None:
    auroc, false, missed = [], [], []
    for sample, result in zip(biopsies, results, strict=True):
        both = clean(sample, "tumour", "hepatocyte")
        malignant = sample.truth["malignant"].to_numpy()
        auroc.append(roc_auc_score(malignant[both], result.calls["cnv_correlation"][both]))
        false.append(result.calls["malignant"][clean(sample, "hepatocyte")].to_numpy())
        missed.append(~result.calls["malignant"][clean(sample, "tumour")].to_numpy())
    assert (
        min(auroc) >= 0.98
        and np.concatenate(false).mean() < 0.02
        and np.concatenate(missed).mean() < 0.08
    )


def test_the_consensus_names_the_arms_of_the_clone(
    hard: World, results: list[MalignancyResult]
) -> None:
    for p, result in enumerate(results):
        assert result.profile is not None
        by_arm = result.profile.groupby([b.split(":")[0] for b in result.profile.index]).mean()
        arms = {a: f for a, f in hard.patient(p).arms.items() if a in by_arm.index}
        assert min(by_arm[a] for a, f in arms.items() if f > 1) > max(
            by_arm[a] for a, f in arms.items() if f < 1
        )


def test_few_cells_after_treatment_are_found_by_the_profile_from_before(
    hard: World, results: list[MalignancyResult]
) -> None:
    found, false = [], []
    for p, before in enumerate(results):
        post = simulate_sample(hard, p, "post", 1200, 0, shift={"tumour": -3.0})
        calls = call(post, patient_profiles=[before.profile]).calls
        found.append(calls["malignant"][clean(post, "tumour")].to_numpy())
        false.append(calls["malignant"][clean(post, "hepatocyte")].to_numpy())
    assert np.concatenate(found).mean() > 0.7 and np.concatenate(false).mean() < 0.02


@pytest.mark.parametrize("with_profile", [False, True])
def test_a_biopsy_without_tumour_has_none(
    hard: World, results: list[MalignancyResult], with_profile: bool
) -> None:
    for p in (1, 2):
        liver = simulate_sample(
            hard, p, "post", 900, 1, shift={"tumour": -np.inf, "hepatocyte": 1.5}
        )
        result = call(liver, patient_profiles=[results[p].profile] if with_profile else [])
        assert (
            result.calls["malignant"][clean(liver, "hepatocyte")].mean() < 0.02
            and result.profile is None
        )


def test_a_biopsy_of_tumour_alone_is_malignant_throughout(hard: World) -> None:
    tumour = simulate_sample(
        hard, 3, "pre", 900, 2, shift={"hepatocyte": -np.inf, "cholangiocyte": -np.inf}
    )
    assert call(tumour).calls["malignant"][clean(tumour, "tumour")].mean() > 0.95


def test_order_of_cells_and_genes_does_not_matter(
    biopsies: list[SimulatedSample], results: list[MalignancyResult]
) -> None:
    sample, usual = biopsies[0], results[0].calls
    rng = np.random.default_rng(0)
    cells, genes = rng.permutation(sample.counts.shape[0]), rng.permutation(sample.counts.shape[1])
    counts, labels = (
        sp.csr_matrix(sample.counts[cells][:, genes]),
        sample.truth["cell_class"].to_numpy()[cells],
    )
    shuffled = call_malignancy(counts, sample.genes.iloc[genes], labels).calls
    pd.testing.assert_frame_equal(shuffled, usual.iloc[cells].reset_index(drop=True), atol=1e-6)
    assert (shuffled["malignant"].to_numpy() == usual["malignant"].to_numpy()[cells]).all()
    symbols = sample.genes.iloc[genes].assign(gene_id=lambda g: g["gene"])
    by_symbol = call_malignancy(counts, symbols, labels).calls
    assert (by_symbol["malignant"].to_numpy() == usual["malignant"].to_numpy()[cells]).mean() > 0.99


def test_cells_that_are_no_candidates_get_no_call(
    biopsies: list[SimulatedSample], results: list[MalignancyResult]
) -> None:
    for sample, result in zip(biopsies, results, strict=True):
        other = ~sample.truth["cell_class"].isin(malignancy.CANDIDATES).to_numpy()
        assert (
            not result.calls["is_candidate"][other].any()
            and not result.calls["malignant"][other].any()
        )
        assert (
            result.calls.loc[other, ["cnv_correlation", "posterior", "confidence"]]
            .isna()
            .all()
            .all()
        )
        inside = result.calls[~other]
        assert inside["posterior"].between(0, 1).all() and inside["confidence"].between(0, 1).all()


@pytest.mark.parametrize("n", [0, 1, 5])
def test_too_few_cells_are_no_failure(biopsies: list[SimulatedSample], n: int) -> None:
    sample = biopsies[0]
    rows = np.flatnonzero(clean(sample, "tumour"))[:n]
    result = call_malignancy(
        sample.counts[rows], sample.genes, sample.truth["cell_class"].to_numpy()[rows]
    )
    assert len(result.calls) == n and result.profile is None


def test_oligodendroglioma_malignant_against_normal() -> None:
    path = SHARED / "data" / "oligodendroglioma" / "oligodendroglioma.h5ad"
    if not path.exists():
        pytest.skip("the shared folder with real tumours is not beside this checkout")
    import anndata

    data = anndata.read_h5ad(path)
    kind = data.obs["cell_type"].astype(str)
    malignant = kind.str.startswith("malignant").to_numpy()
    labels = np.where(kind.str.startswith("Micro"), "macrophage", "epithelial").astype(object)
    genes = pd.DataFrame({"gene_id": data.var_names, "gene": data.var_names})
    calls = call_malignancy(sp.csr_matrix(data.X), genes, labels).calls
    candidate = calls["is_candidate"].to_numpy()
    assert roc_auc_score(malignant[candidate], calls["cnv_correlation"][candidate]) >= 0.95


@settings(max_examples=25, deadline=None)
@given(st.floats(0.3, 0.8), st.integers(0, 300), st.integers(12, 300), st.integers(0, 10_000))
def test_the_mixture_finds_what_stands_apart_from_the_anchor(
    high: float, n_low: int, n_high: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x = np.concatenate([rng.normal(0, 0.05, n_low), rng.normal(high, 0.05, n_high)])
    posterior = split_normal_from_malignant(x, rng.normal(0, 0.05, 200))
    order = np.argsort(x)
    assert (np.diff(posterior[order]) >= -1e-12).all()
    assert (posterior[:n_low] < 0.5).mean() >= 0.9 if n_low else True
    assert (posterior[n_low:] > 0.5).mean() >= 0.9


def test_the_mixture_leaves_normal_cells_alone() -> None:
    rng = np.random.default_rng(0)
    assert split_normal_from_malignant(np.empty(0), np.zeros(3)).size == 0
    found = [
        split_normal_from_malignant(rng.normal(0, 0.15, 300), rng.normal(0, 0.15, 300))
        for _ in range(20)
    ]
    assert np.mean([(p > 0.9).mean() for p in found]) < 0.05


def test_windows_stay_inside_an_arm_and_leave_out_what_is_not_copy_number() -> None:
    from hcc_assets.study.genes import gene_table

    table = gene_table()
    where = copy_number.windows(
        pd.Index(table["gene_id"]), pd.Index(table["gene"]), np.ones(len(table), dtype=bool)
    )
    used = table.iloc[where.columns]
    assert not used["gene"].str.match(r"^(MT-|HLA-A$|IGK|TRA[VC]|RPL\d+$)").any() and set(
        used["chromosome"]
    ) <= {str(c) for c in range(1, 23)}
    assert used.index.is_monotonic_increasing and where.bins.is_unique
    np.testing.assert_allclose(np.asarray(where.weights.sum(axis=0)).ravel(), 1.0, rtol=1e-5)
    from hcc_assets.study.genes import positions

    arms = positions(used["gene_id"])["arm"].to_numpy()
    for column in range(0, len(where.bins), 40):
        assert set(arms[where.weights[:, [column]].nonzero()[0]]) == {where.arms[column]}
