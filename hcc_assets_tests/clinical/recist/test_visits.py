"""New lesions, dates of a visit, readers, visit order, settings and blocked subjects.

Days from 2024-01-01.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hcc_assets.clinical.recist.responses import derive_responses
from hcc_assets.study.config import Recist, StudyConfig
from hcc_assets_tests.clinical.delivered_trial import delivered
from hcc_assets_tests.clinical.endpoint_frames import assessments, day, visit
from hcc_assets_tests.clinical.recist.test_responses import WHO, derive, targets, words


def test_equivocal_new_lesion_counts_from_its_first_scan_once_confirmed() -> None:
    base, one, two = (
        visit(0, -10, T01=50),
        visit(1, 42, T01=50, NEW01="EQUIVOCAL"),
        visit(2, 84, T01=50, NEW01="UNEQUIVOCAL"),
    )
    assert words(base, one) == ["SD"]
    got = derive(base, one, two)
    assert [(r["OVRLRESP"], str(r["ADT"].date())) for r in got] == [
        ("PD", day(42)),
        ("PD", day(84)),
    ]
    assert words(base, one, two, cutoff=dt.date.fromisoformat(day(83))) == ["SD"]
    other = visit(2, 84, T01=50, NEW02="UNEQUIVOCAL")
    assert words(base, one, other) == ["SD", "PD"]
    vanished = [
        base,
        one,
        visit(2, 84, T01=50, NEW01="ABSENT"),
        visit(3, 126, T01=50, NEW01="UNEQUIVOCAL"),
    ]
    assert words(*vanished) == ["SD", "SD", "PD"]
    still = [base, one, visit(2, 84, T01=50, NEW01="PRESENT")]
    assert words(*still) == ["SD", "SD"]


@pytest.mark.parametrize("state", ["UNEQUIVOCAL", "PRESENT", ("LDIAM", 12)])
def test_new_lesion_is_progression(state: Any) -> None:
    assert words(visit(0, -10, T01=50), visit(1, 42, T01=0, NEW01=state)) == ["PD"]


def test_same_visit_clarification_and_same_day_contradiction_of_a_new_lesion() -> None:
    base = visit(0, -10, T01=50)
    clarified = visit(1, 42, T01=50, NEW01="EQUIVOCAL") + visit(1, 45, NEW01="UNEQUIVOCAL")
    got = derive(base, clarified)
    assert (got[0]["OVRLRESP"], str(got[0]["ADT"].date())) == ("PD", day(42))
    assert words(
        base, visit(1, 42, T01=50, NEW01="EQUIVOCAL") + visit(1, 42, NEW01="UNEQUIVOCAL")
    ) == ["SD"]


def test_dates_of_a_visit_over_several_days() -> None:
    base = visit(0, -10, T01=50, T02=50, NT01="PRESENT")

    def date_of(*rows: list[dict[str, Any]]) -> str:
        return str(derive(base, [r for block in rows for r in block])[0]["ADT"].date())

    stable = visit(1, 42, T01=50) + visit(1, 45, T02=50) + visit(1, 44, NT01="PRESENT")
    assert date_of(stable) == day(45)
    assert date_of(
        visit(1, 42, T01=80) + visit(1, 44, T02=50) + visit(1, 47, NT01="PRESENT")
    ) == day(44)  # last target scan
    progressing = (
        visit(1, 42, T01=80) + visit(1, 44, T02=50) + visit(1, 43, NT01="UNEQUIVOCAL PROGRESSION")
    )
    assert date_of(progressing) == day(43)  # the earliest component
    assert date_of(progressing, visit(1, 41, NEW01="UNEQUIVOCAL")) == day(41)
    assert date_of(visit(1, 42, T01=50, NT01="PRESENT"), visit(1, 49, T02=None)) == day(
        42
    )  # what was not done is no scan


def test_earliest_of_several_non_targets_dates_the_progression() -> None:
    base = visit(0, -10, NT01="PRESENT", NT02="PRESENT")
    both = visit(1, 45, NT01="UNEQUIVOCAL PROGRESSION") + visit(
        1, 43, NT02="UNEQUIVOCAL PROGRESSION"
    )
    assert str(derive(base, both)[0]["ADT"].date()) == day(43)
    again = [
        visit(1, 42, NT01="ABSENT", NT02="ABSENT"),
        visit(2, 86, NT01="PRESENT") + visit(2, 84, NT02="PRESENT"),
    ]
    assert str(derive(base, *again)[1]["ADT"].date()) == day(84)


def test_no_baseline_is_ne_whatever_happens_later() -> None:
    got = derive(visit(1, 42, T01=30, NT01="PRESENT", NEW01="UNEQUIVOCAL"), visit(2, 84, T01=90))
    assert [(r["TRGRESP"], r["NTRGRESP"], r["OVRLRESP"]) for r in got] == [
        ("NE", "NE", "NE"),
        ("NE", "NA", "NE"),
    ]
    assert np.isnan(got[0]["BASE"])
    assert "no baseline" in got[0]["REASON"]


def test_readers_do_not_mix() -> None:
    rows = visit(0, -10, T01=100) + visit(1, 42, T01=60)
    other = [
        r | {"EVALUATOR": "RADIOLOGIST 1", "TRORRES": {"100": "50", "60": "50"}[r["TRORRES"]]}
        for r in rows
    ]
    third = [r | {"EVALUATOR": "RADIOLOGIST 2"} for r in rows[1:]]
    assert [(r["EVALUATOR"], r["OVRLRESP"]) for r in derive(rows, other, third)] == [
        ("INVESTIGATOR", "PR"),
        ("RADIOLOGIST 1", "SD"),
        ("RADIOLOGIST 2", "NE"),
    ]


def test_unscheduled_visit_is_placed_by_its_date_and_may_hold_only_a_new_lesion() -> None:
    got = derive(
        visit(0, -10, T01=100),
        visit(1, 42, T01=90),
        visit(2, 84, T01=50),
        visit(99, 60, T01=60),
        visit(1.5, 50, NEW01="UNEQUIVOCAL"),
    )
    assert [(r["VISITNUM"], r["OVRLRESP"]) for r in got] == [
        (1, "SD"),
        (1.5, "PD"),
        (99, "PR"),
        (2, "PR"),
    ]
    assert [r["NADIR_PRIOR"] for r in got] == [100, 90, 90, 60]


def test_visits_before_the_baseline_and_after_the_cutoff_are_left_out() -> None:
    early = visit(-1, -40, T01=20)
    assert words(
        early,
        visit(0, -10, T01=100),
        visit(1, 42, T01=60),
        visit(2, 84, T01=130),
        cutoff=dt.date.fromisoformat(day(42)),
    ) == ["PR"]


def test_partial_and_absent_dates_keep_the_order_of_visit_numbers() -> None:
    one, two, three = visit(1, 42, T01=90), visit(2, 50, T01=60), visit(3, 126, T01=73)
    two[0]["TRDTC"] = "2024-02"
    got = derive(visit(0, -10, T01=100), one, two, three)
    assert [(r["VISITNUM"], r["OVRLRESP"]) for r in got] == [(1, "SD"), (2, "PR"), (3, "PD")]
    two[0]["TRDTC"] = None
    got = derive(visit(0, -10, T01=100), one, two, three)
    assert [(r["VISITNUM"], r["OVRLRESP"]) for r in got] == [(1, "SD"), (2, "PR"), (3, "PD")]
    assert pd.isna(got[1]["ADT"])


def test_sticky_partial_response_only_after_confirmation() -> None:
    sticky = Recist(sticky_pr=True)
    assert words(*targets(100, 70, 70, 80)) == ["PR", "PR", "SD"]
    assert words(*targets(100, 70, 70, 80, 83), rules=sticky) == ["PR", "PR", "PR", "PR"]
    assert words(*targets(100, 70, 80), rules=sticky) == ["PR", "SD"]
    assert words(*targets(100, 70, 70, 84, 75), rules=sticky) == ["PR", "PR", "PD", "SD"]


def test_blocked_and_unknown_subjects_keep_their_visits_as_ne() -> None:
    rows = targets(100, 60)
    got = derive(*rows, blocked={"S1"})
    assert [(r["OVRLRESP"], r["TRGRESP"]) for r in got] == [("NE", "NE")]
    assert "data blocked" in got[0]["REASON"]
    assert np.isnan(got[0]["SUMDIAM"])
    stranger = visit(0, -10, "S9", T01=50) + visit(1, 42, "S9", T01=20)
    assert [r["OVRLRESP"] for r in derive(*rows, stranger)] == ["PR", "NE"]


def test_nothing_gives_an_empty_table() -> None:
    assert derive_responses(WHO, assessments([]), StudyConfig()).empty
    assert derive(visit(0, -10, T01=50)) == []


def test_reason_never_reads_as_a_threshold_that_was_not_reached() -> None:
    got = derive(*targets("100", "70.04", "84.04"))
    assert [r["OVRLRESP"] for r in got] == ["SD", "SD"]
    assert "29.9 %" in got[0]["REASON"]
    assert "19.9 %" in got[1]["REASON"]


@pytest.mark.parametrize(("second", "word"), [("46", "SD"), ("40", "NE")])
def test_a_partial_date_that_falls_on_a_scan_of_its_number_is_that_visit(
    tmp_path: Path, second: str, word: str
) -> None:
    """Two visits of one number and day once refused the responses of every subject."""
    seen = delivered(
        tmp_path,
        f"""
        S1,0,2023-12-20,T01,TARGET,LIVER,LDIAM,50,
        S1,1,2024-02-12,T01,TARGET,LIVER,LDIAM,48,
        S1,2,2024-05-23,T01,TARGET,LIVER,LDIAM,47,
        S1,99,2024-05-23,T01,TARGET,LIVER,LDIAM,46,
        S1,99,2024-05,T01,TARGET,LIVER,LDIAM,{second},
        S2,0,2023-12-20,T01,TARGET,LIVER,LDIAM,50,
        S2,1,2024-02-12,T01,TARGET,LIVER,LDIAM,20,""",
    )
    mine = seen.responses[seen.responses["USUBJID"] == "S1"]
    assert [(v, r) for v, r in zip(mine["VISITNUM"], mine["OVRLRESP"], strict=True)] == [
        (1, "SD"),
        (2, "SD"),
        (99, word),
    ]
    assert "TR31" in seen.asked("S1")
