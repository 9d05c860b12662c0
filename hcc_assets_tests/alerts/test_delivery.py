"""Promise G6 against real SMTP and HTTP servers on loopback: refuse, hang, drip, answer 429, die in
mid-message; kill between outbox and send."""

from __future__ import annotations

import datetime as dt
import os
import signal as signals
import subprocess
import sys
import time
from pathlib import Path

import pytest
from werkzeug import Request, Response

from hcc_assets.alerts.channels import Channel
from hcc_assets.alerts.delivery import deliver_due, send_through_apprise, test_channels
from hcc_assets.alerts.digest import Message
from hcc_assets.alerts.letters import LEASE
from hcc_assets.alerts.outbox import AlertStore
from hcc_assets.alerts.records import Signal
from hcc_assets.alerts.sender import retry_after_seconds
from hcc_assets_tests.alerts import alert_servers as servers

NOW = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)
MESSAGE = Message(
    "[SURU] ERROR raw_counts: Counts are whole numbers",
    "raw_counts[S01]\nwhat to do: ask for it again",
)


def mail(port: int) -> Channel:
    return Channel(
        "mailto-1",
        f"mailto://127.0.0.1:{port}/?from=hcc@example.org&to=dm@example.org&mode=insecure",
    )


def hook(port: int) -> Channel:
    return Channel("json-1", f"json://127.0.0.1:{port}/hook?secret=topsecret")


def test_mail_arrives_with_title_and_text() -> None:
    box = servers.Mailbox()
    with servers.smtp_server(box) as port:
        assert send_through_apprise(mail(port), MESSAGE).ok
    (message,) = box.messages
    assert "dm@example.org" in message and "ERROR raw_counts" in message and "what to do" in message


@pytest.mark.parametrize(
    ("box", "permanent", "reason"),
    [
        (servers.Mailbox("451 come again"), False, "SMTP 451"),
        (servers.Mailbox("554 not here"), True, "SMTP 554"),
        (servers.Mailbox(recipient="450 greylisted"), False, "SMTP 450"),
        (servers.Mailbox(recipient="550 no such user"), True, "SMTP 550"),
    ],
)
def test_a_mail_server_that_refuses(box, permanent: bool, reason: str) -> None:
    with servers.smtp_server(box) as port:
        answer = send_through_apprise(mail(port), MESSAGE)
    assert (answer.ok, answer.permanent, answer.reason) == (False, permanent, reason)


def test_servers_that_are_not_there_or_die_in_mid_message() -> None:
    answers = [
        send_through_apprise(channel(servers.free_port()), MESSAGE) for channel in (mail, hook)
    ]
    with servers.dying_smtp_server() as port:
        answers.append(send_through_apprise(mail(port), MESSAGE))
    for behave in (servers.die_in_mid_answer, servers.reset_in_mid_request):
        with servers.tcp_server(behave) as port:
            answers.append(send_through_apprise(hook(port), MESSAGE))
    assert {(a.ok, a.permanent, a.reason) for a in answers} == {
        (False, False, "no connection, or broken off")
    }


@pytest.mark.parametrize(
    ("channel", "behave"),
    [(hook, servers.hang), (hook, servers.drip), (mail, servers.hang), (mail, servers.drip_smtp)],
)
def test_a_server_that_hangs_or_drips_is_left_at_the_deadline(channel, behave) -> None:
    with servers.tcp_server(behave) as port:
        answer = send_through_apprise(channel(port), MESSAGE, 2)
    assert not answer.ok and not answer.permanent and answer.reason == "no answer within 2 s"


def test_a_webhook_that_asks_to_wait_is_left_alone_so_long(httpserver, tmp_path: Path) -> None:
    store = AlertStore(f"sqlite:///{tmp_path}/alerts.db", "SURU")
    store.put(MESSAGE, ["json-1"], NOW)
    httpserver.expect_ordered_request("/hook").respond_with_response(
        Response(status=429, headers={"Retry-After": "90"})
    )
    httpserver.expect_ordered_request("/hook").respond_with_data("ok")
    report = deliver_due(store, [hook(httpserver.port)], NOW)
    assert (report.put_off, report.problems) == (1, {"json-1": "HTTP 429"})
    assert (
        deliver_due(
            store, [hook(httpserver.port)], NOW + dt.timedelta(seconds=60), at_once=True
        ).sent
        == 0
    )
    assert deliver_due(store, [hook(httpserver.port)], NOW + dt.timedelta(seconds=100)).sent == 1


