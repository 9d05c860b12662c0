"""The home that most tests of this folder start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from hcc_assets.home.paths import Home
from hcc_assets_tests.assets.little import little_home


@pytest.fixture
def home(place: Path) -> Home:
    return little_home(place)
