"""The daemon is killed in mid-tick and in mid-run, with everything that it started, and is started
anew: the same end as without it, nothing done twice."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import psutil
import pytest
from dagster._core.scheduler.instigation import TickStatus

from hcc_assets.assets.plan import make_plan
from hcc_assets.audit.trail import audit_path, trail_of
from hcc_assets.home.paths import Home
from hcc_assets.operate.instance import instance_of
from hcc_assets_tests.faults.homes import (
    SECOND,
    clinical,
    copied,
    deliver,
    hashes,
    refresh,
    view_of,
)

ACTIVE = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.QUEUED,
]


@contextmanager
def daemon(home: Home) -> Iterator[None]:
    """``hcc ui`` with its daemon; at the end it and all that it started are killed at once, as in a
    power cut."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "hcc_assets", "ui", "--port", str(port)],
        env={**os.environ, "HCC_HOME": str(home.root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        family = [
            psutil.Process(process.pid),
            *psutil.Process(process.pid).children(recursive=True),
        ]
        for one in family:
            if one.is_running():
                one.kill()
        process.wait(20)
        psutil.wait_procs(family[1:], 20)


def wait_for(what: Callable[[], bool], seconds: float, text: str) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, text
        time.sleep(0.05)


def ticking(instance: dg.DagsterInstance) -> bool:
    """The landing sensor is in the middle of a tick."""
    states = [s for s in instance.all_instigator_state() if s.instigator_name == "landing_sensor"]
    return any(
        instance.get_ticks(
            s.instigator_origin_id, s.selector_id, limit=1, statuses=[TickStatus.STARTED]
        )
        for s in states
    )


def running(instance: dg.DagsterInstance) -> bool:
    return bool(
        instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]), limit=1)
    )


def materialized(home: Home) -> list[tuple[str, str | None, str]]:
    """Asset, sample and fingerprint of every version made, in order, from the audit trail."""
    whole = (
        audit_path(home).read_text().rpartition("\n")[0]
    )  # a line that is being written has no end yet
    lines = [json.loads(line) for line in whole.splitlines()]
    found = [line["details"] for line in lines if line["action"] == "materialize"]
    return [(d["asset"], d["sample"], d["fingerprint"]) for d in found]


@pytest.mark.faults
def test_fault_38_a_daemon_killed_in_mid_tick_and_in_mid_run_reaches_the_same_end(
    clinical_base: Path, place: Path
) -> None:
    root = copied(clinical_base, place / "home")
    deliver(root, clinical(SECOND), SECOND.isoformat())
    home = Home.at(root)
    before = len(materialized(home))
    with instance_of(home) as instance:
        with daemon(home):
            wait_for(lambda: ticking(instance), 120, "no tick of the landing sensor")
        with daemon(home):
            wait_for(lambda: running(instance), 180, "no run")
        done = len(materialized(home))
        with daemon(home):
            wait_for(lambda: len(materialized(home)) >= done + 2, 400, "no version was made")
        assert make_plan(view_of(root)).dirty, "killed before the end"
        with daemon(home):
            wait_for(
                lambda: not make_plan(view_of(root)).dirty,
                600,
                "the home did not come up to date",
            )
            wait_for(
                lambda: not instance.get_run_records(dg.RunsFilter(statuses=ACTIVE)),
                400,
                "a run is stuck",
            )
        statuses = Counter(r.dagster_run.status.value for r in instance.get_run_records())
    assert statuses["FAILURE"] >= 1, "the killed runs were given up"
    made = Counter(materialized(home)[before:])
    assert made and set(made.values()) == {1}, (
        f"computed twice: {[key for key, n in made.items() if n > 1]}"
    )
    assert not trail_of(home).verify()
    alone = copied(clinical_base, place / "alone")
    deliver(alone, clinical(SECOND), SECOND.isoformat())
    assert not refresh(alone).troubled
    assert hashes(root) == hashes(alone)
    assert not refresh(root).changed, "nothing was left to do"
    assert hashes(root) == hashes(alone)
