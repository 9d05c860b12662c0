"""Results as sites write them: bounds, commas, units, strips, specimens, repeats, dates."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from hcc_assets.schemas.labs import Labs
from hcc_assets.study.lab_rules import aliases, event_terms, rules, standard_units, unit_key, units
from hcc_assets_tests.clinical.laboratory.lab_frames import (
    CONFIG,
    Rows,
    delivery,
    found,
    graded,
    lab,
)

BLOOD = {"LBSPEC": "BLOOD"}


RESULTS: list[tuple[dict[str, str], float, str | None]] = [
    (lab("NEUT", "<0.5", "10^9/L", **BLOOD), 0.5, "-4"),  # below 0.5, so not grade 3
    (lab("PLAT", ">75", "10^9/L", LBORNRLO="50"), 75, "0"),
    (lab("BILI", "62,5", "umol/L", LBORNRHI="20"), 62.5, "3"),
    (lab("ANC", "900", "/mm3"), 0.9, "-3"),
    (lab("WBC", "2,5", "x10E9/L", **BLOOD), 2.5, "-2"),
    (lab("CREAT", "2.4", "mg/dL", LBORNRHI="1.2"), 212.16, "2"),
    (lab("PROT", "++", LBSPEC="URINE"), 2, "2"),
    (lab("PROT", "Negative", LBSPEC="URINE"), 0, "0"),
    (lab("PROT", "4.0", "g/24h", LBSPEC="URINE", LBORNRHI="0.15"), 4, "3"),
    (lab("AFP", "100", "IU/mL"), 121, None),
    (lab("ALB", "12", "g/L", LBSPEC="ASCITES"), 12, None),
    (lab("GLUC", "3", "mmol/L", LBSPEC="URINE"), 3, None),
    (lab("UNHEARD", "7", "parsec"), 7, None),
]


def test_results_are_read_and_graded(tmp_path: Path) -> None:
    rows = [row | {"USUBJID": f"S{i:02d}"} for i, (row, _, _) in enumerate(RESULTS)]
    labs = graded(delivery(tmp_path, rows)).set_index("USUBJID")
    for i, (row, value, grade) in enumerate(RESULTS):
        got = labs.loc[f"S{i:02d}"]
        assert got["AVAL"] == pytest.approx(value), row
        assert got["ATOXGR"] == grade, row


def test_the_standard_form_is_taken_and_a_contradiction_asked(tmp_path: Path) -> None:
    both = {"LBSTRESN": "17.1", "LBSTRESU": "umol/L", "LBSTNRHI": "20"}
    export = delivery(
        tmp_path,
        [
            lab("BILI", "1", "mg/dL", **both),
            lab("BILI", "10", "mg/dL", USUBJID="S2", **both),
            lab("BILI", "<1", "mg/dL", USUBJID="S3", **both),
        ],
    )
    assert list(graded(export)["AVAL"]) == [17.1] * 3
    issues = found(export)
    assert list(issues["check_id"]) == ["LB05"] and list(issues["subject_id"]) == ["S2"]


def test_faults_are_asked_of_their_subject_once_a_test(tmp_path: Path) -> None:
    rows = [
        *(lab("ALT", "30", day=f"2024-01-{d}") for d in (10, 11, 12)),
        lab("K", "haemolysed", "mmol/L", USUBJID="S2"),
        lab("CHOL", "5", "umol/L", USUBJID="S3"),
        lab("UNHEARD", "x", USUBJID="S4"),
        lab("K", "", "mmol/L", USUBJID="S5", LBSTAT="NOT DONE"),
        lab("INR", "1.1", USUBJID="S6"),
    ]
    vs = [{"USUBJID": "S7", "VSTESTCD": "SYSBP", "VSDTC": "2024-01-10", "VSORRES": "120"}]
    issues = found(delivery(tmp_path, rows, vs))
    assert list(zip(issues["check_id"], issues["subject_id"], strict=True)) == [
        ("LB01", "S1"),
        ("LB01", "S3"),
        ("LB02", "S2"),
        ("VS01", "S7"),
    ]
    assert issues["row_key"].iloc[0] == "lb rows 1, 2, 3"
    assert not issues["message"].str.contains("haemolysed|umol").any()


def test_baseline_range_and_emergence(tmp_path: Path) -> None:
    high = {"LBORNRHI": "40"}
    rows = [
        lab("ALT", "30", "U/L", "2023-12-22", VISITNUM="0", **high),
        lab("ALT", "80", "U/L", "2023-12-30", VISITNUM="0.1", **high),  # the last before dose
        lab("ALT", "100", "U/L", "2024-01-15", **high),
        lab("ALT", "121", "U/L", "2024-02", VISITNUM="2", **high),
        lab("ALT", "300", "U/L", "2024-06-15", VISITNUM="3", **high),  # after the window
    ]
    labs = graded(delivery(tmp_path, rows))
    assert list(labs["ABLFL"]) == [None, "Y", None, None, None]
    assert list(labs["BASE"]) == [80] * 5
    # against the limit until first dose, against the abnormal baseline afterwards
    assert list(labs["ATOXGR"]) == ["0", "1", "0", "1", "2"]
    assert list(labs["TRTEMFL"]) == ["N", "N", "N", "Y", "N"]
    assert labs["ADTF"].iloc[3] == "D" and str(labs["ADT"].iloc[3].date()) == "2024-02-01"


def test_the_worst_of_a_day_stands_and_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    rows: Rows = [
        lab("K", value, "mmol/L", LBORNRLO="3.5", LBORNRHI="5", **more)
        for value, more in (
            ("4.0", {}),
            ("2.4", {}),
            ("6.2", {}),
            ("4.1", {"VISITNUM": "2"}),
            ("4.2", {"LBDTC": "2024-01-16"}),
        )
    ]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = graded(delivery(tmp_path / "a", rows)).drop(columns="SRCROW")
    second = graded(delivery(tmp_path / "b", rows[::-1])).drop(columns="SRCROW")
    pd.testing.assert_frame_equal(first, second)
    assert len(first) == 3 and first["ATOXGR"].iloc[0] == "-4"


def test_calcium_is_corrected_where_albumin_is_there(tmp_path: Path) -> None:
    rows = [
        lab("CA", "2.0", "mmol/L", LBORNRLO="2.1", LBORNRHI="2.6"),
        lab("ALB", "3", "g/dL", LBORNRLO="3.5"),
        lab("CA", "8", "mg/dL", USUBJID="S2"),
    ]
    labs = graded(delivery(tmp_path, rows)).set_index(["USUBJID", "LBTESTCD"])
    made = labs.loc[("S1", "CACR")]
    assert made["AVAL"] == pytest.approx(2.2) and made["ATOXGRL"] == "0"
    assert ("S2", "CACR") not in labs.index
    assert labs.loc[("S1", "CA"), "ATOXGR"] is None


def test_blood_pressure_has_grades(tmp_path: Path) -> None:
    vs = [
        {"USUBJID": "S1", "VSTESTCD": test, "VSDTC": "2024-02-01", "VISITNUM": "2"}
        | {"VSORRES": value, "VSORRESU": unit}
        for test, value, unit in (("SYSBP", "139", "mmHg"), ("DIABP", "13.4", "kPa"))
    ]
    labs = graded(delivery(tmp_path, [], vs)).set_index("LBTESTCD")
    assert labs["ATOXGR"].to_dict() == {"DIABP": "3", "SYSBP": "1"}
    assert set(labs["DOMAIN"]) == {"VS"} and set(labs["TERMH"]) == {"Hypertension"}


def test_an_export_without_laboratory_has_empty_tables(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    export = delivery(tmp_path / "x", [lab("ALT", "1", "U/L")])
    (tmp_path / "x" / "lb.csv").unlink()
    from hcc_assets.clinical.reading.exports import read_export

    bare = read_export(tmp_path / "x", CONFIG)
    assert list(graded(bare).columns) == list(graded(export).columns)
    assert graded(bare).empty and found(bare).empty and len(bare.issues) < len(export.issues)
    assert set(Labs.to_schema().columns) == set(graded(bare).columns)


def test_the_data_files_agree_with_each_other() -> None:
    known = set(standard_units())
    printed = {(test, unit.printed) for (test, _), unit in units().items()}
    for rule in rules("5.0"):
        assert rule.test in known
        assert rule.term in event_terms()
        assert [g.grade for g in rule.grades] == sorted(
            {g.grade for g in rule.grades}, reverse=True
        )
        for grade in rule.grades:
            amounts = {*grade.absolute, *grade.over}
            assert {(rule.test, unit) for unit in amounts} <= printed
    assert {test for test, _ in units()} <= known and not set(aliases()) & known
    assert all(u.to_standard > 0 and u.to_printed > 0 for u in units().values())
    for test, unit in standard_units().items():
        assert units()[test, unit_key(unit)].to_standard == 1
    with pytest.raises(KeyError):
        rules("4.03")
