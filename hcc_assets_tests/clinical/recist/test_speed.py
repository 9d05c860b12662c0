"""The promised speed: 1,000 subjects with 12 visits and 5 lesions in under 5 s of processor time,
and no worse than proportional growth."""

from __future__ import annotations

import time

import pytest

from benchmarks.endpoints import big_trial
from hcc_assets.clinical.recist.responses import derive_responses
from hcc_assets.study.config import StudyConfig


def _seconds(n_subjects: int, decimals: int) -> float:
    people, rows = big_trial(n_subjects, decimals=decimals)
    start = time.process_time()
    assert len(derive_responses(people, rows, StudyConfig())) == n_subjects * 12
    return time.process_time() - start


@pytest.mark.slow
@pytest.mark.parametrize("decimals", [1, 20])
def test_a_thousand_subjects_in_five_seconds(decimals: int) -> None:
    assert _seconds(1_000, decimals) < 5


@pytest.mark.slow
def test_growth_is_proportional() -> None:
    small, large = _seconds(500, 1), _seconds(5_000, 1)
    assert large < 20 * max(small, 0.1)
