"""Soft counts: intervals, bounds and tests that know how sure the calls are, and the scatter of
several needles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hcc_assets.stats.composition import compositions, timepoint_compositions
from hcc_assets.stats.composition_changes import composition_changes
from hcc_assets.stats.composition_logratio import Known, log_ratio_test
from hcc_assets.stats.composition_sensitivity import composition_sensitivity
from hcc_assets.stats.paired_changes import change_table
from hcc_assets.stats.proportions import wilson, wilson_wider
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.stats.trial import make_counts, make_samples

CONFIG = StudyConfig()
KEYS = ["denominator", "cell_class"]


def soft(counts: pd.DataFrame, *, variance: float = 0.0) -> pd.DataFrame:
    """Whole counts as sums of posteriors, with a variance of the calls per cell."""
    n = counts["n_cells"].astype(float)
    return counts.assign(n_expected=n, n_assigned=n, calls_variance=variance * n, calls_error=0.0)


def test_whole_posteriors_give_what_whole_cells_give() -> None:
    samples = make_samples(6)
    counts = make_counts(samples)
    for function in (compositions, timepoint_compositions, composition_changes):
        there, here = (
            function(samples, c, CONFIG).drop(columns="needle_sd_log2", errors="ignore")
            for c in (counts, soft(counts))
        )
        pd.testing.assert_frame_equal(there, here)


def test_doubtful_calls_widen_the_interval_of_a_share_and_unassigned_cells_bound_it() -> None:
    samples = make_samples(1, unpaired=1)
    rows = {"T": (60, 66.0, 58.0), "tumour": (100, 101.5, 99.0), "unassigned": (10, 2.5, 3.0)}
    counts = pd.DataFrame(
        [
            {
                "sample_id": "S000-pre",
                "cell_class": c,
                "qc_status": "pass",
                "n_cells": n,
                "n_expected": e,
                "n_assigned": a,
                "calls_variance": 0.0,
                "calls_error": 0.0,
            }
            for c, (n, e, a) in rows.items()
        ]
    )
    table = compositions(samples, counts, CONFIG).set_index(KEYS)
    row = table.loc[("all", "T")]
    assert (row["n_cells"], row["n_total"], row["n_expected"]) == (60, 170, 66.0)
    assert row["proportion"] == pytest.approx(66 / 170)
    assert row["proportion_min"] == pytest.approx(58 / 170)
    assert row["proportion_max"] == pytest.approx(68 / 170)
    wide = compositions(samples, counts.assign(calls_variance=20.0), CONFIG).set_index(KEYS)
    wider = compositions(samples, counts.assign(calls_error=8.0), CONFIG).set_index(KEYS)
    for other in (wide, wider):
        assert other.loc[("all", "T"), "ci_low"] < row["ci_low"]
        assert other.loc[("all", "T"), "ci_high"] > row["ci_high"]
        assert other.loc[("all", "T"), "proportion"] == row["proportion"]
    assert (table["proportion_min"].dropna() <= table["proportion"].dropna()).all()
    assert (table["proportion_max"].dropna() >= table["proportion"].dropna()).all()


def test_posteriors_that_no_cell_is_called_by_make_no_denominator() -> None:
    samples = make_samples(1, unpaired=1)
    counts = pd.DataFrame(
        {
            "sample_id": "S000-pre",
            "cell_class": ["tumour", "T"],
            "qc_status": "pass",
            "n_cells": [300, 0],
            "n_expected": [299.7, 0.3],
        }
    )
    table = compositions(samples, counts, CONFIG).set_index(KEYS)
    assert np.isnan(table.loc[("immune", "T"), "proportion"])
    assert table.loc[("all", "T"), "proportion"] == pytest.approx(0.001)
    assert not table.loc["immune"]["in_tests"].any()


def test_a_wider_interval_is_wilson_s_without_variance() -> None:
    x, n = np.array([0.0, 3.0, 50.0]), np.full(3, 50.0)
    for a, b in zip(wilson(x, n), wilson_wider(x, n, 0.0), strict=True):
        assert np.allclose(a, b)


def test_doubtful_calls_widen_the_interval_of_a_change_and_sure_ones_leave_it() -> None:
    samples = make_samples(9)
    counts = make_counts(samples, noise=0.2)
    names = ["log2_ratio_ci_low", "log2_ratio_ci_high"]
    sure, doubtful = (
        composition_changes(samples, soft(counts, variance=v), CONFIG).set_index(KEYS)
        for v in (0.0, 0.24)
    )
    width = [(t[names[1]] - t[names[0]]).loc["all"].dropna() for t in (sure, doubtful)]
    assert (width[1] / width[0]).median() > 1.0
    again = composition_sensitivity(samples, soft(counts, variance=0.24), CONFIG)
    primary = again[again["analysis"] == "primary"].set_index(KEYS)
    for name in names:
        rows = doubtful[name].reindex(primary.index)
        assert np.allclose(primary[name], rows, equal_nan=True), "the published test is this one"
    assert (sure["calls_share"].dropna() == 0).all()
    assert (doubtful.loc["all"]["calls_share"].dropna() > 0).all()
    assert (doubtful["mde_log2"].loc["all"].dropna() > 0).all()


def test_equal_errors_give_the_paired_t_of_equal_patients() -> None:
    changes = np.random.default_rng(3).normal(0, 1, (8, 5))
    weights = np.full(5, 0.2)
    plain = log_ratio_test(changes, weights)
    known = Known(np.zeros((8, 5)), np.full(5, 0.3), np.full(8, 2.0))
    same = log_ratio_test(changes, weights, known=known)
    assert np.allclose(plain.p_value, same.p_value)
    assert np.allclose(plain.ci_low, same.ci_low)


def test_a_class_is_not_in_its_own_reference() -> None:
    changes = np.random.default_rng(5).normal([1.0, 0, 0, 0], 1, (9, 4))
    weights = np.array([0.4, 0.3, 0.2, 0.1])
    known = Known(np.random.default_rng(6).uniform(0, 0.3, (9, 4)), np.zeros(4), np.ones(9))
    for k in (None, known):
        found = log_ratio_test(changes, weights, known=k)
        for j in range(4):
            rest = np.where(np.arange(4) == j, 0, weights) / (1 - weights[j])
            alone = log_ratio_test(changes, rest, known=k)
            for name in ("estimate", "se", "p_value", "ci_low", "ci_high"):
                assert np.isclose(getattr(found, name)[j], getattr(alone, name)[j]), name
    whole = log_ratio_test(changes, np.array([1.0, 0, 0, 0]))
    assert np.isnan(whole.p_value[0]) and abs(whole.estimate[0]) < 1e-12


def test_doubt_widens_every_interval_and_leaves_the_degrees_of_freedom() -> None:
    changes = np.random.default_rng(4).normal(0, 1, (8, 5))
    weights = np.full(5, 0.2)
    plain = log_ratio_test(changes, weights)
    known = Known(np.full((8, 5), 0.2), np.zeros(5), np.full(8, 2.0))
    wider = log_ratio_test(changes, weights, known=known)
    assert (wider.df == 7).all()
    assert (wider.ci_high - wider.ci_low > plain.ci_high - plain.ci_low).all()


def needles(seed: int, *, between: float, patients: int = 10) -> pd.DataFrame:
    """Odd patients have three needles at each timepoint, the others one."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(patients):
        own = rng.normal(0, 0.4, 6)
        for timepoint in ("pre", "post"):
            biopsy = own + rng.normal(0, 0.2, 6)
            for needle in range(3 if i % 2 else 1):
                log = np.log([0.3, 0.2, 0.2, 0.1, 0.1, 0.1]) + biopsy + rng.normal(0, between, 6)
                for c, n in enumerate(rng.multinomial(3000, np.exp(log) / np.exp(log).sum())):
                    name = f"P{i}-{timepoint}-{needle}"
                    rows.append((name, f"P{i}", timepoint, f"c{c}", n))
    return pd.DataFrame(
        rows, columns=["sample_id", "subject_id", "timepoint", "cell_class", "n_cells"]
    )


