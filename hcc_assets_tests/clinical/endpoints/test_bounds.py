"""Bounds of endpoints over open errors: single faults by hand, and random trials with spoilt cells
against their truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hcc_assets.clinical.endpoints import worlds
from hcc_assets.clinical.endpoints.envelope import endpoint_bounds
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.clinical.delivered_trial import CUTOFF, delivered
from hcc_assets_tests.clinical.spoilt_cells import FALSE
from hcc_assets_tests.clinical.spoilt_truth import bounds_of, judge

SCANS = """
    S1,0,2023-12-20,T01,TARGET,LIVER,LDIAM,50,
    S1,0,2023-12-20,NT01,NON-TARGET,LIVER,TUMSTATE,PRESENT,
    S1,1,2024-02-12,T01,TARGET,LIVER,LDIAM,48,
    S1,1,2024-02-12,NT01,NON-TARGET,LIVER,TUMSTATE,PRESENT,
    S1,2,2024-03-25,T01,TARGET,LIVER,LDIAM,46,
    S1,2,2024-03-25,NT01,NON-TARGET,LIVER,TUMSTATE,PRESENT,"""


def _one(folder: Path, scans: str, **more: str) -> dict[str, Any]:
    table = bounds_of(delivered(folder, scans, **more), StudyConfig(), CUTOFF)
    return {str(k): v for k, v in table.iloc[0].items()}


def test_without_open_errors_both_bounds_are_what_is_published(tmp_path: Path) -> None:
    row = _one(tmp_path, SCANS)
    assert row["N_OPEN"] == 0 and row["REASON"] is None and not row["WIDEST"]
    assert row["BOR_BEST"] == row["BOR_WORST"] == row["BOR"] == "SD"
    assert row["PFS_DAYS_MIN"] == row["PFS_DAYS_MAX"] == row["PFS_DAYS"] == 85


def test_a_length_that_cannot_be_read_is_anything_from_response_to_progression(
    tmp_path: Path,
) -> None:
    row = _one(tmp_path, SCANS.replace("LDIAM,46", "LDIAM,4O"))
    assert row["REASON"] == "TR26" and row["BOR"] == "SD"
    assert (row["BOR_BEST"], row["BOR_WORST"]) == ("PR", "SD")
    assert (row["PFS_DAYS_MIN"], row["PFS_DAYS_MAX"]) == (43, 85)
    assert (row["PFS_EVENT_MIN"], row["PFS_CNSR_MAX"]) == (85, 1)


def test_a_state_that_is_not_understood_can_be_progression(tmp_path: Path) -> None:
    row = _one(
        tmp_path,
        SCANS.replace("LDIAM,46", "LDIAM,0").replace(
            "03-25,NT01,NON-TARGET,LIVER,TUMSTATE,PRESENT",
            "03-25,NT01,NON-TARGET,LIVER,TUMSTATE,SMALLER",
        ),
    )
    assert (row["BOR_BEST"], row["BOR_WORST"]) == ("CR", "SD")
    assert row["PFS_EVENT_MIN"] == 85


def test_a_blocked_baseline_leaves_response_open(tmp_path: Path) -> None:
    row = _one(tmp_path, SCANS.replace("LDIAM,50", "LDIAM,?"))
    assert row["BOR"] == "NE"
    assert (row["BOR_BEST"], row["BOR_WORST"]) == ("PR", "PD")


def test_a_day_is_any_of_its_month_between_its_neighbours(tmp_path: Path) -> None:
    row = _one(tmp_path, SCANS.replace("2024-03-25", "2024-03"))
    assert row["REASON"] == "TR31"
    assert (row["PFS_DAYS_MIN"], row["PFS_DAYS_MAX"]) == (61, 91)


def test_a_word_of_therapy_may_or_may_not_end_what_counts(tmp_path: Path) -> None:
    row = _one(tmp_path, SCANS, cm="USUBJID,CMCAT,CMSTDTC\nS1,SOMETHING,2024-02-01\n")
    assert row["REASON"] == "CM01"
    assert (row["BOR_BEST"], row["BOR_WORST"]) == ("SD", "NE")
    assert row["PFS_DAYS_MIN"] == row["PFS_DAYS_MAX"]  # treatment policy counts on


def test_a_death_without_its_day_can_be_any_day_after_the_last_contact(tmp_path: Path) -> None:
    dm = "USUBJID,RFICDTC,DTHDTC,DTHFL\nS1,2023-12-12,,Y\n"
    row = _one(tmp_path, SCANS, dm=dm)
    assert row["REASON"] == "DM05" and row["PFS_DAYS_MAX"] == 366
    assert row["PFS_EVENT_MIN"] >= 85 and row["PFS_CNSR_MAX"] == 0


def test_too_many_combinations_give_the_widest_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worlds, "MAX_RESOLUTIONS", 2)
    row = _one(tmp_path, SCANS.replace("LDIAM,46", "LDIAM,4O"))
    assert row["WIDEST"] and row["N_OPEN"] == 1
    assert (row["BOR_BEST"], row["CBOR_WORST"]) == ("CR", "PD")
    assert (row["PFS_DAYS_MIN"], row["PFS_DAYS_MAX"]) == (1, 366)


def test_the_envelope_counts_every_subject_at_its_extremes(tmp_path: Path) -> None:
    scans = SCANS.strip() + "\n" + SCANS.strip().replace("S1", "S2").replace("LDIAM,46", "LDIAM,4O")
    bounds = bounds_of(delivered(tmp_path, scans), StudyConfig(), CUTOFF)
    table = endpoint_bounds(bounds).set_index(["measure", "source"])
    orr = table.loc[("ORR", "BOR")]
    assert (orr["x"], orr["x_min"], orr["x_max"], orr["n"], orr["n_open"]) == (0, 0, 1, 2, 1)
    assert orr["moves"] and not table.at[("DCR", "BOR"), "moves"]
    median = table.loc[("MEDIAN_PFS", "PFS_TP")]
    assert pd.isna(median["value"]) and median["value_min"] == 85 and pd.isna(median["value_max"])


def test_the_truth_is_inside_and_nothing_is_silent(tmp_path: Path) -> None:
    judged = judge(tmp_path, 10, 100)
    assert sum(j.outside for j in judged) <= 1, [j for j in judged if j.outside]
    assert not [j for j in judged if j.silent]


def test_false_cells_are_inside_or_seen_by_nobody(tmp_path: Path) -> None:
    judged = judge(tmp_path, 601, 100, FALSE)
    assert sum(j.outside for j in judged) <= 2, [j for j in judged if j.outside]
    assert sum(j.silent for j in judged) <= 2, [j for j in judged if j.silent]


@pytest.mark.slow
@pytest.mark.parametrize("block", range(40))
def test_ten_thousand_trials(tmp_path: Path, block: int) -> None:
    judged = judge(tmp_path, 100 + block, 250)
    assert sum(j.outside for j in judged) <= 2, [j for j in judged if j.outside]  # 1 % of 250
    assert not [j for j in judged if j.silent]
