"""On a Ray cluster of two nodes on this machine: what is published is the same as without Ray, also
when a node is lost; memory is respected."""

from __future__ import annotations

import itertools
import shutil
import time
from pathlib import Path

import pytest

from hcc_assets.assets.closure import has_module
from hcc_assets.audit.trail import trail_of
from hcc_assets.home.paths import Home
from hcc_assets.home.people.register import read_people
from hcc_assets.operate.watch.life import PID
from hcc_assets_tests.faults.homes import SETTINGS, copied, hashes, look, run
from hcc_assets_tests.operate.ray.cluster import isolated, isolation_problem

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not (has_module("ray") and has_module("dagster_ray")),
        reason="the extra ray is not installed",
    ),
]


@pytest.fixture(scope="module", autouse=True)
def off_the_network() -> None:
    problem = isolation_problem()
    if problem is not None:
        pytest.skip(problem)


@pytest.fixture(scope="module")
def trial(scratch: Path) -> Path:
    """Deliveries of four subjects, nothing computed."""
    from hcc_assets.simulate.trial import simulate_trial

    root = scratch / "ray-trial"
    simulate_trial(root, subjects=4, cells=400, seed=0)
    with (root / "study.toml").open("a") as handle:
        handle.write("\n" + SETTINGS)
    return root


@pytest.fixture(scope="module")
def local(trial: Path, scratch: Path) -> tuple[Path, float]:
    """The same trial brought up by one process of this machine, and the seconds it took."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DAGSTER_HOME", "HCC_HOME"):
            patch.setenv(name, "")
            patch.delenv(name)
        root = copied(trial, scratch / "ray-local")
        started = time.monotonic()
        assert not run(root).troubled
        return root, time.monotonic() - started


def published(root: Path) -> dict[str, str]:
    """Every published file but the report, which says when each table was made."""
    found = hashes(root, suffixes=())
    assert found.pop("report.html")
    return found


def test_an_address_where_nothing_answers_is_told_at_once(place: Path) -> None:
    from click.testing import CliRunner

    from hcc_assets.commands import hcc

    (place / "home" / "landing").mkdir(parents=True)
    for address in ("127.0.0.1:1", "local"):
        result = CliRunner().invoke(
            hcc, ["refresh", "--home", str(place / "home"), "--engine", "ray", "--address", address]
        )
        assert (
            result.exit_code == 2
            and f"no Ray cluster could be joined at {address}" in result.output
        )


def test_same_bytes_as_on_one_machine(trial: Path, local: tuple[Path, float], place: Path) -> None:
    root = copied(trial, place / "home")
    seen = isolated(root)
    assert not seen["troubled"]
    assert {r["status"] for r in seen["runs"]} == {"SUCCESS"}
    assert published(root) == published(local[0])
    assert not trail_of(Home.at(root)).verify()
    print(
        f"two nodes {seen['seconds']:.1f} s, one local process {local[1]:.1f} s: "
        f"ratio {local[1] / seen['seconds']:.2f} with start of workers"
    )


def test_a_node_killed_in_mid_run_loses_nothing(
    trial: Path, local: tuple[Path, float], place: Path
) -> None:
    root = copied(trial, place / "home")
    seen = isolated(root, "--kill")
    assert seen["killed"] == ["node"]
    assert [state for _, state in seen["told"] if state == "sent again: its node was lost"]
    statuses = [r["status"] for r in seen["runs"]]
    assert statuses.count("FAILURE") == 1 and set(statuses) == {"SUCCESS", "FAILURE"}, (
        "the lost run is closed, and no other failed"
    )
    assert not seen["troubled"] and published(root) == published(local[0])
    assert not trail_of(Home.at(root)).verify()
    assert not look(root).troubled


def test_two_samples_that_do_not_fit_a_node_together_go_one_after_the_other(
    trial: Path, place: Path
) -> None:
    root = copied(trial, place / "home")
    seen = isolated(root, "--nodes", "1", "--cores", "2", "--memory", "700000000")
    assert not seen["troubled"]
    for one, other in itertools.combinations(seen["runs"], 2):
        assert one["end"] <= other["start"] or other["end"] <= one["start"], (
            "two reservations of over 450 MB on a node of 700 MB"
        )


def test_the_job_with_ray_executor(
    local: tuple[Path, float], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each asset of a sample is a Ray job of its own; the refresh after it finds nothing left to do
    for the sample."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[3]))
    root = copied(local[0], place / "home")
    sample = "SURU-04-004-pre"
    key = read_people(Home.at(root)).names[sample]
    for folder in (root / "store").glob(f"*/{key}"):
        shutil.rmtree(folder)
    seen = isolated(root, key, module="hcc_assets_tests.operate.ray.executor")
    assert seen["ok"] and seen["status"] == "SUCCESS"
    assert {"raw_counts", "annotated_cells"} <= set(seen["done"])
    assert PID not in seen["tags"], (
        "its steps come and go; the reaper may not take one of them for the run"
    )
    summary = run(root)
    assert not [c for c in summary.changes if c.sample == sample] and not summary.troubled
    assert published(root) == published(local[0])
