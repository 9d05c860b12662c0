"""Promise G7: each way of going silent turns health red, within the minute, with a sentence and
what to do; a probe that breaks is red itself."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import RemoteInstigatorOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    TickData,
    TickStatus,
)
from dagster._daemon.types import DaemonHeartbeat
from dagster_shared.error import SerializableErrorInfo

from hcc_assets.alerts.backlog import Waiting
from hcc_assets.alerts.digest import Message
from hcc_assets.alerts.outbox import AlertStore
from hcc_assets.audit.log import AuditTrail
from hcc_assets.operate.watch import heartbeat
from hcc_assets.operate.watch.dagster_probes import DAEMON_LIMIT_SECONDS
from hcc_assets.operate.watch.databases import Databases
from hcc_assets.operate.watch.health import check_health
from hcc_assets.operate.watch.probes import Probe

NOW = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as found:
        yield found


def only(report) -> Probe:
    (probe,) = report.probes
    return probe


def databases(instance: dg.DagsterInstance) -> Databases:
    return Databases(Path(instance.root_directory))


def beat(
    instance: dg.DagsterInstance, at: dt.datetime, *, skip: str = "", errors: list | None = None
) -> None:
    for name in instance.get_required_daemon_types():
        if name != skip:
            instance.add_daemon_heartbeat(DaemonHeartbeat(at.timestamp(), name, "d", errors or []))


def daemon(instance, now=NOW, **options) -> Probe:
    return next(
        p
        for p in check_health(now, databases=databases(instance), **options).probes
        if p.name == "daemon"
    )


def test_a_daemon_that_falls_silent_is_red_within_the_minute(instance) -> None:
    assert daemon(instance).ok and "no daemon has ever run here" in daemon(instance).sentence
    assert not daemon(instance, expect_daemon=True).ok
    beat(instance, NOW)
    assert daemon(instance, NOW + 40 * SECOND).ok
    dead = daemon(instance, NOW + 60 * SECOND)
    assert not dead.ok and "silent for 60 s" in dead.sentence and dead.what_to_do
    assert DAEMON_LIMIT_SECONDS < 60
    assert daemon(instance, NOW + 60 * SECOND, expect_daemon=False).ok


def test_one_silent_daemon_thread_is_named(instance) -> None:
    beat(instance, NOW)
    beat(instance, NOW + 90 * SECOND, skip="SENSOR")
    assert daemon(instance, NOW + 90 * SECOND).ok  # the scheduler beats once a minute
    beat(instance, NOW + 301 * SECOND, skip="SENSOR")
    assert "silent: sensor" in daemon(instance, NOW + 301 * SECOND).sentence


def sensor_state(
    instance, name: str, outcomes: list[TickStatus], status=InstigatorStatus.RUNNING
) -> None:
    from dagster._core.remote_origin import InProcessCodeLocationOrigin, RemoteRepositoryOrigin
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

    origin = RemoteInstigatorOrigin(
        RemoteRepositoryOrigin(
            InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="trial")), "r"
        ),
        name,
    )
    instance.add_instigator_state(InstigatorState(origin, InstigatorType.SENSOR, status))
    for i, outcome in enumerate(outcomes):
        error = (
            SerializableErrorInfo("no", [], "ValueError") if outcome is TickStatus.FAILURE else None
        )
        selector = origin.get_selector().get_id()
        tick = TickData(
            origin.get_id(),
            name,
            InstigatorType.SENSOR,
            outcome,
            NOW.timestamp() + i,
            selector_id=selector,
            error=error,
        )
        instance.create_tick(tick)


def test_a_sensor_that_fails_three_times_in_a_row_is_red(instance) -> None:
    bad, good = TickStatus.FAILURE, TickStatus.SKIPPED
    sensor_state(instance, "exports", [bad, bad, good])
    sensor_state(instance, "withdrawals", [good, bad, bad])
    sensor_state(instance, "stopped", [bad, bad, bad], InstigatorStatus.STOPPED)

    def ticks():
        return next(
            p
            for p in check_health(NOW, databases=databases(instance)).probes
            if p.name == "sensors"
        )

    assert ticks().ok
    sensor_state(instance, "samples", [good, bad, bad, bad])
    assert not ticks().ok and ticks().sentence.endswith("samples.")


def test_a_code_location_that_breaks_is_red_and_its_error_text_is_not_shown(
    tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "good_location.py").write_text(
        "import dagster as dg\n@dg.asset\ndef subjects(): pass\ndefs = dg.Definitions([subjects])\n"
    )
    (tmp_path / "bad_location.py").write_text("raise ValueError('row of 13800138000')\n")
    (tmp_path / "cyclic_location.py").write_text(
        "import dagster as dg\n@dg.asset(deps=['b'])\ndef a(): pass\n"
        "@dg.asset(deps=['a'])\ndef b(): pass\ndefs = dg.Definitions([a, b])\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert only(check_health(NOW, definitions_module="good_location")).ok
    bad = only(check_health(NOW, definitions_module="bad_location"))
    assert not bad.ok and "ValueError" in bad.sentence and "138" not in str(bad)
    assert not only(check_health(NOW, definitions_module="cyclic_location")).ok


def test_a_full_or_absent_disk_is_red(tmp_path: Path) -> None:
    assert only(check_health(NOW, folders=[tmp_path], min_free_bytes=1)).ok
    assert not only(check_health(NOW, folders=[tmp_path], min_free_bytes=1 << 62)).ok
    assert "not there" in only(check_health(NOW, folders=[tmp_path / "gone"])).sentence


def test_a_dead_alert_channel_is_red_within_the_minute(tmp_path: Path) -> None:
    store = AlertStore(f"sqlite:///{tmp_path}/alerts.db")

    def alerts(now=NOW, channels=("mailto-1",)):
        # as the command asks it (of the file), and as the outbox itself says it
        asked = [store, Waiting(Databases(tmp_path))]
        first, second = (only(check_health(now, alerts=a, channels=channels)) for a in asked)
        assert first == second
        return first

    assert alerts().ok and alerts(channels=None).sentence == "alerts are off."
    assert not alerts(channels=()).ok
    store.put(Message("t", "b"), ["mailto-1"], NOW)
    letter = store.claim(NOW, channels=["mailto-1"])
    assert letter is not None
    store.failed(letter, NOW, "HTTP 503")
    assert alerts(NOW + 30 * SECOND).ok
    assert "mailto-1 (HTTP 503)" in alerts(NOW + 61 * SECOND).sentence
    store.failed(letter, NOW, "HTTP 404", permanent=True)
    assert (
        not alerts(NOW).ok
        and "given up" in alerts(NOW).sentence
        and "given up" in alerts(NOW, None).sentence
    )
    store.revive(NOW, ["mailto-1"])
    assert alerts(NOW + 61 * SECOND).ok
    assert "nobody sends them" in alerts(NOW + 601 * SECOND).sentence


def test_audit_stale_and_heartbeat(tmp_path: Path) -> None:
    trail = AuditTrail(tmp_path / "audit.jsonl", b"k" * 32)
    trail.append("a")
    trail.append("b")
    assert "whole, 2 entries" in only(check_health(NOW, audit=trail)).sentence
    trail.path.write_text(trail.path.read_text().splitlines()[0] + "\n")
    assert "entry 2 is missing" in only(check_health(NOW, audit=trail)).sentence
    assert (
        not only(check_health(NOW, stale=lambda: ["responses"])).ok
        and only(check_health(NOW, stale=list)).ok
    )
    path = tmp_path / "beat" / "heartbeat.json"
    assert only(check_health(NOW, heartbeat=path)).ok
    heartbeat.write_heartbeat(path, NOW, who="refresh", healthy=True)
    assert only(check_health(NOW + 3600 * SECOND, heartbeat=path, heartbeat_limit_s=7200)).ok
    assert not only(check_health(NOW + 9000 * SECOND, heartbeat=path, heartbeat_limit_s=7200)).ok
    path.write_text("{")
    assert not only(check_health(NOW, heartbeat=path)).ok


def test_hcc_health_looks_at_each_of_them_in_a_home(tmp_path: Path, monkeypatch) -> None:
    """The command itself: a home without a daemon is well and says so; each thing that can go
    silent is red by its own name."""
    from hcc_assets.alerts.alerting import alert_store
    from hcc_assets.alerts.home_health import home_health
    from hcc_assets.home.paths import Home
    from hcc_assets.operate.instance import instance_of

    for name in ("DAGSTER_HOME", "HCC_HOME"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    (tmp_path / "home" / "landing").mkdir(parents=True)
    home = Home.at(tmp_path / "home")
    well = home_health(home)
    assert well["healthy"] and any("no daemon has ever run here" in line for line in well["lines"])
    monkeypatch.delenv("DAGSTER_HOME", raising=False)

    (tmp_path / "home" / "study.toml").write_text("[alerts]\nenabled = true\n")
    monkeypatch.setenv("HCC_ALERT_URLS", "json://127.0.0.1:9/x")
    now = dt.datetime.now(dt.UTC)
    with instance_of(home) as instance:
        beat(instance, now - 55 * SECOND)
        sensor_state(instance, "landing_sensor", [TickStatus.FAILURE] * 3)
    store = alert_store(home)
    from hcc_assets.alerts.channels import channels_from_environment
    from hcc_assets.audit.trail import keys_folder
    from hcc_assets.home.people.subject_keys import key_for_home

    label = channels_from_environment(key_for_home(keys_folder(home)))[0].label
    store.put(Message("t", "b"), [label], now - 120 * SECOND)
    letter = store.claim(now - 61 * SECOND, channels=[label])
    assert letter is not None
    store.failed(letter, now - 61 * SECOND, "connection refused")
    broken = tmp_path / "broken" / "hcc_assets"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('broken')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))
    monkeypatch.chdir(tmp_path)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    ill = home_health(home, require_daemon=True, load=True)
    red = {p["name"] for p in ill["probes"] if not p["ok"]}
    assert not ill["healthy"] and red == {
        "disk dagster",
        "disk home",
        "daemon",
        "sensors",
        "code location",
        "alerts",
    }


def test_a_home_that_is_to_refresh_by_itself_and_has_no_daemon_is_red(instance) -> None:
    assert "no daemon has ever run here" in daemon(instance, expect_daemon=True).sentence
    assert not daemon(instance, expect_daemon=True).ok


def test_a_probe_that_breaks_is_red_without_its_text() -> None:
    def broken() -> Probe:
        raise RuntimeError("姓名 13800138000")

    report = check_health(NOW, extra=[broken, lambda: Probe("fine", True, "fine.")])
    assert not report.healthy and [p.ok for p in report.probes] == [False, True]
    content = json.loads(report.to_json())
    assert (
        content["healthy"] is False
        and content["probes"][0]["sentence"] == "could not be looked at (RuntimeError)."
    )
    assert report.to_text().startswith("RED  broken")
