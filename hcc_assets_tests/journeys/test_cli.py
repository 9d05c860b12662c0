"""Every command as a person calls it: exit codes 0, 1 and 2, text for people, JSON for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hcc_assets.commands import hcc
from hcc_assets_tests.faults.homes import (
    FIRST,
    SECOND,
    SETTINGS,
    clinical,
    copied,
    deliver,
    without_figures,
)


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(hcc, [str(w) for w in words], catch_exceptions=False)


def answer(result: Result) -> dict[str, object]:
    found: dict[str, object] = json.loads(result.stdout)
    return found


@pytest.fixture(scope="module")
def base(scratch: Path) -> Path:
    """A clinical home that ``hcc refresh`` brought up."""
    root = scratch / "cli-base"
    root.mkdir()
    (root / "study.toml").write_text(SETTINGS)
    deliver(root, clinical(FIRST), FIRST.isoformat())
    with pytest.MonkeyPatch.context() as patch, without_figures():
        for name in ("DAGSTER_HOME", "HCC_HOME"):
            patch.setenv(name, "")
            patch.delenv(name)
        result = call("refresh", "--home", root, "--json")
    assert result.exit_code == 0, result.output
    changed = {c["asset"] for c in answer(result)["changed"]}  # type: ignore[attr-defined]
    assert {"subjects", "responses", "ae_summary", "trial_report"} <= changed
    return root


@pytest.fixture
def home(base: Path, place: Path) -> Path:
    return copied(base, place / "home")


def test_refresh_with_nothing_new(home: Path) -> None:
    result = call("refresh", "--home", home)
    assert result.exit_code == 0
    assert "Everything was up to date." in result.stdout


def test_refresh_says_what_is_held_each_time_until_it_is_accepted(home: Path) -> None:
    tables = clinical(SECOND)
    deliver(home, {**tables, "ae": tables["ae"].head(3)}, SECOND.isoformat())
    for _ in range(2):
        with without_figures():
            result = call("refresh", "--home", home, "--json")
        assert result.exit_code == 1
        held = answer(result)["held"]
        assert [h["asset"] for h in held] == ["clinical_export"]  # type: ignore[attr-defined]
    status = call("status", "--home", home)
    assert status.exit_code == 1
    assert "HELD        clinical_export" in status.stdout
    assert call("accept", "2030-01-01", "--reason", "x", "--home", home).exit_code == 2
    assert call("accept", SECOND.isoformat(), "--home", home).exit_code == 2
    accepted = call(
        "accept", SECOND.isoformat(), "--reason", "agreed with the site", "--home", home, "--json"
    )
    assert accepted.exit_code == 0
    assert answer(accepted)["export"] == SECOND.isoformat() and answer(accepted)["held"] is True
    with without_figures():
        assert call("refresh", "--home", home).exit_code == 0
    again = call("accept", SECOND.isoformat(), "--reason", "agreed with the site", "--home", home)
    assert again.exit_code == 0 and "No export is held now" in again.stdout


def test_status(home: Path) -> None:
    report = answer(call("status", "--home", home, "--json"))
    assert report["held"] == [] and report["stale"] == []
    assert report["export"] == FIRST.isoformat()
    assert "Export      2025-08-01" in call("status", "--home", home).stdout


def test_validate_does_not_touch_the_home(home: Path, place: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in home.rglob("*")}
    good = deliver(place / "other", clinical(SECOND), SECOND.isoformat())
    assert call("validate", good, "--home", home).exit_code == 0
    (good / "ae.csv").write_text("USUBJID\n")
    bad = call("validate", good, "--home", home, "--json")
    assert bad.exit_code == 1
    assert answer(bad)["accepted"] is False
    assert call("validate", place / "nothing", "--home", home).exit_code == 2
    empty = place / "empty"
    empty.mkdir()
    assert call("validate", empty, "--home", home).exit_code == 1
    sheet = place / "samples.csv"
    sheet.write_text(
        "sample_id,subject_id,timepoint,collection_date,path\nA,S,during,2025-01-01,m\n"
    )
    assert call("validate", sheet, "--home", home).exit_code == 1
    assert {p: p.stat().st_mtime_ns for p in home.rglob("*")} == before


def test_explain_goes_down_to_the_delivery(home: Path) -> None:
    result = call("explain", home / "published" / "response_rates.parquet", "--home", home)
    assert result.exit_code == 0
    assert f"clinical/{FIRST.isoformat()}/dm.csv" in result.stdout and "sha256" in result.stdout
    nodes = answer(call("explain", "response_rates", "--home", home, "--json"))["nodes"]
    steps = {"clinical_export", "tumour_assessments", "responses", "response_rates"}
    assert steps <= set(nodes)  # type: ignore[call-overload]
    assert call("explain", "no_such_table.parquet", "--home", home).exit_code == 2


def test_audit_verify(home: Path) -> None:
    assert call("audit", "verify", "--home", home).exit_code == 0
    assert answer(call("audit", "verify", "--home", home, "--json"))["problems"] == []
    trail = next(
        p
        for p in home.rglob("*")
        if p.is_file() and "audit" in p.name and p.suffix not in (".lock", ".head")
    )
    lines = trail.read_bytes().splitlines(keepends=True)
    trail.write_bytes(b"".join(lines[:2] + lines[3:]))
    broken = call("audit", "verify", "--home", home)
    assert broken.exit_code == 1 and "3" in broken.stdout


def test_withdraw(home: Path) -> None:
    import pandas as pd

    subject = str(pd.read_parquet(home / "published" / "subjects.parquet")["USUBJID"].iloc[0])
    assert (
        call("withdraw", subject, "--from", "yesterday", "--reason", "x", "--home", home).exit_code
        == 2
    )
    assert (
        call(
            "withdraw",
            subject,
            "--from",
            "2025-01-01",
            "--reason",
            "consent withdrawn",
            "--home",
            home,
        ).exit_code
        == 0
    )
    with without_figures():
        assert call("refresh", "--home", home).exit_code == 0
    assert subject in set(pd.read_parquet(home / "published" / "subjects.parquet")["USUBJID"]), (
        "what was collected stays"
    )
    assert subject not in set(
        pd.read_parquet(home / "published" / "adverse_events.parquet")["USUBJID"]
    )


def test_health_and_alerts_without_a_daemon_or_channel(home: Path) -> None:
    health = call("health", "--home", home, "--json")
    assert (health.exit_code == 0) is answer(health)["healthy"]
    assert call("alerts", "test", "--home", home).exit_code == 1


@pytest.mark.parametrize(
    "words",
    [
        ["refresh"],
        ["status"],
        ["explain", "subjects"],
        ["health"],
        ["withdraw", "S", "--from", "2025-01-01", "--reason", "x"],
        ["accept", "x", "--reason", "y"],
    ],
)
def test_without_a_home_nothing_is_begun(place: Path, words: list[str]) -> None:
    result = call(*words, "--home", place / "nowhere")
    assert result.exit_code == 3
    assert not (place / "nowhere").exists()


def test_a_wrong_study_toml_is_misuse_and_names_the_key(home: Path) -> None:
    (home / "study.toml").write_text("[samples]\nsettle_second = 0\n")
    for words in (["refresh"], ["status"]):
        result = call(*words, "--home", home)
        assert result.exit_code == 2
        assert "settle_second" in result.output and "settle_seconds" in result.output
