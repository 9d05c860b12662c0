"""Faults 47 and 48 with the real commands: a refresh that was stopped while it held its lock, and a
UI that is told to end while it starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from hcc_assets.audit.trail import trail_of
from hcc_assets.home.leases import STOPPED_SECONDS, holder_of
from hcc_assets.home.paths import Home

pytestmark = pytest.mark.timeout(600)


def started(root: Path, *words: str, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "hcc_assets", *words]
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            env={**os.environ, "HCC_HOME": str(root), "TMPDIR": str(log.parent)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def empty_home(place: Path) -> Path:
    root = place / "home"
    (root / "landing").mkdir(parents=True)
    (root / "study.toml").write_text("[samples]\nsettle_seconds = 0\n")
    return root


def until(what: str, seen: Callable[[], bool], seconds: float = 200) -> None:
    end = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def test_fault_47_a_stopped_refresh_holds_up_the_next_one_for_its_lease(place: Path) -> None:
    root = empty_home(place)
    lock = root / "dagster" / "locks" / "refresh.lock"
    first = started(root, "refresh", log=place / "first.log")
    try:
        until("the first holds its lock", lambda: holder_of(lock).get("pid") == first.pid)
        first.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        second = started(root, "refresh", log=place / "second.log")
        assert second.wait(400) == 0, (place / "second.log").read_text()
        assert time.monotonic() - begun > STOPPED_SECONDS
        told = (place / "second.log").read_text()
        assert f"process {first.pid}" in told and "was given up" in told
        assert first.wait(10) == -signal.SIGKILL
    finally:
        first.kill()
        first.wait()
    assert not trail_of(Home.at(root)).verify()


def test_fault_48_a_ui_that_is_ended_while_it_starts_leaves_nobody_behind(place: Path) -> None:
    log = place / "ui.log"
    ui = started(empty_home(place), "ui", "--port", "0", log=log)
    family: list[psutil.Process] = []
    try:
        until("the code server is started", lambda: "code server started" in log.read_text())
        family = psutil.Process(ui.pid).children(recursive=True)
        assert family
        ui.send_signal(signal.SIGTERM)
        assert ui.wait(100) == 0, log.read_text()
        assert not psutil.wait_procs(family, 10)[1], "nothing is left"
        assert "Traceback" not in log.read_text() and not list(place.glob("hcc-ui-*"))
    finally:
        for one in [ui, *family]:
            if isinstance(one, subprocess.Popen) or one.is_running():
                one.kill()
        ui.wait()
