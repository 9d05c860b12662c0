"""Random-intercept model against the paired t test, statsmodels and symmetry."""

import numpy as np
import pytest
from scipy import stats

from hcc_assets.stats.mixed_model import random_intercept


def data(n_pairs: int, n_single: int, seed: int):
    rng = np.random.default_rng(seed)
    group = np.concatenate([np.repeat(np.arange(n_pairs), 2), n_pairs + np.arange(n_single)])
    x = np.concatenate([np.tile([0.0, 1.0], n_pairs), np.zeros(n_single)])
    effect = rng.normal(0, 1.0, group.max() + 1)
    return 0.6 * x + effect[group] + rng.normal(0, 0.6, x.size), x, group


def test_complete_pairs_give_the_paired_t_test():
    y, x, group = data(14, 0, 0)
    fit = random_intercept(y, x, group)
    reference = stats.ttest_rel(y[1::2], y[0::2])
    assert float(fit.test.estimate) == pytest.approx((y[1::2] - y[0::2]).mean())
    assert float(fit.test.df) == pytest.approx(13, rel=1e-3)
    assert float(fit.test.p_value) == pytest.approx(reference.pvalue, rel=1e-3)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_unbalanced_data_give_what_statsmodels_gives(seed):
    from statsmodels.regression.mixed_linear_model import MixedLM

    y, x, group = data(12, 9, seed)
    fit = random_intercept(y, x, group)
    reference = MixedLM(y, np.column_stack([np.ones_like(x), x]), group).fit(reml=True)
    assert float(fit.test.estimate) == pytest.approx(reference.fe_params[1], abs=1e-4)
    between = float(np.asarray(reference.cov_re).item())
    assert fit.variance_within == pytest.approx(reference.scale, rel=1e-3)
    assert fit.variance_between == pytest.approx(between, rel=5e-3)
    design = np.column_stack([np.ones_like(x), x])
    covariance = between * (group[:, None] == group) + reference.scale * np.eye(x.size)
    generalised = np.linalg.inv(design.T @ np.linalg.inv(covariance) @ design)
    assert float(fit.test.se) == pytest.approx(np.sqrt(generalised[1, 1]), rel=1e-3)
    assert 10 < float(fit.test.df) < 21


def test_singles_alone_give_the_two_sample_t_test():
    rng = np.random.default_rng(4)
    y, x = rng.normal(size=16), np.repeat([0.0, 1.0], 8)
    fit = random_intercept(y, x, np.arange(16))
    assert float(fit.test.p_value) == pytest.approx(stats.ttest_ind(y[8:], y[:8]).pvalue)


def test_swapping_time_turns_the_sign_and_nothing_to_compare_is_nan():
    y, x, group = data(8, 4, 5)
    forward, back = random_intercept(y, x, group).test, random_intercept(y, 1 - x, group).test
    assert float(forward.estimate) == pytest.approx(-float(back.estimate))
    assert float(forward.p_value) == pytest.approx(float(back.p_value))
    assert np.isnan(random_intercept(y[:6], np.zeros(6), group[:6]).test.p_value)
    assert np.isnan(
        random_intercept(np.ones(8), np.tile([0.0, 1.0], 4), np.repeat(range(4), 2)).test.p_value
    )
