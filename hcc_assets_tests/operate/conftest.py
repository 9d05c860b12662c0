"""A home with the little assets and a Dagster instance of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from hcc_assets.home.paths import Home
from hcc_assets_tests.assets.little import little_home
from hcc_assets_tests.operate.instances import instance_at


@pytest.fixture
def home(place: Path) -> Home:
    return little_home(place / "home")


@pytest.fixture
def instance(place: Path) -> Iterator[dg.DagsterInstance]:
    with instance_at(place / "dagster") as found:
        yield found
