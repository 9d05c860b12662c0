"""Exposure by hand: duration, days on drug, dose intensity, reductions, interruptions; overlaps and
open records."""

from __future__ import annotations

import datetime as dt
import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcc_assets.schemas.base import empty
from hcc_assets.schemas.clinical import Exposure, Subjects
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.clinical.safety_frames import (
    course_of,
    exposure,
    exposure_summary,
    subjects,
)

CONFIG = StudyConfig()
CUTOFF = dt.date(2024, 12, 31)


def _one(ex: pd.DataFrame, *extra: dict, cutoff: dt.date = CUTOFF) -> pd.Series:
    out = exposure_summary(subjects(ex, *extra), ex, CONFIG, cutoff=cutoff)
    assert len(out) == 1
    return out.iloc[0]


def test_reduction_interruption_gap_and_intensity() -> None:
    row = _one(
        exposure(
            ("S1", 300, "2024-01-01", "2024-01-10"),
            ("S1", 0, "2024-01-11", "2024-01-12"),
            ("S1", 0, "2024-01-13", "2024-01-15"),
            ("S1", 250, "2024-01-16", "2024-01-20"),
            ("S1", 200, "2024-01-26", "2024-01-30"),
            ("S1", 250, "2024-01-31", "2024-02-01"),
        )
    )
    assert row["duration_days"] == 32
    assert (row["days_on_drug"], row["interruption_days"], row["gap_days"]) == (22, 5, 5)
    assert row["cumulative_mg"] == 10 * 300 + 5 * 250 + 5 * 200 + 2 * 250
    assert row["dose_intensity"] == pytest.approx(5750 / 32)
    assert row["relative_dose_intensity"] == pytest.approx(100 * 5750 / 32 / 300)
    assert (row["reductions"], row["interruptions"]) == (2, 1)
    assert (row["first_dose_mg"], row["last_dose_mg"], row["records"]) == (300, 250, 6)
    assert not row["ongoing"]


def test_interruption_inside_a_longer_record_and_overlap_count_a_day_once() -> None:
    row = _one(
        exposure(
            ("S1", 300, "2024-01-01", "2024-01-31"),
            ("S1", 0, "2024-01-10", "2024-01-12"),
            ("S1", 200, "2024-01-20", "2024-01-21"),
        )
    )
    assert (row["days_on_drug"], row["interruption_days"], row["gap_days"]) == (28, 3, 0)
    assert row["cumulative_mg"] == 26 * 300 + 2 * 200
    assert (row["reductions"], row["interruptions"]) == (1, 1)


def test_open_record_runs_to_the_cutoff_to_death_or_to_the_next_record() -> None:
    ex = exposure(("S1", 300, "2024-12-01", None))
    row = _one(ex)
    assert (row["duration_days"], row["ongoing"], row["TRTEDT"]) == (
        31,
        True,
        pd.Timestamp("2024-12-31"),
    )
    row = _one(ex, {"USUBJID": "S1", "DTHDTC": "2024-12-10", "DTHFL": "Y"})
    assert (row["duration_days"], row["ongoing"]) == (10, False)
    row = _one(exposure(("S1", 300, "2024-12-01", None), ("S1", 0, "2024-12-11", "2024-12-31")))
    assert (row["duration_days"], row["days_on_drug"], row["interruptions"], row["ongoing"]) == (
        31,
        10,
        1,
        True,
    )


def test_cutoff_cuts() -> None:
    ex = exposure(
        ("S1", 300, "2024-01-01", "2024-01-31"),
        ("S1", 200, "2024-02-01", "2024-02-28"),
        ("S2", 300, "2024-03-01", "2024-03-31"),
    )
    row = _one(ex, cutoff=dt.date(2024, 1, 20))
    assert (row["duration_days"], row["ongoing"], row["reductions"], row["records"]) == (
        20,
        True,
        0,
        1,
    )


def test_unknown_unit_or_frequency_leaves_amounts_null() -> None:
    ex = exposure(
        ("S1", 300, "2024-01-01", "2024-01-10", {"EXDOSU": "g"}),
        ("S2", 300, "2024-01-01", "2024-01-10", {"EXDOSFRQ": "PRN"}),
    )
    out = exposure_summary(subjects(ex), ex, CONFIG, cutoff=CUTOFF)
    assert out["cumulative_mg"].isna().all() and out["relative_dose_intensity"].isna().all()
    assert (out["days_on_drug"] == 10).all()


def test_blocked_records_leave_the_subject_in_the_safety_set() -> None:
    ex = exposure(("S1", 300, "2024-01-01", "2024-01-10"))
    dm = subjects(ex)
    out = exposure_summary(dm, empty(Exposure), CONFIG, cutoff=CUTOFF)
    assert (
        out.loc[0, "duration_days"] == 10
        and np.isnan(out.loc[0, "cumulative_mg"])
        and out.loc[0, "records"] == 0
    )


def test_nobody_treated() -> None:
    assert exposure_summary(empty(Subjects), empty(Exposure), CONFIG, cutoff=CUTOFF).empty
    ex = exposure(("S1", 0, "2024-01-01", "2024-01-10"))
    assert course_of(subjects(ex), ex, CONFIG, CUTOFF).empty


_RECORD = st.tuples(
    st.sampled_from(["S1", "S2"]),
    st.sampled_from([0, 200, 250, 300]),
    st.integers(0, 60),
    st.none() | st.integers(0, 30),
)


@settings(max_examples=15, deadline=None)
@given(st.lists(_RECORD, min_size=1, max_size=8))
def test_days_agree_with_counting_them_one_by_one(
    records: list[tuple[str, int, int, int | None]],
) -> None:
    origin = dt.date(2024, 1, 1)
    day = dt.timedelta(days=1)
    rows = [
        (
            s,
            d,
            (origin + a * day).isoformat(),
            None if n is None else (origin + (a + n) * day).isoformat(),
        )
        for s, d, a, n in records
    ]
    ex = exposure(*rows)
    dm = subjects(ex)
    cutoff = origin + 75 * day
    out = exposure_summary(dm, ex, CONFIG, cutoff=cutoff).set_index("USUBJID")
    pd.testing.assert_frame_equal(
        out.reset_index(), exposure_summary(dm, ex.iloc[::-1], CONFIG, cutoff=cutoff)
    )
    assert (out["days_on_drug"] + out["gap_days"] <= out["duration_days"]).all()
    for subject in out.index:
        own = sorted((a, i, d, n) for i, (s, d, a, n) in enumerate(records) if s == subject)
        diary: dict[int, int] = {}
        for a, _, d, n in sorted(own, key=lambda r: (r[0], -r[2], r[1])):
            following = [b for b, *_ in own if b > a]
            end = a + n if n is not None else (min(following) - 1 if following else 75)
            for number in range(a, min(end, 75) + 1):
                diary[number] = d
        first = min(a for a, _, d, _ in own if d > 0)
        diary = {k: v for k, v in diary.items() if k >= first}
        assert out.loc[subject, "days_on_drug"] == sum(v > 0 for v in diary.values())
        assert np.nan_to_num(out.loc[subject, "cumulative_mg"]) == sum(diary.values())
        doses = [diary[k] for k in sorted(diary) if diary[k] > 0]
        assert out.loc[subject, "reductions"] == sum(b < a for a, b in itertools.pairwise(doses))
