"""Sending what is in the outbox, at least once: apart from sensing, with a deadline per message.
What is to be told is decided in `state`."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hcc_assets.alerts.channels import Channel
from hcc_assets.alerts.digest import Message
from hcc_assets.alerts.outbox import AlertStore

DEADLINE_SECONDS = 30.0
"""For one message: half of the minute that Dagster gives a whole tick."""
TICK_SECONDS = 35.0
"""What sending may take within a tick of a sensor, which Dagster gives up after 60 s; the next tick
goes on."""


@dataclass(frozen=True)
class Answer:
    """What came of one attempt."""

    ok: bool
    permanent: bool = False
    retry_after: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class DeliveryReport:
    """Counts of one `deliver_due`: messages sent, put off, and given up; ``problems`` maps a
    channel to its last error."""

    sent: int
    put_off: int
    dead: int
    problems: dict[str, str]


Send = Callable[[Channel, Message, float], Answer]


def send_through_apprise(
    channel: Channel, message: Message, deadline_s: float = DEADLINE_SECONDS
) -> Answer:
    """One message through one channel in a child process, which is killed at the deadline. The
    address goes through a pipe."""
    request = json.dumps({"url": channel.url, "title": message.title, "body": message.body})
    try:
        done = subprocess.run(
            [sys.executable, "-m", "hcc_assets.alerts.sender"],
            input=request,
            capture_output=True,
            text=True,
            timeout=deadline_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(False, reason=f"no answer within {deadline_s:g} s")
    try:
        return Answer(**json.loads(done.stdout.splitlines()[-1]))
    except (ValueError, IndexError, TypeError):
        return Answer(False, reason=f"the sending process ended with code {done.returncode}")


def deliver_due(
    store: AlertStore,
    channels: Sequence[Channel],
    now: dt.datetime,
    *,
    at_once: bool = False,
    deadline_s: float = DEADLINE_SECONDS,
    max_messages: int = 100,
    budget_s: float | None = None,
    send: Send = send_through_apprise,
) -> DeliveryReport:
    """Send every message that is due, and the digest once a day. May be called at any time by any
    number of processes.

    A channel that fails in a passing way is left alone for the rest of this call, so that one dead
    server costs one deadline and not one per message; channels that failed before come last, so
    that it does not hold up the others.

    Parameters
    ----------
    store
        The outbox.
    channels
        Channels that are set up; messages for others wait.
    now
        Aware time at the start; the time that sending takes is added.
    at_once
        Pass over the back-off (a person asked), though not over a server's ``Retry-After``.
    deadline_s
        Seconds that one message may take.
    max_messages
        At most so many attempts.
    budget_s
        Seconds that all of them may take together; the rest is for the next call.
    send
        How one message is sent.
    """
    began = time.monotonic()
    by_label = {c.label: c for c in channels}
    store.put_digest(list(by_label), now)
    counts = {"sent": 0, "put_off": 0, "dead": 0}
    problems: dict[str, str] = {}
    resting: set[str] = set()
    tried: set[int] = set()
    failing = set(store.backlog(list(by_label)).failing)

    def clock() -> dt.datetime:
        return now + dt.timedelta(seconds=time.monotonic() - began)

    for _ in range(max_messages):
        left = deadline_s if budget_s is None else budget_s - (time.monotonic() - began)
        if left < min(deadline_s, 5.0):
            break
        awake = [label for label in by_label if label not in resting]
        letter = store.claim(
            clock(), channels=[label for label in awake if label not in failing], at_once=at_once
        )
        letter = letter or store.claim(
            clock(), channels=[label for label in awake if label in failing], at_once=at_once
        )
        if letter is None:
            break
        if letter.id in tried:
            store.release(letter)
            break
        tried.add(letter.id)
        answer = send(
            by_label[letter.channel],
            Message(letter.title, f"{letter.body}\n\nmessage {letter.id}"),
            min(deadline_s, left),
        )
        if answer.ok:
            store.sent(letter, clock())
            counts["sent"] += 1
            continue
        problems[letter.channel] = answer.reason
        dead = store.failed(
            letter,
            clock(),
            answer.reason,
            permanent=answer.permanent,
            retry_after=answer.retry_after,
        )
        counts["dead" if dead else "put_off"] += 1
        if not answer.permanent:
            resting.add(letter.channel)
    return DeliveryReport(**counts, problems=problems)


def test_channels(
    channels: Sequence[Channel],
    study: str,
    now: dt.datetime,
    *,
    deadline_s: float = DEADLINE_SECONDS,
    send: Send = send_through_apprise,
) -> dict[str, Answer]:
    """One test message per channel, sent directly; label to answer."""
    sent = f"{now.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
    text = f"This is a test of the alerts of study {study}, sent {sent}. Nothing is wrong."
    return {
        c.label: send(c, Message(f"[{study}] Test of the alert channel", text), deadline_s)
        for c in channels
    }


# a name that test runners would collect
test_channels.__test__ = False  # type: ignore[attr-defined]
