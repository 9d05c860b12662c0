"""``deploy/``: Dagster's settings, PostgreSQL and systemd; proxy, containers and Kubernetes are in
the folder ``deploy``. What was not run is said in the skip."""

from __future__ import annotations

import configparser
import datetime as dt
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
import yaml

from hcc_assets.alerts.channels import Channel
from hcc_assets.alerts.delivery import Answer, deliver_due
from hcc_assets.alerts.outbox import AlertStore
from hcc_assets.alerts.records import Signal
from hcc_assets.operate.dagster_yaml import dagster_yaml, runs_at_once
from hcc_assets.operate.old_homes import _forget_history
from hcc_assets.privacy.proof import tables_naming
from hcc_assets_tests.postgres_server import postgres_server
from hcc_assets_tests.processes import together

TOP = Path(__file__).resolve().parents[1]
DEPLOY = TOP / "deploy"
NOW = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with postgres_server() as url:
        yield url


def scripts() -> set[str]:
    """Programs that the locked environment installs and a deployment calls."""
    return {"hcc", "dagster-daemon", "python", "dagster"}


# -- dagster.yaml ----------------------------------------------------------------------------------


def test_dagster_accepts_the_shipped_settings(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text(dagster_yaml(max_concurrent_runs=3))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert (
            not instance.telemetry_enabled
            and instance.run_monitoring_enabled
            and not instance.run_retries_enabled
        )
        assert instance.run_monitoring_max_runtime_seconds == 86400
        queue = instance.get_concurrency_config().run_queue_config
        assert queue is not None and queue.max_concurrent_runs == 3
        assert {"key": "dagster/backfill", "limit": 1} in queue.tag_concurrency_limits
        assert "MONITORING" in instance.get_required_daemon_types()


def test_a_machine_of_two_cores_runs_two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, runs in ((1, 2), (2, 2), (3, 3), (32, 4)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, cores=cores: set(range(cores)))
        assert runs_at_once() == runs


def test_the_database_password_is_not_written_into_dagster_yaml() -> None:
    text = dagster_yaml("postgresql+psycopg2://hcc:topsecret@127.0.0.1/hcc")
    assert "topsecret" not in text and yaml.safe_load(text)["storage"] == {
        "postgres": {"postgres_url": {"env": "HCC_DATABASE_URL"}}
    }
    for wrong in ("postgresql://hcc:topsecret@h/d", "mysql://x"):
        with pytest.raises(ValueError, match="HCC_DATABASE_URL") as caught:
            dagster_yaml(wrong)
        assert "topsecret" not in str(caught.value)
    with pytest.raises(ValueError, match="max_concurrent_runs"):
        dagster_yaml(max_concurrent_runs=0)


def test_the_postgres_example_has_the_settings_of_the_shipped_one() -> None:
    example, shipped = (
        yaml.safe_load((DEPLOY / "dagster.postgres.yaml").read_text()),
        yaml.safe_load(dagster_yaml(max_concurrent_runs=4)),
    )
    assert example.pop("storage")["postgres"]["postgres_db"]["scheme"] == "postgresql+psycopg2"
    assert example == shipped


def test_dagster_runs_on_postgres_with_both_settings(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sa.make_url(postgres)
    monkeypatch.setenv("HCC_DATABASE_URL", postgres)
    for name, value in (
        ("USER", "hcc"),
        ("PASSWORD", "unused"),
        ("HOST", "127.0.0.1"),
        ("NAME", "postgres"),
    ):
        monkeypatch.setenv(f"HCC_DB_{name}", value)
    samples = dg.DynamicPartitionsDefinition(name="sample")

    @dg.asset(
        partitions_def=samples,
        check_specs=[dg.AssetCheckSpec("counts_are_counts", asset="raw_counts")],
    )
    def raw_counts(context):
        yield dg.AssetCheckResult(
            passed=False, check_name="counts_are_counts", severity=dg.AssetCheckSeverity.WARN
        )
        yield dg.MaterializeResult()

    example = (
        (DEPLOY / "dagster.postgres.yaml").read_text().replace("port: 5432", f"port: {url.port}")
    )
    for i, text in enumerate((dagster_yaml(postgres), example)):
        folder = tmp_path / str(i)
        folder.mkdir()
        (folder / "dagster.yaml").write_text(text)
        with dg.DagsterInstance.from_config(str(folder)) as instance:
            sample = f"SURU-017-{i}"
            instance.add_dynamic_partitions("sample", [sample])
            assert dg.materialize([raw_counts], instance=instance, partition_key=sample).success
            assert sample in instance.get_materialized_partitions(dg.AssetKey("raw_counts"))
    named = tables_naming(postgres, ["SURU-017-0"])
    assert {"dynamic_partitions", "event_logs"} <= set(named)
    assert tables_naming(postgres, ["SURU-017"], others=["SURU-017-0", "SURU-017-1"]) == []
    _forget_history(postgres)
    assert tables_naming(postgres, ["SURU-017-0", "SURU-017-1"]) == []
    with dg.DagsterInstance.from_config(str(tmp_path / "0")) as instance:
        assert instance.get_dynamic_partitions("sample") == []
        assert dg.materialize([plain], instance=instance).success


@dg.asset
def plain() -> None:
    """An asset of the test."""


def _observe(url: str) -> int:
    store = AlertStore(url)
    store.observe([Signal(asset="subjects", check="c", title="t")], NOW, channels=["mailto-1"])
    return deliver_due(store, [Channel("mailto-1", "x")], NOW, send=lambda *_: Answer(True)).sent


def test_the_alert_outbox_works_on_postgres_also_for_several_first_processes(postgres: str) -> None:
    assert sum(together(_observe, [(postgres,)] * 4)) == 1
    assert len(AlertStore(postgres).open_alerts()) == 1


# -- systemd ---------------------------------------------------------------------------------------

UNITS = sorted(p.name for p in (DEPLOY / "systemd").iterdir() if p.suffix in (".service", ".timer"))


@pytest.mark.parametrize("unit", [u for u in UNITS if u.endswith(".service")])
def test_units_start_what_exists_as_a_user_of_their_own(unit: str) -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None, comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(DEPLOY / "systemd" / unit)
    service = parser["Service"]
    command = shlex.split(service["ExecStart"])
    assert Path(command[0]).name in scripts() and command[0].startswith(
        "/opt/hcc-assets/.venv/bin/"
    )
    if command[0].endswith("/hcc"):
        assert_hcc_command(command[1:])
    assert (
        service["User"] == "hcc"
        and service["NoNewPrivileges"] == "true"
        and service["ProtectSystem"] == "strict"
    )


def assert_hcc_command(arguments: list[str]) -> None:
    """The command and its options are known to the program."""
    done = subprocess.run(
        [sys.executable, "-m", "hcc_assets", arguments[0], "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert {a for a in arguments[1:] if a.startswith("--")} <= set(
        re.findall(r"--[a-z-]+", done.stdout)
    )


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_verifies_the_units(unit: str, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not on this machine: units were parsed, not verified")
    for other in UNITS:
        text = (DEPLOY / "systemd" / other).read_text()
        (tmp_path / other).write_text(
            re.sub(r"/opt/hcc-assets/\.venv/bin/\S+", sys.executable, text)
        )
    done = subprocess.run(
        [program, "verify", "--man=no", str(tmp_path / unit)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = [line for line in done.stderr.splitlines() if "hcc-" in line]
    assert done.returncode == 0 and said == [], done.stderr


def test_the_refresh_timer_catches_up() -> None:
    assert "Persistent=true" in (DEPLOY / "systemd" / "hcc-refresh.timer").read_text()
