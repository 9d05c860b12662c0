"""Baseline table, flow of subjects and reasons of censoring, by hand."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from hcc_assets.clinical.endpoints.baseline import baseline_characteristics
from hcc_assets.clinical.endpoints.subject_flow import censoring_reasons, subject_flow
from hcc_assets.clinical.treatment.course import treatment_course
from hcc_assets.schemas.base import Table, columns, conform, empty
from hcc_assets.schemas.baseline import SubjectCharacteristics
from hcc_assets.schemas.clinical import Disposition, Exposure, Subjects
from hcc_assets.schemas.endpoints import ResponseRates, Responses, TimeToEvent
from hcc_assets.schemas.labs import LiverSafety
from hcc_assets.study.config import StudyConfig

CONFIG = StudyConfig()
FIRST = pd.Timestamp("2025-03-01")


def filled(model: type[Table], frame: pd.DataFrame) -> pd.DataFrame:
    return conform(model, frame.reindex(columns=list(columns(model))))


def subjects(n: int, **columns: list[object]) -> pd.DataFrame:
    rows = {
        "USUBJID": [f"S{k}" for k in range(n)],
        "TRTSDT": [FIRST] * n,
        "TRTEDT": [FIRST + pd.Timedelta(days=50)] * n,
        "RFICDTC": ["2025-02-01"] * n,
        "ONGOING": [True] * n,
        "SRCROW": range(1, n + 1),
    }
    return filled(Subjects, pd.DataFrame(rows | columns))


def answers(rows: list[tuple[str, str, str, str | None, str | None]]) -> pd.DataFrame:
    """``USUBJID, DOMAIN, TESTCD, ORRES, day``."""
    frame = pd.DataFrame(rows, columns=["USUBJID", "DOMAIN", "TESTCD", "ORRES", "DTC"])
    frame["DT"] = pd.to_datetime(frame["DTC"])
    return filled(SubjectCharacteristics, frame.assign(SRCROW=range(1, len(frame) + 1)))


def of(table: pd.DataFrame, name: str) -> dict[str, int]:
    here = table[(table["characteristic"] == name) & table["level"].notna()]
    return dict(zip(here["level"], here["n"], strict=True))


def test_numbers_levels_and_those_who_have_none() -> None:
    liver = filled(
        LiverSafety,
        pd.DataFrame({"USUBJID": ["S0", "S1"], "ALBI_GRADE": ["1", "2"], "AFP_BASE": [399.9, 400]}),
    )
    people = subjects(4, AGE=[50.0, 65.0, 71.0, None], SEX=["M", "F", "M", "M"])
    table = baseline_characteristics(people, empty(SubjectCharacteristics), liver)
    age = table[(table["characteristic"] == "AGE") & table["level"].isna()].iloc[0]
    assert (age["n"], age["mean"], age["median"], age["minimum"]) == (3, 62.0, 65.0, 50.0)
    assert age["sd"] == pytest.approx(10.8166538)
    assert of(table, "AGE") == {"MISSING": 1}
    assert of(table, "AGE GROUP") == {"< 65": 1, ">= 65": 2, "MISSING": 1}
    assert of(table, "ALBI GRADE") == {"1": 1, "2": 1, "3": 0, "MISSING": 2}
    assert of(table, "AFP GROUP") == {"< 400 ng/mL": 1, ">= 400 ng/mL": 1, "MISSING": 2}
    for name, rows in table[table["level"].notna()].groupby("characteristic"):
        if name not in ("AGE", "AFP"):
            assert rows["n"].sum() == 4 and rows["pct"].sum() == pytest.approx(100), name


def test_what_sites_write_is_one_level() -> None:
    given = answers(
        [
            ("S0", "SC", "BCLC", "STAGE C", None),
            ("S1", "SC", "BCLCSTG", "C", None),
            ("S2", "SC", "BCLC", "BCLC: B", None),
            ("S0", "QS", "ECOG101", "1.0", "2025-02-20"),
            ("S1", "QS", "ECOG", "ECOG 1", "2025-02-20"),
            ("S0", "SC", "ETIOL", "HCV", None),
            ("S0", "SC", "ETIOL", "HBV", None),
            ("S0", "SC", "SMOKER", "Y", None),
            ("S0", "QS", "EQ5D01", "3", "2025-02-20"),
        ]
    )
    table = baseline_characteristics(subjects(3), given, empty(LiverSafety))
    assert of(table, "BCLC") == {"B": 1, "C": 2, "MISSING": 0}
    assert of(table, "ECOG") == {"1": 2, "MISSING": 1}
    assert of(table, "AETIOLOGY") == {"HBV + HCV": 1, "MISSING": 2}
    assert of(table, "SMOKER") == {"Y": 1, "MISSING": 2}
    assert "EQ5D01" not in set(table["characteristic"])


def test_baseline_is_the_last_answer_before_the_first_dose() -> None:
    given = answers(
        [
            ("S0", "QS", "ECOG", "2", "2025-01-20"),
            ("S0", "QS", "ECOG", "1", "2025-03-01"),
            ("S0", "QS", "ECOG", "0", "2025-03-02"),
            ("S1", "QS", "ECOG", "0", "2025-03-02"),
        ]
    )
    table = baseline_characteristics(subjects(2), given, empty(LiverSafety))
    assert of(table, "ECOG") == {"1": 1, "MISSING": 1}


def test_child_pugh_as_stated_as_total_and_by_its_items() -> None:
    items = [
        ("S3", "QS", f"CPS010{k}", points, "2025-02-20")
        for k, points in enumerate(("1", "2", "2", "1", "1"), start=1)
    ]
    given = answers(
        [
            ("S0", "QS", "CHILDPUG", "A5", "2025-02-20"),
            ("S1", "SC", "CHILDPUG", "CLASS B", None),
            ("S2", "QS", "CPTOTAL", "6", "2025-02-20"),
            *items,
            *(("S4", *row[1:]) for row in items[:4]),
        ]
    )
    table = baseline_characteristics(subjects(5), given, empty(LiverSafety))
    assert of(table, "CHILD-PUGH CLASS") == {"A": 2, "B": 2, "MISSING": 1}


def test_nobody_treated() -> None:
    people = subjects(2, TRTSDT=[pd.NaT, pd.NaT])
    assert baseline_characteristics(people, empty(SubjectCharacteristics), empty(LiverSafety)).empty


def test_the_flow_adds_up_and_says_why_subjects_left() -> None:
    people = subjects(
        6,
        TRTSDT=[FIRST] * 4 + [pd.NaT] * 2,
        DTHDT=[pd.NaT, FIRST + pd.Timedelta(days=40), *[pd.NaT] * 4],
        DTHFL=[None, "Y", *[None] * 4],
        RFICDTC=["2025-02-01"] * 5 + [None],
    )
    doses = pd.DataFrame({"USUBJID": [f"S{k}" for k in range(4)], "EXSTDT": FIRST, "EXDOSE": 300.0})
    doses = filled(Exposure, doses.assign(SRCROW=range(1, 5)))
    ends = [
        ("S0", "PROGRESSIVE DISEASE", "END OF TREATMENT"),
        ("S4", "INFORMED CONSENT OBTAINED", None),
        ("S4", "SCREEN FAILURE", None),
    ]
    ds = pd.DataFrame(ends, columns=["USUBJID", "DSDECOD", "DSSCAT"])
    ds = ds.assign(DOMAIN="DS", DSSTDT=FIRST + pd.Timedelta(days=45), SRCROW=range(1, 4))
    disposition = filled(Disposition, ds)
    cutoff = dt.date(2025, 6, 1)
    course = treatment_course(people, doses, disposition, CONFIG, cutoff=cutoff)
    table = subject_flow(
        people,
        disposition,
        course,
        empty(Responses),
        empty(ResponseRates),
        CONFIG,
        cutoff=cutoff,
    )
    n = {(s, r): k for s, r, k in zip(table["step"], table["reason"], table["n"], strict=True)}
    assert n["ENROLLED", None] == 6 and n["CONSENTED", None] == 5
    assert n["NOT TREATED", None] == 2 and n["TREATED", None] == 4
    assert n["NOT TREATED", "SCREEN FAILURE"] == 1 and n["NOT TREATED", "NOT STATED"] == 1
    assert n["TREATMENT ENDED", None] == 2 and n["TREATMENT ONGOING", None] == 2
    assert n["TREATMENT ENDED", "PROGRESSIVE DISEASE"] == 1
    assert n["TREATMENT ENDED", "NOT STATED"] == 1 and n["DIED", None] == 1


def test_reasons_of_a_parameter_add_up() -> None:
    rows = [
        ("S0", 0, "PROGRESSION", None),
        ("S1", 1, "NO PROGRESSION", "last evaluable assessment"),
        ("S2", 1, "NO PROGRESSION", "last evaluable assessment"),
        ("S3", 1, "NEW THERAPY", "last evaluable assessment before new anticancer therapy"),
    ]
    frame = pd.DataFrame(rows, columns=["USUBJID", "CNSR", "EVNTDESC", "CNSDTDSC"])
    frame = frame.assign(
        CRITERION="RECIST 1.1", PARAMCD="PFS_TP", STARTDT=FIRST, ADT=FIRST, AVAL=1.0, SRCDOM="X"
    ).assign(SRCVAR="Y")
    table = censoring_reasons(filled(TimeToEvent, frame))
    assert table["n"].tolist() == [1, 1, 2] and table["pct"].sum() == pytest.approx(100)
    assert (table["n_subjects"] == 4).all()
    assert censoring_reasons(empty(TimeToEvent)).empty
