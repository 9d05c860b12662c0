"""The paired test of composition: transform, reference, verdict, and the table of one denominator.
How often it is right is measured in ``benchmarks/calibration.py``; here are identities and cases.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hcc_assets.stats.composition import change_table
from hcc_assets.stats.composition_changes import composition_changes
from hcc_assets.stats.composition_logratio import (
    clr,
    log_ratio_test,
    posterior_log,
    sampling_variance,
    thinned_log,
)
from hcc_assets.stats.composition_reference import find_references
from hcc_assets.study.classes import DENOMINATORS
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.cells.matrices import shared
from hcc_assets_tests.stats.trial import make_counts, make_samples

CLASSES = [f"c{j:02d}" for j in range(14)]
SHARES = np.array([24, 8, 7, 12, 1.2, 19, 3, 2.2, 3, 6, 1.5, 5, 8, 1.0])


def long(before, after, classes=CLASSES) -> pd.DataFrame:  # type: ignore[no-untyped-def]
    """Counts of pairs as ``change_table`` takes them."""
    n, k = before.shape
    subject = np.repeat([f"P{i:02d}" for i in range(n)], k)
    return pd.concat(
        pd.DataFrame(
            {
                "sample_id": subject.astype(object) + time,
                "subject_id": subject,
                "timepoint": time,
                "cell_class": list(classes) * n,
                "n_cells": table.ravel(),
            }
        )
        for time, table in (("pre", before), ("post", after))
    )


def trial(shift, n=12, seed=0, sd=0.2):  # type: ignore[no-untyped-def]
    """Counts before and after of n patients; ``shift`` is the natural log change of each class."""
    rng = np.random.default_rng(seed)
    own = rng.normal(0, 0.4, (n, 14))

    def biopsy(added):  # type: ignore[no-untyped-def]
        p = SHARES * np.exp(own + rng.normal(0, sd, (n, 14)) + added)
        p /= p.sum(axis=1, keepdims=True)
        return np.array([rng.multinomial(900, q) for q in p]).astype(float)

    return biopsy(0.0), biopsy(np.asarray(shift))


def run(shift, **choices):  # type: ignore[no-untyped-def]
    return change_table(long(*trial(shift, **choices))).set_index("cell_class")


def test_one_class_that_falls_is_found_and_identifiable():
    shift = np.zeros(14)
    shift[3] = -1.2
    table = run(shift)
    fell = table.loc["c03"]
    assert fell["log2_ratio_ci_low"] < -1.2 / np.log(2) < fell["log2_ratio_ci_high"]
    assert fell["p_value"] < 1e-4
    assert fell["verdict"] == "IDENTIFIABLE"
    assert fell["reference_weight"] == 0
    assert table["reference_weight"].sum() == pytest.approx(1)
    assert table["p_value"].drop("c03").lt(0.05).sum() <= 2


def test_when_eight_of_fourteen_fall_both_readings_are_told():
    """The six others hold most cells and are the reference; the eight are most classes and could be
    it, so that no change is identifiable."""
    down = [1, 2, 3, 4, 7, 8, 10, 11]
    shift = np.zeros(14)
    shift[down] = -0.9
    table = run(shift)
    names = [CLASSES[j] for j in down]
    assert table.loc[names, "reference_weight"].sum() < 0.05
    assert table.loc[names, "log2_ratio"].median() == pytest.approx(-0.9 / np.log(2), abs=0.3)
    abundant = table.loc[["c00", "c01", "c02", "c03", "c05"]]
    assert abundant["verdict"].eq("DEPENDS ON REFERENCE").all()


def test_a_few_rare_classes_are_no_reference():
    """Five of fourteen classes with a tenth of the cells moved together: they moved, not the
    others, whatever else could be read into the shares."""
    rare = [4, 7, 8, 10, 13]
    shift = np.zeros(14)
    shift[rare] = 0.9
    table = run(shift, n=16)
    assert table["reference_weight"].iloc[rare].sum() < 0.05
    assert table["log2_ratio"].iloc[rare].gt(0).all()
    assert table["verdict"].iloc[[0, 3, 5]].eq("IDENTIFIABLE").all()


def test_abundant_blood_cells_did_not_fall_with_interferon():
    """Kang 2018: the four classes that the old reference rested on hold 14 % of the cells, and
    against them B, CD4 T cells and monocytes fell significantly."""
    table = pd.read_csv(
        shared("public_sets", "kang_composition", "df_cellCounts.csv"), index_col=0
    ).sort_index()
    before, after = (
        table[table.index.str.startswith(start)].to_numpy(dtype=float) for start in ("ctrl", "stim")
    )
    result = change_table(long(before, after, table.columns)).set_index("cell_class")
    held = result.loc[["B cells", "CD14+ Monocytes", "CD4 T cells"]]
    assert held["p_value"].gt(0.05).all()
    assert held["log2_ratio"].abs().max() < 0.1
    assert held["reference_weight"].sum() > 0.7


def test_the_class_that_varies_most_keeps_its_own_error():
    """A paired t of the class alone, against the weighted mean of the others: nothing is
    borrowed."""
    before, after = trial(np.zeros(14))
    table = change_table(long(before, after)).set_index("cell_class")
    log_before, log_after = thinned_log(before, after)
    changes = log_after - log_before
    weight = table["reference_weight"].to_numpy()
    others = (changes @ weight)[:, None] - changes * weight
    values = changes - others / (1 - weight)
    by_hand = stats.ttest_1samp(values, 0)
    assert np.allclose(table["p_value"], by_hand.pvalue)
    assert np.allclose(table["log2_ratio"], values.mean(axis=0) / np.log(2))
    interval = by_hand.confidence_interval()
    assert np.allclose(table["log2_ratio_ci_low"], interval.low / np.log(2))
    error = values.std(axis=0, ddof=1) / np.sqrt(12) / np.log(2)
    assert np.allclose(table["mde_log2"], (stats.t.ppf(0.975, 11) + stats.t.ppf(0.8, 11)) * error)


def test_the_published_table_has_these_numbers():
    samples = make_samples(11, unpaired=2)
    counts = make_counts(samples, effects={"T": 0.8})
    published = composition_changes(samples, counts, StudyConfig())
    for denominator, classes in DENOMINATORS.items():
        chosen = counts[(counts["qc_status"] == "pass") & counts["cell_class"].isin(classes)]
        own = change_table(chosen.merge(samples, on="sample_id")).set_index("cell_class")
        rows = published[published["denominator"] == denominator].set_index("cell_class")
        rows = rows.loc[[c for c in classes if c in own.index]]
        own = own.loc[rows.index]
        assert (own["verdict"] == rows["verdict"]).all()
        for column in ("log2_ratio", "p_value", "mde_log2", "reference_weight"):
            assert np.allclose(own[column], rows[column], equal_nan=True), column
    assert (rows["n_pairs"] == 9).all()


def test_absent_rows_are_zero_and_needles_are_summed():
    before, after = trial(np.zeros(14))
    before[:, 13] = 0
    whole = long(before, after)
    present = whole[whole["n_cells"] > 0].sample(frac=1, random_state=1)
    needles = pd.concat(
        present.assign(
            sample_id=present["sample_id"] + end, n_cells=present["n_cells"] * part, tissue=None
        )
        for end, part in (("a", 0.25), ("b", 0.75))
    )
    expected = change_table(whole).set_index("cell_class").drop(columns="needle_sd_log2")
    for other in (present, needles):
        got = change_table(other).set_index("cell_class").loc[expected.index]
        got.pop("needle_sd_log2")
        pd.testing.assert_frame_equal(got, expected, check_exact=False, rtol=1e-9)


def test_too_few_pairs_and_a_class_in_too_few_patients_are_insufficient():
    before, after = trial(np.zeros(14), n=6)
    before[2:, 4] = after[2:, 4] = 0
    table = change_table(long(before, after)).set_index("cell_class")
    assert table.loc["c04", "verdict"] == "INSUFFICIENT"
    assert table.loc["c04", ["log2_ratio", "p_value", "mde_log2"]].isna().all()
    assert table["verdict"].drop("c04").ne("INSUFFICIENT").all()
    table = change_table(long(before, after), min_pairs=7)
    assert table["verdict"].eq("INSUFFICIENT").all()
    assert table["n_pairs"].eq(6).all()
    swapped = change_table(long(before, after), before="post", after="pre").set_index("cell_class")
    forward = change_table(long(before, after)).set_index("cell_class")
    assert np.allclose(swapped["log2_ratio"], -forward["log2_ratio"], equal_nan=True)


def test_two_classes_move_against_each_other_and_nobody_knows_which():
    before, after = trial(np.zeros(14))
    after[:, 0] *= 3
    table = change_table(long(before[:, :2], after[:, :2], ["a", "b"]))
    assert table["verdict"].eq("DEPENDS ON REFERENCE").all()
    assert table["p_value"].iloc[0] == pytest.approx(table["p_value"].iloc[1])


def test_what_is_no_count_is_refused():
    before, after = trial(np.zeros(14))
    for bad in (-1.0, np.nan, np.inf):
        broken = before.copy()
        broken[0, 0] = bad
        with pytest.raises(ValueError, match="no count"):
            change_table(long(broken, after))


def test_paired_t_is_the_regression_with_patient_dummies():
    rng = np.random.default_rng(8)
    before, after = rng.normal(size=12), rng.normal(0.4, 1, 12)
    y = np.concatenate([before, after])
    design = np.column_stack([np.tile(np.eye(12), (2, 1)), np.repeat([0.0, 1.0], 12)])
    beta, residual, *_ = np.linalg.lstsq(design, y, rcond=None)
    se = np.sqrt(residual[0] / 11 * np.linalg.inv(design.T @ design)[-1, -1])
    d = after - before
    # two classes, each against the other: the log-ratio is +-d
    result = log_ratio_test(np.column_stack([d, -d]) / 2, [0.5, 0.5])
    assert result.estimate[0] == pytest.approx(beta[-1])
    assert result.se[0] == pytest.approx(se)


@given(
    st.lists(st.integers(0, 90), min_size=4, max_size=4),
    st.lists(st.integers(0, 900), min_size=4, max_size=4),
)
@settings(max_examples=80, deadline=None)
def test_thinning_is_symmetric_exact_and_blind_to_order(before, after):
    first, second = np.array(before, float), np.array(after, float)
    a, b = thinned_log(first, second)
    c, d = thinned_log(second, first)
    assert np.allclose(a, d)
    assert np.allclose(b, c)
    assert np.isfinite([a, b]).all()
    if 0 < first.sum() <= second.sum():
        assert np.allclose(a, np.log(first + 0.5))
        keep = first.sum() / second.sum()
        support = np.arange(int(second.max()) + 1)
        exact = [(stats.binom.pmf(support, n, keep) * np.log(support + 0.5)).sum() for n in second]
        assert np.allclose(b, exact, atol=2e-4)


def test_depth_alone_is_no_change():
    """Means over sampling of a rare class at 300 and at 6,000 cells agree, where the plain
    logarithm is off by a quarter."""
    rng = np.random.default_rng(9)
    p = np.array([0.004, 0.996])
    shallow, deep = rng.multinomial(300, p, 4000), rng.multinomial(6000, p, 4000)
    a, b = thinned_log(shallow, deep)
    assert abs((b - a)[:, 0].mean()) < 0.03
    plain = (
        np.log(deep[:, 0] + 0.5)
        - np.log(deep[:, 1])
        - np.log(shallow[:, 0] + 0.5)
        + np.log(shallow[:, 1])
    )
    assert abs(plain.mean()) > 0.1


@given(st.floats(0, 30), st.floats(0.05, 1))
@settings(max_examples=60, deadline=None)
def test_a_soft_count_lies_between_its_whole_neighbours(count, keep):
    def expected(value):  # type: ignore[no-untyped-def]
        total = max(value, 40.0)
        deep = np.array([value, total / keep - value])
        shallow = np.array([value * keep, total - value * keep])
        return thinned_log(deep, shallow)[0][0]

    low, here, high = (expected(v) for v in (np.floor(count), count, np.ceil(count)))
    assert low - 0.02 <= here <= high + 0.02


def test_clr_sums_to_zero_and_the_reference_ignores_a_common_factor():
    rng = np.random.default_rng(10)
    counts = rng.poisson(30, (9, 2, 6))
    assert np.allclose(clr(posterior_log(counts)[0]).sum(axis=-1), 0)
    changes, noise, share = rng.normal(size=(9, 6)), np.full(6, 0.1), np.full(6, 1 / 6)
    base = find_references(changes, noise, share)
    shifted = find_references(changes + rng.normal(size=(9, 1)), noise, share)
    assert np.allclose(base.primary, shifted.primary)
    assert np.allclose(base.weights.sum(axis=-1), 1)
    assert sampling_variance(0, 0) > sampling_variance(5, 5) > 0


def test_replicates_are_looked_at_one_by_one():
    rng = np.random.default_rng(11)
    changes, noise = rng.normal(size=(4, 9, 7)), np.full((4, 7), 0.1)
    share = rng.dirichlet(np.ones(7), 4)
    together = find_references(changes, noise, share)
    for i in range(4):
        alone = find_references(changes[i], noise[i], share[i])
        assert np.allclose(together.primary[i], alone.primary)
        assert np.allclose(together.second()[i], alone.second(), equal_nan=True)
