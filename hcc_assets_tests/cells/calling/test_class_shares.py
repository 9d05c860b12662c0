"""Shares of cells: sums of posteriors agree with the calls where these are sure, a given call is a
whole cell, and prevalence takes back what doubtful cells give to classes that are not there."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hcc_assets.cells.calling.annotation import annotate
from hcc_assets.cells.calling.class_shares import class_shares
from hcc_assets.cells.pseudobulk import (
    at_prevalence,
    class_counts,
    prevalence_variance,
    soft_counts,
)
from hcc_assets.study.classes import CELL_CLASSES
from hcc_assets_tests.cells.cohort import CONFIG, cohort, reference

K = len(CELL_CLASSES)
AT = {c: i for i, c in enumerate(CELL_CLASSES)}


def test_sums_of_posteriors_keep_every_cell_and_follow_sure_calls() -> None:
    sample = cohort()[0]
    found = annotate(sample.counts, sample.qc, reference(), CONFIG, sample_id="s")
    assert found.shares.shape == (sample.counts.n_obs, K)
    assert np.allclose(found.shares.sum(axis=1), 1)
    table = soft_counts(found.calls, found.shares, {"T": 0.1}, found.blind_shares)
    hard = class_counts(found.calls)
    pd.testing.assert_frame_equal(table[list(hard.columns)], hard)
    passing = table[table["qc_status"] == "pass"]
    assert np.isclose(passing["n_expected"].sum(), passing["n_cells"].sum(), atol=1e-3)
    assert (passing["n_expected"] - passing["n_cells"]).abs().max() < 0.05 * passing[
        "n_cells"
    ].sum()
    assert (passing["n_assigned"] <= passing["n_expected"] + 1e-5).all()
    error = passing.set_index("cell_class")["calls_error"]
    assert error["T"] > 0 and error["B"] == 0


def test_a_cell_that_a_person_called_is_a_whole_cell_of_that_class() -> None:
    calls = pd.DataFrame(
        {
            "barcode": list("abc"),
            "qc_status": "pass",
            "cell_class": ["T", "mast", "unassigned"],
            "call_source": ["own", "curated", "external"],
        }
    )
    shares = np.zeros((3, K))
    shares[:, AT["T"]], shares[:, AT["NK"]] = 0.6, 0.4
    table = soft_counts(calls, shares, {"T": 0.5}, shares[:, ::-1]).set_index("cell_class")
    assert table.loc["mast", "n_expected"] == 1 and table.loc["mast", "calls_variance"] == 0
    assert table.loc["unassigned", "n_expected"] == 1
    assert np.isclose(table.loc[["T", "NK"], "n_expected"].sum(), 1)
    assert table.loc["mast", "n_blind"] >= 1 and np.isclose(table["n_blind"].sum(), 3)
    assert np.isclose(table.loc["T", "calls_error"], 0.5 * table.loc["T", "n_expected"])


def test_copy_number_divides_what_the_reference_gives_epithelium() -> None:
    p = np.zeros((2, K))
    p[:, AT["tumour"]], p[:, AT["hepatocyte"]], p[:, AT["T"]] = 0.5, 0.4, 0.1
    decided = np.full(2, AT["tumour"])
    named = np.array([AT["tumour"], AT["hepatocyte"]])
    shares = class_shares(p, decided, np.full(2, 0.5), named, np.array([0.81, 0.72]))
    assert np.allclose(shares[0, [AT["tumour"], AT["hepatocyte"], AT["T"]]], [0.81, 0.09, 0.1])
    assert np.allclose(shares[1, [AT["tumour"], AT["hepatocyte"], AT["T"]]], [0.18, 0.72, 0.1])


def test_a_cell_that_fits_no_profile_is_unassigned_as_a_whole() -> None:
    p = np.zeros((1, K))
    p[0, AT["T"]] = 1.0
    none = np.array([AT["unassigned"]])
    shares = class_shares(p, none, np.ones(1), none, np.ones(1))
    assert shares[0, AT["unassigned"]] == 1


def test_prevalence_is_found_where_posteriors_half_overlap() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random(4000) < 0.9  # class 0, else class 1
    looks = np.where(rng.random(4000) < 0.8, truth, ~truth)
    shares = np.where(looks[:, None], [0.8, 0.2], [0.2, 0.8])
    everyone = np.ones(4000, dtype=bool)
    assert abs(shares[:, 0].mean() - 0.9) > 0.1
    assert abs(at_prevalence(shares, everyone, ())[:, 0].mean() - 0.9) < 0.03
    sure = np.eye(2)[truth.astype(int)]
    assert np.array_equal(at_prevalence(sure, everyone, ()), sure)


def test_undecided_copy_number_is_no_evidence_of_single_cells():
    """Seventy liver cells that are malignant by .6 each are not seventy tumour cells, beside
    tumour and T cells that are sure; what else is in doubt moves as before."""
    shares = np.zeros((270, len(CELL_CLASSES)))
    liver, tumour, t, nk = (CELL_CLASSES.index(c) for c in ("hepatocyte", "tumour", "T", "NK"))
    shares[:70, [tumour, liver]] = 0.6, 0.4
    shares[70:170, tumour] = shares[170:250, t] = 1.0
    shares[250:, [t, nk]] = 0.6, 0.4
    found = at_prevalence(shares, np.ones(270, dtype=bool))
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    np.testing.assert_allclose(found[:70], shares[:70])
    assert found[250:, t].min() > 0.95
    assert at_prevalence(shares, np.ones(270, dtype=bool), ())[:70, tumour].min() > 0.95


def test_the_variance_of_a_prevalence_is_that_of_repeated_samples() -> None:
    """Observed information against 300 samples: half of the cells look like either of two classes,
    and what their sums scatter beyond the multinomial is the variance that is stated."""
    rng = np.random.default_rng(2)
    share = np.array([0.25, 0.15, 0.6])
    looks = np.array([[0.5, 0.35, 0.15, 0, 0], [0, 0.15, 0.35, 0.5, 0], [0, 0, 0, 0, 1.0]])
    posterior = np.nan_to_num(looks / looks.sum(axis=0)).T
    sums, stated, known = [], [], []
    for _ in range(300):
        row = np.repeat(np.arange(5), rng.multinomial(800, share @ looks))
        p = at_prevalence(posterior[row], np.ones(800, dtype=bool), ())
        sums.append(p.sum(axis=0))
        stated.append(prevalence_variance(p))
        known.append((p * (1 - p)).sum(axis=0))
    beyond = np.var(sums, axis=0, ddof=1)[:2] - 800 * (share * (1 - share))[:2]
    assert np.allclose(np.mean(stated, axis=0)[:2], beyond, rtol=0.3)
    assert (np.mean(known, axis=0)[:2] < 0.8 * np.mean(stated, axis=0)[:2]).all()


def test_sure_cells_have_no_variance_and_the_order_of_cells_is_none_of_its_business() -> None:
    sure = np.eye(4)[np.repeat([0, 1, 3], [500, 3, 40])]
    assert np.allclose(prevalence_variance(sure), 0, atol=1e-9)
    assert np.allclose(prevalence_variance(np.zeros((0, 4))), 0)
    p = np.random.default_rng(3).dirichlet(np.full(4, 0.3), 2000)
    there, back = prevalence_variance(p), prevalence_variance(p[::-1])
    assert np.allclose(there, back, rtol=0, atol=1e-7)
    assert (there >= (p * (1 - p)).sum(axis=0)).all(), "an estimated prevalence is no better known"
