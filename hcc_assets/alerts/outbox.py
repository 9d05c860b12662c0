"""The durable outbox: open alerts, silences and what is to be told of them, in one database, each
step one transaction. The messages themselves are in `letters`, sending in `delivery`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import sqlalchemy as sa

from hcc_assets.alerts import digest, tables
from hcc_assets.alerts.letters import TRANSITION, Letters
from hcc_assets.alerts.records import Severity, Signal, Silence
from hcc_assets.alerts.state import Advance, OpenAlert, advance
from hcc_assets.alerts.tables import stamp


class AlertStore(Letters):
    """Alerts, silences and the messages about them in one database."""

    footer = ""
    """Ends every message: the head of the audit trail, which leaves the home with it."""

    def _put(
        self, c: sa.Connection, message: digest.Message, channels: Sequence[str], now: dt.datetime
    ) -> None:
        if self.footer:
            room = digest.MAX_BODY - len(self.footer) - 2
            message = digest.Message(message.title, f"{message.body[:room]}\n\n{self.footer}")
        super()._put(c, message, channels, now)

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
                    [{"content": TRANSITION.dump_json(t).decode()} for t in later],
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
