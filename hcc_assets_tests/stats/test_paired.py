"""Exact small-sample statistics against enumeration, scipy and themselves under symmetry."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hcc_assets.stats.paired import (
    bootstrap_mean_ci,
    hodges_lehmann,
    hodges_lehmann_two_sample,
    mann_whitney_p,
    signed_rank_p,
    walsh_averages,
)

differences = st.lists(st.integers(-6, 6).map(float), min_size=1, max_size=9)


def enumerate_signed_rank(d: np.ndarray) -> float:
    d = d[d != 0]
    if d.size == 0:
        return 1.0
    ranks = stats.rankdata(np.abs(d))
    observed = abs(ranks[d > 0].sum() - ranks.sum() / 2)
    null = [
        abs((np.array(s) * ranks).sum() - ranks.sum() / 2) for s in product([0, 1], repeat=d.size)
    ]
    return float(np.mean([v >= observed - 1e-9 for v in null]))


@given(differences)
@settings(max_examples=60, deadline=None)
def test_signed_rank_is_the_enumeration_also_with_ties_and_zeros(values):
    d = np.array(values)
    beside = [enumerate_signed_rank(d + shift) for shift in (0.0, 1e-6, -1e-6)]
    assert signed_rank_p(values) == pytest.approx(max(beside))
    averages = (d[:, None] + d) / 2
    if (averages != 0).all():  # then the test does not jump at zero
        assert signed_rank_p(values) == pytest.approx(enumerate_signed_rank(d))


def test_signed_rank_with_a_zero_is_the_one_that_agrees_with_the_interval():
    d = np.array([0, 1, 2, 3, 4, 5.0])
    # R's wilcox.test drops the zero: 2 / 2^5; with the zero as the smallest of six it is 4 / 2^6
    # or 2 / 2^6
    assert signed_rank_p(d) == pytest.approx(2 / 32)
    where = hodges_lehmann(d)
    assert where.low <= 0
    assert signed_rank_p(d) > 1 - where.level


@given(st.lists(st.integers(-3, 8).map(float), min_size=5, max_size=14))
@settings(max_examples=150, deadline=None)
def test_the_interval_never_contradicts_its_p_value(values):
    where, p = hodges_lehmann(values), signed_rank_p(values)
    assert where.low <= where.estimate <= where.high
    assert (where.low > 0 or where.high < 0) == (p <= 1 - where.level + 1e-12)


@given(
    st.lists(st.integers(0, 6).map(float), min_size=3, max_size=8),
    st.lists(st.integers(0, 4).map(float), min_size=3, max_size=8),
)
@settings(max_examples=100, deadline=None)
def test_the_interval_of_two_groups_never_contradicts_its_p_value(x, y):
    where, p = hodges_lehmann_two_sample(x, y), mann_whitney_p(x, y)
    if np.isfinite(where.low):
        assert (where.low > 0 or where.high < 0) == (p <= 1 - where.level + 1e-12)


def test_interval_of_values_without_ties_is_that_of_order_statistics():
    # R's wilcox.test(conf.int = TRUE): Walsh averages number qsignrank(0.025, n) from either end
    d = np.random.default_rng(11).normal(0.2, 1, 12)
    averages, where = walsh_averages(d), hodges_lehmann(d)
    assert (where.low, where.high) == (averages[13], averages[-14])  # qsignrank(0.025, 12) is 14
    assert np.median(averages) == where.estimate


def test_most_values_equal_leave_one_shift():
    where = hodges_lehmann([1.0] * 12 + [2.0, 0.0])
    assert where.low == where.estimate == where.high == 1.0


@pytest.mark.parametrize("n", [5, 9, 20, 40])
def test_signed_rank_equals_scipy_without_ties(n):
    d = np.random.default_rng(n).normal(0.4, 1, n)
    assert signed_rank_p(d) == pytest.approx(stats.wilcoxon(d, method="exact").pvalue, rel=1e-12)


def test_signed_rank_is_not_fooled_by_rounding_of_proportions():
    assert signed_rank_p([0.3 - 0.1, -0.2, 0.5, 0.7]) == pytest.approx(
        signed_rank_p([0.2, -0.2, 0.5, 0.7])
    )


@given(differences)
@settings(max_examples=40, deadline=None)
def test_hodges_lehmann_turns_its_sign_and_keeps_its_p(values):
    forward, back = hodges_lehmann(values), hodges_lehmann([-v for v in values])
    assert forward.estimate == pytest.approx(-back.estimate)
    assert signed_rank_p(values) == pytest.approx(signed_rank_p([-v for v in values]))
    if np.isfinite(forward.low):
        assert (forward.low, forward.high) == pytest.approx((-back.high, -back.low))


def test_hodges_lehmann_interval_is_the_published_one():
    # Hollander and Wolfe, depression scale factor IV (R: ?wilcox.test), differences y - x; exact 95
    # % interval
    x = np.array([1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30])
    y = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29])
    where = hodges_lehmann(y - x)
    assert where.estimate == pytest.approx(-0.46)
    assert (where.low, where.high) == pytest.approx((-0.786, -0.010))
    assert where.level == pytest.approx(1 - 2 * 10 / 512)


def test_interval_says_how_sure_it_is_and_is_withheld_below_five():
    assert hodges_lehmann([1.0, 2, 3, 4, 5]).level == pytest.approx(0.9375)
    assert hodges_lehmann([1.0, 2, 3, 4, 5]).low == 1.0
    four = hodges_lehmann([1.0, 2, 3, 4])
    assert four.estimate == 2.5
    assert np.isnan(four.low)
    assert np.isnan(hodges_lehmann([]).estimate)


@given(
    st.lists(st.integers(0, 4).map(float), min_size=1, max_size=5),
    st.lists(st.integers(0, 4).map(float), min_size=1, max_size=5),
)
@settings(max_examples=60, deadline=None)
def test_mann_whitney_is_the_enumeration_also_with_ties(x, y):
    def enumerated(shift):
        ranks = stats.rankdata([*(np.array(x) + shift), *y])
        sums = np.array([ranks[list(c)].sum() for c in combinations(range(len(ranks)), len(x))])
        observed = ranks[: len(x)].sum()
        tails = np.mean(sums <= observed + 1e-9), np.mean(sums >= observed - 1e-9)
        return min(1.0, 2 * min(tails))

    assert mann_whitney_p(x, y) == pytest.approx(max(enumerated(s) for s in (0, 1e-6, -1e-6)))


def test_two_sample_shift_and_its_interval():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=9), rng.normal(size=12)
    assert mann_whitney_p(x, y) == pytest.approx(stats.mannwhitneyu(x, y, method="exact").pvalue)
    forward, back = hodges_lehmann_two_sample(x, y), hodges_lehmann_two_sample(y, x)
    assert forward.estimate == pytest.approx(-back.estimate)
    assert (forward.low, forward.high) == pytest.approx((-back.high, -back.low))
    # the interval holds exactly the shifts that the test does not reject
    assert mann_whitney_p(x - (forward.low + 1e-6), y) > 0.05
    assert mann_whitney_p(x - (forward.low - 1e-6), y) <= 0.05


def test_bootstrap_is_seeded_and_centred():
    x = np.random.default_rng(3).normal(2, 1, (30, 2))
    low, high = bootstrap_mean_ci(x, seed=7)
    again, _ = bootstrap_mean_ci(x, seed=7)
    assert np.array_equal(low, again)
    half = stats.t.ppf(0.975, 29) * x.std(axis=0, ddof=1) / np.sqrt(30)
    assert np.allclose(high - low, 2 * half, rtol=0.1)
    assert np.isnan(bootstrap_mean_ci(x[:1], seed=0)[0]).all()
    # without scatter, and where a draw in ten has none, there is no t
    flat = np.column_stack([np.zeros(5), [0, 0, 0, 0, 1.0], [0.1, 0.3, 0.2, 0.5, 0.4]])
    assert np.isnan(bootstrap_mean_ci(flat, seed=0)[0]).tolist() == [True, True, False]


def test_bootstrap_t_covers_what_the_percentile_interval_does_not():
    rng = np.random.default_rng(1)
    x = rng.exponential(1, (6, 600)) - rng.exponential(1, (6, 600))
    low, high = bootstrap_mean_ci(x, seed=2)
    assert 0.92 < np.mean((low <= 0) & (high >= 0)) < 0.99


def test_large_samples_stay_close_to_the_exact_answer():
    d = np.random.default_rng(5).normal(0.1, 1, 230)
    assert signed_rank_p(d) == pytest.approx(
        stats.wilcoxon(d, method="approx", correction=True).pvalue, rel=1e-6
    )
    where = hodges_lehmann(d)
    assert where.low < where.estimate < where.high
    assert walsh_averages([1.0, 3.0]).tolist() == [1.0, 2.0, 3.0]
