"""Two refreshes at once, eight first processes on an empty home, a database that is locked."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hcc_assets.audit.trail import trail_of
from hcc_assets.home.paths import Home
from hcc_assets_tests.faults.broken_writes import started
from hcc_assets_tests.faults.homes import FIRST, SECOND, clinical, copied, deliver, hashes, refresh

BOOT = """
import sys
from hcc_assets.operate.instance import instance_of
from hcc_assets.home.paths import Home
with instance_of(Home.at(sys.argv[1])) as instance:
    instance.add_dynamic_partitions("sample", [sys.argv[2]])
    print(len(instance.get_dynamic_partitions("sample")))
"""


def boot(root: Path, number: int) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if k not in ("DAGSTER_HOME", "HCC_HOME")}
    return subprocess.Popen(
        [sys.executable, "-c", BOOT, str(root), f"S{number}"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


@pytest.mark.parametrize("processes", [2, pytest.param(8, marks=pytest.mark.faults)])
def test_fault_37_first_boot_race(place: Path, processes: int) -> None:
    root = place / "home"
    (root / "landing").mkdir(parents=True)
    running = [boot(root, n) for n in range(processes)]
    for process in running:
        _, errors = process.communicate(timeout=250)
        assert process.returncode == 0, errors[-500:]
    from hcc_assets.operate.instance import instance_of

    with instance_of(Home.at(root)) as instance:
        assert len(instance.get_dynamic_partitions("sample")) == processes


@pytest.mark.faults
def test_fault_37_two_refreshes_at_once(clinical_base: Path, place: Path) -> None:
    root = copied(clinical_base, place / "home")
    deliver(root, clinical(SECOND), SECOND.isoformat())
    running = [started(root) for _ in range(2)]
    assert [p.wait(timeout=280) for p in running] == [0, 0]
    assert not trail_of(Home.at(root)).verify()
    alone = copied(clinical_base, place / "alone")
    deliver(alone, clinical(SECOND), SECOND.isoformat())
    refresh(alone)
    assert hashes(root) == hashes(alone)


def test_fault_37_a_refresh_waits_for_the_one_that_is_at_work(
    clinical_base: Path, place: Path
) -> None:
    from filelock import FileLock

    from hcc_assets.operate.actions import refresh_home

    root = copied(clinical_base, place / "home")
    home = Home.at(root)
    told: list[str] = []
    taken, leaving = threading.Event(), threading.Event()

    def work() -> None:
        with FileLock(str(home.locks / "refresh.lock")):
            taken.set()
            time.sleep(1.0)
            leaving.set()

    threading.Thread(target=work).start()
    assert taken.wait(10)
    refresh_home(home, jobs=1, memory_mb=4000, progress=lambda _, state: told.append(state))
    assert leaving.is_set(), "it waited until the other had left"
    assert any("another refresh" in text for text in told)


def test_fault_37_a_lock_left_by_a_killed_process_holds_nobody(
    clinical_base: Path, place: Path
) -> None:
    root = copied(clinical_base, place / "home")
    assert (root / "dagster" / "locks" / "refresh.lock").exists()
    assert not refresh(root).troubled


def test_fault_37_a_locked_database_is_waited_for(clinical_base: Path, place: Path) -> None:
    root = copied(clinical_base, place / "home")
    deliver(root, clinical(FIRST), "2025-08-02")
    database = sqlite3.connect(root / "dagster" / "alerts.db", timeout=1, check_same_thread=False)
    database.execute("BEGIN EXCLUSIVE")
    threading.Timer(3.0, lambda: (database.rollback(), database.close())).start()
    seen = refresh(root)
    assert not seen.troubled
    assert seen.status["export"] == "2025-08-02"


def test_fault_40_a_clock_that_was_set_back_changes_nothing(
    clinical_base: Path, place: Path
) -> None:
    import time_machine

    root = copied(clinical_base, place / "home")
    before = hashes(root)
    with time_machine.travel("2020-01-01", tick=True):
        seen = refresh(root)
    assert not seen.troubled and hashes(root) == before
    with time_machine.travel("2031-01-01", tick=True):
        refresh(root)
    assert hashes(root) == before
