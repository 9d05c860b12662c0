"""Judge before replace: what an attempt leaves behind when it succeeds, is refused, fails, is
overtaken or given up, or has nothing to do."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from hcc_assets.alerts.alerting import signals
from hcc_assets.assets import engine
from hcc_assets.assets.attempts import MAX_ATTEMPTS
from hcc_assets.assets.definition import Output, asset
from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.plan import make_plan
from hcc_assets.audit.trail import trail_of
from hcc_assets.home.paths import Home
from hcc_assets.home.published import damaged
from hcc_assets.schemas.csv_safe import to_csv_bytes
from hcc_assets_tests.assets.little import (
    ALL,
    GOOD,
    TABLES,
    Numbers,
    deliver,
    key_of,
    little_home,
    published_table,
    stored_files,
)

BAD = ["refuse", "crash", [["a", -1]], [["a", 1], ["a", 2]]]


def test_a_good_value_is_published_as_parquet_and_csv(home: Home) -> None:
    outcome = deliver(home, [["a", 1.5]]).attempt("numbers")
    assert outcome.state == "new"
    assert published_table(home).to_dict("records") == [{"key": "a", "value": 1.5}]
    expected = to_csv_bytes(pd.DataFrame({"key": ["a"], "value": [1.5]}))
    assert (home.published / "numbers.csv").read_bytes() == expected
    assert [(c.name, c.passed, c.affected) for c in outcome.checks] == [
        ("schema", True, 0),
        ("enough", True, 1),
    ]


def test_what_is_fresh_is_not_computed_and_not_touched(home: Home) -> None:
    deliver(home, GOOD).attempt("numbers")
    before = stored_files(home)
    assert Workbench(home, TABLES).attempt("numbers").state == "fresh"
    assert stored_files(home) == before


def test_forced_it_is_computed_again_with_the_same_content(home: Home) -> None:
    first = deliver(home, GOOD).attempt("numbers").manifest
    again = Workbench(home, TABLES).attempt("numbers", force=True)
    assert again.state == "unchanged"
    assert again.manifest is not None and first is not None
    assert again.manifest.at > first.at
    assert (again.manifest.since, again.manifest.previous) == (first.since, None)


def test_without_its_inputs_it_waits_and_leaves_nothing(home: Home) -> None:
    outcome = Workbench(home, TABLES).attempt("doubles")
    assert (outcome.state, outcome.checks) == ("waiting", [])
    assert stored_files(home) == {}


@pytest.mark.parametrize("bad", BAD, ids=["refused", "error", "below the range", "twice"])
def test_a_bad_value_leaves_every_byte_of_what_stands(home: Home, bad: object) -> None:
    deliver(home, GOOD).attempt("numbers")
    before = stored_files(home)
    outcome = deliver(home, bad).attempt("numbers")
    assert outcome.state == ("failed" if bad == "crash" else "held")
    assert stored_files(home, "held.json") == before
    assert "the version of" in outcome.reason and "stays" in outcome.reason
    assert [c.passed for c in outcome.checks] == [False]


def test_a_bad_first_value_says_that_there_is_no_earlier_one(home: Home) -> None:
    assert deliver(home, "refuse").attempt("numbers").reason.endswith("no earlier version")


def test_an_error_keeps_its_frames_and_not_its_text(home: Home) -> None:
    outcome = deliver(home, "crash").attempt("numbers")
    held = Workbench(home, TABLES).versions.held("numbers")
    assert held is not None
    assert held.code == "error"
    assert held.frames == outcome.frames
    assert [f.partition(":")[0] for f in held.frames] == ["little.py"]
    assert outcome.reason.startswith(f"unexpected ValueError at {held.frames[-1]}")
    for text in (outcome.reason, held.model_dump_json(), *(c.description for c in outcome.checks)):
        assert "secret" not in text


def test_a_refusal_is_not_computed_a_second_time_for_the_same_inputs(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(home, "refuse").attempt("numbers")
    monkeypatch.setattr(engine, "computed", lambda *_: pytest.fail("computed again"))
    again = Workbench(home, TABLES).attempt("numbers")
    assert (again.state, again.permanent) == ("still held", True)
    assert again.reason.startswith("numbers.json row 1: not a number")


def test_a_refused_delivery_lies_in_quarantine_with_its_reason(home: Home) -> None:
    deliver(home, "refuse").attempt("numbers")
    reasons = [json.loads(p.read_text()) for p in Path(str(home.quarantine)).rglob("reason.json")]
    assert [(r["reason"], r["code"]) for r in reasons] == [
        ("numbers.json row 1: not a number", "refused")
    ]


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_process_that_is_killed_counts_as_an_attempt(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(home, GOOD)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert make_plan(Workbench(home, TABLES)).of("stale") == [("numbers", None)]
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(engine, "computed", _killed)
            Workbench(home, TABLES).attempt("numbers")
        held = Workbench(home, TABLES).versions.held("numbers")
        assert held is not None
        assert (held.code, held.attempts) == ("ended", attempt)
    plan = make_plan(Workbench(home, TABLES))
    assert plan.of("held") == [("numbers", None)]
    assert "was ended before it was done" in plan.states[("numbers", None)].reason
    assert make_plan(Workbench(home, TABLES), again=True).of("stale") == [("numbers", None)]
    assert Workbench(home, TABLES).attempt("numbers").state == "new"
    assert Workbench(home, TABLES).versions.held("numbers") is None


@pytest.mark.parametrize("bad", ["crash", "refuse"])
def test_a_hold_ends_without_a_trace_when_what_stood_is_delivered_again(
    home: Home, bad: str
) -> None:
    deliver(home, GOOD).attempt("numbers")
    deliver(home, GOOD).attempt("doubles")
    before = stored_files(home)
    work = deliver(home, bad)
    work.attempt("numbers")
    assert [(s.asset, s.check) for s in signals(work, make_plan(work))] == [("numbers", "schema")]
    work = deliver(home, GOOD)
    plan = make_plan(work)
    assert signals(work, plan) == []
    assert not plan.dirty and not plan.of("held")
    assert work.attempt("numbers").state == "fresh"
    assert work.versions.held("numbers") is None
    assert stored_files(home) == before


def test_a_figure_of_an_earlier_sample_does_not_replace_that_of_a_later_one(place: Path) -> None:
    home = little_home(place, "A,S1,pre", "B,S1,post")
    work = Workbench(home, ALL)
    work.register()
    first, second = key_of(home, "A"), key_of(home, "B")
    for key in (first, second):
        for name in ("raw_counts", "course"):
            assert work.attempt(name, key).state == "new"
    figure = home.published / "figures" / "course_S1.png"
    of_both = figure.read_bytes()
    assert work.attempt("course", first, force=True).state == "unchanged"
    assert figure.read_bytes() == of_both
    stands = [m for k in (first, second) if (m := work.versions.current("course", k))]
    assert damaged(work.versions, stands) == []


def test_every_commit_is_in_the_audit_trail_with_its_reason(home: Home) -> None:
    deliver(home, [["a", 1]]).attempt("numbers", run_id="one")
    deliver(home, [["a", 2]]).attempt("numbers", run_id="two")
    entries = [e for e in trail_of(home).entries() if e.action == "materialize"]
    assert [e.from_hash for e in entries] == [None, entries[0].to_hash]
    assert [e.why for e in entries] == ["no version yet", "delivery numbers.json changed"]
    assert [e.details["run_id"] for e in entries] == ["one", "two"]
    assert not trail_of(home).verify()


def test_the_manifest_says_what_was_read(home: Home) -> None:
    work = deliver(home, GOOD)
    read = work.attempt("numbers").manifest
    found = work.attempt("doubles").manifest
    assert read is not None and found is not None
    assert found.inputs == {"numbers": read.data_version}
    assert found.settings == {"recist.confirmation_days": 28}
    assert read.deliveries == {"numbers.json": json.dumps(GOOD)}
    assert set(found.published) == {
        "doubles.parquet",
        "doubles.csv",
        "figures/doubles_line.png",
        "figures/doubles_line.svg",
    }
    assert found.code == TABLES["doubles"].closure.modules


def test_a_table_that_is_not_there_is_an_error_of_the_asset(home: Home) -> None:
    @asset(model=Numbers)
    def forgetful() -> Output:
        """No table. Although it has a model."""
        return Output()

    outcome = Workbench(home, {"forgetful": forgetful}).attempt("forgetful")
    assert (outcome.state, outcome.manifest) == ("failed", None)
    assert outcome.reason.startswith("unexpected TypeError")
