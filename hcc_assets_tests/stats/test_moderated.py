"""Variance moderation: closed forms, recovery of a known prior, and its limits."""

import numpy as np
import pytest
from scipy import special, stats

from hcc_assets.stats.moderated import moderate, moderate_with_trend, t_test, trigamma_inverse


def test_trigamma_inverse_inverts():
    x = np.array([1e-4, 0.3, 1.0, 7.0, 1e5])
    assert np.allclose(trigamma_inverse(special.polygamma(1, x)), x, rtol=1e-6)


def test_posterior_is_the_weighted_mean_of_prior_and_sample():
    rng = np.random.default_rng(0)
    s2 = rng.chisquare(5, 400) / 5 * rng.chisquare(8, 400) ** -1 * 8
    result = moderate(s2, 5)
    prior = result.prior_variance[0]
    assert np.allclose(result.variance, (result.prior_df * prior + 5 * s2) / (result.prior_df + 5))
    assert np.allclose(result.df, 5 + result.prior_df)


def test_recovers_the_prior_that_made_the_variances():
    rng = np.random.default_rng(1)
    d0, s0, d = 6.0, 0.5, 7
    true = s0 * d0 / rng.chisquare(d0, 20_000)
    result = moderate(true * rng.chisquare(d, true.size) / d, d)
    assert result.prior_df == pytest.approx(d0, rel=0.1)
    assert result.prior_variance[0] == pytest.approx(s0, rel=0.05)


def test_equal_variances_are_pooled_and_the_df_are_those_of_all():
    result = moderate([1.0, 1.01, 0.99, 1.0], 10)
    assert np.isinf(result.prior_df)
    assert np.allclose(result.variance, result.prior_variance)
    assert np.allclose(result.df, 40)


def test_nothing_is_borrowed_by_one_or_from_nothing():
    assert moderate([2.0], 5).variance[0] == 2.0
    assert moderate([2.0], 5).df[0] == 5
    mixed = moderate([2.0, np.nan], [5, 5])
    assert mixed.variance[0] == 2.0
    assert np.isnan(mixed.variance[1])
    assert np.allclose(moderate([0.0, 0.0, 0.0], 4).variance, 0)


def test_replicates_are_independent_of_each_other():
    rng = np.random.default_rng(2)
    s2 = rng.chisquare(6, (5, 14)) / 6
    together = moderate(s2, 6)
    for i in range(5):
        assert np.allclose(together.variance[i], moderate(s2[i], 6).variance)


def test_trend_follows_the_covariate():
    rng = np.random.default_rng(3)
    x = rng.uniform(0, 10, 3000)
    expected = np.exp(-0.3 * x)
    result = moderate_with_trend(expected * rng.chisquare(6, x.size) / 6, 6, x)
    assert np.corrcoef(np.log(result.prior_variance), np.log(expected))[0, 1] > 0.99
    assert np.isinf(result.prior_df) or result.prior_df > 50


def test_t_test_is_the_t_test_and_honest_about_zero_error():
    d = np.random.default_rng(4).normal(0.5, 1, 12)
    result = t_test(d.mean(), d.std(ddof=1) / np.sqrt(12), 11)
    reference = stats.ttest_1samp(d, 0)
    assert float(result.p_value) == pytest.approx(reference.pvalue)
    assert (float(result.ci_low), float(result.ci_high)) == pytest.approx(
        tuple(reference.confidence_interval())
    )
    assert np.isnan(t_test(1.0, 0.0, 5).p_value)
