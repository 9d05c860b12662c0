"""The durable outbox: open alerts, silences and the messages to be sent, in one database, each step
one transaction. Sending is in `delivery`."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from hcc_assets.alerts import digest, tables
from hcc_assets.alerts.digest import Message
from hcc_assets.alerts.records import Severity, Signal, Silence
from hcc_assets.alerts.state import Advance, OpenAlert, Transition, advance
from hcc_assets.alerts.tables import moment, stamp
from hcc_assets.privacy.traces import Names

FIRST_RETRY = dt.timedelta(seconds=15)
LONGEST_RETRY = dt.timedelta(hours=1)
MAX_ATTEMPTS = 30
LEASE = dt.timedelta(minutes=5)
LONGEST_RETRY_AFTER = dt.timedelta(hours=6)
DIGEST_EVERY = dt.timedelta(hours=24)

_TRANSITION: TypeAdapter[Transition] = TypeAdapter(Transition)


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


@dataclass(frozen=True)
class Backlog:
    """What health asks: messages waiting and failing, the oldest of them, dead letters per
    channel."""

    waiting: int
    failing: Mapping[str, str]
    """Channel to its last error, of channels that have refused a message that still waits."""
    oldest: dt.datetime | None
    dead: Mapping[str, int]


class AlertStore:
    """Alerts and outbox in one database.

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

    # -- what fails --------------------------------------------------------------------------------

    def observe(
        self,
        signals: Iterable[Signal],
        now: dt.datetime,
        *,
        channels: Sequence[str] = (),
        repeat_hours: float = 24,
        upstream_of: Mapping[str, Collection[str]] | None = None,
        judged: Callable[[Signal], bool] = lambda _: True,
    ) -> Advance:
        """Advance the alerts and put what is to be told into the outbox, in one transaction.

        Parameters
        ----------
        signals
            Everything that fails now.
        now
            Aware time.
        channels
            Labels of the channels to tell; none while alerts are off.
        repeat_hours, upstream_of, judged
            As in `state.advance`.
        """
        with tables.transaction(self._engine) as c:
            step = advance(
                self._open(c),
                signals,
                now,
                repeat_hours,
                silences=self._silences(c, now),
                upstream_of=upstream_of,
                judged=judged,
                can_tell=bool(channels),
            )
            c.execute(sa.delete(tables.alerts))
            if step.alerts:
                c.execute(
                    sa.insert(tables.alerts),
                    [
                        {"id": a.record.id, "asset": a.record.asset, "content": a.model_dump_json()}
                        for a in step.alerts
                    ],
                )
            at_once = [t for t in step.transitions if t.severity is Severity.ERROR]
            for message in digest.messages(at_once, self._study):
                self._put(c, message, channels, now)
            later = [t for t in step.transitions if t.severity is Severity.WARN]
            if later:
                c.execute(
                    sa.insert(tables.digest_items),
                    [{"content": _TRANSITION.dump_json(t).decode()} for t in later],
                )
        return step

    def open_alerts(self) -> list[OpenAlert]:
        """What is open, also what is silenced or explained by an upstream alert."""
        with tables.transaction(self._engine) as c:
            return self._open(c)

    def silence(self, silence: Silence) -> None:
        """Keep a silence until it ends."""
        with tables.transaction(self._engine) as c:
            c.execute(
                sa.insert(tables.silences),
                {"until": stamp(silence.until), "content": silence.model_dump_json()},
            )

    def silences(self, now: dt.datetime) -> list[Silence]:
        """The silences that last."""
        with tables.transaction(self._engine) as c:
            return self._silences(c, now)

    # -- what is to be sent ------------------------------------------------------------------------

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
                [_TRANSITION.validate_json(item) for item in items], self._study, last
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
            old = stamp(now - dt.timedelta(days=30))
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
                if c.execute(
                    sa.delete(tables.outbox).where(tables.outbox.c.id == letter.id)
                ).rowcount:  # else it was forgotten while it was on its way
                    values = {
                        "channel": letter.channel,
                        "title": letter.title,
                        "body": letter.body,
                        "created_at": stamp(letter.created_at),
                    }
                    c.execute(
                        sa.insert(tables.dead_letters),
                        {
                            **values,
                            "attempts": attempts,
                            "last_error": reason,
                            "died_at": stamp(now),
                        },
                    )
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

    # -- what went wrong ---------------------------------------------------------------------------

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

    def forget(self, names: Collection[str], others: Collection[str] = ()) -> int:
        """Remove every alert, message and silence that names one of ``names`` (erasure of a
        subject), sent or not; returns how many rows went.

        A name inside a longer one of ``others`` is not meant; what only may be one (a short number)
        goes as well, since an alert is raised again.
        """
        count, wanted = 0, Names(names, others)
        sources: list[tuple[sa.Table, list[str]]] = [
            (tables.alerts, ["content"]),
            (tables.silences, ["content"]),
            (tables.digest_items, ["content"]),
            (tables.outbox, ["title", "body"]),
            (tables.dead_letters, ["title", "body"]),
        ]
        with tables.transaction(self._engine) as c:
            for table, fields in sources:
                for row in c.execute(sa.select(table)).mappings().all():
                    if wanted.in_value("\n".join(row[f] for f in fields)):
                        c.execute(sa.delete(table).where(table.c.id == row["id"]))
                        count += 1
        tables.vacuum(self._engine)
        return count

    # -- inside a transaction ----------------------------------------------------------------------

    def _open(self, c: sa.Connection) -> list[OpenAlert]:
        rows = (
            c.execute(sa.select(tables.alerts.c.content).order_by(tables.alerts.c.id))
            .scalars()
            .all()
        )
        return [OpenAlert.model_validate_json(row) for row in rows]

    def _silences(self, c: sa.Connection, now: dt.datetime) -> list[Silence]:
        rows = c.execute(
            sa.select(tables.silences.c.content)
            .where(tables.silences.c.until > stamp(now))
            .order_by(tables.silences.c.id)
        )
        return [Silence.model_validate_json(row) for row in rows.scalars().all()]

    def _put(
        self, c: sa.Connection, message: Message, channels: Sequence[str], now: dt.datetime
    ) -> None:
        for channel in channels:
            values = {
                "channel": channel,
                "title": message.title,
                "body": message.body,
                "created_at": stamp(now),
                "due_at": stamp(now),
                "attempts": 0,
            }
            c.execute(sa.insert(tables.outbox), values)


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
