"""Rule by rule: lesions to response. Each test names the rule; sums in mm, days from 2024-01-01."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from hcc_assets.clinical.recist.responses import derive_responses
from hcc_assets.study.config import Recist, StudyConfig
from hcc_assets_tests.clinical.endpoint_frames import assessments, subjects, visit

WHO = subjects([{"USUBJID": "S1", "TRTSDT": pd.Timestamp("2024-01-01"), "ONGOING": True}])


def derive(
    *rows: list[dict[str, Any]], rules: Recist | None = None, **options: Any
) -> list[dict[str, Any]]:
    flat = [row for block in rows for row in block]
    return derive_responses(
        WHO, assessments(flat), StudyConfig(recist=rules or Recist()), **options
    ).to_dict("records")


def words(*rows: list[dict[str, Any]], rules: Recist | None = None, **options: Any) -> list[str]:
    return [r["OVRLRESP"] for r in derive(*rows, rules=rules, **options)]


def targets(*sums: Any) -> list[list[dict[str, Any]]]:
    """One target over visits 0, 1, 2, … every 42 days."""
    return [visit(i, -10 if i == 0 else 42 * i, T01=value) for i, value in enumerate(sums)]


@pytest.mark.parametrize(
    ("sums", "expected"),
    [
        ((100, 70), ["PR"]),
        ((100, "70.01"), ["SD"]),
        ((100, 60, 72), ["PR", "PD"]),
        ((100, 60, "71.99"), ["PR", "SD"]),
        ((20, "24.9"), ["SD"]),
        ((20, 25), ["PD"]),
        ((25, 30), ["PD"]),
        ((26, 31), ["SD"]),
        ((27, "32.4"), ["PD"]),
        ((23, "16.1"), ["PR"]),
        ((20, "12.4", "17.4"), ["PR", "PD"]),
        ((20, "12.4", "17.39999999999999999999"), ["PR", "SD"]),
        ((3, "8.0"), ["PD"]),
        ((100, 0, 3), ["CR", "PD"]),
        ((100, 0, "TOO SMALL TO MEASURE"), ["CR", "PD"]),
        ((100, 0, 0, 100), ["CR", "CR", "PD"]),
        ((20, "TOO SMALL TO MEASURE", "9.9", 10), ["PR", "PR", "PD"]),
        ((20, 3, "7.9", 8), ["PR", "PR", "PD"]),
        ((20, "ABSENT"), ["CR"]),
        ((100, None, 60), ["NE", "PR"]),
        ((100, "NOT EVALUABLE"), ["NE"]),
        ((100, "-5"), ["NE"]),
        ((100, "<5"), ["NE"]),
        ((100, "5,5"), ["NE"]),
        ((100, "NaN"), ["NE"]),
        ((100, "Infinity"), ["NE"]),
        ((100, "1_0"), ["NE"]),
        ((100, " 7.0E1 "), ["PR"]),
    ],
)
def test_one_target(sums: tuple[Any, ...], expected: list[str]) -> None:
    assert words(*targets(*sums)) == expected


def test_centimetres_and_numeric_fallback() -> None:
    base = visit(0, -10, T01="10")
    base[0] |= {"TRORRESU": "cm"}
    late = visit(1, 42, T01=None)
    late[0] |= {"TRSTAT": None, "TRSTRESN": 70.0, "TRSTRESU": "mm"}
    got = derive(base, late)
    assert (got[0]["BASE"], got[0]["SUMDIAM"], got[0]["OVRLRESP"]) == (100, 70, "PR")
    late[0] |= {"TRORRES": "70", "TRORRESU": "inch"}
    assert words(base, late) == ["NE"]


@pytest.mark.parametrize(
    ("size", "expected"), [("9.96", "CR"), ("9.999", "CR"), ("10", "SD"), ("10.0", "SD")]
)
def test_node_below_ten_is_not_rounded(size: str, expected: str) -> None:
    got = derive(visit(0, -10, T01=("SAXIS", "14")), visit(1, 42, T01=("SAXIS", size)))
    assert got[0]["OVRLRESP"] == expected
    assert got[0]["SUMDIAM"] == float(size)


def test_node_by_short_axis_under_its_alias_and_never_by_its_length() -> None:
    base = visit(0, -10, T01=("LPERP", 20)) + visit(0, -10, T01=("LDIAM", 40))
    base[1]["TULOC"] = "LYMPH NODE"
    late = visit(1, 42, T01=("LPERP", 9)) + visit(1, 42, T01=("LDIAM", 30))
    assert [(r["BASE"], r["SUMDIAM"], r["OVRLRESP"]) for r in derive(base, late)] == [(20, 9, "CR")]
    assert derive(base, late[1:])[0]["OVRLRESP"] == "NE"  # a length alone does not measure a node
    late[1]["TRORRES"] = "0"
    assert (
        derive(base, late[1:])[0]["OVRLRESP"] == "CR"
    )  # but a lesion of no length has no short axis


def test_perpendicular_of_a_non_node_is_unused_even_when_contradictory() -> None:
    rows = visit(1, 42, T01=60) + visit(1, 42, T01=("LPERP", 10)) + visit(1, 42, T01=("LPERP", 99))
    for row in rows:
        row["TULOC"] = "LIVER"
    assert words(visit(0, -10, T01=100), rows) == ["PR"]


def test_node_back_at_ten_after_complete_response_is_a_setting() -> None:
    course = [
        visit(0, -10, T01=("SAXIS", 18)),
        visit(1, 42, T01=("SAXIS", 8)),
        visit(2, 84, T01=("SAXIS", 10)),
    ]
    assert words(*course) == ["CR", "PD"]
    assert words(*course, rules=Recist(node_reappearance="pd_rule")) == ["CR", "PR"]
    course[2] = visit(2, 84, T01=("SAXIS", 13))
    assert words(*course, rules=Recist(node_reappearance="pd_rule")) == ["CR", "PD"]
    course[2] = visit(2, 84, T01=("SAXIS", "9.9"))
    assert words(*course) == ["CR", "CR"]


def test_missing_target_is_ne_unless_the_rest_alone_progresses() -> None:
    base = visit(0, -10, T01=60, T02=40)
    got = derive(
        base,
        visit(1, 42, T01=30, T02=20),
        visit(2, 84, T01=50),
        visit(3, 126, T01=60, T02=None),
        visit(4, 168, T01="59.9"),
    )
    assert [r["OVRLRESP"] for r in got] == ["PR", "NE", "PD", "NE"]
    assert np.isnan(got[2]["SUMDIAM"])
    assert [r["NADIR_PRIOR"] for r in got] == [
        100,
        50,
        50,
        50,
    ]  # a partial sum never lowers the nadir
    assert "T02 (no record)" in got[1]["REASON"]
    assert "measured target lesions alone" in got[2]["REASON"]


def test_lesion_back_after_complete_response_is_pd_although_another_is_missing() -> None:
    assert words(
        visit(0, -10, T01=20, T02=20), visit(1, 42, T01=0, T02=0), visit(2, 84, T01=3, T02=None)
    ) == ["CR", "PD"]


def test_target_gone_without_overall_complete_response_may_return_below_five() -> None:
    course = [
        visit(i, -10 if i == 0 else 42 * i, T01=size, NT01="PRESENT")
        for i, size in enumerate([20, 0, "4.9", 5])
    ]
    assert words(*course) == ["PR", "PR", "PD"]


def test_incomplete_baseline_gives_no_pr_but_later_progression_and_cr_count() -> None:
    got = derive(
        visit(0, -10, T01=50, T02=None),
        visit(1, 42, T01=20, T02=20),
        visit(2, 84, T01=24, T02=24),
        visit(3, 126, T01=0, T02=0),
    )
    assert [r["TRGRESP"] for r in got] == ["NE", "PD", "CR"]
    assert all(np.isnan(r["BASE"]) for r in got)


def test_fragments_replace_their_lesion() -> None:
    base = visit(0, -10, T01=100, T02=("SAXIS", 20))
    got = derive(
        base,
        visit(1, 42, T01__1=30, T01__2=20, T02=("SAXIS", 18)),
        visit(2, 84, T01__1=30, T02=("SAXIS", 18)),
    )
    assert [(r["SUMDIAM"], r["OVRLRESP"]) for r in got[:1]] == [(68, "PR")]
    assert got[1]["OVRLRESP"] == "NE"  # the second fragment has no record
    whole = derive(
        base,
        visit(1, 42, T01__1=30, T01__2=20, T02=("SAXIS", 9)),
        visit(2, 84, T01=45, T02=("SAXIS", 9)),
    )
    assert [r["SUMDIAM"] for r in whole] == [59, 54]  # measured as one again
    gone = derive(base, visit(1, 42, T01__1=0, T01__2=0, T02=("SAXIS", 9)))
    assert gone[0]["OVRLRESP"] == "CR"
    part = derive(base, visit(1, 42, T01__1=0, T01__2=None, T02=("SAXIS", 9)))
    assert part[0]["OVRLRESP"] == "NE"


def test_fragment_of_a_node_counts_by_its_own_short_axis() -> None:
    late = visit(1, 42, T01__1=("SAXIS", 9), T01__2=("SAXIS", 8))
    got = derive(visit(0, -10, T01=("SAXIS", 20)), late)
    assert (got[0]["SUMDIAM"], got[0]["OVRLRESP"]) == (17, "CR")


def test_measured_fragments_count_in_a_partial_sum() -> None:
    assert words(visit(0, -10, T01=50), visit(1, 42, T01__1=60, T01__2=None)) == ["PD"]


def test_coalesced_counts_zero_with_its_mass_on_the_other() -> None:
    got = derive(
        visit(0, -10, T01=30, T02=20),
        visit(1, 42, T01=45, T02="COALESCED"),
        visit(2, 84, T01=0, T02="COALESCED"),
    )
    assert [(r["SUMDIAM"], r["OVRLRESP"]) for r in got] == [(45, "SD"), (0, "CR")]
    assert words(visit(0, -10, T01=30, T02=20), visit(1, 42, T01="COALESCED", T02="COALESCED")) == [
        "NE"
    ]


def test_state_of_a_target_speaks_when_there_is_no_length() -> None:
    state = ("TUMSTATE", "ABSENT")
    assert words(visit(0, -10, T01=30), visit(1, 42, T01=state)) == ["CR"]
    assert words(visit(0, -10, T01=30), visit(1, 42, T01=("TUMSTATE", "PRESENT"))) == ["NE"]
    both = visit(1, 42, T01=30) + visit(1, 42, T01=state)
    assert words(visit(0, -10, T01=30), both) == ["SD"]


def test_repeats_collapse_and_conflicts_are_missing() -> None:
    base = visit(0, -10, T01=50)
    assert words(base, base, visit(1, 42, T01="30"), visit(1, 42, T01="30.0")) == ["PR"]
    assert words(base, visit(1, 42, T01="30"), visit(1, 42, T01=None)) == ["PR"]
    got = derive(base, visit(1, 42, T01="30"), visit(1, 43, T01="31"))
    assert got[0]["OVRLRESP"] == "NE"
    assert "T01 (conflicting values)" in got[0]["REASON"]
    nt = derive(
        visit(0, -10, NT01="PRESENT"),
        visit(1, 42, NT01="PRESENT"),
        visit(1, 42, NT01="UNEQUIVOCAL PROGRESSION"),
    )
    assert nt[0]["OVRLRESP"] == "NE"


@pytest.mark.parametrize(
    ("target", "non_target", "new", "overall"),
    [
        ("CR", "CR", False, "CR"),
        ("CR", "NON", False, "PR"),
        ("CR", "NE", False, "PR"),
        ("CR", "PD", False, "PD"),
        ("CR", "CR", True, "PD"),
        ("PR", "CR", False, "PR"),
        ("PR", "NON", False, "PR"),
        ("PR", "NE", False, "PR"),
        ("PR", "PD", False, "PD"),
        ("PR", "NON", True, "PD"),
        ("SD", "CR", False, "SD"),
        ("SD", "NON", False, "SD"),
        ("SD", "NE", False, "SD"),
        ("SD", "PD", False, "PD"),
        ("SD", "NE", True, "PD"),
        ("NE", "CR", False, "NE"),
        ("NE", "NON", False, "NE"),
        ("NE", "NE", False, "NE"),
        ("NE", "PD", False, "PD"),
        ("NE", "NE", True, "PD"),
        ("PD", "CR", False, "PD"),
        ("PD", "NON", False, "PD"),
        ("PD", "NE", False, "PD"),
        ("PD", "PD", True, "PD"),
        (None, "CR", False, "CR"),
        (None, "NON", False, "NON-CR/NON-PD"),
        (None, "NE", False, "NE"),
        (None, "PD", False, "PD"),
        (None, "CR", True, "PD"),
        ("CR", None, False, "CR"),
        ("PR", None, False, "PR"),
        ("SD", None, False, "SD"),
        ("NE", None, False, "NE"),
        ("PD", None, True, "PD"),
    ],
)
def test_tables_one_and_two(
    target: str | None, non_target: str | None, new: bool, overall: str
) -> None:
    size = {"CR": 0, "PR": 60, "SD": 90, "PD": 130, "NE": None}
    state = {"CR": "ABSENT", "NON": "PRESENT", "NE": None, "PD": "UNEQUIVOCAL PROGRESSION"}
    base = ({"T01": 100} if target else {}) | ({"NT01": "PRESENT"} if non_target else {})
    late = (
        ({"T01": size[target]} if target else {})
        | ({"NT01": state[non_target]} if non_target else {})
        | ({"NEW01": "UNEQUIVOCAL"} if new else {})
    )
    got = derive(visit(0, -10, **base), visit(1, 42, **late))[0]
    assert got["OVRLRESP"] == overall
    assert got["TRGRESP"] == (target or "NA")
    assert got["NTRGRESP"] == {"NON": "NON-CR/NON-PD", None: "NA"}.get(non_target, non_target)
    assert got["REASON"].startswith(overall + ":")
