"""Dates of clinical exports: partial ones completed by rule, ambiguous ones never guessed,
treatment dates from doses."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from hcc_assets_tests.clinical.export_files import BASE, frames, read, write_csv


def test_partial_dates_are_imputed_and_flagged(tmp_path: Path) -> None:
    export = read(write_csv(tmp_path, frames()))
    subject = export.tables["subjects"].iloc[1]
    assert (subject["RFICDTC"], subject["RFICDT"], subject["RFICDTF"]) == (
        "2024-01",
        pd.Timestamp("2024-01-01"),
        "D",
    )
    assert (subject["DTHDTC"], subject["DTHDT"], subject["DTHDTF"]) == (
        "2024-09",
        pd.Timestamp("2024-09-01"),
        "D",
    )
    event = export.tables["adverse_events"].iloc[0]
    assert (event["AESTDTC"], event["AESTDT"], event["AESTDTF"]) == (
        "2024-02",
        pd.Timestamp("2024-02-01"),
        "D",
    )


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2024-01", "", "2024-01-15"),  # same month as the first dose of 15 January
        ("2024", "", "2024-01-15"),
        ("2024-01", "2024-01-12", "2024-01-01"),  # over before the first dose
        ("2023-12", "", "2023-12-01"),
        ("2024-03", "", "2024-03-01"),
    ],
)
def test_partial_onset_is_not_placed_before_a_dose_of_the_same_period(
    tmp_path: Path, start: str, end: str, expected: str
) -> None:
    ae = [{**BASE["ae"][0], "AESTDTC": start, "AEENDTC": end}]
    event = read(write_csv(tmp_path, frames(ae=ae))).tables["adverse_events"].iloc[0]
    assert event["AESTDT"] == pd.Timestamp(expected)


def test_partial_end_is_the_last_possible_day_and_partial_death_not_before_the_last_dose(
    tmp_path: Path,
) -> None:
    dm = [BASE["dm"][0], {**BASE["dm"][1], "DTHDTC": "2024-08"}]
    ae = [{**BASE["ae"][0], "AEENDTC": "2024-02", "AEOUT": "RECOVERED/RESOLVED"}]
    tables = read(write_csv(tmp_path, frames(dm=dm, ae=ae))).tables
    assert tables["adverse_events"]["AEENDT"].iloc[0] == pd.Timestamp("2024-02-29")
    assert tables["subjects"]["DTHDT"].iloc[1] == pd.Timestamp("2024-08-20")


BAD_DATES = [
    "03/04/2024",
    "2024-02-30",
    "2024-13-05",
    "15MAR2024",
    "20240315",
    "2024-3-5",
    "--03-15",
    "45366",
]


@pytest.mark.parametrize(
    ("domain", "column", "check", "severity"),
    [
        ("dm", "RFICDTC", "DM02", "E"),
        ("ex", "EXSTDTC", "RD06", "E"),
        ("tr", "TRDTC", "RD06", "E"),
        ("ae", "AESTDTC", "RD06", "Q"),
    ],
)
def test_ambiguous_and_impossible_dates_are_issues_and_never_guessed(
    tmp_path: Path, domain: str, column: str, check: str, severity: str
) -> None:
    rows = [{**BASE[domain][0], "USUBJID": f"S{i}", column: bad} for i, bad in enumerate(BAD_DATES)]
    export = read(write_csv(tmp_path, frames(**{domain: rows})))
    hits = export.issues[
        (export.issues["check_id"] == check) & (export.issues["domain"] == domain.upper())
    ]
    expected = [(severity, f"S{i}", f"{domain} row {i + 1}") for i in range(len(BAD_DATES))]
    assert list(zip(hits["severity"], hits["subject_id"], hits["row_key"], strict=True)) == expected
    assert not any(hits["message"].str.contains(bad, regex=False).any() for bad in BAD_DATES)
    name = {"dm": "subjects", "ex": "exposure", "tr": "tumour_assessments", "ae": "adverse_events"}[
        domain
    ]
    frame = export.tables[name].set_index("SRCROW").sort_index()
    assert list(frame[column]) == BAD_DATES
    assert frame[column[:-1]].isna().all()


def test_treatment_dates_come_from_doses_above_zero(tmp_path: Path) -> None:
    row = BASE["ex"][0]
    ex = [
        {**row, "EXDOSE": "0", "EXSTDTC": "2024-01-05", "EXENDTC": "2024-01-08"},
        {**row, "EXDOSE": "300", "EXSTDTC": "2024-01-10", "EXENDTC": "2024-03-01"},
        {**row, "EXDOSE": "0", "EXSTDTC": "2024-03-02", "EXENDTC": "2024-04-30"},
        {**row, "USUBJID": "1E5", "EXDOSE": "0", "EXSTDTC": "2024-01-05", "EXENDTC": "2024-01-08"},
    ]
    subjects = read(write_csv(tmp_path, frames(ex=ex))).tables["subjects"].set_index("USUBJID")
    assert subjects.loc["001", ["TRTSDT", "TRTEDT", "ONGOING"]].tolist() == [
        pd.Timestamp("2024-01-10"),
        pd.Timestamp("2024-03-01"),
        False,
    ]
    assert subjects.loc["1E5", ["TRTSDT", "TRTEDT"]].isna().all()
    assert not subjects.loc["1E5", "ONGOING"]


def test_doses_after_the_cutoff_give_no_treatment_date(tmp_path: Path) -> None:
    folder = write_csv(tmp_path, frames())
    subjects = read(folder, cutoff=dt.date(2024, 1, 12)).tables["subjects"].set_index("USUBJID")
    assert subjects["TRTSDT"].notna().to_dict() == {"001": True, "1E5": False}
    subjects = read(folder, cutoff=dt.date(2024, 5, 1)).tables["subjects"].set_index("USUBJID")
    assert subjects.loc["1E5", "ONGOING"]
