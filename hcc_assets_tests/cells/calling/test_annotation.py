"""Calls: accurate, the same whatever the order of cells and genes, doubtful where nothing is known,
one row per barcode.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata import AnnData

from benchmarks import left_out, real_cells
from hcc_assets.cells.calling.annotation import annotate, without_blood_elements
from hcc_assets.cells.calling.changed_calls import label_changes
from hcc_assets.cells.calling.marker_evidence import marker_evidence
from hcc_assets.cells.quality.assessment import assess
from hcc_assets.cells.reference.building import build_reference
from hcc_assets.cells.reference.teaching import SampleInput
from hcc_assets.study.classes import CELL_CLASSES
from hcc_assets_tests.cells.cohort import CONFIG, Simulated, cohort, reference
from hcc_assets_tests.work import calls

PBMC = Path(__file__).resolve().parents[4] / "shared" / "data" / "pbmc4k"
REFINED = PBMC.parents[1] / "oracle/pbmc4k_refined/labels.csv"
"""The authors' labels with T, NK and dendritic cells told apart by marker counts."""


def _calls(sample: Simulated) -> pd.DataFrame:
    return annotate(sample.counts, sample.qc, reference(), CONFIG, sample_id=sample.sample_id).calls


def test_every_barcode_has_a_row_and_unseen_patients_are_labelled_right() -> None:
    right, total, unassigned = 0, 0, 0
    for sample in cohort()[6:]:
        calls = _calls(sample)
        assert list(calls["barcode"]) == list(sample.counts.obs_names)
        single = (
            ~(sample.truth["doublet"] | sample.truth["damaged"]).to_numpy()
            & calls["qc_status"].isin(["pass", "erythroid", "platelet"]).to_numpy()
        )
        right += int(
            (calls["cell_class"].to_numpy() == sample.truth["cell_class"].to_numpy())[single].sum()
        )
        unassigned += int((calls["cell_class"] == "unassigned").to_numpy()[single].sum())
        total += int(single.sum())
    assert right / total > 0.95
    assert unassigned / total < 0.04


def test_order_of_cells_and_genes_changes_no_byte() -> None:
    sample = cohort()[7]
    rng = np.random.default_rng(2)
    straight = _calls(sample).set_index("barcode").sort_index()
    counts = sample.counts[rng.permutation(sample.counts.n_obs)][
        :, rng.permutation(sample.counts.n_vars)
    ].copy()
    turned = (
        annotate(counts, assess(counts, CONFIG), reference(), CONFIG, sample_id="other")
        .calls.set_index("barcode")
        .sort_index()
    )
    pd.testing.assert_frame_equal(straight, turned, check_exact=False, atol=2e-6)
    assert (straight["cell_class"] == turned["cell_class"]).all()
    assert (straight["qc_status"] == turned["qc_status"]).all()


def test_cells_of_no_known_type_are_unassigned() -> None:
    sample = cohort()[6]
    rng = np.random.default_rng(3)
    n = 60
    share = rng.permutation(np.asarray(sample.counts.X.sum(axis=0)).ravel()).astype(float)
    strange = rng.poisson(3000 * share / share.sum(), (n, len(share)))
    known = sample.counts.X.toarray()
    counts = AnnData(
        np.vstack([known, strange]).astype(np.int32),
        obs=pd.DataFrame(index=[*sample.counts.obs_names, *(f"X{i}" for i in range(n))]),
        var=sample.counts.var,
    )
    calls = annotate(counts, assess(counts, CONFIG), reference(), CONFIG, sample_id="s").calls.tail(
        n
    )
    assert (calls["cell_class"] == "unassigned").mean() >= 0.8


def test_delivery_with_symbols_only_gives_the_same_classes() -> None:
    sample = cohort()[6]
    counts = sample.counts.copy()
    counts.var["gene_id"] = counts.var["gene"]
    counts.var_names = counts.var["gene"].astype(str)
    calls = annotate(counts, assess(counts, CONFIG), reference(), CONFIG, sample_id="s").calls
    assert (calls["cell_class"].to_numpy() == _calls(sample)["cell_class"].to_numpy()).mean() > 0.99


def test_label_changes_names_exactly_the_cells_that_differ() -> None:
    calls = _calls(cohort()[6]).head(5)
    other = calls.copy()
    other.loc[2, "cell_class"] = "mast" if calls.loc[2, "cell_class"] != "mast" else "B"
    table = label_changes({"s": calls}, {"s": other})
    assert list(table["barcode"]) == [calls.loc[2, "barcode"]]
    assert label_changes({"s": calls}, {"s": calls}).empty
    assert len(label_changes({"s": calls}, {})) == 5


