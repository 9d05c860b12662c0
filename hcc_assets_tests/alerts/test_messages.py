"""The words of an alert: grouped by asset, bounded in size, digest, channels without address."""

from __future__ import annotations

import datetime as dt

from hcc_assets.alerts import digest
from hcc_assets.alerts.channels import channels_from_environment
from hcc_assets.alerts.records import AlertRecord, Phase
from hcc_assets.alerts.state import Kind, OpenAlert, Transition
from hcc_assets_tests.alerts.test_alerts import signal, step

HOUR = dt.timedelta(hours=1)
NOW = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)


def transition(
    kind: Kind, asset: str = "raw_counts", partition: str | None = "S01", **more
) -> Transition:
    record = AlertRecord.of(
        signal(asset, partition, **more), first_seen=NOW, last_seen=NOW + HOUR, state=Phase.NEW
    )
    return Transition(kind, record, record.severity)


def test_messages_are_grouped_by_asset_and_say_what_is_held_and_what_to_do() -> None:
    found = [
        transition(
            Kind.NEW,
            n_affected=12,
            row_keys=["r1"],
            value=4.5,
            threshold=2,
            held_back="the version of 14 November stays",
            what_to_do="Ask for it again.",
        ),
        transition(Kind.NEW, partition="S02"),
        transition(Kind.RECOVERED, "subjects", None),
    ]
    raw, subjects = digest.messages(found, "SURU")
    assert raw.title == "[SURU] ERROR raw_counts: 2 new"
    for part in (
        "raw_counts[S01]",
        "raw_counts[S02]",
        "12 (r1)",
        "value 4.5 against 2",
        "the version of 14 November stays",
        "Ask for it again.",
    ):
        assert part in raw.body
    assert subjects.title.startswith("[SURU] RECOVERED subjects")


def test_a_message_stays_within_its_size_and_says_how_many_it_leaves_out() -> None:
    many = [transition(Kind.NEW, partition=f"S{i:03}", what_to_do="x" * 390) for i in range(200)]
    (message,) = digest.messages(many, "SURU")
    assert len(message.title) <= digest.MAX_TITLE and len(message.body) <= digest.MAX_BODY
    left_out = 200 - sum(f"[S{i:03}]" in message.body for i in range(200))
    assert f"and {left_out} more" in message.body


def test_a_title_is_one_line() -> None:
    (message,) = digest.messages([transition(Kind.NEW, title="a\r\nBcc: x\x00y")], "SURU\r\n")
    assert "\n" not in message.title and "\r" not in message.title


def test_the_digest_has_the_last_word_on_each_alert() -> None:
    warn = {"severity": "WARN"}
    message = digest.digest(
        [
            transition(Kind.NEW, "a", None, **warn),
            transition(Kind.NEW, "b", None, **warn),
            transition(Kind.RECOVERED, "b", None, **warn),
            transition(Kind.RECOVERED, "c", None, **warn),
        ],
        "SURU",
        NOW,
    )
    assert message is not None and message.title == "[SURU] Warnings: 1 open, 2 gone"
    assert "came and went" in message.body and "recovered" in message.body
    assert digest.digest([], "SURU", None) is None


def test_channels_are_named_without_their_address() -> None:
    environ = {
        "HCC_ALERT_URLS": " mailtos://user:secret@example.org  slack://T/A/B "
        "mailtos://user:secret@example.org nonsense"
    }
    channels = channels_from_environment(b"k", environ)
    assert [c.label.rsplit("-", 1)[0] for c in channels] == ["mailtos", "slack", "unknown"]
    assert "secret" not in repr(channels) and "nonsense" not in "".join(c.label for c in channels)
    assert channels_from_environment(b"other", environ)[0].label != channels[0].label
    assert channels_from_environment(b"k", {}) == []


def test_open_alerts_survive_storage() -> None:
    alert = step([], [signal(links=["http://127.0.0.1:3000/assets/raw_counts"])], NOW).alerts[0]
    assert OpenAlert.model_validate_json(alert.model_dump_json()) == alert
