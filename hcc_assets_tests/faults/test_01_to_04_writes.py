"""Crashes in mid-write, a full disk, failing checks: a reader sees the old version or the new one,
and the next refresh reaches the same end."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from hcc_assets.assets import engine
from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.plan import UNPUBLISHED, state_of
from hcc_assets.audit.trail import trail_of
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.home import files
from hcc_assets.home.paths import Home
from hcc_assets.home.versions import Versions
from hcc_assets_tests.faults.broken_writes import (
    PowerCut,
    disk_full_for_tables,
    old_or_new,
    started,
    told,
    writer_that_fails,
)
from hcc_assets_tests.faults.homes import (
    SECOND,
    attempt_all,
    clinical,
    copied,
    deliver,
    hashes,
    refresh,
    view_of,
)


@pytest.mark.parametrize(
    "after",
    [False, pytest.param(True, marks=pytest.mark.faults)],
    ids=["before_replace", "after_replace"],
)
def test_fault_01_power_cut_at_every_write_step_of_a_table(
    root: Path, place: Path, after: bool
) -> None:
    """Write step 1, 2, 3, … until it succeeds; each time the table is the old or the new one, and
    the next attempt makes it the new one."""
    deliver(root, clinical(SECOND), SECOND.isoformat())
    home = Home.at(root)
    old = hashes(root)
    Workbench(home, all_assets()).attempt("clinical_export")
    finished = copied(root, place / "finished")
    Workbench(Home.at(finished), all_assets()).attempt("reported_responses")
    new = hashes(finished)
    assert new["reported_responses.parquet"] != old["reported_responses.parquet"]
    for step in range(1, 40):
        trial = copied(root, place / f"step{step}")
        with writer_that_fails(step, PowerCut(), after=after) as count, suppress(PowerCut):
            Workbench(Home.at(trial), all_assets()).attempt("reported_responses")
        if count[0] < step:
            break
        assert old_or_new(hashes(trial), old, new)
        assert not trail_of(Home.at(trial)).verify()
        again = Workbench(Home.at(trial), all_assets())
        assert again.attempt("reported_responses").state in ("new", "unchanged", "fresh")
        assert hashes(trial) == new
    assert step > 4, "parquet, csv, store and manifest are separate steps"


def test_fault_01_what_a_killed_writer_left_is_swept(root: Path) -> None:
    left = root / "store" / "subjects" / f"{files.TEMPORARY}dead.parquet"
    left.write_bytes(b"half")
    os.utime(left, (1, 1))
    refresh(root)
    assert not left.exists()


@pytest.mark.parametrize("taken_back", [pytest.param(False, marks=pytest.mark.faults), True])
def test_fault_38_a_crash_between_manifest_and_published_file_is_made_good(
    root: Path, monkeypatch: pytest.MonkeyPatch, taken_back: bool
) -> None:
    """What stands is ahead of what is published: the next refresh publishes it and tells it once,
    or goes back with the delivery."""

    def cut(*_: object) -> None:
        raise PowerCut

    old = hashes(root)
    folder = deliver(root, clinical(SECOND), SECOND.isoformat())
    home = Home.at(root)
    shutil.copytree(root / "store" / "clinical_export", root / "export-before")
    Workbench(home, all_assets()).attempt("clinical_export")
    with monkeypatch.context() as patch:
        patch.setattr(engine, "promote", cut)
        with pytest.raises(PowerCut):
            Workbench(home, all_assets()).attempt("reported_responses")
    assert hashes(root) == old, "published is a whole step behind, not in between"
    assert state_of(view_of(root), ("reported_responses", None)).reasons == (UNPUBLISHED,)
    if taken_back:
        shutil.rmtree(folder)
        shutil.rmtree(root / "store" / "clinical_export")
        shutil.move(root / "export-before", root / "store" / "clinical_export")
    seen = refresh(root)
    assert not seen.troubled
    assert (hashes(root) == old) is taken_back
    made = [e.details for e in trail_of(home).entries() if e.action == "materialize"]
    assert len(made) == len({str(d) for d in made}), "each version is told once"
    stands = Versions(home).require("reported_responses")
    told = [d for d in made if d["asset"] == "reported_responses"]
    assert told[-1]["fingerprint"] == stands.fingerprint


def test_fault_02_full_disk_leaves_what_stands_and_is_tried_again_when_there_is_room(
    root: Path,
) -> None:
    old = hashes(root)
    deliver(root, clinical(SECOND), SECOND.isoformat())
    with disk_full_for_tables():
        outcome = Workbench(Home.at(root), all_assets()).attempt("clinical_export")
    assert outcome.state == "failed" and "stays" in outcome.reason
    assert hashes(root) == old
    for _ in range(4):
        with disk_full_for_tables():
            Workbench(Home.at(root), all_assets()).attempt("clinical_export")
    assert attempt_all(root).troubled, "after three attempts the daemon gives up"
    seen = refresh(root)
    assert not seen.troubled, "a person who asks for a refresh has made room"
    assert hashes(root) != old


@pytest.mark.faults
def test_fault_01_kill_at_random_points_of_a_refresh(root: Path, place: Path) -> None:
    """kill -9 twelve times: published tables are old or new each time, and the refresh after it
    reaches the same end."""
    deliver(root, clinical(SECOND), SECOND.isoformat())
    old = hashes(root)
    finished = copied(root, place / "finished")
    started_at = time.monotonic()
    process = started(finished)
    assert process.wait(timeout=300) == 0
    length = time.monotonic() - started_at
    new = hashes(finished)
    assert new != old
    rng = random.Random(0)
    for number in range(12):
        trial = copied(root, place / f"trial{number}")
        process = started(trial)
        assert process.stdout is not None and process.stdout.readline().strip() == "ready"
        time.sleep(rng.uniform(0.1, 1.0) * length)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
        assert old_or_new(hashes(trial), old, new)
        seen = refresh(trial)
        assert not seen.troubled
        assert hashes(trial) == new
        assert not trail_of(Home.at(trial)).verify()


@pytest.mark.faults
@pytest.mark.parametrize("limit", [2_000, 20_000, 60_000])
def test_fault_02_files_that_cannot_grow(root: Path, limit: int) -> None:
    """RLIMIT_FSIZE stands in for a full tmpfs where mounting is not permitted; Dagster's own
    databases cannot grow either."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    old = hashes(root)
    deliver(root, clinical(SECOND), SECOND.isoformat())
    told(started(root, str(limit)))
    now = hashes(root)
    seen = refresh(root)
    assert not seen.troubled
    assert old_or_new(now, old, hashes(root))


