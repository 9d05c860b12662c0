"""Promise G8: a killed or silent run is given up, its late write refused; a working run, a reused
pid and a jumping clock harm nobody."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from upath import UPath

from hcc_assets.home import files
from hcc_assets.operate.watch import life, reaper

NOW = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


def started_run(
    instance: dg.DagsterInstance, tags: dict[str, str], status=dg.DagsterRunStatus.STARTED
) -> str:
    @dg.job(name="sample_chain")
    def chain():
        pass

    return instance.create_run_for_job(chain, status=status, tags=tags).run_id


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def reap(instance, folder: Path, now=NOW, **options):
    options = {"look_again_s": 0.2} | options
    return reaper.reap(instance, now, heartbeats=folder / "beats", **options)


def ended_process_tags() -> dict[str, str]:
    program = (
        "import json; from hcc_assets.operate.watch.life import process_tags; "
        "print(json.dumps(process_tags()))"
    )
    return json.loads(
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
    )


def test_a_run_whose_process_is_gone_is_failed(instance, tmp_path: Path) -> None:
    run_id = started_run(instance, ended_process_tags())
    (reaped,) = reap(instance, tmp_path)
    assert (reaped.run_id, reaped.reason, reaped.killed) == (run_id, "its process is gone", False)
    assert status(instance, run_id) is dg.DagsterRunStatus.FAILURE
    assert reap(instance, tmp_path) == []


def test_a_working_run_is_left_alone(instance, tmp_path: Path) -> None:
    run_id = started_run(instance, life.process_tags())
    with life.Heartbeat(tmp_path / "beats", run_id):
        assert reap(instance, tmp_path) == []
        assert (
            reap(instance, tmp_path, NOW + dt.timedelta(days=365)) == []
        )  # the clock jumped; the beat is judged by uptime
    assert not list((tmp_path / "beats").iterdir())


def test_a_reused_pid_is_not_the_process(instance, tmp_path: Path) -> None:
    own = life.process_tags()
    by_ticks = started_run(instance, own | {life.PROCESS: own[life.PROCESS] + "1"})
    without_ticks = {k: v for k, v in own.items() if k != life.PROCESS}
    by_time = started_run(
        instance, without_ticks | {life.STARTED: str(float(own[life.STARTED]) - 3600)}
    )
    tagged_later = started_run(instance, without_ticks | {life.STARTED: str(time.time())})
    assert {r.run_id for r in reap(instance, tmp_path)} == {by_ticks, by_time}
    assert status(instance, tagged_later) is dg.DagsterRunStatus.STARTED


def test_runs_of_other_hosts_are_judged_by_their_beat_alone(instance, tmp_path: Path) -> None:
    elsewhere = {life.HOST: "another", life.PID: "1", life.STARTED: "0"}
    without, fresh, silent = (started_run(instance, elsewhere) for _ in range(3))
    (tmp_path / "beats").mkdir()
    for run_id, age in ((fresh, 10), (silent, 600)):
        record = {"host": "another", "boot": "x", "uptime": 1.0, "at": NOW.timestamp() - age}
        (tmp_path / "beats" / f"{run_id}.beat").write_text(json.dumps(record))
    assert [r.run_id for r in reap(instance, tmp_path)] == [silent]
    assert status(instance, without) is dg.DagsterRunStatus.STARTED


def test_a_run_that_beats_again_after_the_machine_slept_is_left_alone(
    instance, tmp_path: Path
) -> None:
    run_id = started_run(instance, life.process_tags())
    with life.Heartbeat(tmp_path / "beats", run_id, every_s=0.3):
        path = tmp_path / "beats" / f"{run_id}.beat"
        record = json.loads(path.read_bytes())
        files.write_bytes(
            UPath(path), json.dumps({**record, "uptime": record["uptime"] - 8 * 3600}).encode()
        )
        assert reap(instance, tmp_path, look_again_s=1) == []
    assert status(instance, run_id) is dg.DagsterRunStatus.STARTED


def test_after_a_reboot_the_runs_of_before_are_given_up(instance, tmp_path: Path) -> None:
    run_id = started_run(instance, {})
    (tmp_path / "beats").mkdir()
    record = {
        "host": socket.gethostname(),
        "boot": "an earlier boot",
        "uptime": 1e12,
        "at": NOW.timestamp(),
    }
    (tmp_path / "beats" / f"{run_id}.beat").write_text(json.dumps(record))
    assert [r.reason for r in reap(instance, tmp_path)] == ["the machine was started again"]


def test_a_run_being_cancelled_ends_as_cancelled_and_untagged_runs_are_left(
    instance, tmp_path: Path
) -> None:
    run_id = started_run(instance, ended_process_tags(), dg.DagsterRunStatus.CANCELING)
    untagged = started_run(instance, {})
    reap(instance, tmp_path)
    assert status(instance, run_id) is dg.DagsterRunStatus.CANCELED
    assert status(instance, untagged) is dg.DagsterRunStatus.STARTED


def test_a_run_killed_before_its_first_step_is_given_up(tmp_path: Path) -> None:
    """It has started and names no process, so that nothing else would ever end it; one that begins
    while it is looked at is left alone."""

    @dg.asset
    def subjects() -> None: ...

    job = dg.Definitions(
        [subjects], jobs=[dg.define_asset_job("tables", "subjects")]
    ).resolve_job_def("tables")
    with dg.DagsterInstance.ephemeral() as instance:
        runs = [
            instance.create_run_for_job(
                job, tags=tags, asset_selection=frozenset([dg.AssetKey("subjects")])
            ).run_id
            for tags in ({}, {}, {life.SEVERAL_PROCESSES: "yes"})
        ]
        for run_id in runs:
            instance.report_dagster_event(
                dg.DagsterEvent(event_type_value="PIPELINE_START", job_name="tables"), run_id
            )
        now = dt.datetime.now(dt.UTC)
        assert reap(instance, tmp_path, now + dt.timedelta(seconds=100)) == []
        begins = threading.Timer(0.3, lambda: instance.add_run_tags(runs[1], life.process_tags()))
        begins.start()
        (reaped,) = reap(instance, tmp_path, now + dt.timedelta(seconds=130), look_again_s=1)
        begins.join()
        assert (reaped.run_id, reaped.reason) == (runs[0], "started and began no step within 120 s")
        assert [status(instance, r).value for r in runs] == ["FAILURE", "STARTED", "STARTED"]


def test_a_run_whose_process_was_killed_before_the_start_is_given_up(
    instance, tmp_path: Path
) -> None:
    run_id = started_run(instance, ended_process_tags(), dg.DagsterRunStatus.NOT_STARTED)
    assert [r.run_id for r in reap(instance, tmp_path)] == [run_id]


WRITER = """
import sys, json
from pathlib import Path
import dagster as dg
from hcc_assets.assets.factory import _fence
from hcc_assets.operate.watch import life
folder, run_id = Path(sys.argv[1]), sys.argv[2]
with (
    dg.DagsterInstance.from_config(str(folder)) as instance,
    life.Heartbeat(folder / "beats", run_id, every_s=0.05),
):
    print(json.dumps(life.process_tags()), flush=True)
    sys.stdin.readline()
    try:
        _fence(instance, run_id)()
        (folder / "result.txt").write_text("late")
    except Exception as error:
        print(type(error).__name__, flush=True)
