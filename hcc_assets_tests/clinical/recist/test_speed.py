"""No worse than proportional growth: twice the subjects with 12 visits and 5 lesions are twice the
calls. The seconds that are promised are measured in ``benchmarks.performance``."""

from __future__ import annotations

import pytest

from benchmarks.endpoints import big_trial
from hcc_assets.clinical.recist.responses import derive_responses
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.work import calls


def _work(n_subjects: int, decimals: int) -> int:
    people, rows = big_trial(n_subjects, decimals=decimals)
    found: list[int] = []
    count = calls(lambda: found.append(len(derive_responses(people, rows, StudyConfig()))))
    assert found == [n_subjects * 12]
    return count


@pytest.mark.parametrize("decimals", [1, 20])
def test_growth_is_proportional(decimals: int) -> None:
    small, large = _work(100, decimals), _work(200, decimals)
    assert large < 2.1 * small
