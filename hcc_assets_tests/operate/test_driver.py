"""The one driver: every tick it requests what the plan says, with the reason, and nothing twice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from hcc_assets.assets.attempts import MAX_ATTEMPTS
from hcc_assets.assets.definition import Asset
from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.plan import make_plan
from hcc_assets.assets.waves import next_runs
from hcc_assets.home.paths import Home
from hcc_assets.operate.build import TABLES_JOB, build_assets
from hcc_assets.operate.driver import BACK_OFF_RUNS
from hcc_assets.operate.sensors import driver_sensor, register_samples
from hcc_assets_tests.assets.little import ALL, GOOD, SETTINGS, TABLES, deliver, key_of, little_home
from hcc_assets_tests.operate.instances import run


class Daemon:
    """The sensor and the runs that it asks for, without a process of their own."""

    def __init__(self, home: Home, instance: dg.DagsterInstance, assets: Mapping[str, Asset]):
        self.home, self.instance, self.assets = home, instance, assets
        self.definitions = build_assets(home, assets)
        self.sensor = driver_sensor(lambda: home, assets)
        self.cursor: str | None = None
        register_samples(instance, Workbench(home, assets))

    def tick(self) -> Any:
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            repository_def=self.definitions.get_repository_def(),
        )
        found = self.sensor.evaluate_tick(context)
        self.cursor = found.cursor
        return found

    def asked(self) -> list[tuple[str | None, tuple[str, ...]]]:
        """Sample and assets of each requested run."""
        requests = self.tick().run_requests or []
        order = list(self.assets)
        found = [
            (
                r.partition_key,
                tuple(sorted((k.path[-1] for k in r.asset_selection or ()), key=order.index)),
            )
            for r in requests
        ]
        return sorted(found, key=str)

    def planned(self) -> list[tuple[str | None, tuple[str, ...]]]:
        runs = next_runs(make_plan(Workbench(self.home, self.assets)))
        return sorted(((r.key, r.assets) for r in runs), key=str)

    def work(self) -> list[list[tuple[str | None, tuple[str, ...]]]]:
        """Tick and run until nothing is asked for."""
        ticks = []
        while asked := self.asked():
            ticks.append(asked)
            for key, names in asked:
                run(self.home, self.instance, self.assets, names, key)
            assert len(ticks) < 12
        return ticks


def test_it_asks_for_what_the_plan_says_one_run_for_each_sample_and_one_for_tables(
    place: Path, instance: dg.DagsterInstance
) -> None:
    home = little_home(place / "home", "A,S1,pre", "B,S1,post", "C,S2,pre")
    deliver(home, GOOD)
    daemon = Daemon(home, instance, ALL)
    both = ("raw_counts", "course")
    a, b, c = (key_of(home, s) for s in "ABC")
    # the condition is asked once for all tables of a tick, the sensor makes one run of them
    assert (
        dict(daemon.asked())
        == dict(daemon.planned())
        == {
            None: ("numbers", "doubles"),
            a: both,
            c: both,
        }
    )
    ticks = daemon.work()
    assert [dict(t) for t in ticks][1:] == [{b: both}, {None: ("everybody",)}]
    assert daemon.asked() == daemon.planned() == []


def test_it_asks_again_for_nothing_that_is_queued_or_at_work(
    home: Home, instance: dg.DagsterInstance
) -> None:
    deliver(home, GOOD)
    daemon = Daemon(home, instance, TABLES)
    assert daemon.asked() == [(None, ("numbers", "doubles"))]
    job = daemon.definitions.resolve_job_def(TABLES_JOB)
    at_work = instance.create_run_for_job(
        job,
        status=dg.DagsterRunStatus.STARTED,
        asset_selection=frozenset({dg.AssetKey("numbers"), dg.AssetKey("doubles")}),
    )
    assert daemon.asked() == []
    instance.report_run_failed(at_work, "killed")
    assert daemon.asked() == [(None, ("numbers", "doubles"))]


def test_what_lands_while_a_run_is_at_work_is_asked_for_when_it_has_ended(
    home: Home, instance: dg.DagsterInstance
) -> None:
    deliver(home, GOOD)
    daemon = Daemon(home, instance, TABLES)
    (first,) = daemon.asked()
    for value in (2.0, 3.0):  # twice, and the first of them nobody ever sees
        deliver(home, [["a", value]])
    run(home, instance, TABLES, first[1])
    deliver(home, [["a", 4.0]])
    assert daemon.asked() == [(None, ("numbers", "doubles"))]
    daemon.work()
    assert Workbench(home, TABLES).versions.frame("doubles", "table")["value"].tolist() == [8.0]


def test_an_error_is_asked_for_again_until_it_is_given_up(
    home: Home, instance: dg.DagsterInstance
) -> None:
    deliver(home, "crash")
    daemon = Daemon(home, instance, TABLES)
    assert daemon.work() == [[(None, ("numbers", "doubles"))]] * MAX_ATTEMPTS
    deliver(home, GOOD)
    assert daemon.asked() == [(None, ("numbers", "doubles"))]


def test_it_is_silent_on_held_data_until_other_data_come(
    home: Home, instance: dg.DagsterInstance
) -> None:
    deliver(home, "refuse")
    daemon = Daemon(home, instance, TABLES)
    assert len(daemon.work()) == 1
    assert [daemon.asked() for _ in range(3)] == [[], [], []]
    deliver(home, GOOD)
    assert daemon.asked() == [(None, ("numbers", "doubles"))]


def test_runs_that_cannot_even_start_are_not_asked_for_without_end(
    home: Home, instance: dg.DagsterInstance
) -> None:
    deliver(home, GOOD)
    daemon = Daemon(home, instance, TABLES)
    job = daemon.definitions.resolve_job_def(TABLES_JOB)
    for _ in range(BACK_OFF_RUNS):
        assert daemon.asked()
        failed = instance.create_run_for_job(
            job,
            status=dg.DagsterRunStatus.STARTED,
            tags={"dagster/from_automation_condition": "true"},
        )
        instance.report_run_failed(failed, "cannot start")
    assert daemon.asked() == []


def test_a_sample_that_is_not_registered_yet_waits_for_the_landing_sensor(
    place: Path, instance: dg.DagsterInstance
) -> None:
    home = little_home(place / "home", "A,S1,pre")
    daemon = Daemon(home, instance, ALL)
    instance.delete_dynamic_partition("sample", key_of(home, "A"))
    assert daemon.asked() == []


def test_the_automation_tab_names_the_reason_of_each_request(
    home: Home, instance: dg.DagsterInstance
) -> None:
    deliver(home, GOOD)
    daemon = Daemon(home, instance, TABLES)
    daemon.work()
    home.study_toml.write_text(f"{SETTINGS}[recist]\nconfirmation_days = 35\n")
    deliver(home, [["a", 2.0]])
    assert reasons(daemon) == {
        "numbers": ["delivery numbers.json changed"],
        "doubles": ["setting recist.confirmation_days: 28 → 35"],
    }


def test_what_only_follows_in_the_same_run_says_so(
    home: Home, instance: dg.DagsterInstance
) -> None:
    deliver(home, GOOD)
    daemon = Daemon(home, instance, TABLES)
    daemon.work()
    deliver(home, [["a", 2.0]])
    assert reasons(daemon)["doubles"] == ["an input is computed in the same run"]


def reasons(daemon: Daemon) -> dict[str, list[str]]:
    """Reasons below the condition, by asset, as `dg.evaluate_automation_conditions` shows them."""
    found = dg.evaluate_automation_conditions(defs=daemon.definitions, instance=daemon.instance)
    return {
        r.key.to_user_string(): [
            c.condition.get_label() or c.condition.name for c in r.child_results
        ]
        for r in found.results
        if not r.true_subset.is_empty
    }


def test_a_run_of_tables_goes_before_samples_in_the_queue(
    home: Home, instance: dg.DagsterInstance
) -> None:
    deliver(home, GOOD)
    (request,) = Daemon(home, instance, TABLES).tick().run_requests
    assert request.tags["dagster/priority"] == "5"
