"""The messages of the outbox: put, claimed, sent, put off, given up, revived; each step one
transaction. What is told is decided in `outbox`, sending is in `delivery`."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from hcc_assets.alerts import digest, tables
from hcc_assets.alerts.backlog import Backlog
from hcc_assets.alerts.digest import Message
from hcc_assets.alerts.state import Transition
from hcc_assets.alerts.tables import moment, stamp

FIRST_RETRY = dt.timedelta(seconds=15)
"""A server that is being restarted is back by then."""
LONGEST_RETRY = dt.timedelta(hours=1)
"""Between two attempts at the most, so that a mended channel is noticed within the hour."""
MAX_ATTEMPTS = 30
"""With waits that double up to an hour: a message is tried for a day, a weekend's breakdown makes
dead letters, which `hcc health` shows and ``hcc alerts retry`` sends."""
LEASE = dt.timedelta(minutes=5)
"""Ten times the deadline of one message (`delivery.DEADLINE_SECONDS`)."""
LONGEST_RETRY_AFTER = dt.timedelta(hours=6)
"""What a server may ask for; more would be as good as losing the message."""
DIGEST_EVERY = dt.timedelta(hours=24)
"""Warnings are read once a day."""
KEPT_DAYS = 30
"""A message that was sent is kept so long, to show that it was."""

TRANSITION: TypeAdapter[Transition] = TypeAdapter(Transition)


@dataclass(frozen=True)
class Letter:
    """A message for one channel."""

    id: int
    channel: str
    title: str
    body: str
    created_at: dt.datetime
    attempts: int
    last_error: str | None = None


class Letters:
    """Messages in a database.

    Parameters
    ----------
    url
        SQLAlchemy URL, ``sqlite:////path/alerts.db`` or ``postgresql+psycopg2://…``. Tables are
        made when absent (names begin with ``hcc_``).
    study
        Study id, for the titles of messages.
    """

    def __init__(self, url: str, study: str = "HCC"):
        self._engine = tables.open_engine(url)
        self._study = study

    def put(self, message: Message, channels: Sequence[str], now: dt.datetime) -> None:
        """A message that is no alert (a summary, a notice), to be sent at once."""
        with tables.transaction(self._engine) as c:
            self._put(c, message, channels, now)

    def put_digest(self, channels: Sequence[str], now: dt.datetime) -> bool:
        """Move the waiting warnings into one message, once a day; True when there was one to
        send."""
        with tables.transaction(self._engine) as c:
            row = c.execute(
                sa.select(tables.settings.c.content).where(tables.settings.c.name == "last_digest")
            ).scalar()
            last = moment(row) if row else None
            if not channels or (last is not None and dt.timedelta(0) <= now - last < DIGEST_EVERY):
                return False
            items = (
                c.execute(
                    sa.select(tables.digest_items.c.content).order_by(tables.digest_items.c.id)
                )
                .scalars()
                .all()
            )
            message = digest.digest(
                [TRANSITION.validate_json(item) for item in items], self._study, last
            )
            if message is None:
                return False
            self._put(c, message, channels, now)
            c.execute(sa.delete(tables.digest_items))
            c.execute(sa.delete(tables.settings).where(tables.settings.c.name == "last_digest"))
            c.execute(sa.insert(tables.settings), {"name": "last_digest", "content": stamp(now)})
        return True

    def claim(
        self, now: dt.datetime, *, channels: Collection[str], at_once: bool = False
    ) -> Letter | None:
        """Take the oldest message that is due, for five minutes: whoever dies with it gives it
        back.

        Parameters
        ----------
        now
            Aware time. A due time further ahead than any back-off (the clock was set back) counts
            as due.
        channels
            Only messages of these.
        at_once
            Pass over the back-off, though not over a server's ``Retry-After``.
        """
        t = tables.outbox
        far = stamp(now + LONGEST_RETRY_AFTER + LEASE)
        free = sa.or_(
            t.c.lease_until.is_(None), t.c.lease_until <= stamp(now), t.c.lease_until > far
        )
        due = sa.or_(t.c.due_at <= stamp(now), t.c.due_at > far)
        allowed = sa.or_(
            t.c.not_before.is_(None), t.c.not_before <= stamp(now), t.c.not_before > far
        )
        with tables.transaction(self._engine) as c:
            row = c.execute(
                sa.select(t)
                .where(
                    t.c.sent_at.is_(None),
                    t.c.channel.in_(list(channels)),
                    free,
                    allowed,
                    sa.true() if at_once else due,
                )
                .order_by(t.c.id)
                .limit(1)
            ).first()
            if row is None:
                return None
            c.execute(
                sa.update(t)
                .where(t.c.id == row.id)
                .values(lease_until=stamp(now + LEASE), lease_owner=secrets.token_hex(8))
            )
        return _letter(row)

    def sent(self, letter: Letter, now: dt.datetime) -> None:
        """The channel took the message."""
        with tables.transaction(self._engine) as c:
            c.execute(
                sa.update(tables.outbox)
                .where(tables.outbox.c.id == letter.id)
                .values(sent_at=stamp(now), lease_until=None, last_error=None)
            )
            old = stamp(now - dt.timedelta(days=KEPT_DAYS))
            c.execute(sa.delete(tables.outbox).where(tables.outbox.c.sent_at < old))

    def failed(
        self,
        letter: Letter,
        now: dt.datetime,
        reason: str,
        *,
        permanent: bool = False,
        retry_after: float | None = None,
    ) -> bool:
        """The channel did not take it: due again later (15 s, doubling up to an hour, or what the
        server asked for), or a dead letter.

        Returns
        -------
        bool
            True when it became a dead letter: a failure that no waiting mends, or the 30th attempt.
        """
        attempts = letter.attempts + 1
        with tables.transaction(self._engine) as c:
            if permanent or attempts >= MAX_ATTEMPTS:
                # unless another process has dealt with it meanwhile
                mine = sa.delete(tables.outbox).where(tables.outbox.c.id == letter.id)
                if c.execute(mine).rowcount:
                    values = {
                        "channel": letter.channel,
                        "title": letter.title,
                        "body": letter.body,
                        "created_at": stamp(letter.created_at),
                        "attempts": attempts,
                        "last_error": reason,
                        "died_at": stamp(now),
                    }
                    c.execute(sa.insert(tables.dead_letters), values)
                return True
            wait = min(FIRST_RETRY * 2 ** min(attempts - 1, 20), LONGEST_RETRY)
            not_before = None
            if retry_after is not None:
                wait = dt.timedelta(
                    seconds=min(max(retry_after, 0.0), LONGEST_RETRY_AFTER.total_seconds())
                )  # what the server says may be infinite
                not_before = stamp(now + wait)
            c.execute(
                sa.update(tables.outbox)
                .where(tables.outbox.c.id == letter.id)
                .values(
                    attempts=attempts,
                    last_error=reason,
                    due_at=stamp(now + wait),
                    not_before=not_before,
                    lease_until=None,
                )
            )
        return False

    def release(self, letter: Letter) -> None:
        """Give a claimed message back without an attempt."""
        with tables.transaction(self._engine) as c:
            c.execute(
                sa.update(tables.outbox)
                .where(tables.outbox.c.id == letter.id)
                .values(lease_until=None)
            )

    def backlog(self, channels: Collection[str] | None = None) -> Backlog:
        """Messages that wait and dead letters; of ``channels`` only, when given."""
        t, d = tables.outbox, tables.dead_letters
        with tables.transaction(self._engine) as c:
            waiting = c.execute(
                sa.select(t.c.channel, t.c.created_at, t.c.last_error)
                .where(t.c.sent_at.is_(None))
                .order_by(t.c.id)
            ).all()
            dead = c.execute(sa.select(d.c.channel, sa.func.count()).group_by(d.c.channel)).all()
        rows = [r for r in waiting if channels is None or r.channel in channels]
        return Backlog(
            len(rows),
            {r.channel: r.last_error for r in rows if r.last_error},
            min((moment(r.created_at) for r in rows), default=None),
            {channel: n for channel, n in dead if channels is None or channel in channels},
        )

    def dead(self) -> list[Letter]:
        """The dead letters, oldest first."""
        with tables.transaction(self._engine) as c:
            return [
                _letter(row)
                for row in c.execute(
                    sa.select(tables.dead_letters).order_by(tables.dead_letters.c.id)
                ).all()
            ]

    def revive(self, now: dt.datetime, channels: Sequence[str]) -> int:
        """Put the dead letters back, to the channels that are set up now (an address may have been
        mended); returns how many there were."""
        with tables.transaction(self._engine) as c:
            letters = [
                _letter(row)
                for row in c.execute(
                    sa.select(tables.dead_letters).order_by(tables.dead_letters.c.id)
                ).all()
            ]
            texts = dict.fromkeys((letter.title, letter.body) for letter in letters if channels)
            for title, body in texts:
                self._put(c, Message(title, body), channels, now)
            if channels:
                c.execute(sa.delete(tables.dead_letters))
        return len(letters) if channels else 0

    def _put(
        self, c: sa.Connection, message: Message, channels: Sequence[str], now: dt.datetime
    ) -> None:
        at = {"created_at": stamp(now), "due_at": stamp(now), "attempts": 0}
        rows = [
            {"channel": x, "title": message.title, "body": message.body, **at} for x in channels
        ]
        if rows:
            c.execute(sa.insert(tables.outbox), rows)


def _letter(row: Any) -> Letter:
    return Letter(
        row.id,
        row.channel,
        row.title,
        row.body,
        moment(row.created_at),
        row.attempts,
        row.last_error,
    )
