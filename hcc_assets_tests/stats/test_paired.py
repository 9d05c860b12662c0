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
    assert signed_rank_p(values) == pytest.approx(enumerate_signed_rank(np.array(values)))


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
    ranks = stats.rankdata([*x, *y])
    sums = np.array([ranks[list(c)].sum() for c in combinations(range(len(ranks)), len(x))])
    observed = ranks[: len(x)].sum()
    expected = min(1.0, 2 * min(np.mean(sums <= observed + 1e-9), np.mean(sums >= observed - 1e-9)))
    assert mann_whitney_p(x, y) == pytest.approx(expected)


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
    half = 1.96 * x.std(axis=0, ddof=1) / np.sqrt(30)
    assert np.allclose(high - low, 2 * half, rtol=0.1)
    assert np.isnan(bootstrap_mean_ci(x[:1], seed=0)[0]).all()


def test_large_samples_stay_close_to_the_exact_answer():
    d = np.random.default_rng(5).normal(0.1, 1, 230)
    assert signed_rank_p(d) == pytest.approx(
        stats.wilcoxon(d, method="approx", correction=True).pvalue, rel=1e-6
    )
    where = hodges_lehmann(d)
    assert where.low < where.estimate < where.high
    assert walsh_averages([1.0, 3.0]).tolist() == [1.0, 2.0, 3.0]
