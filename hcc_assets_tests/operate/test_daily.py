"""What the daily schedules do by themselves, whatever the driver did."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hcc_assets.assets.engine import Workbench
from hcc_assets.home.paths import Home
from hcc_assets.operate.build import build_assets
from hcc_assets.operate.sensors import register_samples, schedules
from hcc_assets_tests.assets.little import ALL, deliver, key_of, sheet
from hcc_assets_tests.operate.instances import run

TABLES = {"numbers", "doubles", "everybody"}


def asked(home: Home, instance: dg.DagsterInstance, name: str) -> list[tuple[str | None, set[str]]]:
    """What a schedule asks for today: key and assets of each run."""
    definitions = build_assets(home, ALL)
    jobs = {job.name: job for job in definitions.jobs or []}
    (schedule,) = [s for s in schedules(lambda: home, ALL, jobs) if s.name == name]
    context = dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=dt.datetime(2025, 8, 2, 5, tzinfo=dt.UTC),
        repository_def=definitions.get_repository_def(),
    )
    found: Any = schedule.evaluate_tick(context)
    return [
        (r.partition_key, {k.path[-1] for k in r.asset_selection or ()})
        for r in found.run_requests or []
    ]


def test_the_day_asks_for_tables_that_are_stale_and_only_for_those(
    home: Home, instance: dg.DagsterInstance
) -> None:
    deliver(home, [["a", 1]])
    assert asked(home, instance, "daily_tables") == [(None, TABLES)]
    run(home, instance, ALL, [*TABLES])
    assert asked(home, instance, "daily_tables") == []


def test_the_day_asks_for_samples_that_are_stale(home: Home, instance: dg.DagsterInstance) -> None:
    sheet(Path(str(home.root)), "A,S1,pre", "B,S2,pre")
    assert asked(home, instance, "daily_samples") == [], "nobody is registered yet"
    register_samples(instance, Workbench(home, ALL))
    both = {"raw_counts", "course"}
    a, b = key_of(home, "A"), key_of(home, "B")
    assert asked(home, instance, "daily_samples") == [(a, both), (b, both)]
    run(home, instance, ALL, ["raw_counts", "course"], a)
    assert asked(home, instance, "daily_samples") == [(b, both)]


@pytest.mark.parametrize("damage", [b"", b"opened and saved by hand", None])
def test_the_day_puts_back_what_was_damaged(
    home: Home, instance: dg.DagsterInstance, damage: bytes | None
) -> None:
    deliver(home, [["a", 1]])
    run(home, instance, ALL, [*TABLES])
    path = Path(str(home.published / "doubles.parquet"))
    whole = path.read_bytes()
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    assert asked(home, instance, "daily_tables") == []
    assert path.read_bytes() == whole


def test_who_is_at_work_is_not_asked_for(home: Home, instance: dg.DagsterInstance) -> None:
    deliver(home, [["a", 1]])
    job = build_assets(home, ALL).resolve_job_def("tables")
    selection = frozenset(dg.AssetKey(name) for name in TABLES)
    instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, asset_selection=selection)
    assert asked(home, instance, "daily_tables") == []