def test_twice_the_cells_are_called_with_hardly_more_calls() -> None:
    sample, work = cohort()[6], []
    for times in (2, 4):
        big = AnnData(
            sample.counts.X[np.tile(np.arange(500), times)],
            obs=pd.DataFrame(index=[f"c{i}" for i in range(500 * times)]),
            var=sample.counts.var,
        )
        qc = assess(big, CONFIG)
        work.append(calls(partial(annotate, big, qc, reference(), CONFIG, sample_id="s")))
    assert work[1] < 1.2 * work[0], work


@pytest.mark.skipif(not PBMC.exists(), reason="the shared real data are not beside the checkout")
def test_real_blood() -> None:
    from hcc_assets.cells.reading.tenx import find_matrix, read_counts

    counts = read_counts(find_matrix(PBMC / "filtered_feature_bc_matrix"))
    qc = assess(counts, CONFIG)
    calls = annotate(
        counts,
        qc,
        build_reference([SampleInput("pbmc", lambda: (counts, qc))], CONFIG),
        CONFIG,
        sample_id="pbmc",
    ).calls
    labels = pd.read_csv(REFINED).set_index("barcode")["refined"]
    truth = labels.reindex(calls["barcode"]).to_numpy().astype(str)
    kept = (calls["qc_status"] == "pass").to_numpy()
    for known, allowed, bar in (
        (("T_CD4", "T_CD8"), "T", 0.95),
        (("T_unconventional",), "T", 0.90),
        (("NK",), "NK", 0.90),
        (("B",), "B", 0.95),
        (("monocyte",), "monocyte", 0.95),
        (("cDC",), "dendritic", 0.80),
        (("pDC",), "dendritic", 0.90),
    ):
        mine = kept & np.isin(truth, known)
        assert (calls["cell_class"][mine] == allowed).mean() >= bar, known
    assert (
        calls["cell_class"][kept]
        .isin(["tumour", "hepatocyte", "vascular_endothelial", "lymphatic_endothelial"])
        .mean()
        < 0.01
    )


def test_cells_are_blood_elements_on_their_own_genes_only() -> None:
    genes = np.array(["HBB", "HBA1", "PPBP", "PF4", "CD3D", "ACTB"], dtype=object)
    counts = sp.csr_matrix(
        [[40, 30, 0, 0, 0, 9], [1, 0, 0, 0, 3, 90], [0, 0, 5, 4, 0, 9], [0, 0, 1, 0, 3, 90]]
    )
    ambient = np.array([0.02, 0.01, 0.001, 0.001, 0.01, 0.958])
    evidence = marker_evidence(counts, genes, ambient, np.full(4, 3.0))
    erythroid, platelet, none = map(CELL_CLASSES.index, ("erythroid", "platelet", "unassigned"))
    called = np.array([erythroid, erythroid, platelet, platelet])
    assert list(without_blood_elements(called, evidence)) == [erythroid, none, platelet, none]


@pytest.mark.parametrize(("name", "least"), [("small", 0.9), ("head_and_neck", 0.85)])
def test_a_small_home_of_real_cells_is_called_by_the_prior(name: str, least: float) -> None:
    found = real_cells.calls_of(name)
    if found is None:
        pytest.skip(f"no {name}: ../shared is not there")
    row = real_cells.summary(name, found)
    assert row["macro_f1"] >= least and row["unassigned"] <= 0.08
    assert (found["qc_status"] == "pass").mean() >= 0.85


def test_dendritic_cells_alone_and_a_mixed_tumour_find_their_class_without_their_study() -> None:
    if not left_out.PROFILES.exists():
        pytest.skip("no class profiles: ../shared is not there")
    counts, state = left_out.drawn("Lung_HCA", 12, depth=1200)
    lone = np.flatnonzero(state.str.startswith("dendritic").to_numpy())
    with left_out.shipped_instead(left_out.without("Lung_HCA")):
        mixed, _ = left_out.called(counts, "mixed")
        alone, _ = left_out.called(counts[lone].copy(), "alone")
    row = left_out.row_of("Lung_HCA", mixed.assign(state=state.to_numpy()))
    assert row["macro_f1"] >= 0.9 and row["unassigned"] <= 0.05
    passed = alone[alone["qc_status"] == "pass"]
    assert len(passed) >= 0.9 * len(lone)
    assert (passed["cell_class"] == "dendritic").mean() >= 0.9
