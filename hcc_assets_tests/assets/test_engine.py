"""Judge before replace: what an attempt leaves behind when it succeeds, is refused, fails, or has nothing to do."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pytest

from hcc_assets.assets.engine import MAX_ATTEMPTS, Workbench
from hcc_assets.assets.plan import make_plan
from hcc_assets.assets.recipes import Ask, Output, Recipe, Refused
from hcc_assets.home.paths import Home
from hcc_assets.schemas.base import Table
from hcc_assets.schemas.csv_safe import to_csv_bytes


class Numbers(Table):
    """A table of the test."""

    key: str = pa.Field(description="Key")
    value: float = pa.Field(ge=0, nullable=True, description="Value")

    class Config(Table.Config):
        name = "numbers"
        unique = ["key"]


class Doubles(Numbers):
    class Config(Table.Config):
        name = "doubles"


def _read(ask: Ask) -> Output:
    raw = json.loads((ask.bench.home.landing / "numbers.json").read_text())
    if raw == "refuse":
        raise Refused("numbers.json row 1: not a number")
    if raw == "crash":
        raise ValueError("the secret name of a patient")
    return Output(table=pd.DataFrame(raw, columns=["key", "value"]))


def _content(bench: Workbench, _: str | None) -> dict[str, str] | None:
    path = bench.home.landing / "numbers.json"
    return {"numbers.json": path.read_text()} if path.exists() else None


def _double(ask: Ask) -> Output:
    table = ask.table("numbers")
    return Output(table=table.assign(value=table["value"] * 2))


RECIPES = {
    "numbers": Recipe(
        "numbers", _read, "test", "Numbers. From a file.", model=Numbers, external=_content
    ),
    "doubles": Recipe(
        "doubles", _double, "test", "Doubles. Of numbers.", inputs=("numbers",), model=Doubles
    ),
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    (tmp_path / "landing").mkdir()
    return Home.at(tmp_path)


def deliver(home: Home, content: object) -> Workbench:
    (home.landing / "numbers.json").write_text(json.dumps(content))
    return Workbench(home, RECIPES)


def published(home: Home, name: str = "numbers") -> pd.DataFrame:
    return pd.read_parquet(str(home.published / f"{name}.parquet"))


def test_a_good_value_is_published_as_parquet_and_csv(home: Home) -> None:
    outcome = deliver(home, [["a", 1.5]]).attempt("numbers")
    assert outcome.state == "new"
    assert published(home).to_dict("records") == [{"key": "a", "value": 1.5}]
    assert (home.published / "numbers.csv").read_bytes() == to_csv_bytes(
        pd.DataFrame({"key": ["a"], "value": [1.5]})
    )


def test_nothing_to_do_computes_nothing(home: Home) -> None:
    deliver(home, [["a", 1]]).attempt("numbers")
    assert Workbench(home, RECIPES).attempt("numbers").state == "fresh"


@pytest.mark.parametrize("bad", ["refuse", "crash", [["a", -1]], [["a", 1], ["a", 2]]])
def test_a_bad_value_leaves_what_stands(home: Home, bad: object) -> None:
    deliver(home, [["a", 1]]).attempt("numbers")
    before = (home.published / "numbers.parquet").read_bytes()
    outcome = deliver(home, bad).attempt("numbers")
    assert outcome.state in ("held", "failed")
    assert (home.published / "numbers.parquet").read_bytes() == before
    assert "stays" in outcome.reason
    assert any(not c.passed for c in outcome.checks)


def test_an_unexpected_error_is_told_without_its_text(home: Home) -> None:
    outcome = deliver(home, "crash").attempt("numbers")
    held = Workbench(home, RECIPES).versions.held("numbers")
    assert held is not None
    for text in (outcome.reason, held.model_dump_json(), *(c.description for c in outcome.checks)):
        assert "secret" not in text
    assert "ValueError at test_engine.py" in outcome.reason


def test_a_refusal_is_final_until_its_inputs_change(home: Home) -> None:
    deliver(home, "refuse").attempt("numbers")
    plan = make_plan(Workbench(home, RECIPES))
    assert plan.states[("numbers", None)].state == "held"
    plan = make_plan(deliver(home, [["a", 1]]))
    assert plan.states[("numbers", None)].state == "stale"


def test_an_unexpected_error_is_tried_again_within_bounds(home: Home) -> None:
    bench = deliver(home, "crash")
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert make_plan(Workbench(home, RECIPES)).states[("numbers", None)].state == "stale"
        assert bench.attempt("numbers").permanent is (attempt == MAX_ATTEMPTS)
    assert make_plan(Workbench(home, RECIPES)).states[("numbers", None)].state == "held"


def test_a_refused_delivery_lies_in_quarantine_with_its_reason(home: Home) -> None:
    deliver(home, "refuse").attempt("numbers")
    reasons = [json.loads(p.read_text()) for p in Path(str(home.quarantine)).rglob("reason.json")]
    assert [r["reason"] for r in reasons] == ["numbers.json row 1: not a number"]


def test_only_what_rests_on_a_change_is_stale(home: Home) -> None:
    bench = deliver(home, [["a", 1]])
    bench.attempt("numbers")
    bench.attempt("doubles")
    assert not make_plan(Workbench(home, RECIPES)).dirty
    plan = make_plan(deliver(home, [["a", 2]]))
    assert plan.dirty == {("numbers", None), ("doubles", None)}


def test_same_content_delivered_again_makes_nothing_below_it_stale(home: Home) -> None:
    bench = deliver(home, [["a", 1]])
    bench.attempt("numbers")
    bench.attempt("doubles")
    (home.landing / "numbers.json").write_text('[["a",   1]]')
    bench = Workbench(home, RECIPES)
    assert bench.attempt("numbers").state == "unchanged"
    assert not make_plan(Workbench(home, RECIPES)).dirty


def test_a_computation_reads_only_what_it_declares(home: Home) -> None:
    def sneaky(ask: Ask) -> Output:
        return Output(table=ask.table("numbers"))

    recipes = {
        **RECIPES,
        "doubles": Recipe("doubles", sneaky, "test", "Sneaky. Undeclared.", model=Doubles),
    }
    deliver(home, [["a", 1]]).attempt("numbers")
    assert "LookupError" in Workbench(home, recipes).attempt("doubles").reason


def test_every_commit_is_in_the_audit_trail(home: Home) -> None:
    from hcc_assets.audit.trail import trail_of

    deliver(home, [["a", 1]]).attempt("numbers")
    deliver(home, [["a", 2]]).attempt("numbers")
    entries = [e for e in trail_of(home).entries() if e.action == "materialize"]
    assert [e.from_hash for e in entries] == [None, entries[0].to_hash]
    assert not trail_of(home).verify()
