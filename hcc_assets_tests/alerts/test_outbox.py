"""Promise G6, the store: what is to be told is in the outbox before it is sent, is claimed by one,
and given back by whoever dies with it."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

import pytest

from hcc_assets.alerts.channels import Channel
from hcc_assets.alerts.delivery import Answer, deliver_due
from hcc_assets.alerts.digest import Message
from hcc_assets.alerts.letters import LEASE, MAX_ATTEMPTS
from hcc_assets.alerts.outbox import AlertStore
from hcc_assets.alerts.records import Signal, Silence
from hcc_assets_tests.processes import together

NOW = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
SECOND = dt.timedelta(seconds=1)
MAIL, HOOK = Channel("mailto-1", "mailto://secret"), Channel("json-2", "json://secret")
LABELS = [MAIL.label, HOOK.label]


def signal(asset="raw_counts", partition="S01", severity="ERROR") -> Signal:
    return Signal(
        asset=asset,
        partition=partition,
        check="c",
        severity=severity,
        title="Counts are whole numbers",
    )


@pytest.fixture
def store(tmp_path: Path) -> AlertStore:
    return AlertStore(f"sqlite:///{tmp_path}/alerts.db", "SURU")


class Recorder:
    """A way of sending that keeps what it was given and answers as told."""

    def __init__(self, *answers: Answer):
        self.answers, self.sent, self.calls = list(answers), [], 0

    def __call__(self, channel, message, deadline):
        self.calls += 1
        answer = self.answers.pop(0) if self.answers else Answer(True)
        if answer.ok:
            self.sent.append((channel.label, message.title))
        return answer


def test_an_error_is_sent_once_to_each_channel(store) -> None:
    store.observe([signal()], NOW, channels=LABELS)
    store.observe([signal()], NOW + SECOND, channels=LABELS)
    send = Recorder()
    assert deliver_due(store, [MAIL, HOOK], NOW, send=send).sent == 2
    assert deliver_due(store, [MAIL, HOOK], NOW, send=send).sent == 0
    assert sorted(label for label, _ in send.sent) == sorted(LABELS)


def test_a_failing_channel_backs_off_and_does_not_hold_up_the_other(store) -> None:
    for partition in ("S01", "S02", "S03"):
        store.put(Message(partition, ""), LABELS, NOW)
    down = Recorder()

    def down_call(channel, message, deadline):
        mail = channel is MAIL
        return Answer(False, reason="HTTP 503") if mail else down(channel, message, deadline)

    report = deliver_due(store, [MAIL, HOOK], NOW, send=down_call)
    assert (report.sent, report.put_off, report.dead, report.problems) == (
        3,
        1,
        0,
        {MAIL.label: "HTTP 503"},
    )
    send = Recorder()
    assert (
        deliver_due(store, [MAIL, HOOK], NOW + 2 * SECOND, send=send).sent == 2
    )  # the two not tried; the refused one is due in 15 s
    assert deliver_due(store, [MAIL, HOOK], NOW + 20 * SECOND, send=send).sent == 1
    assert store.backlog().waiting == 0


def test_back_off_doubles_up_to_an_hour_and_ends_in_a_dead_letter(store) -> None:
    store.put(Message("t", "b"), [MAIL.label], NOW)
    now, total, dead = NOW, 0, False
    for attempt in range(MAX_ATTEMPTS):
        wait = 0 if attempt == 0 else min(15 * 2 ** (attempt - 1), 3600)
        if wait:
            assert store.claim(now + (wait - 1) * SECOND, channels=LABELS) is None
        now += wait * SECOND
        total += wait
        letter = store.claim(now, channels=LABELS)
        assert letter is not None and not dead
        dead = store.failed(letter, now, "no connection, or broken off")
    assert dead and store.claim(now + 100 * HOUR, channels=LABELS) is None
    assert 15 * 3600 < total < 48 * 3600
    assert store.backlog().dead == {MAIL.label: 1}
    assert store.dead()[0].last_error == "no connection, or broken off"


def test_a_permanent_failure_is_a_dead_letter_at_once_and_can_be_revived(store) -> None:
    store.put(Message("t", "b"), [MAIL.label], NOW)
    send = Recorder(Answer(False, permanent=True, reason="HTTP 404"))
    assert deliver_due(store, [MAIL], NOW, send=send).dead == 1
    assert store.backlog().dead == {MAIL.label: 1}
    assert store.revive(NOW, []) == 0 and store.backlog().dead == {MAIL.label: 1}
    assert store.revive(NOW, [HOOK.label]) == 1 and store.backlog().dead == {}
    assert deliver_due(store, [HOOK], NOW, send=send).sent == 1


def test_retry_after_is_kept_even_when_a_person_asks(store) -> None:
    store.put(Message("t", "b"), [MAIL.label], NOW)
    send = Recorder(Answer(False, retry_after=120, reason="HTTP 429"))
    deliver_due(store, [MAIL], NOW, send=send)
    assert deliver_due(store, [MAIL], NOW + 60 * SECOND, at_once=True, send=send).sent == 0
    assert deliver_due(store, [MAIL], NOW + 125 * SECOND, send=send).sent == 1


def test_a_person_who_asks_does_not_wait_for_the_back_off(store) -> None:
    store.put(Message("t", "b"), [MAIL.label], NOW)
    send = Recorder(Answer(False, reason="no connection, or broken off"))
    deliver_due(store, [MAIL], NOW, send=send)
    assert deliver_due(store, [MAIL], NOW + SECOND, send=send).sent == 0
    assert deliver_due(store, [MAIL], NOW + 2 * SECOND, at_once=True, send=send).sent == 1


def test_who_dies_with_a_message_gives_it_back(store) -> None:
    store.put(Message("t", "b"), [MAIL.label], NOW)
    assert store.claim(NOW, channels=LABELS) is not None
    assert store.claim(NOW + SECOND, channels=LABELS) is None
    assert store.claim(NOW + LEASE, channels=LABELS) is not None


def test_a_clock_that_went_back_holds_nothing_for_ever(store) -> None:
    store.put(Message("t", "b"), [MAIL.label], NOW)
    assert store.claim(NOW, channels=LABELS) is not None
    assert store.claim(NOW - 365 * 24 * HOUR, channels=LABELS) is not None


def test_warnings_go_into_one_digest_a_day(store) -> None:
    send = Recorder()
    for hour in range(60):
        failing = [signal(severity="WARN")] + (
            [signal("subjects", None, "WARN")] if hour >= 2 else []
        )
        now = NOW + hour * HOUR
        store.observe(failing, now, channels=[MAIL.label])
        deliver_due(store, [MAIL], now, send=send)
    assert [title for _, title in send.sent] == [
        "[SURU] Warnings: 1 open, 0 gone",
        "[SURU] Warnings: 2 open, 0 gone",
        "[SURU] Warnings: 2 open, 0 gone",
    ]


def test_nothing_is_queued_while_alerts_are_off_and_all_is_told_when_they_are_on(store) -> None:
    store.observe([signal()], NOW, channels=[])
    assert store.backlog().waiting == 0 and len(store.open_alerts()) == 1
    store.observe([signal()], NOW + HOUR, channels=LABELS)
    assert store.backlog().waiting == 2


def test_silences_are_kept_until_they_end(store) -> None:
    store.silence(Silence(asset="raw_counts", until=NOW + HOUR, reason="known"))
    store.observe([signal()], NOW, channels=LABELS)
    assert store.backlog().waiting == 0 and len(store.silences(NOW)) == 1
    store.observe([signal()], NOW + HOUR, channels=LABELS)
    assert store.backlog().waiting == 2 and store.silences(NOW + HOUR) == []


def test_no_address_is_stored(store, tmp_path: Path) -> None:
    store.observe([signal()], NOW, channels=LABELS)
    deliver_due(store, [MAIL, HOOK], NOW, send=Recorder(Answer(False, reason="HTTP 500")))
    assert not any(b"secret" in p.read_bytes() for p in tmp_path.iterdir() if p.is_file())
    assert (tmp_path / "alerts.db").stat().st_mode & 0o077 == 0


def _race(url: str) -> int:
    store = AlertStore(url, "SURU")
    store.observe([signal()], NOW, channels=[MAIL.label])
    send = Recorder()
    deliver_due(store, [MAIL], NOW, send=send)
    return len(send.sent)


def test_eight_first_processes_tell_once(tmp_path: Path) -> None:
    assert sum(together(_race, [(f"sqlite:///{tmp_path}/new/alerts.db",)] * 8)) == 1


def test_a_transaction_that_is_cut_leaves_neither_alert_nor_message(
    store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(AlertStore, "_put", full)
    with pytest.raises(sqlite3.OperationalError):
        store.observe([signal()], NOW, channels=LABELS)
    assert store.open_alerts() == []
    monkeypatch.undo()
    store.observe([signal()], NOW, channels=LABELS)
    assert store.backlog().waiting == 2
