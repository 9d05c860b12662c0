"""Long homes: daily refreshes for years leave a bounded history, and what stands keeps the run that
made it."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import dagster as dg
import pandas as pd
import pandera.pandas as pa
import pytest
import sqlalchemy as sa
import time_machine

from hcc_assets.assets.definition import asset
from hcc_assets.assets.inputs import Basis, Input
from hcc_assets.assets.plan import make_plan
from hcc_assets.assets.view import HomeView
from hcc_assets.home.paths import Home
from hcc_assets.operate.build import build_assets
from hcc_assets.operate.jobs import TABLES_JOB
from hcc_assets.operate.retention import RUN_DAYS, trim_runs
from hcc_assets.schemas.base import Table

START = dt.datetime(2026, 1, 1, 6, tzinfo=dt.UTC)


class Visits(Table):
    """A table that grows every day."""

    visit: int = pa.Field(description="Visit")

    class Config(Table.Config):
        name = "visits"
        unique = ["visit"]


class Sites(Visits):
    class Config(Table.Config):
        name = "sites"


@dataclass(frozen=True)
class Landed(Input):
    """What a JSON file of ``landing/`` holds."""

    name: str

    def basis(self, view: HomeView, key: str | None) -> Basis | None:
        path = view.home.landing / self.name
        return Basis(deliveries={self.name: path.read_text()}) if path.exists() else None

    def value(self, view: HomeView, key: str | None) -> Any:
        return json.loads((view.home.landing / self.name).read_text())


@asset(model=Visits)
def visits(raw: Annotated[Any, Landed("visits.json")]) -> pd.DataFrame:
    """Visits. From a file."""
    return pd.DataFrame({"visit": raw})


@asset(model=Sites)
def sites(raw: Annotated[Any, Landed("sites.json")]) -> pd.DataFrame:
    """Sites. From a file."""
    return pd.DataFrame({"visit": raw})


ASSETS = {"visits": visits, "sites": sites}


class Years:
    """A home whose visits change every day and whose sites never do, refreshed once a day through
    Dagster."""

    def __init__(self, root: Path):
        self.home = Home.at(root)
        (root / "landing").mkdir()
        (root / "dagster").mkdir()
        (root / "landing" / "sites.json").write_text("[1]")
        self.job = build_assets(self.home, ASSETS).resolve_job_def(TABLES_JOB)
        self.instance = dg.DagsterInstance.local_temp(str(root / "dagster"))

    def plan(self):
        return make_plan(HomeView(self.home, ASSETS))

    def day(self, number: int, *, days: int) -> int:
        """One day: a delivery, a run, trimming. Returns the number of runs deleted."""
        now = START + dt.timedelta(days=number)
        (self.home.root / "landing" / "visits.json").write_text(json.dumps([number]))
        with time_machine.travel(now, tick=True):
            stale = [dg.AssetKey(name) for name, _ in self.plan().of("stale")]
            result = self.job.execute_in_process(instance=self.instance, asset_selection=stale)
            assert result.success
            return trim_runs(self.instance, self.plan(), now, days=days)

    def size(self) -> int:
        return sum(
            p.stat().st_size
            for p in Path(str(self.home.root)).rglob("*")
            if p.is_file() and "audit" not in p.parts
        )


@pytest.fixture
def years(place: Path) -> Iterator[Years]:
    """With no home in the environment, which tells where runs have their files."""
    made = Years(place)
    with made.instance:
        yield made


def test_old_runs_go_and_those_behind_what_stands_stay(years: Years) -> None:
    first: str | None = None
    for number in range(16):
        years.day(number, days=5)
        first = first or years.instance.get_run_records(limit=1)[0].dagster_run.run_id
    runs = {r.dagster_run.run_id for r in years.instance.get_run_records()}
    assert len(runs) == 6 + 1, (
        "five days, today, and the first run, which made the sites that stand"
    )
    assert first in runs
    event = years.instance.get_latest_materialization_event(dg.AssetKey("sites"))
    assert event is not None and event.run_id == first
    assert {
        p.stem for p in (Path(str(years.home.root)) / "dagster" / "history" / "runs").glob("*.db")
    } - {"index"} == runs
    with years.instance.event_log_storage.index_connection() as connection:
        checks = connection.execute(
            sa.text("SELECT DISTINCT run_id FROM asset_check_executions")
        ).scalars()
        assert set(checks) == runs
    assert years.plan().of("fresh") == [("sites", None), ("visits", None)], (
        "trimming makes nothing stale"
    )


def test_a_run_behind_what_is_held_stays(years: Years) -> None:
    years.day(0, days=10)
    (years.home.root / "landing" / "sites.json").write_text('["not a number"]')
    with time_machine.travel(START + dt.timedelta(days=1), tick=True):
        years.job.execute_in_process(
            instance=years.instance, asset_selection=[dg.AssetKey("sites")], raise_on_error=False
        )
    refused = years.instance.get_run_records(limit=1)[0].dagster_run.run_id
    assert trim_runs(years.instance, years.plan(), START + dt.timedelta(days=400)) == 0
    assert years.instance.get_run_by_id(refused) is not None


def test_one_call_deletes_so_many_and_the_next_goes_on(years: Years) -> None:
    for number in range(8):
        years.day(number, days=1000)
    later = START + dt.timedelta(days=200)
    assert [trim_runs(years.instance, years.plan(), later, limit=4) for _ in range(3)] == [4, 2, 0]
    assert len(years.instance.get_run_records()) == 2


@pytest.mark.slow
def test_five_years_of_daily_refreshes_stay_as_small_and_quick_as_the_first(
    years: Years, record_property
) -> None:
    sizes: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for number in range(5 * 365 + 1):
        years.day(number, days=RUN_DAYS)
        if number and number % 365 == 0:
            sizes[number // 365] = years.size()
            started = time.process_time()
            for _ in range(5):
                years.plan()
                years.instance.get_run_records(limit=50)
                years.instance.get_latest_materialization_events([dg.AssetKey(n) for n in ASSETS])
            seconds[number // 365] = time.process_time() - started
    print(
        f"bytes by year: {sizes}; CPU seconds of status by year: "
        f"{ {y: round(s, 3) for y, s in seconds.items()} }"
    )
    record_property("bytes_by_year", sizes)
    record_property("status_cpu_seconds_by_year", seconds)
    assert len(years.instance.get_run_records()) <= RUN_DAYS + 2
    assert sizes[5] <= 1.05 * sizes[1], "the history is bounded"
