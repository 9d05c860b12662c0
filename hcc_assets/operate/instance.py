"""The Dagster instance of a home: its folder, its ``dagster.yaml``, opened once and migrated before
anything else starts; a home of an earlier version is brought up to date first."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from functools import partial

import dagster as dg
import sqlalchemy as sa
from filelock import FileLock

from hcc_assets.audit.trail import trail_of
from hcc_assets.home.migration import migrate
from hcc_assets.home.paths import Home


def prepare(home: Home) -> None:
    """Make ``DAGSTER_HOME`` with a ``dagster.yaml`` where there is none, and tell this process and
    its children where it is."""
    from hcc_assets.operate.dagster_yaml import DATABASE_VARIABLE, check_database, dagster_yaml

    folder = home.dagster_home
    check_database(folder, os.environ.get(DATABASE_VARIABLE))
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "dagster.yaml"
    if not settings.exists():
        settings.write_text(dagster_yaml(os.environ.get(DATABASE_VARIABLE)), encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(folder)
    os.environ["HCC_HOME"] = str(home.root)
    bring_up_to_date(home)


def bring_up_to_date(home: Home) -> None:
    """Migrate a home of an earlier version, before anything is written into it; one of today is
    left alone."""
    from hcc_assets.operate.dagster_yaml import DATABASE_VARIABLE

    migrate(home, partial(_settle, home, os.environ.get(DATABASE_VARIABLE)))


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
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    metadata = sa.MetaData()
    metadata.reflect(engine)
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name not in _DAGSTERS_OWN:
                connection.execute(table.delete())


_DAGSTERS_OWN = ("alembic_version", "instance_info", "secondary_indexes")
"""Tables that say which migrations of Dagster's own are done."""


@contextlib.contextmanager
def instance_of(home: Home) -> Iterator[dg.DagsterInstance]:
    """The instance; the first process of a new home makes the databases while the others wait."""
    home.dagster_home.mkdir(parents=True, exist_ok=True)
    with FileLock(str(home.dagster_home / "first_boot.lock")):
        prepare(home)
        instance = dg.DagsterInstance.get()
        instance.get_dynamic_partitions("sample")
        instance.get_run_records(limit=1)
    with instance:
        yield instance
