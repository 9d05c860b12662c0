"""Liver cells against normal cells of their own lineage: hepatocytes are not malignant because they
are unlike lymphocytes, and tumours of several kinds are found beside them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hcc_assets.cells.malignancy.decision import (
    MIN_CANDIDATES,
    MalignancyResult,
    call_malignancy,
)
from hcc_assets.cells.malignancy.lineage import Coherence, coherence
from hcc_assets.cells.malignancy.mesenchymal import mesenchymal_clone
from hcc_assets.cells.malignancy.populations import beyond
from hcc_assets.simulate.real_cells import simulate_real_sample
from hcc_assets.simulate.real_world import RealWorld, make_real_world
from hcc_assets.study.classes import IMMUNE_CLASSES

IMMUNE_ONLY = dict.fromkeys(
    ("fibroblast", "vascular_endothelial", "lymphatic_endothelial", "cholangiocyte"), -np.inf
)


@pytest.fixture(scope="module")
def world() -> RealWorld:
    return make_real_world(33)


def judged(
    world: RealWorld, patient: int, timepoint: str = "pre", **shift: float
) -> tuple[MalignancyResult, np.ndarray]:
    """Result and true class of single cells where only immune cells are known to be normal, and the
    lineage of a tumour is not told from that of hepatocytes."""
    drawn = simulate_real_sample(world, patient, timepoint, 700, 1, shift=IMMUNE_ONLY | shift)
    single = ~(drawn.truth["doublet"] | drawn.truth["damaged"]).to_numpy()
    true = drawn.truth["cell_class"].to_numpy(dtype=object)
    lineage = np.where(true == "tumour", "hepatocyte", true)
    kept = single & np.isin(lineage, ("hepatocyte", *IMMUNE_CLASSES))
    return call_malignancy(drawn.counts[kept], drawn.genes, lineage[kept]), true[kept]


@pytest.mark.parametrize("patient", [0, 2, 5])
def test_tumour_is_found_beside_hepatocytes_with_immune_cells_alone(
    world: RealWorld, patient: int
) -> None:
    result, true = judged(world, patient)
    malignant = result.calls["malignant"].to_numpy()
    assert malignant[true == "hepatocyte"].mean() <= 0.05
    assert malignant[true == "tumour"].mean() >= 0.85
    assert result.profile is not None and result.amplitude > 0.05


@pytest.mark.parametrize("patient", [1, 7])
def test_liver_without_tumour_has_none(world: RealWorld, patient: int) -> None:
    result, true = judged(world, patient, tumour=-np.inf, hepatocyte=1.5)
    assert result.calls["malignant"][true == "hepatocyte"].mean() <= 0.05
    assert result.profile is None


def test_the_same_cells_in_another_order_have_the_same_calls(world: RealWorld) -> None:
    drawn = simulate_real_sample(world, 0, "pre", 400, 2)
    true = drawn.truth["cell_class"].to_numpy(dtype=object)
    usual = call_malignancy(drawn.counts, drawn.genes, true).calls["malignant"].to_numpy()
    order = np.random.default_rng(0).permutation(len(true))
    again = call_malignancy(drawn.counts[order], drawn.genes, true[order]).calls["malignant"]
    assert (again.to_numpy() == usual[order]).mean() > 0.99


def test_a_very_shallow_sample_is_judged_by_the_panel(world: RealWorld) -> None:
    drawn = simulate_real_sample(world, 0, "pre", 300, 3)
    true = drawn.truth["cell_class"].to_numpy(dtype=object)
    rng = np.random.default_rng(0)
    hepatocyte = true == "hepatocyte"
    for share, sure in ((0.03, 0.0), (0.003, 0.8)):
        thin = drawn.counts.copy()
        thin.data = rng.binomial(thin.data, share).astype(np.int32)
        thin.eliminate_zeros()
        calls = call_malignancy(thin, drawn.genes, true).calls[hepatocyte]
        # with 60 molecules, which quality control lets nobody through, a call may be in doubt:
        # below the default limit of confidence the cell is unassigned
        assert (calls["malignant"] & (calls["confidence"] >= sure)).mean() <= 0.05


def test_genes_that_differ_one_by_one_are_no_copy_number() -> None:
    rng = np.random.default_rng(0)
    arms = np.repeat([f"{k}q" for k in range(1, 21)], 60).astype(object)
    expected = np.full(len(arms), 1 / len(arms))
    scatter = np.exp(rng.normal(0, 0.6, len(arms)))
    factor = np.where(np.isin(arms, ["3q", "8q", "11q"]), 1.4, 1.0)
    one, both = (
        coherence(rng.poisson(500 * f).astype(float), expected, arms)
        for f in (scatter, scatter * factor)
    )
    assert one is not None and both is not None
    assert one.ratio < 1.8 < both.ratio
    assert set(both.arms.nlargest(3).index) & {"3q", "8q", "11q"}
    assert coherence(np.zeros(len(arms)), expected, arms) is None
    assert isinstance(both.arms, pd.Series)


def test_fewer_arms_need_a_larger_deviation():
    """Twenty fibroblasts of a real tumour deviated by 1.53 over 21 arms, 1.44 with a macrophage
    less in the sample; a tumour in transition has 1.7 over 38."""

    def found(ratio: float, n: int) -> Coherence:
        return Coherence(ratio, 0.2, *[pd.Series(0.1, index=[f"{k}p" for k in range(n)])] * 2)

    assert not beyond(found(1.53, 21), 1.5) and beyond(found(1.53, 38), 1.5)
    assert beyond(found(1.7, 21), 1.5) and not beyond(found(1.49, 38), 1.5)
    assert beyond(found(1.51, 40), 1.5)


@pytest.mark.parametrize("n", [14, 30])
def test_few_normal_cells_in_a_large_tumour_are_judged_by_their_own_copy_number(
    world: RealWorld, n: int
) -> None:
    """The caller's word parts them, their arms decide: as many tumour cells under that name stay
    malignant."""
    drawn = simulate_real_sample(world, 0, "pre", 900, 1)
    true = drawn.truth["cell_class"].to_numpy(dtype=object)
    single = ~(drawn.truth["doublet"] | drawn.truth["damaged"]).to_numpy()
    normal = np.flatnonzero(single & (true == "hepatocyte"))[:n]
    kept = np.sort(np.r_[np.flatnonzero(single & (true != "hepatocyte")), normal])
    right = true[kept]
    found = call_malignancy(drawn.counts[kept], drawn.genes, right).calls["posterior"]
    assert found[right == "hepatocyte"].mean() < 0.3
    assert found[right == "tumour"].mean() > 0.95
    wrong = right.copy()
    wrong[np.flatnonzero(right == "tumour")[:n]] = "cholangiocyte"
    again = call_malignancy(drawn.counts[kept], drawn.genes, wrong).calls["posterior"]
    assert again[wrong == "cholangiocyte"].mean() >= (0.5 if n < 20 else 0.9)
    assert again[wrong == "hepatocyte"].mean() < 0.3


def test_a_dozen_fibroblasts_are_too_few_for_a_copy_number(world: RealWorld) -> None:
    """Ten of them once had one of .39, five times that of a tumour, over 22 arms."""
    drawn = simulate_real_sample(world, 5, "pre", 900, 1)
    true = drawn.truth["cell_class"].to_numpy(dtype=object)
    turned = np.flatnonzero(true == "tumour")
    genes, rows = drawn.genes[["gene_id", "gene"]], np.arange(len(true))
    for n, seen in ((60, True), (MIN_CANDIDATES - 1, False)):
        labels = true.copy()
        labels[turned] = "tumour"
        labels[true == "fibroblast"] = "pericyte"
        labels[turned[:n]] = "fibroblast"
        assert (mesenchymal_clone(drawn.counts, genes, labels, rows) is not None) == seen
