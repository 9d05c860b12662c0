"""A home made by the released commit of version 0.1 opens without loss, and is refreshed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pandas as pd
import pytest

from hcc_assets.assets.plan import make_plan
from hcc_assets.assets.view import HomeView
from hcc_assets.audit.trail import trail_of
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.home.paths import Home
from hcc_assets.home.published import damaged
from hcc_assets.operate.actions import refresh_home
from hcc_assets.operate.instance import instance_of
from hcc_assets.operate.old_homes import bring_up_to_date
from hcc_assets.operate.status import manifests_of
from hcc_assets.privacy.traces import find_traces

TOP = Path(__file__).resolve().parents[2]
RELEASED = "076726a"

SAME = [
    f"{name}.parquet"
    for name in (
        *("subjects", "adverse_events", "tumour_assessments", "samples"),
        *("responses", "best_responses", "time_to_event", "ae_summary"),
    )
]
"""Tables whose rules and columns are those of 0.1."""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_home_made_by_the_released_commit_opens_without_loss(place: Path) -> None:
    code = place / "code"
    code.mkdir()
    archive = subprocess.run(
        ["git", "archive", RELEASED], cwd=TOP, capture_output=True, check=False
    )
    if archive.returncode:
        pytest.skip(f"the history of git does not reach back to {RELEASED}")
    (place / "code.tar").write_bytes(archive.stdout)
    with tarfile.open(place / "code.tar") as packed:
        packed.extractall(code, filter="data")
    root = place / "home"
    for words in (["demo", "--subjects", "2", "--cells", "300"], ["refresh", "--quiet"]):
        subprocess.run(
            [sys.executable, "-m", "hcc_assets", *words, "--home", str(root)],
            cwd=code,
            env=os.environ | {"PYTHONPATH": str(code), "PYTHONDONTWRITEBYTECODE": "1"},
            check=words[0] == "demo",
            capture_output=True,
        )
    shutil.rmtree(root / "truth")
    home = Home.at(root)
    before = {p.name: p.read_bytes() for p in (root / "published").glob("*.parquet")}
    assert before and find_traces(root / "dagster", sample_ids(root)).traces
    with instance_of(bring_up_to_date(home)) as instance:
        assert instance.get_run_records() == []
    assert find_traces(root / "dagster", sample_ids(root)).traces == ()
    assert [e.action for e in trail_of(home).entries()].count("migrate") == 1
    assert trail_of(home).verify() == []
    assert {p.name: p.read_bytes() for p in (root / "published").glob("*.parquet")} == before
    plan = make_plan(HomeView(home, all_assets()))
    assert damaged(plan.view.versions, manifests_of(plan)) == []
    assert plan.view.standing("raw_counts")
    refresh_home(home, progress=lambda *_: None, jobs=1)
    after = {p.name: p.read_bytes() for p in (root / "published").glob("*.parquet")}
    assert set(before) <= set(after)
    assert [name for name in SAME if before.get(name) != after[name]] == []
    changes = pd.read_parquet(root / "published" / "endpoint_changes.parquet")
    assert set(changes["why"]) <= {"re-derivation"}
    again = make_plan(HomeView(home, all_assets()))
    assert not again.dirty and damaged(again.view.versions, manifests_of(again)) == []


def sample_ids(root: Path) -> set[str]:
    return set(pd.read_csv(root / "landing" / "samples.csv")["sample_id"])
