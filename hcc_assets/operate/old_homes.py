"""A home of an earlier version, brought up to date by whoever is about to change it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial

from hcc_assets.audit.trail import trail_of
from hcc_assets.home.migration import migrate
from hcc_assets.home.paths import Home
from hcc_assets.operate.dagster_yaml import DATABASE_VARIABLE, check_database

_DAGSTERS_OWN = ("alembic_version", "instance_info", "secondary_indexes")
"""Tables that say which migrations of Dagster's own are done."""


def bring_up_to_date(home: Home) -> Home:
    """Migrate a home of an earlier version, before anything is written into it; one of today is
    left alone."""
    database = os.environ.get(DATABASE_VARIABLE)
    check_database(home.dagster_home, database)
    migrate(home, partial(_settle, home, database))
    return home


def _settle(home: Home, database: str | None, numbers: Mapping[str, int]) -> None:
    """What follows a migration: done as often as it is asked for, told once."""
    if database:
        _forget_history(database)
    trail = trail_of(home)
    if all(entry.action != "migrate" for entry in trail.entries()):
        trail.append("migrate", why="from version 0.1 to 0.2", details=numbers)


def _forget_history(url: str) -> None:
    """Empty the tables of a database that names samples of 0.1: those of Dagster, but for its own
    migrations, and those of the outbox."""
    import sqlalchemy as sa

    engine = sa.create_engine(url, poolclass=sa.NullPool)
    metadata = sa.MetaData()
    metadata.reflect(engine)
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name not in _DAGSTERS_OWN:
                connection.execute(table.delete())
