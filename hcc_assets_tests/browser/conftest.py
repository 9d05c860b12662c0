"""The browser of these tests: Debian's Chromium and its driver, or a skip that says so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hcc_assets_tests.browser.driving import Browser, browser

PICTURES = "HCC_TEST_SCREENSHOTS"
"""Environment variable: folder that the screenshots are kept in; without it they go into pytest's
temporary folder."""


def _program(*names: str) -> str:
    for name in names:
        if found := shutil.which(name):
            return found
    pytest.skip(
        f"no {names[0]} on this machine (Debian: apt-get install chromium chromium-driver): "
        "nothing was seen in a browser"
    )


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where the screenshots of a test are kept."""
    folder = (
        Path(os.environ[PICTURES]).absolute()
        if os.environ.get(PICTURES)
        else tmp_path / "screenshots"
    )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def window(tmp_path: Path, pictures: Path) -> Iterator[Browser]:
    """A window of an empty profile."""
    with browser(
        _program("chromium", "chromium-browser", "google-chrome"),
        _program("chromedriver"),
        tmp_path / "profile",
        pictures,
    ) as opened:
        yield opened
