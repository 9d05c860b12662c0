"""Fault 46: a database that was overwritten, cut or emptied is named by health without a traceback,
set aside by the next command, told, audited, and made anew."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner

from hcc_assets.alerts.home_health import home_health
from hcc_assets.audit.trail import trail_of
from hcc_assets.commands import hcc
from hcc_assets.home.paths import Home
from hcc_assets.operate.instance import instance_of
from hcc_assets.operate.mending import is_damage, is_locked, mend_databases
from hcc_assets.operate.watch.databases import Databases, Unanswered, fault_of, files_of
from hcc_assets_tests.operate.small_homes import small_home

NOW = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)


def overwritten(path: Path) -> None:
    with path.open("r+b") as handle:
        handle.write(os.urandom(8192))


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def emptied(path: Path) -> None:
    path.write_bytes(b"")
    os.utime(path, (1, 1))


def torn(path: Path) -> None:
    """A page in the middle, which a look at the header does not show."""
    with path.open("r+b") as handle:
        handle.seek(4096 * 3)
        handle.write(b"\xff" * 4096 * 3)


@pytest.fixture
def home(place: Path) -> Home:
    found = small_home(place / "home")
    with instance_of(found) as instance:
        instance.add_dynamic_partitions("sample", ["s0001-a"])
    os.environ.pop("DAGSTER_HOME", None)
    os.environ.pop("HCC_HOME", None)
    return found


@pytest.mark.parametrize("harm", [overwritten, cut, emptied, torn])
@pytest.mark.parametrize("name", ["history/runs.db", "history/runs/index.db", "schedules"])
def test_fault_46_a_damaged_database_is_told_and_made_anew(
    home: Home, harm: Callable[[Path], None], name: str
) -> None:
    path = home.dagster_home / (name if name.endswith(".db") else "schedules/schedules.db")
    harm(path)
    report = home_health(home)
    (red,) = [p for p in report["probes"] if p["name"] == "database"]
    assert not red["ok"] and path.name in red["sentence"] and len(red["sentence"]) < 400
    told: list[str] = []
    with instance_of(home, told.append) as instance:
        assert instance.get_run_records() == []
        instance.add_dynamic_partitions("sample", ["s0002-a"])
        assert "s0002-a" in instance.get_dynamic_partitions("sample")
    assert len(told) == 1 and "is set aside" in told[0]
    assert list(path.parent.glob(f"{path.name}.damaged-*Z"))
    last = list(trail_of(home).entries())[-1]
    assert last.action == "database set aside" and path.name in str(last.details)
    assert [p["ok"] for p in home_health(home)["probes"] if p["name"] == "database"] == [True]


def test_whole_databases_are_left_alone_also_while_somebody_writes(home: Home) -> None:
    path = home.dagster_home / "history" / "runs.db"
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    writer.execute("INSERT INTO kvs (key, value) VALUES ('a', 'b')")
    try:
        assert mend_databases(home, pytest.fail) == []
        assert fault_of(path) is None
    finally:
        writer.close()
    assert len(files_of(home.dagster_home)) >= 3


def test_status_sets_a_damaged_outbox_aside(home: Home) -> None:
    outbox = home.dagster_home / "alerts.db"
    outbox.write_bytes(os.urandom(9000))
    answer = CliRunner().invoke(hcc, ["status", "--home", str(home.root)])
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.output
    assert "is set aside as alerts.db.damaged-" in answer.output
    assert not outbox.exists()


def test_a_disk_that_takes_nothing_is_read_all_the_same(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the right to make SQLite's index of its log."""
    for path in home.dagster_home.rglob("*.db-*"):
        path.unlink()
    found = Databases(home.dagster_home)
    assert found.rows("history/runs.db", "SELECT count(*) FROM runs") == [(0,)]
    assert found.rows("history/runs.db", "SELECT body FROM no_such_table") == []
    assert found.rows("nowhere.db", "SELECT 1") == []
    overwritten(home.dagster_home / "history" / "runs.db")
    with pytest.raises(Unanswered):
        found.rows("history/runs.db", "SELECT count(*) FROM runs")


def test_health_imports_no_dagster(home: Home) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from hcc_assets.alerts.home_health import home_health\n"
        "from hcc_assets.home.paths import Home\n"
        "home_health(Home.at(sys.argv[1]))\n"
        "print([m for m in ('dagster', 'sqlalchemy', 'alembic') if m in sys.modules])\n"
    )
    words = [sys.executable, "-c", program, str(home.root)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_error_is_known_for_damage_or_a_lock_wherever_it_is_wrapped() -> None:
    wrapped = dg.DagsterError("x")
    wrapped.__cause__ = sqlite3.DatabaseError("database disk image is malformed")
    assert is_damage(wrapped) and not is_locked(wrapped)
    assert is_locked(sqlite3.OperationalError("database is locked"))
    assert not is_damage(ValueError("malformed"))
