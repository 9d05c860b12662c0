"""The outbox database: its tables and how a transaction on them is begun on SQLite and on
PostgreSQL. What is written is decided in `outbox`."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from hcc_assets.home import leases

metadata = sa.MetaData()

alerts = sa.Table(
    "hcc_alerts",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("asset", sa.String(128), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
)
silences = sa.Table(
    "hcc_silences",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("until", sa.String(40), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
)
digest_items = sa.Table(
    "hcc_digest_items",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
)
settings = sa.Table(
    "hcc_alert_settings",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
)


def _message_columns() -> list[sa.Column]:
    return [
        sa.Column("channel", sa.String(64), nullable=False, index=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", sa.String(40), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_error", sa.Text),
    ]


outbox = sa.Table(
    "hcc_outbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    *_message_columns(),
    sa.Column("due_at", sa.String(40), nullable=False),
    sa.Column("not_before", sa.String(40)),
    sa.Column("lease_until", sa.String(40)),
    sa.Column("lease_owner", sa.String(64)),
    sa.Column("sent_at", sa.String(40)),
)
dead_letters = sa.Table(
    "hcc_dead_letters",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    *_message_columns(),
    sa.Column("died_at", sa.String(40), nullable=False),
)

_LOCK_ID = 7204190113 % 2**31
"""Of the advisory lock; any number that nobody else on the server uses, within 31 bits."""


def stamp(moment: dt.datetime) -> str:
    """UTC, fixed width, so that text order is time order."""
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds")


def moment(text: str) -> dt.datetime:
    """Inverse of `stamp`."""
    return dt.datetime.fromisoformat(text)


def open_engine(url: str) -> sa.Engine:
    """An engine without a pool (processes may fork), its tables made. Several processes may open a
    new database at once."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        engine = sa.create_engine(parsed, poolclass=sa.NullPool)
        with transaction(engine) as connection:
            metadata.create_all(connection)
        return engine
    engine = sa.create_engine(parsed, poolclass=sa.NullPool, connect_args={"timeout": 60})
    path = Path(str(parsed.database))
    path.parent.mkdir(parents=True, exist_ok=True)

    @sa.event.listens_for(engine, "connect")
    def _connect(connection, _record):  # type: ignore[no-untyped-def]
        # the driver's own BEGIN comes too late to keep two writers apart
        connection.isolation_level = None

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    with leases.hold(Path(f"{path}.lock")), transaction(engine) as connection:
        metadata.create_all(connection)
    path.chmod(0o600)
    return engine


@contextlib.contextmanager
def transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that no other of these runs beside: ``BEGIN IMMEDIATE`` on SQLite, an advisory
    lock on PostgreSQL."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:id)"), {"id": _LOCK_ID})
        yield connection
