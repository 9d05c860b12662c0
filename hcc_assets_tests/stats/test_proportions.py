"""Exact intervals against stored R results and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from hcc_assets.stats.proportions import clopper_pearson, poisson_rate, wilson
from hcc_assets_tests.clinical.endpoint_frames import oracle, read_csv


def test_clopper_pearson_of_r() -> None:
    rows = read_csv(oracle("oracle", "proportion", "clopper_pearson.csv"))
    for row in rows:
        got = clopper_pearson(int(row["x"]), int(row["n"]), float(row["conf_level"]))
        assert got == pytest.approx((float(row["lower"]), float(row["upper"])), abs=1e-9)
    assert len(rows) > 100


def test_poisson_of_r() -> None:
    for row in read_csv(oracle("oracle", "proportion", "exact_poisson_rate.csv")):
        got = poisson_rate(int(row["events"]), float(row["person_years"]))
        assert got == pytest.approx(
            (float(row["rate"]), float(row["lower"]), float(row["upper"])), abs=1e-9
        )


def test_closed_forms_and_edges() -> None:
    assert clopper_pearson(0, 10) == (0.0, pytest.approx(1 - 0.025 ** (1 / 10)))
    assert clopper_pearson(10, 10) == (pytest.approx(0.025 ** (1 / 10)), 1.0)
    assert all(math.isnan(v) for v in (*clopper_pearson(0, 0), *poisson_rate(0, 0)))
    assert poisson_rate(0, 10)[:2] == (0.0, 0.0)
    for call in (
        lambda: clopper_pearson(3, 2),
        lambda: clopper_pearson(-1, 2),
        lambda: poisson_rate(-1, 2),
        lambda: clopper_pearson(1, 2, 1.0),
    ):
        with pytest.raises(ValueError, match="must"):
            call()


def test_wilson_of_many_is_wilson_of_each() -> None:
    low, high = wilson([0, 3, 50, 0], [10, 10, 50, 0])
    expected = proportion_confint([0, 3, 50], [10, 10, 50], method="wilson")
    assert np.allclose(low[:3], expected[0], atol=1e-12)
    assert np.allclose(high[:3], expected[1], atol=1e-12)
    assert np.isnan([low[3], high[3]]).all()


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_holds_the_estimate_and_mirrors(pair: tuple[int, int]) -> None:
    x, n = pair
    for function in (clopper_pearson, wilson):
        low, high = (float(v) for v in function(x, n))
        assert 0 <= low <= x / n + 1e-15
        assert x / n - 1e-15 <= high <= 1
        mirrored = function(n - x, n)
        assert (1 - high, 1 - low) == pytest.approx([float(v) for v in mirrored], abs=1e-9)
