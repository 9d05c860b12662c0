"""Writers that come at once, are overtaken, given up or ended between two steps of an attempt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from hcc_assets.assets import engine
from hcc_assets.assets.attempts import StaleWriter
from hcc_assets.assets.definition import Output
from hcc_assets.assets.engine import Workbench
from hcc_assets.audit.trail import trail_of
from hcc_assets.home.paths import Home
from hcc_assets.home.published import damaged, put_back
from hcc_assets_tests.assets.little import (
    GOOD,
    TABLES,
    deliver,
    published_table,
    stored_files,
)


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_two_writers_at_once_publish_one_after_the_other(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2, timeout=60)
    passed = threading.local()
    whole: Callable[..., Output] = engine.computed

    def together(*given: Any) -> Output:
        if not getattr(passed, "once", False):
            passed.once = True
            both.wait()
        return whole(*given)

    deliver(home, GOOD)
    monkeypatch.setattr(engine, "computed", together)
    states: list[str] = []

    def write(run_id: str) -> None:
        states.append(Workbench(home, TABLES).attempt("numbers", run_id=run_id).state)

    threads = [threading.Thread(target=write, args=(run_id,)) for run_id in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    # the one that was overtaken looks again: there is nothing left to do, or, where it comes
    # between commit and publishing of the other, it publishes the very same
    assert sorted(states) in (["fresh", "new"], ["new", "new"])
    work = Workbench(home, TABLES)
    stands = work.versions.require("numbers")
    assert work.versions.held("numbers") is None
    assert damaged(work.versions, [stands]) == []
    told = [e for e in trail_of(home).entries() if e.action == "materialize"]
    assert {e.to_hash for e in told} == {stands.data_version}
    assert {e.details["run_id"] for e in told} == {stands.run_id}


def test_who_is_overtaken_by_newer_inputs_computes_those(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = deliver(home, GOOD)
    whole: Callable[..., Output] = engine.computed
    faster: list[str] = []

    def overtaken(*given: Any) -> Output:
        output = whole(*given)
        if not faster:
            faster.append("at work")
            faster.append(deliver(home, [["a", 7]]).attempt("numbers").state)
        return output

    monkeypatch.setattr(engine, "computed", overtaken)
    assert slow.attempt("numbers").state == "fresh"
    assert faster == ["at work", "new"]
    assert published_table(home)["value"].tolist() == [7.0]


def test_a_writer_that_was_given_up_writes_nothing_any_more(home: Home) -> None:
    deliver(home, GOOD).attempt("numbers")
    before = stored_files(home)

    def given_up() -> None:
        raise StaleWriter("run 1 was given up")

    with pytest.raises(StaleWriter):
        deliver(home, [["a", 2]]).attempt("numbers", fence=given_up)
    stands = Workbench(home, TABLES).versions.require("numbers")
    assert f"{stands.folder}/table.parquet" in stands.files
    changed = {n for n, data in stored_files(home, "held.json").items() if before.get(n) != data}
    assert {n.rpartition("/")[0] for n in changed} <= {
        f"store/numbers/{name}" for name in others(home, stands.folder)
    }


def others(home: Home, folder: str) -> set[str]:
    """Folders of versions that do not stand."""
    names = {p.name for p in (home.store / "numbers").iterdir() if p.is_dir()}
    return names - {folder}


def test_what_a_crash_between_commit_and_publishing_left_is_put_back(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(home, GOOD).attempt("numbers")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(engine, "promote", _killed)
        deliver(home, [["a", 2]]).attempt("numbers")
    assert published_table(home)["value"].tolist() == [1.0]
    work = Workbench(home, TABLES)
    stands = [work.versions.require("numbers")]
    assert damaged(work.versions, stands) == ["numbers.csv", "numbers.parquet"]
    assert put_back(work.versions, stands) == ["numbers.csv", "numbers.parquet"]
    assert published_table(home)["value"].tolist() == [2.0]
    assert damaged(work.versions, stands) == []
