"""Grades of CTCAE v5 and Hy's law against the shared cases."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from hcc_assets.clinical.laboratory.liver import liver_safety
from hcc_assets_tests.clinical.endpoint_frames import oracle, read_csv
from hcc_assets_tests.clinical.laboratory.lab_frames import CONFIG, Rows, delivery, found, graded

ULN = {"ALT": ("U/L", 40.0), "AST": ("U/L", 35.0), "BILI": ("umol/L", 20.0), "ALP": ("U/L", 120.0)}


def _rows(case: dict[str, str]) -> Rows:
    own = {
        "USUBJID": case["USUBJID"],
        "LBTESTCD": case["LBTESTCD"],
        "LBSPEC": case["LBSPEC"],
        "LBORRESU": case["LBORRESU"],
        "LBORNRLO": case["LBORNRLO"],
        "LBORNRHI": case["LBORNRHI"],
        "VISIT": "V",
    }
    after = own | {"LBORRES": case["LBORRES"], "LBDTC": "2024-01-15", "VISITNUM": "1"}
    before = own | {"LBORRES": case["BASE"], "LBDTC": "2023-12-28", "VISITNUM": "0"}
    return [before, after] if case["BASE"] else [after]


def test_every_case_has_its_grade(tmp_path: Path) -> None:
    cases = read_csv(oracle("oracle", "labs", "cases.csv"))
    export = delivery(tmp_path, [row for case in cases for row in _rows(case)])
    labs = graded(export)
    now = labs[labs["VISITNUM"] == 1].set_index(["USUBJID", "LBTESTCD"])
    wrong = []
    for case in cases:
        row, way, want = (
            now.loc[(case["USUBJID"], case["LBTESTCD"])],
            case["DIRECTION"],
            case["EXPECTED"],
        )
        signed = ("-" if way == "L" else "") + want
        if (row[f"ATOXGR{way}"] or "") != want or (
            want not in ("", "0") and row["ATOXGR"] != signed
        ):
            wrong.append((case["TERM"], case["ORIGIN"], row[f"ATOXGR{way}"], row["ATOXGR"]))
    assert not wrong and len(cases) > 300
    asked = set(found(export, labs)["subject_id"])
    assert {c["USUBJID"] for c in cases if c["KIND"] in ("NO UNIT", "WRONG UNIT")} <= asked


def test_hys_law_is_one_episode_without_cholestasis(tmp_path: Path) -> None:
    cases = read_csv(oracle("oracle", "labs", "hys_law.csv"))
    rows = []
    for number, case in enumerate(cases):
        day = dt.date(2024, 1, 1) + dt.timedelta(days=int(case["DAY"]))
        for test, (unit, high) in ULN.items():
            rows.append(
                {
                    "USUBJID": case["USUBJID"],
                    "LBTESTCD": test,
                    "LBSPEC": "SERUM",
                    "LBORRES": f"{float(case[test]) * high:g}",
                    "LBORRESU": unit,
                    "LBORNRHI": str(high),
                    "LBDTC": day.isoformat(),
                    "VISITNUM": str(number),
                }
            )
    liver = liver_safety(graded(delivery(tmp_path, rows)), CONFIG.labs).set_index("USUBJID")
    wanted = [c for c in cases if c["HYS_LAW"]]
    assert len(wanted) == len(liver)
    for case in wanted:
        row = liver.loc[case["USUBJID"]]
        assert (row["HYS_LAW"], row["QUADRANT"]) == (case["HYS_LAW"], case["QUADRANT"]), case["WHY"]
    assert liver.loc["HY1", "HYS_LAW_DT"] == dt.datetime(2024, 2, 4)


@pytest.mark.parametrize("days", [11, 12])
def test_the_window_of_hys_law_is_a_setting(tmp_path: Path, days: int) -> None:
    rows = [
        {"USUBJID": "S1", "LBTESTCD": test, "LBORRES": value, "LBORRESU": unit, "LBORNRHI": high}
        | {"LBDTC": day, "VISITNUM": visit}
        for test, value, unit, high, day, visit in (
            ("ALT", "200", "U/L", "40", "2024-01-10", "1"),
            ("BILI", "50", "umol/L", "20", "2024-01-22", "2"),
        )
    ]
    settings = CONFIG.labs.model_copy(update={"hys_law_days": days})
    liver = liver_safety(graded(delivery(tmp_path, rows)), settings)
    assert list(liver["HYS_LAW"]) == ["Y" if days >= 12 else "N"]
