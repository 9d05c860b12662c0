"""Health as others see it: a monitor is told, and the death of a real daemon is seen."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest
from werkzeug import Response

from hcc_assets.operate.watch import heartbeat
from hcc_assets_tests.operate.test_health import daemon, instance

__all__ = ["instance"]


def test_the_monitor_is_told_health_and_failure(httpserver) -> None:
    seen: list[str] = []

    def take(request) -> Response:
        seen.append(request.path)
        return Response("ok")

    httpserver.expect_request("/key").respond_with_handler(take)
    httpserver.expect_request("/key/fail").respond_with_handler(take)
    environ = {"HCC_HEARTBEAT_URL": httpserver.url_for("/key")}
    assert (
        heartbeat.ping(True, environ=environ) is True
        and heartbeat.ping(False, environ=environ) is True
    )
    assert seen == ["/key", "/key/fail"]
    assert heartbeat.ping(True, environ={}) is None
    assert (
        heartbeat.ping(True, environ={"HCC_HEARTBEAT_URL": "http://127.0.0.1:1/x"}, timeout_s=1)
        is False
    )
    with pytest.raises(ValueError, match="HCC_HEARTBEAT_URL"):
        heartbeat.ping(True, environ={"HCC_HEARTBEAT_URL": "file:///etc/passwd"})


@pytest.mark.slow
def test_a_real_daemon_beats_often_enough_and_its_death_is_seen_within_the_minute(
    tmp_path: Path,
) -> None:
    """Kill a real daemon: green until then for more than two of its beats, red less than a minute
    after."""
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    (tmp_path / "trial.py").write_text(
        "import dagster as dg\n@dg.asset\ndef subjects(): pass\ndefs = dg.Definitions([subjects])\n"
    )
    environment = {**os.environ, "DAGSTER_HOME": str(tmp_path)}
    program = "from dagster._daemon.cli import main; main()"
    command = [sys.executable, "-c", program, "run", "-f", str(tmp_path / "trial.py")]
    with (tmp_path / "daemon.log").open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        with dg.DagsterInstance.from_config(str(tmp_path)) as instance:

            def look():
                return daemon(instance, dt.datetime.now(dt.UTC), expect_daemon=True)

            deadline = time.monotonic() + 60
            while not look().ok and time.monotonic() < deadline:
                time.sleep(0.5)
            quiet = time.monotonic() + 75
            while time.monotonic() < quiet:
                assert look().ok, look().sentence
                time.sleep(1)
            os.killpg(process.pid, signal.SIGKILL)
            deadline = time.monotonic() + 60
            while look().ok and time.monotonic() < deadline:
                time.sleep(0.5)
            assert not look().ok
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
