"""Which adverse events are treatment-emergent."""

from __future__ import annotations

import datetime as dt

import pytest

from hcc_assets.study.config import StudyConfig, parse_config
from hcc_assets_tests.clinical.safety.test_summaries import CONFIG, CUTOFF, DM, EX
from hcc_assets_tests.clinical.safety_frames import adverse_events, treatment_emergent


def _flags(*rows: dict, cutoff: dt.date = CUTOFF, config: StudyConfig = CONFIG) -> dict[int, str]:
    found = treatment_emergent(
        DM,
        EX,
        adverse_events(*({"USUBJID": "S1", "AEDECOD": "Nausea"} | r for r in rows)),
        config,
        cutoff=cutoff,
    )
    return dict(zip(found["SRCROW"], found["TRTEMFL"], strict=True))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2024-03-14", None, "N"),  # the day before first dose
        ("2024-03-15", None, "Y"),  # day 1
        ("2024-07-30", None, "Y"),  # last dose + 30
        ("2024-07-31", None, "N"),  # last dose + 31
        (None, None, "Y"),  # missing start
        (None, "2024-03-14", "N"),  # missing start, ended before first dose
        (None, "2024-03-15", "Y"),
        (None, "2024-02", "N"),  # partial end: last of the month
        ("2024-03", None, "Y"),  # same month as first dose: not before first dose
        ("2024-03", "2024-03-10", "N"),  # … unless it ended before first dose
        ("2024-02", None, "N"),
        ("2024-04", None, "Y"),
        ("2024", None, "Y"),  # same year
        ("2023", None, "N"),
        ("2024-08", None, "N"),
    ],
)
def test_treatment_emergent_window(start: str | None, end: str | None, expected: str) -> None:
    assert _flags({"AESTDTC": start, "AEENDTC": end}) == {1: expected}


def test_window_is_a_setting_and_ongoing_dosing_does_not_end_it() -> None:
    assert _flags(
        {"AESTDTC": "2024-07-05"}, config=parse_config("[safety]\nteae_window_days = 5")
    ) == {1: "Y"}
    assert _flags(
        {"AESTDTC": "2024-07-06"}, config=parse_config("[safety]\nteae_window_days = 5")
    ) == {1: "N"}
    assert _flags({"USUBJID": "S2", "AESTDTC": "2024-12-30"}) == {1: "Y"}


def test_worsening_recorded_as_a_new_row_is_treatment_emergent_and_the_old_row_is_not() -> None:
    rows = (
        {"AESTDTC": "2024-02-01", "AEENDTC": "2024-04-01", "AETOXGR": "1"},
        {"AESTDTC": "2024-04-01", "AETOXGR": "3"},
    )
    assert _flags(*rows) == {1: "N", 2: "Y"}
