"""The Dagster instance of a home: its folder, its ``dagster.yaml``, opened once and migrated before
anything else starts."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg

from hcc_assets.home import leases
from hcc_assets.home.migration import require_today
from hcc_assets.home.paths import Home
from hcc_assets.home.people.subject_keys import keys_folder
from hcc_assets.home.private import close_to_others
from hcc_assets.operate.dagster_yaml import DATABASE_VARIABLE, check_database, dagster_yaml
from hcc_assets.operate.mending import mend_databases


def prepare(home: Home) -> None:
    """Make ``DAGSTER_HOME`` with a ``dagster.yaml`` where there is none, and tell this process and
    its children where it is.

    Raises
    ------
    OldHome
        It is a home of 0.1 that was not migrated yet.
    """
    folder = require_today(home).dagster_home
    check_database(folder, os.environ.get(DATABASE_VARIABLE))
    folder.mkdir(parents=True, exist_ok=True)
    own = (home.store, home.published, home.quarantine) if home.is_local else ()
    close_to_others(folder, keys_folder(home), *(Path(str(p)) for p in own))
    settings = folder / "dagster.yaml"
    if not settings.exists():
        settings.write_text(dagster_yaml(os.environ.get(DATABASE_VARIABLE)), encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(folder)
    os.environ["HCC_HOME"] = str(home.root)


@contextlib.contextmanager
def instance_of(
    home: Home, tell: Callable[[str], None] = lambda _: None
) -> Iterator[dg.DagsterInstance]:
    """The instance; the first process of a new home makes the databases while the others wait.
    Databases that were damaged are set aside before (``tell`` takes a sentence then)."""
    home.dagster_home.mkdir(parents=True, exist_ok=True)
    with leases.hold(home.dagster_home / "first_boot.lock", beats=True):
        prepare(home)
        mend_databases(home, tell)
        instance = dg.DagsterInstance.get()
        instance.get_dynamic_partitions("sample")
        instance.get_run_records(limit=1)
    with instance:
        yield instance
