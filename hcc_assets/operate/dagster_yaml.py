"""The shipped ``dagster.yaml``: telemetry off, runs watched, ticks kept for a while, few runs at
once. Where it is written is decided elsewhere."""

from __future__ import annotations

import os
import re
from pathlib import Path

from hcc_assets.study.config import ConfigError

DATABASE_VARIABLE = "HCC_DATABASE_URL"

_SQLITE = """\
# storage: SQLite files below DAGSTER_HOME (Dagster's default). For PostgreSQL set HCC_DATABASE_URL
# before the first start, or see deploy/dagster.postgres.yaml.
"""

_POSTGRES = """\
storage:
  postgres:
    postgres_url:
      # postgresql+psycopg2://user:password@host:5432/database; the password is not in this file
      env: HCC_DATABASE_URL
"""

_SETTINGS = """\
telemetry:
  enabled: false
nux:
  enabled: false

# A killed run stays STARTED under the default launcher; hcc's reaper ends it by process and
# heartbeat, and this is the last resort.
run_monitoring:
  enabled: true
  start_timeout_seconds: 300
  cancel_timeout_seconds: 180
  max_runtime_seconds: 86400
  max_resume_run_attempts: 0
  poll_interval_seconds: 30
  free_slots_after_run_end_seconds: 60

# Retries are counted per content in the home, not per run, so that a permanent failure is not tried
# again.
run_retries:
  enabled: false

# A run that may start is started within a second (five by default, after each run).
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config:
    dequeue_interval_seconds: 1

concurrency:
  runs:
    max_concurrent_runs: {max_concurrent_runs}
    tag_concurrency_limits:
      - key: dagster/backfill
        limit: {backfill_runs}

# A sensor that is slow does not hold up the others, nor the daemon's heartbeat.
sensors:
  use_threads: true
  num_workers: 4
schedules:
  use_threads: true
  num_workers: 2

# Three sensors make 20,000 ticks a day, nearly all skipped, of a kilobyte each (three when they
# fail). Whoever has to know of a failure is told by an alert.
retention:
  schedule:
    purge_after_days: {{skipped: 7, success: 90, failure: 365}}
  sensor:
    purge_after_days: {{skipped: 1, success: 7, failure: 7}}
  auto_materialize:
    purge_after_days: {{skipped: 1, success: 7, failure: 7}}

freshness:
  enabled: true

code_servers:
  local_startup_timeout: 300
  reload_timeout: 300
"""


MOST_RUNS = 4
"""Runs at once on a machine of many cores: each holds half a gigabyte and what its sample needs
(`operate.workers`), and no run waits for the memory of another as in ``hcc refresh``."""


def runs_at_once() -> int:
    """Runs in progress at once on this machine: one a core, but two even on one, so that the tables
    do not wait for a sample of an hour, and `MOST_RUNS` at the most."""
    here = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if here else os.cpu_count() or 1
    return min(MOST_RUNS, max(2, cores))


def dagster_yaml(database_url: str | None = None, *, max_concurrent_runs: int | None = None) -> str:
    """Text of a ``dagster.yaml``.

    Parameters
    ----------
    database_url
        None for SQLite below ``DAGSTER_HOME``. A PostgreSQL URL chooses PostgreSQL; it is not
        written into the file, which names the variable ``HCC_DATABASE_URL`` instead.
    max_concurrent_runs
        Runs in progress at once; `runs_at_once` where not given.

    Raises
    ------
    ConfigError
        The URL is not one of PostgreSQL with the psycopg2 driver.
    """
    if database_url and not database_url.startswith("postgresql+psycopg2://"):
        raise ConfigError(
            f"{DATABASE_VARIABLE} must begin with postgresql+psycopg2:// (SQLAlchemy 2.1 changed "
            "the driver of plain postgresql://)"
        )
    runs = runs_at_once() if max_concurrent_runs is None else max_concurrent_runs
    if runs < 1:
        raise ValueError("max_concurrent_runs must be at least 1")
    settings = _SETTINGS.format(max_concurrent_runs=runs, backfill_runs=max(1, runs // 2))
    return (_POSTGRES if database_url else _SQLITE) + "\n" + settings


def check_database(dagster_home: Path, database_url: str | None) -> None:
    """Refuse a setting that would part Dagster's history from the alert outbox.

    Raises
    ------
    ConfigError
        ``dagster.yaml`` and ``HCC_DATABASE_URL`` do not name the same kind of storage.
    """
    dagster_yaml(database_url)
    settings = dagster_home / "dagster.yaml"
    if not settings.exists():
        return
    text = re.sub(r"#.*", "", settings.read_text(encoding="utf-8"))
    if database_url and not re.search(r"(?m)^storage:\s+postgres:|dagster_postgres", text):
        raise ConfigError(
            f"{DATABASE_VARIABLE} is set, but {settings} keeps Dagster's state in SQLite. To move "
            "to PostgreSQL remove that file: what is published and stored stays and nothing is "
            "computed again; the history of runs in the web UI begins anew"
        )
    if not database_url and re.search(rf"env:\s*{DATABASE_VARIABLE}\b", text):
        raise ConfigError(
            f"{settings} keeps Dagster's state in PostgreSQL, but {DATABASE_VARIABLE} is not set "
            "here"
        )


def database_is_gone(error: BaseException) -> bool:
    """True when the error, or one behind it, is that of a database server that does not answer."""
    seen: BaseException | None = error
    while seen is not None:
        if type(seen).__name__ in ("DagsterPostgresException", "OperationalError") and type(
            seen
        ).__module__.partition(".")[0] in (
            "dagster_postgres",
            "sqlalchemy",
            "psycopg2",
        ):
            return "sqlite" not in str(seen)
        seen = seen.__cause__ or seen.__context__
    return False
