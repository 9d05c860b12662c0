"""Faces of the clinical rooms: every name they show exists, looking at them loads nothing."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

ROOMS = [
    "",
    ".reading",
    ".checks",
    ".recist",
    ".endpoints",
    ".safety",
    ".laboratory",
    ".holding",
    ".adam",
]


@pytest.mark.parametrize("room", ROOMS)
def test_every_name_of_a_face_exists(room: str) -> None:
    package = importlib.import_module(f"hcc_assets.clinical{room}")
    assert package.__all__ == dir(package) != []
    assert all(getattr(package, name) is not None for name in package.__all__)


def test_a_face_loads_nothing() -> None:
    rooms = ", ".join(f"hcc_assets.clinical{room}" for room in ROOMS)
    code = f"import sys, {rooms}; print('pandas' in sys.modules, 'numpy' in sys.modules)"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert seen.stdout.split() == ["False", "False"]
