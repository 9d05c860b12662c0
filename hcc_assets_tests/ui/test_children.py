"""``hcc ui`` and the programs beside it: samples are offered at once, one code server serves both,
what dies is started again, and nothing is left behind, however the UI ends."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests

from hcc_assets.ui import children
from hcc_assets_tests.cells.matrices import toy, write_mex

pytestmark = pytest.mark.timeout(600)

SHEET = """sample_id,subject_id,timepoint,collection_date,path,tissue
SURU-01-001-pre,SURU-01-001,pre,2025-02-01,matrices/one,LIVER
"""


class Ui:
    """A running ``hcc ui`` and its log."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, log: Path, token: str):
        self.process, self.url, self.log, self.token = process, url, log, token

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, role: str) -> psutil.Process:
        """The newest child of a role."""
        found = re.findall(rf"^\S+ {role} started .*process (\d+)", self.log.read_text(), re.M)
        return psutil.Process(int(found[-1]))


def wait(what: str, seen: Callable[[], object], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < until, what
        time.sleep(0.1)


@pytest.fixture
def ui(place: Path) -> Iterator[Ui]:
    root = place / "home"
    write_mex(root / "landing" / "matrices" / "one", toy(100))
    (root / "landing" / "samples.csv").write_text(SHEET)
    (root / "study.toml").write_text("[samples]\nsettle_seconds = 0\n")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    log = place / "ui.log"
    command = [sys.executable, "-m", "hcc_assets", "ui", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, "HCC_HOME": str(root), "TMPDIR": str(place)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(f"{url}/server_info", timeout=5).status_code == 401
        return False

    wait("the UI", answers, 300)
    made = Ui(process, url, log, (root / "dagster" / "ui_token").read_text().strip())
    family = made.family()
    yield made
    for one in [process, *family]:
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            one.kill()
    process.wait()


def samples(ui: Ui) -> list[str]:
    query = """{ assetNodeOrError(assetKey: {path: ["raw_counts"]}) {
      ... on AssetNode { partitionKeys } } }"""
    known = {"Authorization": f"Bearer {ui.token}"}
    answer = requests.post(
        f"{ui.url}/graphql", json={"query": query}, headers=known, timeout=60
    ).json()
    return list(answer["data"]["assetNodeOrError"].get("partitionKeys") or ())


def forked(ui: Ui) -> list[psutil.Process]:
    """Runs at work: children of the process that has everything imported."""
    server = [p for p in ui.child("code server").children() if "forkserver" in str(p.cmdline())]
    return [run for one in server for run in one.children()]


def test_an_empty_home_offers_its_samples_and_a_killed_code_server_comes_back(ui: Ui) -> None:
    assert samples(ui) == ["s0001-a"], "before any sensor has looked"
    names = [" ".join(p.cmdline()) for p in ui.family()]
    assert len([n for n in names if "-m hcc_assets.ui.child" in n]) == 2, "code server and daemon"
    assert not [n for n in names if "dagster api grpc" in n], "none of Dagster's own"
    wait("a run", lambda: forked(ui))
    killed = ui.child("code server")
    killed.kill()
    wait("word of it", lambda: "code server ended by itself" in ui.log.read_text())
    wait("another", lambda: [p for p in ui.family() if " code " in " ".join(p.cmdline())])
    wait("its answer", lambda: samples(ui) == ["s0001-a"], 200)
    family = ui.family()
    (socket_folder,) = {
        str(Path(p.cmdline()[-1]).parent) for p in family if "hcc_assets.ui.child" in p.cmdline()
    }
    ui.process.send_signal(signal.SIGTERM)
    assert ui.process.wait(90) == 0
    assert not psutil.wait_procs(family, 5)[1], "nothing is left"
    assert not Path(socket_folder).exists() and "ended" in ui.log.read_text()


def test_children_end_with_a_ui_that_is_killed(ui: Ui) -> None:
    family = ui.family()
    ui.process.kill()
    assert not psutil.wait_procs(family, 90)[1]


def test_the_socket_is_in_a_folder_that_nobody_else_may_enter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = children.private_folder()
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.rmdir()
    (tmp_path / ("long" * 25)).mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("long" * 25)))
    with pytest.raises(ValueError, match="set TMPDIR"):
        children.private_folder()


def test_a_code_location_that_does_not_load_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        children,
        "start",
        lambda *_: subprocess.Popen([sys.executable, "-c", "1 / 0"], stdin=subprocess.PIPE),
    )
    told: list[str] = []
    with (
        pytest.raises(children.ChildDied, match=r"could not be started.*code\.log"),
        children.beside(tmp_path, told.append, daemon=True),
    ):
        raise AssertionError("the web server would open")


def test_a_child_that_dies_again_and_again_is_started_ever_more_slowly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "WATCH_SECONDS", 0.01)
    monkeypatch.setattr(
        children,
        "start",
        lambda *_: subprocess.Popen([sys.executable, "-c", "1 / 0"], stdin=subprocess.PIPE),
    )
    told: list[str] = []
    family = children.Children(tmp_path, told.append)
    family.add("daemon", "daemon", tmp_path, 1.0)
    family.watch()
    try:
        wait("two starts", lambda: len(told) >= 3, 60)
    finally:
        family.close()
    assert "started again in 1 s" in told[1] and "started again in 2 s" in told[2]


def test_a_long_log_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "LOG_BYTES", 3)
    (tmp_path / "daemon.log").write_text("earlier")
    family = children.Children(tmp_path, lambda _: None)
    monkeypatch.setattr(
        children,
        "start",
        lambda *_: subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.PIPE),
    )
    family.add("daemon", "daemon", tmp_path, 1.0)
    family.close()
    assert (tmp_path / "daemon.log.1").read_text() == "earlier"
