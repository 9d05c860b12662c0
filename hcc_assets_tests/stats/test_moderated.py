"""Variance moderation: closed forms, recovery of a known prior, and its limits."""

import numpy as np
import pytest
from patsy import cr
from scipy import optimize, special, stats

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


def limma_variances(s2: np.ndarray, df: float, covariate: np.ndarray) -> np.ndarray:
    """``squeezeVar(s2, df, covariate)`` of limma as it is written there (``fitFDist`` with
    ``splines::ns(covariate, df = 4, intercept = TRUE)``), with the spline basis of patsy."""
    n = s2.size
    parameters = 1 + (n >= 3) + (n >= 6) + (n >= 30)
    knots = np.quantile(covariate, np.linspace(0, 1, parameters))
    basis = (
        np.asarray(cr(covariate, knots=knots[1:-1], lower_bound=knots[0], upper_bound=knots[-1]))
        if parameters > 2
        else np.column_stack([np.ones(n), covariate])
    )
    floor = 1e-5 * np.median(s2)
    e = np.log(np.maximum(s2, floor)) - special.digamma(df / 2) + np.log(df / 2)
    q, _ = np.linalg.qr(basis)
    mean = q @ (q.T @ e)
    excess = ((e - mean) ** 2).sum() / (n - parameters) - special.polygamma(1, df / 2)
    if excess <= 0:
        return np.exp(mean)
    half = optimize.brentq(lambda x: special.polygamma(1, x) - excess, 1e-8, 1e12, rtol=1e-15)
    prior = np.exp(mean + special.digamma(half) - np.log(half))
    return (2 * half * prior + df * s2) / (2 * half + df)


@pytest.mark.parametrize("k", [4, 9, 30, 300])
@pytest.mark.parametrize("scatter", [4, 4000])
def test_trend_is_that_of_limma(k, scatter):
    rng = np.random.default_rng(k + scatter)
    for df in (1.0, 4.0, 20.0):
        x = rng.uniform(0, 12, k)
        s2 = rng.chisquare(scatter, k) / scatter * rng.chisquare(df, k) / df * np.exp(-x / 4)
        result = moderate_with_trend(s2, df, x)
        assert np.abs(np.log(result.variance / limma_variances(s2, df, x))).max() < 1e-12


def test_trend_of_few_or_equal_covariates_is_none():
    s2 = np.array([1.0, 2.0, 3.0, 4.0])
    for covariate in (np.ones(4), [np.nan, np.nan, 1.0, 1.0]):
        usable = np.isfinite(np.asarray(covariate))
        expected = moderate(np.where(usable, s2, np.nan), 3).variance
        assert np.allclose(moderate_with_trend(s2, 3, covariate).variance, expected, equal_nan=True)
    assert np.isfinite(moderate_with_trend([0.0, 1.0, 2.0], 3, [1, 2, 3]).variance).all()


def test_t_test_is_the_t_test_and_honest_about_zero_error():
    d = np.random.default_rng(4).normal(0.5, 1, 12)
    result = t_test(d.mean(), d.std(ddof=1) / np.sqrt(12), 11)
    reference = stats.ttest_1samp(d, 0)
    assert float(result.p_value) == pytest.approx(reference.pvalue)
    assert (float(result.ci_low), float(result.ci_high)) == pytest.approx(
        tuple(reference.confidence_interval())
    )
    assert np.isnan(t_test(1.0, 0.0, 5).p_value)
