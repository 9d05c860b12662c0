"""Corners of the lesion rules that a mutation run showed untested. Days from 2024-01-01."""

from __future__ import annotations

from hcc_assets_tests.clinical.endpoint_frames import day, visit
from hcc_assets_tests.clinical.recist.test_responses import derive, words


def test_without_a_location_the_axis_says_what_is_a_node() -> None:
    def nowhere(number: int, offset: int, **lesions) -> list:  # type: ignore[no-untyped-def]
        return [row | {"TULOC": None} for row in visit(number, offset, **lesions)]

    assert words(nowhere(0, -10, T01=("SAXIS", 20)), nowhere(1, 42, T01=("SAXIS", 9))) == ["CR"]
    assert words(nowhere(0, -10, T01=20), nowhere(1, 42, T01=9)) == ["PR"]


def test_non_target_lengths_and_small_words() -> None:
    base = visit(0, -10, T01=20, NT01=("LDIAM", 8))
    base[1]["TULOC"] = "LIVER"
    assert words(base, visit(1, 42, T01=0, NT01=("LDIAM", 0))) == ["CR"]
    assert words(base, visit(1, 42, T01=0, NT01=("LDIAM", 3))) == ["PR"]
    assert words(base, visit(1, 42, T01=0, NT01="TOO SMALL TO MEASURE")) == ["PR"]
    node = visit(0, -10, T01=20, NT01=("SAXIS", 14))
    assert words(node, visit(1, 42, T01=0, NT01=("LPERP", 9))) == ["CR"]
    assert words(node, visit(1, 42, T01=0, NT01=("LPERP", 10))) == ["PR"]
    assert words(node, visit(1, 42, T01=0, NT01=("LDIAM", 9))) == ["CR"]
    assert derive(node, visit(1, 42, T01=0, NT01=("LDIAM", 12)))[0]["NTRGRESP"] == "NE"
    assert words(node, visit(1, 42, T01=0, NT01="TOO SMALL TO MEASURE")) == ["CR"]


def test_node_or_lesion_without_its_own_axis_is_missing() -> None:
    node = visit(0, -10, T01=("LPERP", 20))
    assert words(node, visit(1, 42, T01=("LPERP", None))) == ["NE"]
    lone = visit(1, 42, T01=None) + visit(1, 42, T01=("LPERP", 10))
    lone[1]["TULOC"] = "LIVER"
    assert words(visit(0, -10, T01=20), lone) == ["NE"]


def test_fragment_back_after_complete_response_is_pd_although_another_is_missing() -> None:
    assert words(
        visit(0, -10, T01=20), visit(1, 42, T01=0), visit(2, 84, T01__1=3, T01__2=None)
    ) == ["CR", "PD"]


def test_fragments_of_a_non_target_are_one_lesion() -> None:
    got = derive(
        visit(0, -10, NT01="PRESENT"),
        visit(1, 42, NT01__1="ABSENT", NT01__2=None),
        visit(2, 84, NT01__1="ABSENT", NT01__2="ABSENT"),
    )
    assert [(r["N_EXPECTED"], r["N_ASSESSED"], r["OVRLRESP"]) for r in got] == [
        (1, 0, "NE"),
        (1, 1, "CR"),
    ]


def test_new_lesion_measured_as_gone_and_seen_again() -> None:
    base, one = visit(0, -10, T01=50), visit(1, 42, T01=50, NEW01="EQUIVOCAL")
    assert words(
        base,
        one,
        visit(2, 84, T01=50, NEW01=("LDIAM", 0)),
        visit(3, 126, T01=50, NEW01="UNEQUIVOCAL"),
    ) == ["SD", "SD", "PD"]
    assert words(
        base, visit(1, 42, T01=50, NEW01="UNEQUIVOCAL"), visit(2, 84, T01=50, NEW01="PRESENT")
    ) == ["PD", "PD"]


def test_incomplete_baseline_allows_sd_against_an_earlier_sum() -> None:
    got = derive(
        visit(0, -10, T01=50, T02=None), visit(1, 42, T01=20, T02=20), visit(2, 84, T01=21, T02=21)
    )
    assert [r["OVRLRESP"] for r in got] == ["NE", "SD"]


def test_repeated_scan_of_a_progressing_target_dates_it_at_the_last() -> None:
    got = derive(visit(0, -10, T01=50), visit(1, 42, T01=80) + visit(1, 44, T01=80))
    assert str(got[0]["ADT"].date()) == day(44)


def test_partial_baseline_is_no_sum_to_grow_from() -> None:
    assert words(visit(0, -10, T01=10, T02=None), visit(1, 42, T01=20, T02=20)) == ["NE"]


def test_targets_gone_beside_other_non_targets_is_no_complete_response_to_return_from() -> None:
    base, back = visit(0, -10, T01=20, NT01="PRESENT"), visit(2, 84, T01=3, NT01="ABSENT")
    assert words(base, visit(1, 42, T01=0, NT01="UNEQUIVOCAL PROGRESSION"), back) == ["PD", "PR"]
    assert words(base, visit(1, 42, T01=0, NT01=None), back) == ["PR", "PR"]


def test_changes_from_baseline_and_from_the_smallest_sum() -> None:
    got = derive(
        visit(0, -10, T01=80), visit(1, 42, T01=40), visit(2, 84, T01=50), visit(3, 126, T01=None)
    )
    assert [(r["PCHG_BASE"], r["PCHG_NADIR"], r["CHG_NADIR"]) for r in got[:2]] == [
        (-50, -50, -40),
        (-37.5, 25, 10),
    ]
    assert (
        got[2]["PCHG_NADIR"] != got[2]["PCHG_NADIR"] and got[2]["CHG_NADIR"] != got[2]["CHG_NADIR"]
    )  # null with a target missing
