"""The calibration study in small: the published test keeps its level in every class where naive
tests do not, and says when it cannot know. The full one, with the bars, is in ``benchmarks``."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

_PATH = Path(__file__).parents[2] / "benchmarks" / "calibration.py"
_SPEC = importlib.util.spec_from_file_location("calibration", _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
calibration = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(calibration)


@pytest.fixture(scope="module")
def table():
    return calibration.calibrate(replicates=250, null_replicates=600, pairs=(12, 40), seed=3)


def test_bars(table):
    verdict = calibration.verdict(table)
    loose = verdict[~verdict["bar"].str.startswith(("null rate", "power"))]
    assert loose["met"].all(), loose.to_string()
    mine = table[table["method"].str.contains("published")]
    assert (mine["power"].to_numpy() > [0.7, 0.99]).all()
    assert mine["null_rate"].between(0.035, 0.068).all()
    assert mine["null_rate_worst"].max() < 0.09
    assert mine["null_rate_depth"].between(0.03, 0.075).all(), (
        "a biopsy with few cells is no effect"
    )


def test_the_reference_is_worth_its_place(table):
    at_40 = table[table["n_pairs"] == 40].set_index("method")
    assert (
        at_40.loc["CLR", "coverage_one_sided"]
        < 0.5
        < 0.9
        < at_40.loc["mode of abundant classes (published)", "coverage_one_sided"]
    )
    assert at_40.loc["pooled chi-square (cells as replicates)", "null_rate"] > 0.5


def test_nine_immune_classes_keep_the_level(monkeypatch):
    shares = np.array([0.10, 0.18, 0.02, 0.30, 0.08, 0.05, 0.08, 0.14, 0.05])
    monkeypatch.setattr(calibration, "SHARES", shares)
    counts = calibration.simulate(np.random.default_rng(4), 800, 10, np.zeros(9))
    test, _ = calibration.run(counts, "primary")
    assert 0.035 < (test.p_value < 0.05).mean() < 0.065
    assert 0.93 < ((test.ci_low <= 0) & (test.ci_high >= 0)).mean() < 0.97


def test_no_class_pays_for_the_one_that_varies_and_no_change_is_claimed_when_most_move():
    row = calibration.class_by_class(replicates=800, pairs=(12,)).iloc[0]
    assert row["null_rate_lowest"] > 0.025
    assert row["null_rate_highest"] < 0.075
    assert row["rightly_said"] > 0.88
