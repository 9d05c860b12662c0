"""Homes on PostgreSQL, what their database holds, and refreshes in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from hcc_assets.assets.plan import make_plan
from hcc_assets.audit.trail import audit_path
from hcc_assets.home.paths import Home
from hcc_assets.home.published import damaged
from hcc_assets.operate.instance import instance_of
from hcc_assets.operate.status import manifests_of
from hcc_assets_tests.faults.homes import (
    FIRST,
    SETTINGS,
    clinical,
    deliver,
    run,
    view_of,
)
from hcc_assets_tests.postgres_server import PostgresServer

ENDED = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}


def rows(server: PostgresServer, query: str) -> list[tuple[object, ...]]:
    engine = sa.create_engine(server.url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


def spoken_of(server: PostgresServer, name: str) -> int:
    """Rows of the whole database whose text has a name."""
    tables = rows(
        server, "select table_name from information_schema.tables where table_schema = 'public'"
    )
    asked = (
        f"select count(*) from \"{table}\" t where position(lower('{name}') in lower(t::text)) > 0"
        for (table,) in tables
    )
    return sum(int(str(rows(server, query)[0][0])) for query in asked)


def clinical_home(root: Path, *, settings: str = "") -> Path:
    root.mkdir(parents=True)
    (root / "study.toml").write_text(SETTINGS + settings)
    deliver(root, clinical(FIRST, subjects=4), FIRST.isoformat())
    return root


def whole_home(root: Path, subjects: int = 2) -> Path:
    """A clinical export of so many subjects and their samples."""
    from hcc_assets.simulate.trial import simulate_trial

    simulate_trial(root, subjects=subjects, cells=150, seed=0)
    with (root / "study.toml").open("a") as handle:
        handle.write("\n" + SETTINGS)
    return root


CHILD = """
import sys
from hcc_assets_tests.faults.homes import without_figures
from hcc_assets.commands import hcc
if __name__ == "__main__":
    with without_figures():
        hcc(["refresh", "--json", "--jobs", "1", "--home", sys.argv[1]])
"""


def on_sqlite(root: Path) -> None:
    """The same home without the setting, in this process, which had another home before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("HCC_DATABASE_URL")
        patch.setenv("DAGSTER_HOME", str(root / "dagster"))
        run(root)


def started(root: Path) -> subprocess.Popen[str]:
    """``hcc refresh`` in a process of its own, without drawing."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DAGSTER_HOME", "HCC_HOME")} | {
        "OMP_NUM_THREADS": "1"
    }
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def computed(root: Path) -> Counter[tuple[str, str]]:
    """How often each asset (of each sample, by its key) was written, from the audit trail."""
    lines = [json.loads(line) for line in audit_path(Home.at(root)).read_text().splitlines()]
    return Counter(
        (e["details"]["asset"], str(e["details"].get("sample")))
        for e in lines
        if e["action"] == "materialize"
    )


def all_runs_ended(root: Path) -> bool:
    with instance_of(Home.at(root)) as instance:
        return all(record.dagster_run.status in ENDED for record in instance.get_run_records())


def as_published(root: Path) -> bool:
    """Every published file is that of the version that stands: nothing in part, nothing mixed."""
    plan = make_plan(view_of(root))
    return not damaged(plan.view.versions, manifests_of(plan))


def wait_for(
    condition: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 240
) -> None:
    """Until it holds, while the process works."""
    limit = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None and time.monotonic() < limit, (
            "the process ended, or nothing happened, before the fault could be made"
        )
        time.sleep(0.05)
