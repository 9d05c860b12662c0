"""What an operator says of subjects: reasons, which must keep no names where no erasure reaches
them, and a name that is mistyped."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from click.testing import CliRunner

from hcc_assets.audit.trail import trail_of
from hcc_assets.commands import hcc
from hcc_assets.home.paths import Home
from hcc_assets.home.people.consent import read_withdrawals
from hcc_assets.operate.actions import accept_export, withdraw_subject
from hcc_assets.privacy.erasing import preview
from hcc_assets.privacy.traces import find_traces
from hcc_assets_tests.faults.homes import FIRST, SETTINGS, clinical, deliver

SHEET = """sample_id,subject_id,timepoint,collection_date,path,tissue
HCC-001-pre,HCC-001,pre,2025-07-01,m/1,LIVER
17,S17,pre,2025-07-01,m/2,LIVER
"""


@pytest.fixture
def home(place: Path) -> Home:
    (place / "study.toml").write_text(SETTINGS)
    deliver(place, clinical(FIRST), FIRST.isoformat())
    (place / "landing" / "samples.csv").write_text(SHEET)
    return Home.at(place)


def test_a_reason_keeps_no_names(home: Home) -> None:
    entry = accept_export(
        home, FIRST.isoformat(), "hcc-001 moved to site 17, HCC-001-pre is lost; HCC-0011 is nobody"
    )
    assert "to site 17," in entry["reason"] and "HCC-0011 is nobody" in entry["reason"]
    withdraw_subject(home, "S17", dt.date(2025, 8, 1), "as HCC-001 did")
    for folder in ("audit", "store"):
        assert find_traces(Path(str(home.root)) / folder, ["HCC-001", "HCC-001-pre"]).traces == ()
    assert [e.action for e in trail_of(home).entries()] == ["accept", "withdraw"] and trail_of(
        home
    ).verify() == []
    assert "as HCC-001 did" in home.withdrawals_csv.read_text(), (
        "the operator's own record is left as it was given"
    )


def test_a_mistyped_name_is_told_before_anything_is_erased(home: Home) -> None:
    assert "is of this name" in preview(home, "HCC-OO1")["lines"][0]
    assert preview(home, "hcc-001")["lines"][0] == "1 samples"


@pytest.mark.parametrize(
    "command",
    [
        ["accept", "2025-08-01"],
        ["withdraw", "S17", "--from", "2025-08-01"],
        ["reference", "rebuild"],
    ],
)
def test_blanks_are_no_reason(home: Home, command: list[str]) -> None:
    result = CliRunner().invoke(hcc, [*command, "--reason", "  ", "--home", str(home.root)])
    assert result.exit_code == 2 and "say why in words" in result.output
    assert list(trail_of(home).entries()) == []


def test_withdrawing_nobody_is_done_and_told(home: Home) -> None:
    given = [
        "withdraw",
        "HCC-OO1",
        "--from",
        "2025-08-01",
        "--reason",
        "moved away",
        "--home",
        str(home.root),
    ]
    assert "look at the spelling" in CliRunner().invoke(hcc, given).output
    assert (
        "look at the spelling"
        not in CliRunner().invoke(hcc, ["withdraw", "hcc-001", *given[2:]]).output
    )
    assert [w.subject_id for w in read_withdrawals(home.withdrawals_csv)] == ["HCC-OO1", "hcc-001"]
