"""ALBI, AFP, shifts, and values against reported events."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hcc_assets.clinical.laboratory.liver import albi, albi_grade, liver_safety, raised_afp
from hcc_assets.clinical.laboratory.shifts import lab_shifts
from hcc_assets.schemas.base import empty
from hcc_assets.schemas.labs import Labs
from hcc_assets_tests.clinical.laboratory.lab_frames import CONFIG, delivery, found, graded, lab

ALT = {"LBORNRHI": "40"}


def test_albi_by_hand_and_at_its_cuts() -> None:
    assert albi(10.0, 40.0) == pytest.approx(0.66 - 3.4)
    assert albi_grade([-2.61, -2.60, -2.59, -1.39, -1.38, np.nan]).tolist() == [
        *("1", "1", "2", "2", "3"),
        None,
    ]
    assert np.isnan(albi(0.0, 40.0))


def test_albi_and_afp_of_a_subject(tmp_path: Path) -> None:
    afp = {"LBORNRHI": "20"}
    days = (("2023-12-28", "0"), ("2024-02-01", "1"), ("2024-03-01", "2"))
    rows = [
        lab(test, value, unit, day, VISITNUM=visit, **(afp if test == "AFP" else {}))
        for test, unit, values in (
            ("BILI", "mg/dL", ("0.6", "1", "2")),
            ("ALB", "g/dL", ("4.2", "4", "3")),
            ("AFP", "ng/mL", ("400", "200", "350")),
        )
        for (day, visit), value in zip(days, values, strict=True)
    ]
    rows.append(lab("AFP", "5", "ng/mL", "2023-12-28", USUBJID="S2", **afp))
    rows.append(lab("AFP", "1", "ng/mL", USUBJID="S2", **afp))
    labs = graded(delivery(tmp_path, rows))
    liver = liver_safety(labs, CONFIG.labs).set_index("USUBJID")
    one = liver.loc["S1"]
    assert one["ALBI"] == pytest.approx(0.66 * np.log10(0.6 * 17.104) - 0.085 * 42)
    assert one["ALBI_LAST"] == pytest.approx(0.66 * np.log10(2 * 17.104) - 0.085 * 30)
    assert (one["ALBI_GRADE"], one["ALBI_WORST_GRADE"]) == ("1", "2")
    assert (one["AFP_BEST_PCHG"], one["AFP_LAST_PCHG"], one["AFP_RESPONSE"]) == (-50, -12.5, "Y")
    assert one["HYS_LAW"] is None and one["QUADRANT"] is None
    assert liver.loc["S2", "AFP_RESPONSE"] is None  # it was not raised
    stricter = CONFIG.labs.model_copy(update={"afp_response_percent": 51})
    assert liver_safety(labs, stricter)["AFP_RESPONSE"].tolist() == ["N", None]
    assert raised_afp(labs)["raised"].tolist() == [True, True, True, False, False]


def test_shifts_count_each_patient_once(tmp_path: Path) -> None:
    rows = []
    for subject, before, after in (("S1", "30", "130"), ("S2", "30", "130"), ("S3", None, "50")):
        if before:
            rows.append(lab("ALT", before, "U/L", "2023-12-28", USUBJID=subject, **ALT))
        rows.append(lab("ALT", "41", "U/L", "2024-01-10", USUBJID=subject, **ALT))
        rows.append(lab("ALT", after, "U/L", "2024-01-20", USUBJID=subject, **ALT))
    shifts = lab_shifts(graded(delivery(tmp_path, rows)))
    got = shifts[["base_grade", "worst_grade", "patients", "n"]].to_numpy().tolist()
    assert got == [["0", "2", 2, 3], ["MISSING", "1", 1, 3]]
    assert shifts["pct"].sum() == pytest.approx(100)


def test_nothing_gives_empty_tables() -> None:
    assert lab_shifts(empty(Labs)).empty and liver_safety(empty(Labs), CONFIG.labs).empty
    assert raised_afp(empty(Labs)).empty


EVENTS = {
    "no event": ("", {"LB03"}),
    "another event": ("S1,1,Rash,2024-01-10,2024-01-30,3\n", {"LB03"}),
    "its event": ("S1,1,Alanine aminotransferase increased,2024-01-10,,3\n", set()),
    "another name of it": ("S1,1,Transaminases increased,2024-01-10,2024-01-20,3\n", set()),
    "within a week": ("S1,1,Alanine aminotransferase increased,2024-01-22,2024-02-10,3\n", set()),
    "eight days later": (
        "S1,1,Alanine aminotransferase increased,2024-01-23,2024-02-10,3\n",
        {"LB03"},
    ),
    "too high a grade": (
        "S1,1,Alanine aminotransferase increased,2024-01-10,2024-01-20,4\n",
        {"LB04"},
    ),
    "too low a grade": (
        "S1,1,Alanine aminotransferase increased,2024-01-10,2024-01-20,1\n",
        {"LB04"},
    ),
    "perhaps over before the value": (
        "S1,1,Alanine aminotransferase increased,2023-12-30,2024-01,4\n",
        set(),
    ),
    "perhaps not begun at the value": (
        "S1,1,Alanine aminotransferase increased,2024-01,2024-02-10,1\n",
        set(),
    ),
    "in two rows": (
        "S1,1,Alanine aminotransferase increased,2024-01-10,2024-01-20,1\n"
        "S1,2,Alanine aminotransferase increased,2024-01-15,2024-01-25,3\n",
        set(),
    ),
    "a grade that cannot be read": (
        "S1,1,Alanine aminotransferase increased,2024-01-10,,III\n",
        set(),
    ),
}


def test_values_against_events(tmp_path: Path) -> None:
    rows, events = [], ""
    for i, (text, _) in enumerate(EVENTS.values()):
        who = {"USUBJID": f"P{i}", **ALT}
        rows += [lab("ALT", "30", "U/L", "2023-12-28", **who), lab("ALT", "210", "U/L", **who)]
        events += text.replace("S1,", f"P{i},")
    issues = found(delivery(tmp_path, rows, ae=events))
    assert set(issues["severity"]) == {"Q"}
    for i, (case, (_, expected)) in enumerate(EVENTS.items()):
        assert set(issues.loc[issues["subject_id"] == f"P{i}", "check_id"]) == expected, case


def test_a_grade_by_convention_asks_for_no_event(tmp_path: Path) -> None:
    issues = found(delivery(tmp_path, [lab("URATE", "500", "umol/L", LBORNRHI="420")]))
    assert issues.empty


def test_order_of_findings_is_that_of_rows(tmp_path: Path) -> None:
    rows = [lab("ALT", "210", "U/L", USUBJID=s, **ALT) for s in ("S2", "S1")]
    issues = found(delivery(tmp_path, rows))
    assert isinstance(issues, pd.DataFrame) and list(issues["subject_id"]) == ["S1", "S2"]
