"""The people table: opaque keys that never change, never come back, and read both ways."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hcc_assets.home.landing.sample_sheet import SampleRow
from hcc_assets.home.paths import Home
from hcc_assets.home.people.register import KEY, People, _letters, read_people, register, strike
from hcc_assets_tests.processes import together


def row(sample: str, subject: str, timepoint: str = "pre") -> SampleRow:
    return SampleRow(sample, subject, timepoint, "2026-01-02", f"matrices/{sample}")


ROWS = [row("SURU-01-002-pre", "SURU-01-002"), row("SURU-01-001-pre", "SURU-01-001")]


def test_keys_follow_subject_and_sample_and_not_the_order_of_arrival() -> None:
    found = People().with_everybody(ROWS, ["SURU-01-003"])
    assert found == People().with_everybody(ROWS[::-1], ["SURU-01-003"])
    assert [found.key(r) for r in ROWS] == ["s0002-a", "s0001-a"]
    assert all(KEY.fullmatch(e.key) for e in found.entries)


def test_who_comes_later_gets_the_next_number_and_nobody_elses_changes() -> None:
    first = People().with_everybody(ROWS)
    later = first.with_everybody([row("SURU-01-000-pre", "SURU-01-000"), *ROWS])
    assert later.entries[: len(first.entries)] == first.entries
    assert later.key(row("SURU-01-000-pre", "SURU-01-000")) == "s0003-a"
    assert later.with_everybody(ROWS) is later


def test_one_subject_in_another_case_and_width_is_the_same_one() -> None:
    found = People().with_everybody([row("A-pre", "suru-01"), row("A-post", "ＳＵＲＵ-01")])
    assert [e.key for e in found.entries if e.sample] == ["s0001-a", "s0001-b"]
    assert found.keys_of("SURU-01") == ["s0001-a", "s0001-b"]


def test_a_sample_that_moves_to_another_subject_has_another_key_until_it_moves_back() -> None:
    before = People().with_everybody([row("A", "S1"), row("B", "S2")])
    moved = before.with_everybody([row("A", "S2")])
    assert moved.key(row("A", "S2")) == "s0002-b"
    assert moved.with_everybody([row("A", "S1")]).key(row("A", "S1")) == before.key(row("A", "S1"))


def test_letters_go_on_after_z() -> None:
    assert [_letters(n) for n in (0, 25, 26, 51, 52, 701, 702)] == [
        *("a", "z", "aa", "az", "ba", "zz", "aaa")
    ]


def test_a_text_is_read_both_ways() -> None:
    found = People().with_everybody(ROWS)
    text = "SURU-01-002-pre of SURU-01-002; not XSURU-01-0029"
    assert found.in_keys(text) == "s0002-a of s0002; not XSURU-01-0029"
    assert found.in_ids("annotated_cells/s0002-a, s0001") == (
        "annotated_cells/SURU-01-002-pre, SURU-01-001"
    )
    assert found.sample("s0001-a") == "SURU-01-001-pre"
    assert found.sample("s0009-a") == "s0009-a"


def test_a_name_that_is_a_number_stays_in_a_text() -> None:
    found = People().with_everybody([row("7", "12")])
    assert found.in_keys("7 of 12 rows") == "7 of 12 rows"


def test_who_is_struck_out_is_gone_and_the_number_is_not_given_again(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    register(home, ROWS)
    strike(home, "suru-01-002")
    assert read_people(home).names == {"SURU-01-001", "SURU-01-001-pre"}
    found = register(home, [row("SURU-01-009-pre", "SURU-01-009")])
    assert found.key(row("SURU-01-009-pre", "SURU-01-009")) == "s0003-a"
    assert "002" not in (tmp_path / "people.json").read_text()


def test_a_home_without_people_has_no_table(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    assert register(home) == People()
    assert not home.people_json.exists()


def _register(root: str, samples: list[str]) -> dict[str, str]:
    rows = [row(s, s.rpartition("-")[0]) for s in samples]
    found = register(Home.at(root), rows)
    return {r.sample_id: found.key(r) for r in rows}


def test_two_writers_at_once_lose_nobody(tmp_path: Path) -> None:
    calls = [(str(tmp_path), [f"SUBJ-{n}{p}-pre" for n in range(10)]) for p in "ab"]
    given = together(_register, calls)
    found = read_people(Home.at(tmp_path))
    assert len({e.key for e in found.entries}) == len(found.entries) == 40
    assert json.loads((tmp_path / "people.json").read_text())["last"] == 20
    for one in given:
        for sample, key in one.items():
            assert found.sample(key) == sample


@pytest.mark.parametrize("key", ["s0001", "s0012-a", "s12345-aa"])
def test_what_is_a_key(key: str) -> None:
    assert KEY.fullmatch(key)