"""


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance that another process sees."""
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.from_config(str(tmp_path)) as found:
        yield found


def stopped_writer(instance, tmp_path: Path) -> tuple[subprocess.Popen, str]:
    """A real process, stopped by SIGSTOP before it writes, and its run."""
    (tmp_path / "result.txt").write_text("good")
    run_id = started_run(instance, {})
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path), run_id],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    instance.add_run_tags(run_id, json.loads(writer.stdout.readline()))
    assert reap(instance, tmp_path, limit_s=1) == []
    os.kill(writer.pid, signal.SIGSTOP)
    time.sleep(1.2)
    return writer, run_id


def test_the_late_write_of_a_run_that_was_given_up_is_refused(shared, tmp_path: Path) -> None:
    writer, run_id = stopped_writer(shared, tmp_path)
    (reaped,) = reap(shared, tmp_path, limit_s=1, kill=False)
    assert reaped.reason.startswith("no sign of life for ") and not reaped.killed
    os.kill(writer.pid, signal.SIGCONT)
    out, _ = writer.communicate("\n", timeout=60)
    assert out.strip() == "StaleWriter"
    assert (tmp_path / "result.txt").read_text() == "good"
    assert status(shared, run_id) is dg.DagsterRunStatus.FAILURE


def test_a_silent_process_of_this_host_is_ended(shared, tmp_path: Path) -> None:
    writer, _run_id = stopped_writer(shared, tmp_path)
    (reaped,) = reap(shared, tmp_path, limit_s=1)
    assert reaped.killed and writer.wait(timeout=10) == -signal.SIGKILL
    assert (tmp_path / "result.txt").read_text() == "good"


def test_living_run_writes_no_tag_that_the_run_has(instance, tmp_path: Path, monkeypatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(instance, "add_run_tags", lambda run_id, tags: written.append(run_id))
    own, foreign = life.process_tags(), ended_process_tags()
    for known in (own, own | {"dagster/partition": "S1"}, foreign, {}):
        run_id = started_run(instance, dict(known))
        beats = tmp_path / "beats"
        with life.living_run(instance, run_id, known_tags=known, heartbeats=beats):
            assert (run_id in written) is not (own.items() <= known.items())


def test_living_run_tags_and_beats(instance, tmp_path: Path) -> None:
    run_id = started_run(instance, {})
    with life.living_run(instance, run_id, heartbeats=tmp_path / "beats"):
        run = instance.get_run_by_id(run_id)
        assert run is not None and run.tags[life.PID] == str(os.getpid())
        assert (tmp_path / "beats" / f"{run_id}.beat").exists()
