"""`hcc explain` tells of the versions that were read when a table was made, also when other ones
stand by now; and of figures, whose names are not those of their assets."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.provenance import explain_asset, explanation_lines, origin_of
from hcc_assets.home.paths import Home
from hcc_assets_tests.assets.little import ALL, SETTINGS, TABLES, deliver, key_of, little_home


@pytest.fixture
def home(place: Path) -> Home:
    """Tables, and the samples of two subjects."""
    home = little_home(place, "A,S1,pre", "B,S1,post", "C,S2,pre")
    work = deliver(home, [["a", 1]], ALL)
    work.register()
    for name in ALL:
        for key in work.keys if ALL[name].per_sample else (None,):
            assert work.attempt(name, key).state == "new"
    return home


def test_a_table_is_explained_down_to_its_delivery(home: Home) -> None:
    read = Workbench(home, TABLES).versions.require("numbers").data_version
    nodes = explain_asset(home, TABLES, "doubles")["nodes"]
    assert list(nodes) == ["numbers", "doubles"]
    assert nodes["numbers"]["stands"]
    assert nodes["numbers"]["data_version"] == read
    assert nodes["numbers"]["deliveries"] == {"numbers.json": '[["a", 1]]'}
    assert nodes["doubles"]["settings"] == {"recist.confirmation_days": 28}


def test_the_version_that_was_read_is_told_not_the_one_that_stands(home: Home) -> None:
    read = Workbench(home, TABLES).versions.require("numbers").data_version
    deliver(home, [["a", 2]]).attempt("numbers")
    tree = explain_asset(home, TABLES, "doubles")
    assert list(tree["nodes"]) == [f"numbers@{read}", "doubles"]
    assert tree["nodes"][f"numbers@{read}"]["deliveries"] == {"numbers.json": '[["a", 1]]'}
    text = "\n".join(explanation_lines(tree))
    assert '[["a", 1]]' in text
    assert '[["a", 2]]' not in text
    assert "another version stands now" in text


def test_a_version_that_is_no_longer_kept_is_said(home: Home) -> None:
    known = TABLES | {"numbers": dataclasses.replace(TABLES["numbers"], keep=1)}
    for value in range(2, 6):
        assert deliver(home, [["a", value]], known).attempt("numbers").state == "new"
    assert "no longer kept" in "\n".join(explanation_lines(explain_asset(home, known, "doubles")))


def test_what_has_no_version_says_what_to_do(place: Path) -> None:
    found = explain_asset(little_home(place / "empty"), TABLES, "doubles")
    assert explanation_lines(found) == ["doubles has no version yet; run hcc refresh"]


@pytest.mark.parametrize("file", ["published/figures/doubles_line.png", "doubles_line.svg"])
def test_a_figure_is_explained_by_the_asset_that_drew_it(home: Home, file: str) -> None:
    origin = origin_of(home, ALL, file)
    assert origin == ("doubles", [None])
    lines = explanation_lines(explain_asset(home, ALL, *origin))
    assert lines[0] == "doubles rests on 1 versions"
    assert any("numbers.json" in line for line in lines)


def test_a_figure_of_a_course_is_explained_by_the_samples_that_drew_it(home: Home) -> None:
    origin = origin_of(home, ALL, "course_S2.png")
    assert origin == ("course", [key_of(home, "C")])
    assert list(explain_asset(home, ALL, *origin)["nodes"]) == ["raw_counts/C", "course/C"]


def test_a_sample_names_the_earlier_sample_that_it_rests_on(home: Home) -> None:
    nodes = explain_asset(home, ALL, "course", [key_of(home, "B")])["nodes"]
    assert list(nodes) == ["raw_counts/B", "raw_counts/A", "course/A", "course/B"]
    assert set(nodes["course/B"]["inputs"]) == {"raw_counts", "course/A"}


def test_an_asset_per_sample_is_explained_by_all_its_samples(home: Home) -> None:
    origin = origin_of(home, ALL, "raw_counts")
    assert origin is not None
    found = explain_asset(home, ALL, *origin)["nodes"]
    assert set(found) == {"raw_counts/A", "raw_counts/B", "raw_counts/C"}


def test_what_nothing_published_is_not_explained(home: Home) -> None:
    assert origin_of(home, ALL, "numbers_copy.parquet") is None


def test_a_setting_that_counted_is_told_as_it_was_then(home: Home) -> None:
    home.study_toml.write_text(f"{SETTINGS}[recist]\nconfirmation_days = 35\n")
    nodes = explain_asset(home, TABLES, "doubles")["nodes"]
    assert nodes["doubles"]["settings"] == {"recist.confirmation_days": 28}
