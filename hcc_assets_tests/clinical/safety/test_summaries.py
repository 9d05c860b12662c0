"""Safety rules one by one: who is in the safety set, what is treatment-emergent, how a patient is
counted once."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.clinical import AdverseEvents, Disposition, Exposure, Subjects
from hcc_assets.schemas.safety import AE_TABLES
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.clinical.safety_frames import (
    adverse_events,
    ae_listings,
    ae_summary,
    aesi_summary,
    exposure,
    line,
    subjects,
    treatment_emergent,
)

CONFIG = StudyConfig()
CUTOFF = dt.date(2024, 12, 31)
EX = exposure(("S1", 300, "2024-03-15", "2024-06-30"), ("S2", 300, "2024-03-01", None))
DM = subjects(EX, {"USUBJID": "S3"})


def test_untreated_subjects_and_events_after_the_cutoff_do_not_count() -> None:
    ae = adverse_events(
        {"USUBJID": "S3", "AEDECOD": "Nausea", "AESTDTC": "2024-05-01"},
        {"USUBJID": "S2", "AEDECOD": "Nausea", "AESTDTC": "2024-05-02"},
    )
    flags = treatment_emergent(DM, EX, ae, CONFIG, cutoff=CUTOFF)
    assert list(flags["TRTEMFL"]) == ["Y", "N"]
    assert list(flags["SAFFL"]) == ["Y", "N"]
    early = ae_summary(DM, EX, ae, CONFIG, cutoff=dt.date(2024, 5, 1))
    assert line(early, "OVERVIEW", term="ANY TEAE")["events"] == 0
    before = ae_summary(DM, EX, ae, CONFIG, cutoff=dt.date(2024, 3, 10))
    assert line(before, "OVERVIEW", term="ANY TEAE")["n"] == 1


def test_patient_is_counted_once_at_maximum_grade_and_missing_grade_is_in_any_alone() -> None:
    ae = adverse_events(
        {"USUBJID": "S1", "AEDECOD": "Nausea", "AESTDTC": "2024-04-01", "AETOXGR": "1"},
        {"USUBJID": "S1", "AEDECOD": "nausea ", "AESTDTC": "2024-04-09", "AETOXGR": "3"},
        {"USUBJID": "S1", "AEDECOD": "Vomiting", "AESTDTC": "2024-04-09", "AETOXGR": None},
        {"USUBJID": "S2", "AEDECOD": "Nausea", "AESTDTC": "2024-04-01", "AETOXGR": None},
    )
    out = ae_summary(DM, EX, ae, CONFIG, cutoff=CUTOFF)

    def cell(level: str, **where: str) -> tuple[int, int]:
        row = line(out, "MAX_GRADE", level=level, **where)
        return int(row["patients"]), int(row["events"])

    pt = {"soc": "Soc", "term": "Nausea"}
    assert [cell(level, **pt) for level in ("1", "2", "3", "MISSING", "1-2", ">=3", "ANY")] == [
        (0, 1),
        (0, 0),
        (1, 1),
        (1, 1),
        (0, 1),
        (1, 1),
        (2, 3),
    ]
    assert (
        cell("ANY", soc="Soc", term="Vomiting")
        == (1, 1)
        == cell("MISSING", soc="Soc", term="Vomiting")
    )
    assert cell("3") == (1, 1) and cell("ANY") == (2, 4) and cell("MISSING") == (1, 2)
    assert line(out, "SOC_PT", **pt)["patients"] == 2
    assert line(out, "OVERVIEW", term="GRADE>=3")["pct"] == 50


def test_overview_lines() -> None:
    ae = adverse_events(
        {
            "USUBJID": "S1",
            "AEDECOD": "A",
            "AESTDTC": "2024-04-01",
            "AETOXGR": "3",
            "AEREL": "probable",
            "AEACN": "Dose  reduced",
        },
        {
            "USUBJID": "S1",
            "AEDECOD": "B",
            "AESTDTC": "2024-04-01",
            "AETOXGR": "4",
            "AEREL": "NOT RELATED",
            "AESER": None,
            "AESHOSP": "Y",
        },
        {
            "USUBJID": "S1",
            "AEDECOD": "C",
            "AESTDTC": "2024-04-01",
            "AETOXGR": "1",
            "AEREL": "SOMEHOW",
            "AEACN": "DRUG INTERRUPTED",
        },
        {
            "USUBJID": "S2",
            "AEDECOD": "D",
            "AESTDTC": "2024-04-01",
            "AETOXGR": "5",
            "AEREL": None,
            "AESER": "Y",
            "AEACN": "DRUG WITHDRAWN",
        },
        {
            "USUBJID": "S2",
            "AEDECOD": "E",
            "AESTDTC": "2024-04-01",
            "AETOXGR": "4",
            "AEREL": "REMOTE",
            "AEOUT": "FATAL",
        },
    )
    dm = subjects(
        EX,
        {"USUBJID": "S2", "DTHDTC": "2024-05-01", "DTHFL": "Y"},
        {"USUBJID": "S3", "DTHDTC": "2024-05-01", "DTHFL": "Y"},
    )
    out = ae_summary(dm, EX, ae, CONFIG, cutoff=CUTOFF)
    found = (
        out.loc[out["table"] == "OVERVIEW"]
        .set_index("term")[["patients", "events"]]
        .apply(tuple, axis=1)
        .to_dict()
    )
    assert found == {
        "ANY TEAE": (2, 5),
        "GRADE>=3": (2, 4),
        "RELATED": (2, 3),
        "RELATED GRADE>=3": (2, 2),
        "SERIOUS": (2, 2),
        "FATAL": (1, 2),
        "DRUG WITHDRAWN": (1, 1),
        "DOSE REDUCED": (1, 1),
        "DRUG INTERRUPTED": (1, 1),
        "RELATED SERIOUS": (1, 1),
        "RELATED FATAL": (1, 1),
        "DEATHS": (1, 1),
    }
    rel = (
        treatment_emergent(dm, EX, ae, CONFIG, cutoff=CUTOFF)
        .set_index("AEDECOD")["ARELDSC"]
        .to_dict()
    )
    assert rel == {"A": "MAPPED", "B": "MAPPED", "C": "UNMAPPED", "D": "MISSING", "E": "MAPPED"}


def test_death_after_the_cutoff_is_not_a_death_yet() -> None:
    dm = subjects(EX, {"USUBJID": "S2", "DTHDTC": "2025-01-05", "DTHFL": "Y"})
    out = ae_summary(dm, EX, adverse_events(), CONFIG, cutoff=CUTOFF)
    assert line(out, "OVERVIEW", term="DEATHS")["patients"] == 0


def test_a_death_of_ds_counts_where_dm_has_no_date_and_ends_the_risk() -> None:
    row = {
        "USUBJID": "S1",
        "DOMAIN": "DS",
        "DSDECOD": "Death",
        "DSSCAT": None,
        "DSSTDTC": "2024-07-10",
        "DSSTDT": pd.Timestamp("2024-07-10"),
        "DSSTDTF": None,
        "SRCROW": 1,
    }
    deaths = conform(Disposition, pd.DataFrame([row]))
    consent = conform(Disposition, pd.DataFrame([row | {"DSDECOD": "INFORMED CONSENT OBTAINED"}]))
    out = ae_summary(DM, EX, adverse_events(), CONFIG, cutoff=CUTOFF, disposition=deaths)
    without = ae_summary(DM, EX, adverse_events(), CONFIG, cutoff=CUTOFF, disposition=consent)
    assert [line(f, "OVERVIEW", term="DEATHS")["patients"] for f in (out, without)] == [1, 0]
    assert (
        line(without, "EAIR")["patient_years"] - line(out, "EAIR")["patient_years"]
    ) * 365.25 == pytest.approx((CUTOFF - dt.date(2024, 7, 10)).days)
    early = ae_summary(
        DM, EX, adverse_events(), CONFIG, cutoff=dt.date(2024, 7, 9), disposition=deaths
    )
    assert line(early, "OVERVIEW", term="DEATHS")["patients"] == 0


def test_a_criterion_beside_aeser_n_is_listed_and_counted_as_reported() -> None:
    ae = adverse_events(
        {"USUBJID": "S1", "AEDECOD": "A", "AESTDTC": "2024-04-01", "AESER": "N", "AESHOSP": "Y"}
    )
    assert (
        line(ae_summary(DM, EX, ae, CONFIG, cutoff=CUTOFF), "OVERVIEW", term="SERIOUS")["patients"]
        == 0
    )
    listed = ae_listings(DM, EX, ae, CONFIG, cutoff=CUTOFF)
    assert listed[["listing", "AESER", "criteria"]].to_numpy().tolist() == [
        ["SERIOUS", "N", "hospitalization"]
    ]


def test_nobody_treated_and_nothing_happened() -> None:
    none = ae_summary(empty(Subjects), empty(Exposure), empty(AdverseEvents), CONFIG, cutoff=CUTOFF)
    assert (none["n"] == 0).all() and none["pct"].isna().all() and (none["patients"] == 0).all()
    quiet = ae_summary(DM, EX, empty(AdverseEvents), CONFIG, cutoff=CUTOFF)
    assert set(quiet["table"]) == set(AE_TABLES)
    assert (quiet["n"] == 2).all() and (quiet["pct"] == 0).all()
    assert line(quiet, "EAIR")["lcl"] == 0 < line(quiet, "EAIR")["ucl"]
    assert (
        len(quiet.loc[quiet["table"] == "OVERVIEW"])
        == len(none.loc[none["table"] == "OVERVIEW"])
        == 12
    )
    for function in (treatment_emergent, ae_listings, aesi_summary):
        function(empty(Subjects), empty(Exposure), empty(AdverseEvents), CONFIG, cutoff=CUTOFF)


def test_a_row_left_out_is_not_counted_but_stays_listed() -> None:
    ae = adverse_events(
        {
            "USUBJID": "S1",
            "AEDECOD": "A",
            "AESTDTC": "2024-04-01",
            "AESER": "Y",
            "AETERM": "verbatim",
        },
        {"USUBJID": "S1", "AEDECOD": "B", "AESTDTC": "2024-04-01", "AETOXGR": "5"},
        {"USUBJID": "S3", "AEDECOD": "C", "AESTDTC": "2024-04-01", "AESLIFE": "Y", "AESHOSP": "Y"},
    )
    out = ae_summary(DM, EX, ae, CONFIG, cutoff=CUTOFF, left_out_rows=frozenset({1}))
    assert line(out, "OVERVIEW", term="ANY TEAE")["events"] == 1
    assert line(out, "OVERVIEW", term="SERIOUS")["patients"] == 0
    listings = ae_listings(DM, EX, ae, CONFIG, cutoff=CUTOFF, left_out_rows=frozenset({1}))
    assert list(
        zip(
            listings["listing"],
            listings["SRCROW"],
            listings["counted"],
            listings["TRTEMFL"],
            strict=True,
        )
    ) == [
        ("SERIOUS", 1, "N", "Y"),
        ("SERIOUS", 3, "Y", "N"),
        ("FATAL", 2, "Y", "Y"),
    ]
    assert listings["criteria"].tolist() == [None, "life threatening; hospitalization", None]
    assert "AETERM" not in listings.columns


def test_uncoded_events_are_counted_under_their_own_name() -> None:
    ae = adverse_events(
        {
            "USUBJID": "S1",
            "AEDECOD": None,
            "AEBODSYS": None,
            "AESTDTC": "2024-04-01",
            "AETERM": "free text",
        }
    )
    out = ae_summary(DM, EX, ae, CONFIG, cutoff=CUTOFF)
    assert line(out, "SOC_PT", soc="NOT CODED", term="NOT CODED")["patients"] == 1
    assert not out.astype(str).apply(lambda c: c.str.contains("free text")).any().any()


def test_order_is_by_frequency_then_name() -> None:
    rows = [
        ("S1", "z", "X"),
        ("S2", "z", "X"),
        ("S1", "a", "Y"),
        ("S2", "b", "Y"),
        ("S1", "c", "Y"),
        ("S1", "c", "Y"),
    ]
    ae = adverse_events(
        *({"USUBJID": s, "AEDECOD": p, "AEBODSYS": o, "AESTDTC": "2024-04-01"} for s, p, o in rows)
    )
    table = ae_summary(DM, EX, ae, CONFIG, cutoff=CUTOFF).query("table == 'SOC_PT'")
    expected = [
        ("ALL", "ALL"),
        ("Y", "ALL"),
        ("Y", "c"),
        ("Y", "a"),
        ("Y", "b"),
        ("X", "ALL"),
        ("X", "z"),
    ]
    assert list(zip(table["soc"], table["term"], strict=True)) == expected
