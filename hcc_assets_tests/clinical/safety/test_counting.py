"""Counts by hand: outcomes, events of special interest, exposure-adjusted rates."""

from __future__ import annotations

import datetime as dt

import pytest

from hcc_assets.study.config import parse_config
from hcc_assets_tests.clinical.safety.test_summaries import CONFIG, CUTOFF, DM, EX
from hcc_assets_tests.clinical.safety_frames import (
    adverse_events,
    ae_summary,
    aesi_summary,
    exposure,
    line,
    subjects,
)


def test_outcome_by_worst_and_by_rows() -> None:
    def row(subject: str, outcome: str | None) -> dict:
        return {"USUBJID": subject, "AEDECOD": "A", "AESTDTC": "2024-04-01", "AEOUT": outcome}

    ae = adverse_events(
        row("S1", "RECOVERED/RESOLVED"),
        row("S1", "UNKNOWN"),
        row("S1", "recovered/resolved with sequelae"),
        row("S2", "UNKNOWN"),
        row("S2", None),
    )
    out = ae_summary(DM, EX, ae, CONFIG, cutoff=CUTOFF)
    found = (
        out.loc[out["table"] == "OUTCOME"]
        .set_index("level")[["patients", "events"]]
        .apply(tuple, axis=1)
        .to_dict()
    )
    assert found == {
        "FATAL": (0, 0),
        "NOT RECOVERED/NOT RESOLVED": (0, 0),
        "RECOVERING/RESOLVING": (0, 0),
        "RECOVERED/RESOLVED WITH SEQUELAE": (1, 1),
        "RECOVERED/RESOLVED": (0, 1),
        "UNKNOWN": (1, 2),
        "MISSING": (0, 1),
    }


def test_aesi_by_preferred_term_whatever_the_capitals_and_zero_rows_stay() -> None:
    config = parse_config(
        '[safety.aesi]\nHYPERTENSION = ["Hypertension", "Blood pressure '
        'increased"]\nPERFORATION = ["Gastric perforation"]'
    )
    ae = adverse_events(
        {
            "USUBJID": "S1",
            "AEDECOD": "HYPERTENSION",
            "AESTDTC": "2024-04-01",
            "AETOXGR": "3",
            "AEOUT": "RECOVERED/RESOLVED",
            "AEACN": "DOSE REDUCED",
        },
        {
            "USUBJID": "S1",
            "AEDECOD": "Blood pressure increased",
            "AESTDTC": "2024-04-01",
            "AEOUT": "RECOVERING/RESOLVING",
        },
        {"USUBJID": "S2", "AEDECOD": "Hypertensive crisis", "AESTDTC": "2024-04-01"},
    )
    out = ae_summary(DM, EX, ae, config, cutoff=CUTOFF)
    aesi = out.loc[out["table"] == "AESI"].set_index("term")
    assert aesi["patients"].to_dict() == {"HYPERTENSION": 1, "PERFORATION": 0}
    assert aesi["events"].to_dict() == {"HYPERTENSION": 2, "PERFORATION": 0}
    detail = aesi_summary(DM, EX, ae, config, cutoff=CUTOFF).set_index(["aesi", "part", "level"])[
        "patients"
    ]
    assert detail["HYPERTENSION", "OVERVIEW", "NOT RESOLVED"] == 1
    assert detail["HYPERTENSION", "OVERVIEW", "RESOLVED"] == 0
    assert detail["HYPERTENSION", "ACTION", "DOSE REDUCED"] == 1
    assert detail["PERFORATION", "OVERVIEW", "ANY"] == 0


def test_exposure_adjusted_rate_by_hand() -> None:
    ex = exposure(
        ("S1", 300, "2024-01-01", "2024-01-10"),
        ("S2", 300, "2024-01-01", None),
        ("S3", 300, "2024-01-01", "2024-03-01"),
    )
    dm = subjects(ex, {"USUBJID": "S3", "DTHDTC": "2024-03-05", "DTHFL": "Y"})
    ae = adverse_events(
        {"USUBJID": "S1", "AEDECOD": "A", "AESTDTC": "2024-01-05"},
        {"USUBJID": "S1", "AEDECOD": "A", "AESTDTC": "2024-01-20"},
        {"USUBJID": "S2", "AEDECOD": "B", "AESTDTC": None},
    )
    out = ae_summary(dm, ex, ae, CONFIG, cutoff=dt.date(2024, 6, 30))
    days = {"S1": 5, "S2": 182, "S3": 65}  # first event; cutoff; death
    row = line(out, "EAIR", soc="Soc", term="A")
    assert (row["patients"], row["events"]) == (1, 2)
    assert row["patient_years"] == pytest.approx(sum(days.values()) / 365.25)
    assert row["rate_100py"] == pytest.approx(100 / (252 / 365.25))
    assert (row["lcl"], row["ucl"]) == pytest.approx(
        (100 * 0.0253178 / (252 / 365.25), 100 * 5.571643 / (252 / 365.25)), rel=1e-5
    )
    everyone = line(out, "EAIR")
    assert everyone["patient_years"] == pytest.approx(
        (5 + 1 + 65) / 365.25
    )  # a missing start is placed on day 1
    assert everyone["patients"] == 2
