"""Alerts at their edges: many runs, a server that asks to wait for ever, a silence of one alert
only, names in what an operator writes."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from hcc_assets.alerts.alerting import alert_store, silence
from hcc_assets.alerts.channels import Channel
from hcc_assets.alerts.dagster_signals import dagster_signals
from hcc_assets.alerts.delivery import Answer, deliver_due
from hcc_assets.alerts.digest import Message
from hcc_assets.alerts.letters import LONGEST_RETRY_AFTER
from hcc_assets.alerts.outbox import AlertStore
from hcc_assets.alerts.records import Signal
from hcc_assets.assets.view import HomeView
from hcc_assets.commands import hcc
from hcc_assets.home.paths import Home
from hcc_assets_tests.alerts.test_dagster_signals import instance, now, run

__all__ = ["instance"]
NOW = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def store(tmp_path: Path) -> AlertStore:
    return AlertStore(f"sqlite:///{tmp_path}/alerts.db", "SURU")


def test_a_failure_does_not_drop_out_behind_many_later_runs(instance) -> None:
    run(instance, "S01", broken=True)
    run(instance, "S02")
    run(instance, "S02")
    assert [s.partition for s in dagster_signals(instance, now(), page=1)] == ["S01"]
    run(instance, "S01")
    assert dagster_signals(instance, now(), page=1) == []


@pytest.mark.parametrize("asked", [float("inf"), 1e300, 1e14])
def test_a_server_that_asks_to_wait_for_ever_is_asked_again(
    store: AlertStore, asked: float
) -> None:
    store.put(Message("title", "body"), ["json-1"], NOW)
    letter = store.claim(NOW, channels=["json-1"])
    assert letter is not None
    assert store.failed(letter, NOW, "HTTP 429", retry_after=asked) is False
    assert store.claim(NOW + LONGEST_RETRY_AFTER - SECOND, channels=["json-1"]) is None
    assert store.claim(NOW + LONGEST_RETRY_AFTER, channels=["json-1"]) is not None


def test_why_an_alert_is_silenced_is_kept_without_the_name_of_anybody(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "samples.csv").write_text(
        "sample_id,subject_id,timepoint,collection_date,path,tissue\n"
        "SURU-017-pre,SURU-017,pre,2026-01-02,matrices/one,liver\n"
    )
    HomeView(home, {}).register()
    store = alert_store(home)
    store.observe([Signal(asset="raw_counts", partition="s0001-a", check="c", title="t")], NOW)
    alert = store.open_alerts()[0].record.id
    silence(home, alert, NOW + dt.timedelta(days=1), "SURU-017-pre is known")
    (kept,) = store.silences(NOW)
    assert (kept.partition, kept.reason) == ("s0001-a", "s0001-a is known")


def test_silencing_an_alert_without_a_sample_leaves_the_samples_loud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DAGSTER_HOME", "HCC_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    home = Home.at(tmp_path)
    both = [
        Signal(asset="__ASSET_JOB", partition=p, check="run_succeeded", title="A run failed")
        for p in (None, "S01")
    ]
    alert_store(home).observe(both, NOW, channels=[])
    silence(home, both[0].id, NOW + dt.timedelta(days=1), "known")
    alert_store(home).observe(both, NOW + SECOND, channels=["json-1"])
    assert {a.record.partition: a.silenced for a in alert_store(home).open_alerts()} == {
        None: True,
        "S01": False,
    }


def test_a_silence_that_is_over_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    (tmp_path / "landing").mkdir()
    answer = CliRunner().invoke(
        hcc,
        [
            "alerts",
            "silence",
            "0" * 16,
            "--until",
            "2020-01-01",
            "--reason",
            "x",
            "--home",
            str(tmp_path),
        ],
    )
    assert answer.exit_code == 2 and "in the past" in answer.output


def test_no_trail_is_called_whole_where_there_is_no_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    answer = CliRunner().invoke(hcc, ["audit", "verify", "--home", str(tmp_path / "mistyped")])
    assert answer.exit_code == 3 and "no landing/ folder" in answer.output
    assert not (tmp_path / "mistyped").exists(), "no key is made for a home that is not there"


def test_servers_that_hang_leave_a_tick_short_and_the_others_served(store: AlertStore) -> None:
    dead, live = (
        [Channel(f"json-{n}", "json://dead") for n in range(4)],
        Channel("mailto-1", "mailto://live"),
    )
    channels = [*dead, live]
    for number in range(3):
        store.put(Message(str(number), ""), [c.label for c in channels], NOW)

    def send(channel: Channel, _: Message, deadline_s: float) -> Answer:
        if channel is live:
            return Answer(True)
        time.sleep(deadline_s)
        hung.append(channel.label)
        return Answer(False, reason="no answer")

    sent = 0
    hung: list[str] = []
    for tick in range(4):
        hung.clear()
        sent += deliver_due(
            store, channels, NOW + tick * SECOND, deadline_s=0.2, budget_s=0.5, send=send
        ).sent
        assert len(hung) <= 3, "three times 0.2 s are more than the 0.5 s of a tick"
    assert sent == 3, (
        "the live channel got everything, although each tick has only time for two dead ones"
    )
