"""Queries over several exports of a home: whatever the order of deliveries, with letters, the
commands, and confirmations that end with their value."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from hcc_assets.assets.definition import Asset
from hcc_assets.audit.trail import trail_of
from hcc_assets.catalogue.clinical._confirmations import confirmations
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.commands import hcc
from hcc_assets.home.paths import Home
from hcc_assets.operate.query_answers import forget_confirmations
from hcc_assets_tests.faults.homes import (
    FIRST,
    SECOND,
    THIRD,
    Tables,
    clinical,
    copied,
    deliver,
    hashes,
    through_the_engine,
    without_figures,
)

SETTINGS = "[samples]\nsettle_seconds = 0\n[holding]\nchanged_rows_percent = 100\n"


def wanted() -> dict[str, Asset]:
    """``queries`` and everything before it."""
    assets, names, front = all_assets(), set[str](), {"queries"}
    while front:
        names |= front
        front = {read for name in front for read in assets[name].reads} - names
    return {name: assets[name] for name in sorted(names)}


def exports() -> dict[str, Tables]:
    """Three exports with mistakes: a grade that was changed and is still wrong, a sex that was
    corrected, a grade that is missing from the second export on."""
    found = {day: clinical(day, subjects=5) for day in (FIRST, SECOND, THIRD)}
    for day, tables in found.items():
        ae, dm = tables["ae"].copy(), tables["dm"].copy()
        ae["AETOXGR"] = ae["AETOXGR"].astype(object)
        ae.loc[0, "AETOXGR"] = "8" if day == THIRD else "9"
        ae.loc[1, "AETOXGR"] = ae.loc[1, "AETOXGR"] if day == FIRST else None
        dm.loc[1, "SEX"] = "X" if day == FIRST else "F"
        if day == THIRD:
            ae = ae.iloc[::-1]
        found[day] = {**tables, "ae": ae, "dm": dm}
    return {day.isoformat(): tables for day, tables in found.items()}


def built(root: Path, *days: list[str]) -> Path:
    """A home to which exports came in several loads, brought up after each."""
    (root / "landing").mkdir(parents=True)
    (root / "study.toml").write_text(SETTINGS)
    every = exports()
    for load in days:
        for day in load:
            deliver(root, every[day], day)
        with without_figures():
            through_the_engine(Home.at(root), wanted())
    return root


def table(root: Path) -> pd.DataFrame:
    return pd.read_parquet(root / "published" / "queries.parquet")


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(hcc, [str(w) for w in words], catch_exceptions=False)


@pytest.fixture(scope="module")
def base(scratch: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DAGSTER_HOME", "HCC_HOME"):
            patch.setenv(name, "")
            patch.delenv(name)
        one, two, three = exports()
        return built(scratch / "queries-base", [one], [two], [three])


@pytest.fixture
def home(base: Path, place: Path) -> Path:
    return copied(base, place / "home")


def test_each_query_has_its_state(base: Path) -> None:
    rows = table(base).set_index(["check_id", "severity"])
    seen = rows.loc[[("AE04", "E"), ("AE04", "Q"), ("DM03", "Q")]]
    assert seen["status"].tolist() == ["ANSWERED", "OPEN", "CLOSED"]
    assert seen["opened"].tolist() == [FIRST, SECOND, FIRST]
    days = [(THIRD - FIRST).days, (THIRD - SECOND).days, (SECOND - FIRST).days]
    assert seen["age_days"].tolist() == days


def test_the_order_of_deliveries_does_not_count(base: Path, place: Path) -> None:
    one, two, three = exports()
    other = built(place / "other", [three], [two, one])
    pd.testing.assert_frame_equal(table(base), table(other))
    mine, theirs = hashes(base, "published/queries", ()), hashes(other, "published/queries", ())
    assert mine and mine == theirs


def test_letters_are_part_of_what_is_published(base: Path) -> None:
    manifest = json.loads((base / "store" / "queries" / "current.json").read_text())
    names = {p.name for p in (base / "published" / "queries").iterdir()}
    assert {f"queries/{n}" for n in names} <= set(manifest["published"])
    ids = set(table(base).query("status == 'ANSWERED'")["query_id"])
    texts = [p.read_text() for p in (base / "published" / "queries").glob("*.zh.html")]
    assert ids and all(sum(i in t for t in texts) == 1 for i in ids)
    subjects = set(table(base)["subject_id"].dropna())
    assert not [s for s in subjects if s in json.dumps(manifest)], "a manifest names keys"


def test_an_export_is_read_once(home: Path) -> None:
    deliver(home, exports()[THIRD.isoformat()], "2025-12-15")
    with without_figures():
        outcomes = through_the_engine(Home.at(home), wanted())
    past = outcomes["past_findings", None]
    assert past.metadata == {"exports": 3, "exports_read": 1}


def test_list_and_confirm(home: Path) -> None:
    listed = json.loads(call("query", "list", "--home", home, "--json").stdout)
    asked = [q for q in listed["queries"] if q["check_id"] == "AE04"]
    assert listed["open"] == len(listed["queries"]) and len(asked) == 2
    name = next(q["query_id"] for q in asked if q["severity"] == "E")
    site, subject = asked[0]["site"], asked[0]["subject_id"]
    mine = json.loads(call("query", "list", "--site", site, "--home", home, "--json").stdout)
    assert {q["site"] for q in mine["queries"]} == {site}
    text = call("query", "list", "--home", home).stdout
    assert name in text and "AETOXGR" in text
    everything = call("query", "list", "--all", "--home", home).stdout
    assert "CLOSED" in everything and "CLOSED" not in text

    unknown = call("query", "confirm", "Q-nothing", "--reason", "x", "--home", home)
    assert unknown.exit_code == 2 and "hcc query list" in unknown.output
    assert call("query", "confirm", name, "--home", home).exit_code == 2
    assert call("query", "confirm", name, "--reason", "  ", "--home", home).exit_code == 2
    gone = table(home).query("status == 'CLOSED'")["query_id"].iloc[0]
    assert call("query", "confirm", gone, "--reason", "x", "--home", home).exit_code == 2
    nowhere = call("query", "list", "--site", "99", "--home", home)
    assert nowhere.exit_code == 2 and "the sites are" in nowhere.output

    reason = f"{subject}: the reader insists"
    done = call("query", "confirm", name.lower(), "--reason", reason, "--home", home)
    assert done.exit_code == 0 and f"Confirmed {name}" in done.stdout
    entry = list(trail_of(Home.at(home)).entries())[-1]
    assert entry.action == "query confirm" and "the reader insists" in entry.why
    assert entry.details["query"] == name and subject not in json.dumps(vars(entry), default=str)
    said = (home / "store" / "query_confirmations.json").read_text()
    assert subject not in said and "the reader insists" in said

    with without_figures():
        changed = through_the_engine(Home.at(home), wanted())
    assert {node[0] for node in changed} == {"queries"}
    assert table(home).set_index("query_id").at[name, "status"] == "CONFIRMED"
    assert not any(name in p.read_text() for p in (home / "published/queries").iterdir())
    again = call("query", "confirm", name, "--reason", "x", "--home", home)
    assert again.exit_code == 2 and "confirmed already" in again.output

    tables = exports()[THIRD.isoformat()]
    tables["ae"].loc[0, "AETOXGR"] = "7"
    deliver(home, tables, "2025-12-15")
    with without_figures():
        through_the_engine(Home.at(home), wanted())
    assert table(home).set_index("query_id").at[name, "status"] == "OPEN", "another value"


def test_what_was_confirmed_of_a_subject_is_forgotten_with_it(home: Path) -> None:
    rows = table(home).query("status != 'CLOSED'").drop_duplicates("subject_id")
    mine, others = rows.iloc[0], rows.iloc[1:]
    for name in rows["query_id"]:
        assert call("query", "confirm", name, "--reason", "x", "--home", home).exit_code == 0
    forget_confirmations(Home.at(home), str(mine["subject_id"]).lower())
    left = {entry["query"] for entry in confirmations(Home.at(home))}
    assert left == set(others["query_id"])


def test_without_a_refresh_the_commands_say_what_to_do(place: Path) -> None:
    (place / "home" / "landing").mkdir(parents=True)
    for words in (["list"], ["confirm", "Q-1", "--reason", "x"]):
        result = call("query", *words, "--home", place / "home")
        assert result.exit_code == 2 and "hcc refresh" in result.output
