"""Fault 47: a lock holds nobody up for longer than its lease, whether its holder was killed or
stopped, and a holder that lost it notices. Real processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hcc_assets.home import leases
from hcc_assets.home.leases import LeaseLost, hold, holder_of

HOLDER = """
import sys, time
from pathlib import Path
from hcc_assets.home import leases
with leases.hold(Path(sys.argv[1]), beats=sys.argv[2] == "beats"):
    print("held", flush=True)
    time.sleep(600)
"""


@contextlib.contextmanager
def held_by_another(path: Path, *, beats: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    words = [sys.executable, "-c", HOLDER, str(path), "beats" if beats else "still"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"held\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_lock_names_its_holder_and_keeps_others_out(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "one.lock"
    inside = []

    def enter() -> None:
        with hold(path):
            inside.append(time.monotonic())

    with hold(path) as lock:
        assert holder_of(path)["pid"] == os.getpid() and path.stat().st_mode & 0o777 == 0o600
        lock.check()
        other = threading.Thread(target=enter)
        other.start()
        time.sleep(0.3)
        assert not inside
        left = time.monotonic()
    other.join(10)
    assert inside[0] >= left


def test_a_killed_holder_frees_its_lock_at_once(tmp_path: Path) -> None:
    with held_by_another(tmp_path / "l") as process:
        process.kill()
        process.wait()
        begun = time.monotonic()
        with hold(tmp_path / "l"):
            assert time.monotonic() - begun < 1


def test_fault_47_a_stopped_holder_is_ended_after_its_lease(tmp_path: Path) -> None:
    told: list[str] = []
    with held_by_another(tmp_path / "l", beats=True) as process:
        process.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        with hold(tmp_path / "l", stopped_s=1.5, waiting=told.append) as lock:
            assert 1.4 < time.monotonic() - begun < 30
            lock.check()
            assert process.wait(10) == -signal.SIGKILL, "no late write can follow"
    assert str(process.pid) in told[0] and "given up" in told[-1]


def test_a_long_holder_that_lives_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.2)
    taken = threading.Event()

    def work() -> None:
        with hold(tmp_path / "l", beats=True):
            taken.set()
            time.sleep(3)

    other = threading.Thread(target=work)
    other.start()
    assert taken.wait(10)
    begun = time.monotonic()
    with hold(tmp_path / "l", lease_s=1.0, stopped_s=1.0):
        assert time.monotonic() - begun > 2
    other.join()


def test_a_holder_that_cannot_be_ended_loses_its_lock_and_notices(tmp_path: Path) -> None:
    """As one on another machine: here it is this very process, which nobody ends."""
    path, lost = tmp_path / "l", []
    taken, over = threading.Event(), threading.Event()

    def work() -> None:
        with hold(path) as lock:
            taken.set()
            over.wait(30)
            with pytest.raises(LeaseLost):
                lock.check()
            lost.append(True)

    other = threading.Thread(target=work)
    other.start()
    assert taken.wait(10)
    with hold(path, lease_s=0.5, stopped_s=0.5) as mine:
        over.set()
        other.join(10)
        mine.check()
    assert lost == [True]


@pytest.mark.parametrize("content", [b"", b"not json", b"[1]", b'{"pid": 1, "host": "x"}'])
def test_whatever_the_lock_file_says_it_can_be_taken(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "l").write_bytes(content)
    with hold(tmp_path / "l"):
        assert holder_of(tmp_path / "l")["pid"] == os.getpid()


def test_the_package_has_no_lock_without_a_lease() -> None:
    package = Path(leases.__file__).parents[1]
    others = [p.name for p in package.rglob("*.py") if "FileLock" in p.read_text()]
    assert others == []