@pytest.mark.faults
def test_fault_02_full_file_system(clinical_base: Path, place: Path) -> None:
    """A tmpfs that fills up under a refresh, where this process may mount one."""
    mounted = place / "small"
    mounted.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(mounted)], capture_output=True
    ).returncode:
        pytest.skip(
            "mounting a tmpfs is not permitted here; test_fault_02_files_that_cannot_grow stands in"
        )
    try:
        root = copied(clinical_base, mounted / "home")
        deliver(root, clinical(SECOND), SECOND.isoformat())
        old = hashes(root)
        free = os.statvfs(mounted).f_bavail * os.statvfs(mounted).f_frsize
        filler = mounted / "filler"
        filler.write_bytes(b"x" * (free - 40_000))
        told(started(root))
        filler.unlink()
        now = hashes(root)
        seen = refresh(root)
        assert not seen.troubled
        assert old_or_new(now, old, hashes(root))
    finally:
        subprocess.run(["umount", "-l", str(mounted)], check=True)


def test_fault_03_failed_check_in_a_refresh_is_told_and_replaces_nothing(root: Path) -> None:
    """A table that does not keep its schema is held: failed check in the event log, in the status
    and as a signal."""
    from hcc_assets.operate.instance import instance_of

    old = hashes(root)
    folder = deliver(root, clinical(SECOND), SECOND.isoformat())
    (folder / "ae.csv").write_text("USUBJID\n")
    seen = refresh(root)
    assert hashes(root)["adverse_events.parquet"] == old["adverse_events.parquet"]
    assert ("adverse_events", None) in seen.troubled
    assert any(c["asset"] == "adverse_events" for c in seen.status["failing_checks"])
    assert seen.alert("adverse_events")
    import dagster as dg

    with instance_of(Home.at(root)) as instance:
        key = dg.AssetCheckKey(dg.AssetKey("adverse_events"), "schema")
        record = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)[0]
    assert record.status.value == "FAILED"


def test_fault_04_a_dead_alert_channel_loses_no_alert_of_a_refresh(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing listens on the port: the refresh ends in order, the alert waits in the outbox
    (delivery itself: alerts/test_delivery)."""
    from hcc_assets.alerts.alerting import alert_store

    monkeypatch.setenv("HCC_ALERT_URLS", "json://127.0.0.1:9/")
    with (root / "study.toml").open("a") as handle:
        handle.write("[alerts]\nenabled = true\n")
    folder = deliver(root, clinical(SECOND), SECOND.isoformat())
    (folder / "ae.csv").write_text("USUBJID\n")
    seen = refresh(root)
    assert ("adverse_events", None) in seen.troubled
    waiting = [
        a.record for a in alert_store(Home.at(root), Home.at(root).config().study.id).open_alerts()
    ]
    assert any(r.asset == "adverse_events" for r in waiting)
