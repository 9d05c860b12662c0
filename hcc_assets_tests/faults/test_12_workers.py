"""Worker processes ended from outside in mid-sample, as the kernel does when memory runs out: the
others go on, the sample is done again or told by name."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest

from hcc_assets.alerts.dagster_signals import tell_of
from hcc_assets.assets.plan import Plan
from hcc_assets.home.paths import Home
from hcc_assets.home.versions import Versions
from hcc_assets.operate import workers as pool
from hcc_assets.operate.actions import refresh_home
from hcc_assets.operate.instance import instance_of
from hcc_assets.operate.jobs import SAMPLE_JOB
from hcc_assets.operate.refresh import Summary
from hcc_assets.operate.watch.reaper import PID
from hcc_assets_tests.faults.homes import key_of, refresh, without_figures

pytestmark = pytest.mark.faults


@dataclass
class Killer:
    """Ends the worker of one sample (by its key) with kill -9 once the sample is in the middle of
    its work, ``times`` times."""

    home: Home
    key: str
    times: int
    done: Callable[[str], bool]
    killed: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Watch until the refresh has ended."""
        with instance_of(self.home) as instance:
            self._look(instance)

    def _look(self, instance: dg.DagsterInstance) -> None:
        wanted = dg.RunsFilter(
            job_name=SAMPLE_JOB,
            statuses=[dg.DagsterRunStatus.STARTED],
            tags={"dagster/partition": self.key},
        )
        while len(self.killed) < self.times and not self.stop.wait(0.02):
            for record in instance.get_run_records(wanted):
                run = record.dagster_run
                workers = {
                    p.pid: p
                    for p in psutil.Process().children()
                    if p.is_running() and p.status() != psutil.STATUS_ZOMBIE
                }
                worker = workers.get(int(run.tags[PID]))
                if worker is not None and run.run_id not in self.killed and self.done(run.run_id):
                    worker.kill()
                    self.killed.append(run.run_id)


@contextmanager
def killer(home: Home, key: str, times: int, done: Callable[[str], bool]) -> Iterator[Killer]:
    one = Killer(home, key, times, done)
    with instance_of(home):  # the databases are there before two threads look at them
        thread = threading.Thread(target=one.run)
        thread.start()
    try:
        yield one
    finally:
        one.stop.set()
        thread.join()


def states(home: Home) -> dict[str, str]:
    with instance_of(home) as instance:
        return {
            r.dagster_run.run_id: r.dagster_run.status.value for r in instance.get_run_records()
        }


@pytest.fixture
def home(place: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    from hcc_assets.simulate.trial import simulate_trial

    root = place / "home"
    simulate_trial(root, subjects=3, cells=150, seed=0)
    monkeypatch.setattr(pool, "WORTH_A_PROCESS", 0)
    return Home.at(root)


def samples(home: Home) -> list[str]:
    return sorted(
        line.split(",")[0]
        for line in (Path(str(home.landing)) / "samples.csv").read_text().splitlines()[1:]
    )


def done_again(home: Home) -> tuple[Summary, list[tuple[str, str]]]:
    """A refresh with two workers, and what it told."""
    told: list[tuple[str, str]] = []

    def note(label: str, state: str) -> None:
        told.append((label, state))

    def alerts(plan: Plan, instance: dg.DagsterInstance) -> dict[str, Any]:
        return tell_of(plan, instance, at_once=True)

    return refresh_home(home, jobs=2, memory_mb=8000, progress=note, then=alerts), told


def test_fault_12_a_worker_killed_in_mid_sample_is_done_again_in_the_same_refresh(
    home: Home,
) -> None:
    victim, *others = samples(home)
    assert len(others) >= 3
    key, versions = key_of(Path(str(home.root)), victim), Versions(home)

    def read(_: str) -> bool:
        return versions.current("raw_counts", key) is not None

    with without_figures(), killer(home, key, 1, read) as one:
        summary, _ = done_again(home)
    assert len(one.killed) == 1
    assert not summary.troubled
    assert len(versions.partitions("annotated_cells")) == len([victim, *others])
    now = states(home)
    assert now[one.killed[0]] == "FAILURE" and not {"STARTED", "STARTING", "NOT_STARTED"} & set(
        now.values()
    )
    assert not summary.alerts["open"] or not any(
        a["check"] == "run_succeeded" for a in summary.alerts["open"]
    ), "the second run of the sample was good"


def test_fault_12_a_sample_whose_worker_is_killed_again_and_again_is_told_by_name(
    home: Home,
) -> None:
    """The others are done, and the next refresh does it."""
    root = Path(str(home.root))
    victim, *others = samples(home)
    key, versions = key_of(root, victim), Versions(home)
    with without_figures(), killer(home, key, 9, lambda _: True) as one:
        summary, told = done_again(home)
    assert 2 <= len(one.killed) <= 8, "tried again, and given up"
    assert {(c.sample, c.state) for c in summary.troubled} == {(victim, "failed")}, summary.troubled
    assert all("ended" in c.reason for c in summary.troubled)
    assert any(key in label and state.startswith("failed") for label, state in told)
    made = set(versions.partitions("annotated_cells"))
    assert made >= {key_of(root, other) for other in others} and key not in made
    assert any(
        a["check"] == "run_succeeded" and a["partition"] == key for a in summary.alerts["open"]
    )
    assert set(states(home).values()) == {"SUCCESS", "FAILURE"}
    again = refresh(root)
    assert not again.troubled
    assert set(again.table("cells")["sample_id"]) == {victim, *others}
    assert not [a for a in again.alerts if a.partition == key]
