"""A hold belongs to the inputs that were refused: once they are taken back it is neither an alert nor a result of the next refresh."""

from __future__ import annotations

from pathlib import Path

import pytest

from hcc_assets.alerts.alerting import signals
from hcc_assets.assets.plan import make_plan
from hcc_assets.home.paths import Home
from hcc_assets_tests.assets.test_engine import deliver


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    (tmp_path / "landing").mkdir()
    return Home.at(tmp_path)


@pytest.mark.parametrize("bad", ["crash", "refuse"])
def test_an_alert_ends_when_the_bad_inputs_are_taken_back(home: Home, bad: str) -> None:
    good = [["a", 1.0]]
    deliver(home, good).attempt("numbers")
    deliver(home, good).attempt("doubles")
    bench = deliver(home, bad)
    bench.attempt("numbers")
    assert [(s.asset, s.check) for s in signals(bench, make_plan(bench))] == [("numbers", "schema")]
    bench = deliver(home, good)
    assert signals(bench, make_plan(bench)) == []
    assert bench.attempt("numbers").state == "fresh"
    assert bench.versions.held("numbers") is None
