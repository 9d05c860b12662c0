"""Non-target lesions: back after complete response, nodes by size, not assessed, late ones."""

from __future__ import annotations

from hcc_assets_tests.clinical.endpoint_frames import visit
from hcc_assets_tests.clinical.recist.test_responses import derive, words


def test_non_target_present_again_after_complete_response_is_pd() -> None:
    course = [
        visit(0, -10, T01=20, NT01="PRESENT"),
        visit(1, 42, T01=0, NT01="ABSENT"),
        visit(2, 84, T01=0, NT01="PRESENT"),
    ]
    got = derive(*course)
    assert [r["OVRLRESP"] for r in got] == ["CR", "PD"]
    assert "present again" in got[1]["REASON"]
    partial = [
        visit(0, -10, T01=20, NT01="PRESENT"),
        visit(1, 42, T01=15, NT01="ABSENT"),
        visit(2, 84, T01=15, NT01="PRESENT"),
    ]
    assert words(*partial) == ["SD", "SD"]  # it was no overall complete response


def test_non_target_node_by_size() -> None:
    base = visit(0, -10, T01=20, NT01=("SAXIS", 14))
    assert words(base, visit(1, 42, T01=0, NT01=("SAXIS", "9.9"))) == ["CR"]
    assert words(base, visit(1, 42, T01=0, NT01=("SAXIS", "10"))) == ["PR"]
    assert words(
        base, visit(1, 42, T01=0, NT01=("SAXIS", "9.9")), visit(2, 84, T01=0, NT01=("SAXIS", "10"))
    ) == ["CR", "PD"]


def test_any_non_target_not_assessed_is_ne_but_progression_wins() -> None:
    base = visit(0, -10, NT01="PRESENT", NT02="PRESENT")
    got = derive(base, visit(1, 42, NT01="ABSENT"), visit(2, 84, NT01="UNEQUIVOCAL PROGRESSION"))
    assert [r["NTRGRESP"] for r in got] == ["NE", "PD"]
    assert [(r["N_EXPECTED"], r["N_ASSESSED"]) for r in got] == [(2, 1), (2, 1)]


def test_late_non_target_blocks_cr_and_may_progress() -> None:
    assert words(visit(0, -10, T01=20), visit(1, 42, T01=0, NT09="PRESENT")) == ["PR"]
    assert words(visit(0, -10, T01=20), visit(1, 42, T01=0, NT09="UNEQUIVOCAL PROGRESSION")) == [
        "PD"
    ]
