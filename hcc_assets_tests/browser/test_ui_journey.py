"""An operator at the web UI: a sample is materialized, its delivery is replaced by a bad one, the
check says so, the corrected delivery recovers."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import requests
from scipy import sparse

from hcc_assets.home.paths import Home
from hcc_assets.operate.dagster_yaml import dagster_yaml
from hcc_assets.ui.users import Users
from hcc_assets_tests.browser.driving import Browser
from hcc_assets_tests.cells.matrices import mtx_text, toy, write_mex

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

SAMPLE, OTHER = "SURU-01-001-pre", "SURU-01-001-post"
KEY = "s0001-a"
"""Of `SAMPLE`: the earlier biopsy of a subject has the first key."""
SHEET = f"""sample_id,subject_id,timepoint,collection_date,path,tissue
{SAMPLE},SURU-01-001,pre,2025-02-01,matrices/{SAMPLE},LIVER
{OTHER},SURU-01-001,post,2025-04-01,matrices/{OTHER},LIVER
"""
SENTENCE = (
    "matrix.mtx.gz looks log-normalised: values are not whole numbers and all are small; "
    "deliver the raw counts"
)
TODO = "Ask the sequencing core for the raw count matrix."
STANDS = re.compile(r"the version of \d+ \w+ \d{4} \d\d:\d\d UTC")
DIALOG = "//*[contains(@class, 'portal')]"
CREATE = "'Select a partition or create one'"
CHOOSE = f"{DIALOG}//*[text()={CREATE} or @placeholder={CREATE}]"
LAUNCH = f"{DIALOG}//button[contains(., 'Launch 1 run')]"


class Served(NamedTuple):
    """A running ``hcc ui``: its address, the links of operator and reader, and its home."""

    url: str
    link: str
    visitor: str
    landing: Path


def deliver(landing: Path, sample: str, *, seed: int = 0, spoilt: bool = False) -> None:
    """A matrix of 150 cells, raw counts or (``spoilt``) logarithms of them."""
    cells = toy(150, seed=seed)
    counts = sparse.csr_matrix(cells.X).astype(float)
    counts.data = np.log1p(counts.data)
    folder = landing / "matrices" / sample
    if spoilt:
        write_mex(folder, cells, matrix=mtx_text(counts, field="real"))
    else:
        write_mex(folder, cells)


def make_home(root: Path, *, queued: bool) -> Path:
    """Two delivered samples. Without the queue a run starts when it is asked for, since there is
    no daemon to take it up."""
    landing = root / "landing"
    for seed, sample in enumerate((SAMPLE, OTHER)):
        deliver(landing, sample, seed=seed)
    (landing / "samples.csv").write_text(SHEET)
    (root / "study.toml").write_text("[samples]\nsettle_seconds = 0\n")
    home = Home.at(root)
    home.dagster_home.mkdir(parents=True)
    if not queued:
        shipped = dagster_yaml()
        queue = shipped[shipped.index("concurrency:") : shipped.index("# A sensor that is slow")]
        at_once = (
            "run_coordinator:\n  module: dagster.core.run_coordinator\n"
            "  class: DefaultRunCoordinator\n\n"
        )
        (home.dagster_home / "dagster.yaml").write_text(shipped.replace(queue, at_once))
    return landing


@contextlib.contextmanager
def hcc_ui(root: Path, landing: Path, *options: str) -> Iterator[Served]:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    log = root.parent / "ui.log"
    environment = {
        **os.environ,
        "HCC_HOME": str(root),
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "hcc_assets", "ui", "--port", str(port), *options]
    with log.open("wb") as output:
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 120
        while True:
            with contextlib.suppress(requests.ConnectionError):
                if requests.get(f"{url}/server_info", timeout=5).status_code == 401:
                    break
            assert server.poll() is None and time.monotonic() < until, log.read_text()
            time.sleep(0.2)
        token = (root / "dagster" / "ui_token").read_text()
        assert token not in log.read_text()
        reader = Users(root / "keys").add("visitor", "reader", "2026-11-28")
        yield Served(url, f"{url}/?token={token}", f"{url}/?token={reader}", landing)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=60)


def materialize(window: Browser, served: Served, name: str) -> str:
    """From the asset's page: Materialize, the sample, Launch; the page of the finished run. Returns
    its text."""
    window.open(f"{served.url}/assets/raw_counts")
    window.click("//button[contains(., 'Materialize')]", opens=CHOOSE)
    window.click(CHOOSE, opens=f"{DIALOG}//*[text()='{KEY}']")
    window.click(f"{DIALOG}//*[text()='{KEY}']", opens=LAUNCH)
    window.press_escape()
    window.picture(f"{name}-launch")
    window.click(LAUNCH)
    window.click("//*[text()='View']")

    def ended() -> str:
        # the page draws its parts one by one: all of them in one text
        text = window.text()
        told = "Success" in text or "Failure" in text
        return text if told and "Process for run exited" in text else ""

    text = str(window.wait("the end of the run", ended, 120))
    window.picture(f"{name}-run")
    return text


def checks_tab(
    window: Browser, served: Served, name: str, *parts: str, patience: float = 60
) -> str:
    window.open(f"{served.url}/assets/raw_counts?view=checks")
    text = window.read("counts_are_counts", *parts, patience=patience)
    window.picture(f"{name}-checks")
    return text


def test_a_visitor_may_look_and_the_operator_brings_a_refused_sample_back(
    place: Path, window: Browser
) -> None:
    landing = make_home(place / "home", queued=False)
    with hcc_ui(place / "home", landing, "--no-daemon") as served:
        window.open(f"{served.url}/assets/raw_counts")
        window.read("Log in")
        assert all("401" in error for error in window.console_errors())
        window.open(served.visitor)
        window.open(f"{served.url}/assets/raw_counts")
        window.read("Raw UMI counts of one sample as delivered")
        (button,) = window.wait(
            "the button", lambda: window.shown("//button[contains(., 'Materialize')]")
        )
        assert button.get_attribute("disabled"), "a visitor without the link cannot launch"
        window.picture("0-visitor")

        window.open(served.link)
        text = materialize(window, served, "1-good")
        assert "Success" in text and "Failure" not in text
        checks_tab(window, served, "1-good", "Passed", KEY)

        deliver(landing, SAMPLE, spoilt=True)
        text = materialize(window, served, "2-bad")
        assert "Success" in text, "what was refused is told by its check; the run did its work"
        text = checks_tab(
            window, served, "2-bad", "Failed", SENTENCE, "what to do", TODO, "what stands"
        )
        assert STANDS.search(text) and "Passed" not in text

        deliver(landing, SAMPLE, seed=3)
        text = materialize(window, served, "3-corrected")
        assert "Success" in text and "Failure" not in text
        text = checks_tab(window, served, "3-corrected", "Passed", KEY)
        assert SENTENCE not in text and "Failed" not in text
        window.open(f"{served.url}/assets/raw_counts")
        window.read("total_umi", KEY, "layer: landing")
        window.picture("3-corrected-overview")
        assert window.console_errors() == []


@pytest.mark.slow
def test_with_the_daemon_nobody_has_to_click(place: Path, window: Browser) -> None:
    """Shipped settings, queue and sensors: the bad delivery and its correction are taken by
    themselves and seen."""
    landing = make_home(place / "home", queued=True)
    deliver(landing, SAMPLE, spoilt=True)
    # the tab shows the check of whichever sample was looked at last: here there is one
    (landing / "samples.csv").write_text(
        "".join(line for line in SHEET.splitlines(keepends=True) if not line.startswith(OTHER))
    )
    shutil.rmtree(landing / "matrices" / OTHER)
    with hcc_ui(place / "home", landing) as served:
        text = checks_tab(window, served, "4-daemon-bad", "Failed", SENTENCE, TODO, patience=300)
        assert "there is no earlier version" in text
        deliver(landing, SAMPLE, seed=3)
        checks_tab(window, served, "5-daemon-corrected", "Passed", "s0001-a", patience=300)