def test_needles_are_no_patients_and_their_scatter_is_measured() -> None:
    tables = [change_table(needles(s, between=0.6)) for s in range(6)]
    assert {n for t in tables for n in t["n_pairs"]} == {10}
    found = np.mean([t["needle_sd_log2"].mean() for t in tables])
    # sd of a log ratio against a mean of the classes, 0.6 natural log each
    assert 0.6 / np.log(2) * 0.8 < found < 0.6 / np.log(2) * 1.3
    none = [change_table(needles(s, between=0.0))["needle_sd_log2"].mean() for s in range(3)]
    assert max(none) < 0.15


def test_calls_without_the_drug_s_genes_have_their_change() -> None:
    samples = make_samples(8)
    counts = soft(make_counts(samples, effects={"macrophage": -1.2}))
    blind = counts["n_cells"].where(counts["cell_class"] != "macrophage", 100.0)
    found = composition_changes(samples, counts.assign(n_blind=blind), CONFIG).set_index(KEYS)
    row = found.loc[("all", "macrophage")]
    assert row["log2_ratio"] < -0.8 and abs(row["target_blind_log2_ratio"]) < 0.5
    same = composition_changes(samples, counts.assign(n_blind=counts["n_expected"]), CONFIG)
    assert np.allclose(same["target_blind_log2_ratio"], same["log2_ratio"], equal_nan=True)
    without = composition_changes(samples, counts, CONFIG)
    assert without["target_blind_log2_ratio"].isna().all()
