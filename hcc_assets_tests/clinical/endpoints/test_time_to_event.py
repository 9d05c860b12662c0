"""Progression-free survival under both policies, overall survival, sources and reasons.

Days count from first dose (day 0).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest

from hcc_assets.clinical.endpoints.time_to_event import derive_time_to_event
from hcc_assets.clinical.recist.responses import derive_responses
from hcc_assets.study.config import Pfs, StudyConfig
from hcc_assets_tests.clinical.endpoint_frames import assessments, day, disposition, subjects, visit

START = pd.Timestamp("2024-01-01")


def derive(
    rows: list[dict[str, Any]],
    death: int | None = None,
    therapy: int | None = None,
    records: Any = (),
    config: StudyConfig | None = None,
    **more: Any,
) -> pd.DataFrame:
    config = config or StudyConfig()
    person = {"USUBJID": "S1", "TRTSDT": START} | more.pop("person", {})
    if death is not None:
        person["DTHDT"] = pd.Timestamp(day(death))
    lines = [
        {"USUBJID": "S1", "DOMAIN": d, "DSDECOD": w, "DSSTDT": pd.Timestamp(day(n))}
        for d, w, n in records
    ]
    if therapy is not None:
        lines.append(
            {
                "USUBJID": "S1",
                "DOMAIN": "CM",
                "DSDECOD": "NEW ANTICANCER THERAPY",
                "DSSTDT": pd.Timestamp(day(therapy)),
            }
        )
    people, flat = subjects([person]), assessments(rows)
    responses = derive_responses(people, flat, config, **more)
    return derive_time_to_event(
        people, flat, responses, disposition(lines), config, **more
    ).set_index("PARAMCD")


def course(*pairs: tuple[int, Any], baseline: bool = True) -> list[dict[str, Any]]:
    rows = visit(0, -10, T01=100) if baseline else []
    return rows + [
        r for i, (offset, value) in enumerate(pairs) for r in visit(i + 1, offset, T01=value)
    ]


BASELINE = course()
STABLE = course((42, 100), (84, 100))


@pytest.mark.parametrize(
    ("situation", "tp", "fda"),
    [
        ({"rows": course((42, 100), (84, 130))}, (84, 0), (84, 0)),
        ({"rows": STABLE, "death": 120}, (120, 0), (120, 0)),
        ({"rows": STABLE, "death": 182}, (182, 0), (182, 0)),
        ({"rows": STABLE, "death": 183}, (183, 0), (84, 1)),
        ({"rows": course((42, 100), (140, 130))}, (140, 0), (140, 0)),
        ({"rows": course((42, 100), (141, 130))}, (141, 0), (42, 1)),
        ({"rows": course((42, 100), (84, None), (141, 130))}, (141, 0), (42, 1)),
        ({"rows": course((99, 130))}, (99, 0), (0, 1)),
        ({"rows": course((98, 130))}, (98, 0), (98, 0)),
        ({"rows": course((42, 100), (84, 130)), "death": 60}, (60, 0), (60, 0)),
        ({"rows": course((42, 100), baseline=False)}, (0, 1), (0, 1)),
        ({"rows": course((42, 100), baseline=False), "death": 98}, (98, 0), (98, 0)),
        ({"rows": course((42, 100), baseline=False), "death": 99}, (99, 0), (0, 1)),
        ({"rows": BASELINE}, (0, 1), (0, 1)),
        ({"rows": BASELINE, "death": 98}, (98, 0), (98, 0)),
        ({"rows": BASELINE, "death": 99}, (99, 0), (0, 1)),
        ({"rows": [], "death": 20}, (20, 0), (20, 0)),
        ({"rows": course((42, 100), (84, None))}, (42, 1), (42, 1)),
        ({"rows": course((42, 100), (84, 100), (126, 130)), "therapy": 90}, (126, 0), (84, 1)),
        ({"rows": course((42, 100), (84, 130)), "therapy": 84}, (84, 0), (84, 0)),
        ({"rows": STABLE, "therapy": 84, "death": 85}, (85, 0), (84, 1)),
        ({"rows": STABLE, "therapy": 60}, (84, 1), (42, 1)),
        ({"rows": STABLE, "therapy": 20}, (84, 1), (0, 1)),
        ({"rows": STABLE, "therapy": -20}, (84, 1), (84, 1)),
        ({"rows": STABLE, "records": [("DS", "LOST TO FOLLOW-UP", 100)]}, (84, 1), (84, 1)),
        ({"rows": STABLE, "records": [("DS", "PROGRESSIVE DISEASE", 100)]}, (84, 1), (84, 1)),
        (
            {"rows": STABLE, "death": 100, "cutoff": dt.date.fromisoformat(day(99))},
            (84, 1),
            (84, 1),
        ),
        (
            {"rows": STABLE, "therapy": 60, "cutoff": dt.date.fromisoformat(day(59))},
            (42, 1),
            (42, 1),
        ),
    ],
)
def test_situations(situation: dict[str, Any], tp: tuple[int, int], fda: tuple[int, int]) -> None:
    table = derive(**situation)
    for parameter, (offset, censored) in (("PFS_TP", tp), ("PFS_FDA", fda)):
        row = table.loc[parameter]
        assert (str(row["ADT"].date()), row["AVAL"], row["CNSR"]) == (
            day(offset),
            offset + 1,
            censored,
        ), parameter
        assert (row["CNSDTDSC"] is None) == (censored == 0)


def test_reasons_and_sources() -> None:
    progressed = derive(course((42, 100), (84, 130))).loc["PFS_TP"]
    assert (
        progressed["EVNTDESC"],
        progressed["SRCDOM"],
        progressed["SRCVAR"],
        progressed["SRCSEQ"],
    ) == (
        "PROGRESSIVE DISEASE",
        "RESPONSES",
        "ADT",
        2,
    )
    died = derive(STABLE, death=100).loc["PFS_TP"]
    assert (died["EVNTDESC"], died["SRCDOM"], died["SRCVAR"]) == ("DEATH", "DM", "DTHDTC")
    assert (
        derive(STABLE, therapy=60).at["PFS_FDA", "CNSDTDSC"]
        == "last evaluable assessment before new anticancer therapy"
    )
    assert derive(STABLE, therapy=60).at["PFS_FDA", "SRCSEQ"] == 1
    assert (
        derive(STABLE, death=183).at["PFS_FDA", "CNSDTDSC"]
        == "last evaluable assessment before two or more missed assessments"
    )
    assert derive(BASELINE).at["PFS_TP", "CNSDTDSC"] == "first dose: no post-baseline assessment"
    assert (
        derive(course((42, 1), baseline=False)).at["PFS_TP", "CNSDTDSC"]
        == "first dose: no baseline assessment"
    )
    assert (
        derive(course((42, None))).at["PFS_TP", "CNSDTDSC"]
        == "first dose: no evaluable post-baseline assessment"
    )
    assert derive(STABLE, therapy=20).at["PFS_FDA", "EVNTDESC"] == "NEW ANTICANCER THERAPY"
    assert (
        derive(STABLE, records=[("DS", "WITHDRAWAL BY SUBJECT", 90)]).at["PFS_TP", "EVNTDESC"]
        == "WITHDRAWAL BY SUBJECT"
    )


def test_progression_and_death_on_one_day_is_progression() -> None:
    assert (
        derive(course((42, 100), (84, 130)), death=84).at["PFS_TP", "EVNTDESC"]
        == "PROGRESSIVE DISEASE"
    )


def test_assessment_on_or_before_the_day_of_first_dose() -> None:
    same_day = derive(course((0, 100))).loc["PFS_TP"]
    assert same_day[["AVAL", "CNSR", "SRCDOM"]].tolist() == [1, 1, "RESPONSES"]
    earlier = derive(course((-3, 100))).loc["PFS_TP"]
    assert earlier[["AVAL", "CNSR", "SRCDOM", "CNSDTDSC"]].tolist() == [
        1,
        1,
        "EX",
        "first dose: last evaluable assessment is not after it",
    ]


def test_gap_is_a_setting() -> None:
    assert (
        derive(course((42, 100), (141, 130)), config=StudyConfig(pfs=Pfs(max_gap_days=99))).at[
            "PFS_FDA", "CNSR"
        ]
        == 0
    )


def test_overall_survival_ends_with_death_or_the_last_contact() -> None:
    assert derive(STABLE, death=300).loc["OS", ["AVAL", "CNSR"]].tolist() == [301, 0]
    assert derive(STABLE).loc["OS", ["AVAL", "CNSR", "SRCDOM"]].tolist() == [85, 1, "TR"]
    alive = derive(STABLE, records=[("SS", "ALIVE", 200), ("DS", "LOST TO FOLLOW-UP", 250)])
    assert alive.loc["OS", ["AVAL", "SRCDOM", "EVNTDESC"]].tolist() == [
        201,
        "SS",
        "LOST TO FOLLOW-UP",
    ]
    assert derive(STABLE, records=[("SS", "DEAD", 200)]).loc["OS", ["AVAL", "CNSR"]].tolist() == [
        85,
        1,
    ]
    assert derive(STABLE, records=[("DS", "DEATH", 200)]).loc["OS", ["AVAL", "CNSR"]].tolist() == [
        201,
        0,
    ]
    # who was seen, or died, after the cut-off was alive at the cut-off
    for later in ({"records": [("SS", "ALIVE", 200)]}, {"death": 200}):
        cut = derive(STABLE, **later, cutoff=dt.date.fromisoformat(day(150))).loc["OS"]
        assert cut[["AVAL", "CNSR", "SRCDOM", "SRCVAR"]].tolist() == [151, 1, "ADSL", "DCUTDT"]
    assert derive([], person={"TRTEDT": pd.Timestamp(day(30))}).loc[
        "OS", ["AVAL", "SRCVAR"]
    ].tolist() == [31, "EXENDTC"]


def test_partial_death_date_is_not_before_the_last_contact() -> None:
    person = {"DTHDT": pd.Timestamp("2024-03-01"), "DTHDTF": "D"}
    table = derive(STABLE, person=person)  # seen on 25 March
    assert str(table.at["OS", "ADT"].date()) == "2024-03-25"
    table = derive(STABLE, person=person | {"DTHDTF": None})
    assert str(table.at["OS", "ADT"].date()) == "2024-03-01"


def test_progression_before_first_dose_is_an_event_on_day_one() -> None:
    rows = visit(0, -20, T01=100) + visit(1, -5, T01=130)
    table = derive(rows)
    assert table.loc["PFS_TP", ["AVAL", "CNSR"]].tolist() == [1, 0]


def test_nobody_treated_is_an_empty_table() -> None:
    assert derive(STABLE, person={"TRTSDT": pd.NaT}).empty


@pytest.mark.parametrize(
    ("situation", "ends"),
    [
        ({"rows": course((42, 100), (84, 130))}, (84, 0)),
        ({"rows": STABLE, "death": 120}, (84, 1)),
        ({"rows": course((42, 100), (84, 130)), "death": 84}, (84, 0)),
        ({"rows": STABLE}, (84, 1)),
        ({"rows": BASELINE, "death": 60}, (0, 1)),
        ({"rows": STABLE, "blocked": frozenset({"S1"}), "death": 100}, (0, 1)),
    ],
)
def test_time_to_progression_counts_no_death(
    situation: dict[str, Any], ends: tuple[int, int]
) -> None:
    situation = dict(situation)
    found = derive(situation.pop("rows"), **situation).loc["TTP"]
    assert ((found["ADT"] - START).days, found["CNSR"]) == ends