def test_an_alert_outlives_a_dead_server_and_is_sent_when_it_is_back(
    httpserver, tmp_path: Path
) -> None:
    store = AlertStore(f"sqlite:///{tmp_path}/alerts.db", "SURU")
    alert = Signal(asset="subjects", check="dm_has_rows", title="The table has rows")
    store.observe([alert], NOW, channels=["json-1"])
    assert deliver_due(store, [hook(servers.free_port())], NOW).put_off == 1
    bodies: list[dict] = []

    def take(request: Request) -> Response:
        bodies.append(request.get_json())
        return Response("ok")

    httpserver.expect_request("/hook").respond_with_handler(take)
    later = NOW + dt.timedelta(minutes=1)
    assert deliver_due(store, [hook(httpserver.port)], later).sent == 1
    store.observe([], later, channels=["json-1"])
    assert deliver_due(store, [hook(httpserver.port)], later).sent == 1
    assert [b["title"].split()[1] for b in bodies] == ["ERROR", "RECOVERED"]


def test_wrong_addresses_and_credentials_are_permanent_and_never_shown(httpserver) -> None:
    httpserver.expect_request("/hook").respond_with_data("no", status=403)
    answers = [
        send_through_apprise(hook(httpserver.port), MESSAGE),
        send_through_apprise(Channel("unknown-1", "topsecret"), MESSAGE),
    ]
    assert [(a.ok, a.permanent) for a in answers] == [(False, True), (False, True)]
    assert "topsecret" not in str(answers)


def test_a_test_message_goes_to_every_channel_and_says_which_failed(httpserver) -> None:
    httpserver.expect_request("/hook").respond_with_data("ok")
    box = servers.Mailbox()
    bad = Channel("json-2", f"json://127.0.0.1:{servers.free_port()}/")
    with servers.smtp_server(box) as port:
        answers = test_channels([mail(port), hook(httpserver.port), bad], "SURU", NOW)
    assert {label: a.ok for label, a in answers.items()} == {
        "mailto-1": True,
        "json-1": True,
        "json-2": False,
    }
    assert len(box.messages) == 1


def test_a_kill_between_outbox_and_send_loses_nothing(httpserver, tmp_path: Path) -> None:
    """The process dies with the message claimed and the connection open; whoever comes after the
    lease sends it."""
    url = f"sqlite:///{tmp_path}/alerts.db"
    store = AlertStore(url, "SURU")
    store.observe(
        [Signal(asset="subjects", check="dm_has_rows", title="The table has rows")],
        NOW,
        channels=["json-1"],
    )
    program = (
        "import datetime as dt, os; from hcc_assets.alerts.outbox import AlertStore;"
        "from hcc_assets.alerts.delivery import deliver_due;"
        "from hcc_assets.alerts.channels import Channel;"
        f"deliver_due(AlertStore({url!r}), [Channel('json-1', os.environ['ADDRESS'])], "
        f"dt.datetime.fromisoformat({NOW.isoformat()!r}))"
    )
    with servers.tcp_server(servers.hang) as port:
        child = subprocess.Popen(
            [sys.executable, "-c", program],
            env={**os.environ, "ADDRESS": f"json://127.0.0.1:{port}/"},
            start_new_session=True,
        )
        while child.poll() is None and not _claimed(tmp_path):
            time.sleep(0.05)
        os.killpg(child.pid, signals.SIGKILL)
        child.wait()
    httpserver.expect_request("/hook").respond_with_data("ok")
    assert deliver_due(store, [hook(httpserver.port)], NOW + dt.timedelta(seconds=1)).sent == 0
    assert (
        deliver_due(store, [hook(httpserver.port)], NOW + LEASE + dt.timedelta(seconds=1)).sent == 1
    )


def _claimed(folder: Path) -> bool:
    import sqlite3

    with sqlite3.connect(f"file:{folder}/alerts.db?mode=ro", uri=True, timeout=10) as connection:
        return (
            connection.execute(
                "select count(*) from hcc_outbox where lease_until is not null"
            ).fetchone()[0]
            > 0
        )


def test_retry_after_as_seconds_and_as_date() -> None:
    assert retry_after_seconds("120", NOW) == 120
    assert retry_after_seconds("Sun, 22 Nov 2026 06:02:00 GMT", NOW) == 120
    assert retry_after_seconds("Sun, 22 Nov 2020 06:02:00 GMT", NOW) == 0
    assert retry_after_seconds("soon", NOW) is None and retry_after_seconds(None, NOW) is None
