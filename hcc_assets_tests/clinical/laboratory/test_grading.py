"""Grades as a function of the value: monotone, free of the unit, and as the rules say by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from hcc_assets.clinical.laboratory.grading import compare, grades
from hcc_assets.study.lab_rules import rules, units

TESTS = sorted({rule.test for rule in rules("5.0")})


def frame(test: str, values: np.ndarray, unit: str, **more: object) -> pd.DataFrame:
    found = units()[test, unit]
    base = {
        "test": test,
        "value": values * found.to_standard,
        "printed": found.printed,
        "scale": found.to_printed / found.to_standard,
        "bound": 0,
        "base": np.nan,
        "relative": False,
        "low": np.nan,
        "high": np.nan,
    }
    return pd.DataFrame(base | more)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(TESTS),
    st.floats(0.01, 500),
    st.floats(1.01, 4),
    st.one_of(st.none(), st.floats(0.01, 900)),
    st.booleans(),
)
def test_a_worse_value_has_no_lower_grade(
    test: str, low: float, width: float, base: float | None, relative: bool
) -> None:
    values = np.sort(np.geomspace(1e-3, 1e5, 200))
    unit = next(key for name, key in units() if name == test)
    given = frame(
        test,
        values,
        unit,
        low=low,
        high=low * width,
        base=np.nan if base is None else base,
        relative=relative and base is not None,
    )
    found = grades(given, "5.0")
    up, down = found["grade_H"].dropna(), found["grade_L"].dropna()
    assert up.is_monotonic_increasing and down.is_monotonic_decreasing
    assert up.between(0, 4).all() and down.between(0, 4).all()


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(["NEUT", "PLAT", "WBC", "LYM"]), st.integers(1, 400_000))
def test_counts_have_one_grade_in_every_unit(test: str, cells: int) -> None:
    spelled = {"10^9/L": 1000, "/UL": 1, "10^3/ML": 1, "K/UL": 1000}
    found = [
        grades(frame(test, np.array([cells / per]), unit, low=2.0), "5.0").iloc[0]
        for unit, per in spelled.items()
    ]
    assert all(row.equals(found[0]) for row in found)


def test_liver_tests_are_relative_to_an_abnormal_baseline() -> None:
    values = np.array([149, 150, 300, 301, 500, 501, 2000, 2001.0])
    given = frame("ALT", values, "U/L", high=40.0, base=100.0, relative=True)
    assert list(grades(given, "5.0")["grade_H"]) == [0, 1, 1, 2, 2, 3, 3, 4]
    assert list(grades(given.assign(relative=False), "5.0")["grade_H"]) == [2, 2, 3, 3, 3, 3, 4, 4]


def test_without_a_range_no_grade_0_but_what_an_amount_gives() -> None:
    given = frame("HGB", np.array([7.9, 8, 9.9, 10, 20]), "G/DL")
    found = grades(given, "5.0")
    assert found["grade_L"].tolist()[:3] == [3, 2, 2] and found["grade_L"].isna()[3:].all()
    assert found["grade_H"].isna().all()


def test_numbers_that_differ_by_their_rounding_are_equal() -> None:
    assert 1.1 * 3 > 3.3  # in binary; not in the laboratory
    one, other = np.array([1.1 * 3, 3.3001, np.nan]), np.array([3.3, 3.3, 3.3])
    assert compare(one, other, ">").tolist() == [False, True, False]
    assert compare(one, other, "<=").tolist() == [True, False, False]
