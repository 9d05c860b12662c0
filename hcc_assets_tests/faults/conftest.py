"""Base homes of the fault list: one clinical, one with both halves; each test works on a copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hcc_assets_tests.faults.homes import (
    FIRST,
    SETTINGS,
    Seen,
    attempt_all,
    clinical,
    copied,
    deliver,
    refresh,
    run,
    without_figures,
)


@pytest.fixture(autouse=True)
def no_figures() -> Iterator[None]:
    with without_figures():
        yield


def _built(folder: Path, build: Callable[[Path], None]) -> Path:
    with pytest.MonkeyPatch.context() as patch, without_figures():
        for name in ("DAGSTER_HOME", "HCC_HOME"):
            patch.setenv(name, "")
            patch.delenv(name)
        folder.mkdir()
        build(folder)
        run(folder)
    return folder


@pytest.fixture(scope="session")
def clinical_base(scratch: Path) -> Path:
    """Five subjects so far, one export, everything published."""

    def build(root: Path) -> None:
        (root / "study.toml").write_text(SETTINGS)
        deliver(root, clinical(FIRST), FIRST.isoformat())

    return _built(scratch / "clinical-base", build)


@pytest.fixture
def root(clinical_base: Path, place: Path) -> Path:
    """A copy of the clinical one."""
    return copied(clinical_base, place / "home")


@pytest.fixture(scope="session")
def sample_base(scratch: Path) -> Path:
    """Two samples of one subject and nothing clinical, everything published; a third matrix is in
    ``later/``, outside landing."""
    from hcc_assets.simulate.trial import simulate_trial

    def build(root: Path) -> None:
        import shutil

        simulate_trial(root, subjects=2, cells=150, seed=0)
        shutil.rmtree(root / "landing" / "clinical")
        with (root / "study.toml").open("a") as handle:
            handle.write("\n" + SETTINGS)

    return _built(scratch / "sample-base", build)


@pytest.fixture(params=["engine", pytest.param("refresh", marks=pytest.mark.faults)])
def bring_up(request: pytest.FixtureRequest) -> Callable[[Path], Seen]:
    """Brings a home up to date: through the engine, and in the long form through Dagster as ``hcc
    refresh`` does."""
    return {"engine": attempt_all, "refresh": refresh}[request.param]


@pytest.fixture(
    scope="module", params=["engine", pytest.param("refresh", marks=pytest.mark.faults)]
)
def bring_up_once(request: pytest.FixtureRequest) -> Callable[[Path], Seen]:
    """The same for homes that the tests of a file share."""
    return {"engine": attempt_all, "refresh": refresh}[request.param]
