"""The faces of the room: every public name leads somewhere, and showing them loads nothing."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

ROOMS = ("quality", "reading", "malignancy", "reference", "calling", "identity")
PACKAGES = ["hcc_assets.cells", *(f"hcc_assets.cells.{room}" for room in ROOMS)]


@pytest.mark.parametrize("name", PACKAGES)
def test_every_public_name_is_what_its_module_defines(name: str) -> None:
    package = importlib.import_module(name)
    assert package.__all__ == dir(package)
    for public in package.__all__:
        found = getattr(package, public)
        assert found.__name__ == public and found.__module__.startswith(name)
    with pytest.raises(AttributeError):
        package.absent  # noqa: B018


def test_importing_the_packages_loads_nothing() -> None:
    code = (
        f"import importlib, sys; [importlib.import_module(p) for p in {PACKAGES}]; "
        "print(sorted({'numpy', 'pandas', 'scipy', 'sklearn', 'scanpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_sample_is_judged_without_scikit_learn_or_scanpy() -> None:
    code = (
        "import sys; from hcc_assets_tests.cells.cohort import cohort; "
        "from hcc_assets.cells import annotate, class_counts; cohort(1, 150, genes=2500); "
        "print(sorted({'sklearn', 'scanpy', 'numba'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
