"""What is fresh, stale, held or waiting, and the sentences that say why."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from hcc_assets.assets.attempts import MAX_ATTEMPTS
from hcc_assets.assets.closure import Closure
from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.plan import make_plan, ordered
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.home.paths import Home
from hcc_assets_tests.assets.little import (
    ALL,
    GOOD,
    SETTINGS,
    TABLES,
    deliver,
    key_of,
    little_home,
    sheet,
)


@pytest.fixture
def done(home: Home) -> Home:
    """Numbers and doubles are up to date."""
    work = deliver(home, GOOD)
    assert [work.attempt(n).state for n in TABLES] == ["new", "new"]
    return home


def states(home: Home, **assets: object) -> dict[str, tuple[str, str]]:
    plan = make_plan(Workbench(home, TABLES | assets))  # type: ignore[operator]
    return {name: (s.state, s.reason) for (name, _), s in plan.states.items()}


def test_what_has_no_input_yet_waits_and_says_for_what(home: Home) -> None:
    assert states(home) == {
        "numbers": ("waiting", "raw has no version yet"),
        "doubles": ("waiting", "numbers has no version yet"),
    }


def test_what_can_be_computed_for_the_first_time_is_stale(home: Home) -> None:
    deliver(home, GOOD)
    assert states(home)["numbers"] == ("stale", "no version yet")


def test_what_stands_for_todays_inputs_is_fresh(done: Home) -> None:
    assert {state for state, _ in states(done).values()} == {"fresh"}
    assert not make_plan(Workbench(done, TABLES)).dirty


def test_a_delivery_that_changed_is_named(done: Home) -> None:
    deliver(done, [["a", 2]])
    assert states(done)["numbers"] == ("stale", "delivery numbers.json changed")
    assert make_plan(Workbench(done, TABLES)).dirty == {("numbers", None), ("doubles", None)}


def test_an_input_that_changed_is_named(done: Home) -> None:
    deliver(done, [["a", 2]]).attempt("numbers")
    assert states(done)["doubles"] == ("stale", "input numbers changed")


def test_a_setting_that_changed_is_told_with_both_values(done: Home) -> None:
    done.study_toml.write_text(f"{SETTINGS}[recist]\nconfirmation_days = 35\n")
    assert states(done) == {
        "numbers": ("fresh", ""),
        "doubles": ("stale", "setting recist.confirmation_days: 28 → 35"),
    }


def test_a_setting_that_is_not_read_makes_nothing_stale(done: Home) -> None:
    done.study_toml.write_text(f"{SETTINGS}[recist]\nsd_minimum_days = 49\n")
    assert {state for state, _ in states(done).values()} == {"fresh"}


def test_code_that_changed_is_named_by_its_module(done: Home) -> None:
    one = dataclasses.replace(TABLES["doubles"])
    modules = TABLES["doubles"].closure.modules | {"hcc_assets.stats.simon": "new"}
    modules["hcc_assets.schemas.base"] = "edited"
    one.__dict__["closure"] = Closure(modules, "another")
    reason = "code of hcc_assets.schemas.base changed; code of hcc_assets.stats.simon is new"
    assert states(done, doubles=one)["doubles"] == ("stale", reason)


def test_a_declaration_that_changed_without_its_code_says_so(done: Home) -> None:
    one = dataclasses.replace(TABLES["doubles"])
    one.__dict__["closure"] = Closure(TABLES["doubles"].closure.modules, "another")
    assert states(done, doubles=one)["doubles"] == ("stale", "the way it is declared changed")


def test_several_changes_are_all_told(done: Home) -> None:
    deliver(done, [["a", 2]]).attempt("numbers")
    done.study_toml.write_text(f"{SETTINGS}[recist]\nconfirmation_days = 35\n")
    reasons = make_plan(Workbench(done, TABLES)).states[("doubles", None)].reasons
    assert reasons == ("input numbers changed", "setting recist.confirmation_days: 28 → 35")


def test_same_content_delivered_again_makes_nothing_below_it_stale(done: Home) -> None:
    (done.landing / "numbers.json").write_text('[["a",   1]]')
    assert Workbench(done, TABLES).attempt("numbers").state == "unchanged"
    assert {state for state, _ in states(done).values()} == {"fresh"}


def test_a_refusal_is_held_until_its_inputs_change(done: Home) -> None:
    deliver(done, "refuse").attempt("numbers")
    assert states(done)["numbers"] == ("held", "numbers.json row 1: not a number")
    assert make_plan(Workbench(done, TABLES), again=True).of("held") == [("numbers", None)]
    deliver(done, [["a", 3]])
    assert states(done)["numbers"][0] == "stale"


def test_what_is_below_a_held_asset_stays_as_it_is(done: Home) -> None:
    deliver(done, "refuse").attempt("numbers")
    assert states(done)["doubles"] == ("fresh", "")


def test_an_error_is_tried_three_times_then_held_and_stale_for_a_person_who_asks_again(
    done: Home,
) -> None:
    work = deliver(done, "crash")
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert states(done)["numbers"][0] == "stale"
        assert work.attempt("numbers").permanent is (attempt == MAX_ATTEMPTS)
    assert states(done)["numbers"][0] == "held"
    again = make_plan(Workbench(done, TABLES), again=True)
    assert again.states[("numbers", None)].state == "stale"


def test_samples_are_planned_by_timepoint_and_go_by_their_keys(place: Path) -> None:
    home = little_home(place, "Z,S1,pre", "A,S1,post", "M,S2,pre")
    plan = make_plan(Workbench(home, ALL))
    counts = [key for name, key in plan.states if name == "raw_counts"]
    assert counts == [key_of(home, s) for s in ("M", "Z", "A")]


def test_a_sample_that_leaves_the_sheet_is_planned_no_more(place: Path) -> None:
    home = little_home(place, "A,S1,pre", "B,S2,pre")
    work = Workbench(home, ALL)
    work.register()
    gone = key_of(home, "B")
    for key in work.keys:
        work.attempt("raw_counts", key)
    sheet(place, "A,S1,pre")
    assert ("raw_counts", gone) not in make_plan(Workbench(home, ALL)).states


def test_inputs_come_before_what_reads_them_in_the_whole_catalogue() -> None:
    names = [a.name for a in ordered(all_assets())]
    for one in all_assets().values():
        for read in one.reads:
            assert read == one.name or names.index(read) < names.index(one.name)


def test_a_circle_and_an_unknown_input_are_errors() -> None:
    two = dataclasses.replace(ALL["doubles"], name="numbers")
    circle = {"numbers": two, "doubles": ALL["doubles"]}
    two.__dict__["reads"] = ("doubles",)
    with pytest.raises(ValueError, match="circular inputs among"):
        ordered(circle)
    with pytest.raises(ValueError, match="no such asset in the catalogue: doubles reads numbers"):
        ordered({"doubles": ALL["doubles"]})
