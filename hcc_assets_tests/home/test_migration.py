"""A home of version 0.1 opens without loss: a store made by hand, and a home made by the released
commit."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from hcc_assets.assets.plan import make_plan
from hcc_assets.assets.view import HomeView
from hcc_assets.audit.trail import trail_of
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.home import migration
from hcc_assets.home.migration import migrate
from hcc_assets.home.paths import Home
from hcc_assets.home.people.register import read_people
from hcc_assets.home.published import damaged
from hcc_assets.home.versions import Versions
from hcc_assets.operate.actions import refresh_home
from hcc_assets.operate.instance import instance_of
from hcc_assets.operate.status import manifests_of
from hcc_assets.privacy.traces import find_traces

TOP = Path(__file__).resolve().parents[2]
RELEASED = "076726a"
AT = "2026-11-27T07:39:30.448199Z"
HEADER = "sample_id,subject_id,timepoint,collection_date,path\n"


@pytest.fixture
def home(place: Path) -> Iterator[Home]:
    """A store as 0.1 wrote it: one table, two samples of one subject, of which one was refused, and
    one sample that no row is known of any more."""
    (place / "landing").mkdir()
    (place / "landing" / "samples.csv").write_text(
        f"{HEADER}S-001-pre,S-001,pre,,m/a\nS-001-post,S-001,post,,m/b\n17,S-002,pre,,m/c\n"
    )
    before = "f" * 20
    for sample in ("S-001-pre", "17", "OLD-9"):
        folder = place / "store" / "annotated_cells" / sample
        version(
            folder, "calls.parquet", asset="annotated_cells", partition=sample, figures=["copy"]
        )
        version(folder, "calls.parquet", asset="annotated_cells", partition=sample, of=before)
    held = place / "store" / "raw_counts" / "S-001-post"
    held.mkdir(parents=True)
    (held / "held.json").write_text(
        json.dumps({"fingerprint": "f", "reason": "S-001-post is empty", "at": AT})
    )
    version(
        place / "store" / "compositions",
        "table.parquet",
        asset="compositions",
        inputs={"annotated_cells/S-001-pre": "a" * 20, "annotated_cells/17": "a" * 20},
        deliveries={"matrices/S-001-pre/matrix.mtx": "c"},
    )
    (place / "published" / "figures").mkdir(parents=True)
    for name in ("compositions.parquet", "compositions.csv", "figures/copy.png"):
        (place / "published" / name).write_bytes(b"table.parquet")
    reason = place / "quarantine" / "raw_counts" / "S-001-post" / before / "reason.json"
    reason.parent.mkdir(parents=True)
    reason.write_text(json.dumps({"sample": "S-001-post", "reason": "S-001-post is empty"}))
    for name in ("history/runs/S-001.db", "locks/raw_counts@S-001-pre.lock", "alerts.db-wal"):
        (place / "dagster" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / "dagster" / name).write_text("S-001-pre")
    yield Home.at(place)


def version(folder: Path, file: str, *, of: str = "a" * 20, **fields: object) -> None:
    """A version of 0.1 and its manifest, which stands unless it is an earlier one."""
    (folder / of).mkdir(parents=True)
    (folder / of / file).write_bytes(file.encode())
    manifest = {
        "data_version": of,
        "fingerprint": "f",
        "code_version": "c",
        "config_hash": "h",
        "files": {f"{of}/{file}": "0"},
        "figures": [],
        "at": AT,
        "since": AT,
        "previous": None,
        **fields,
    }
    (folder / of / "manifest.json").write_text(json.dumps(manifest))
    if of == "a" * 20:
        (folder / "current.json").write_text(json.dumps(manifest))


def test_ids_become_keys_and_published_files_part_of_their_versions(home: Home) -> None:
    told: list[object] = []
    assert migrate(home, told.append) and not migrate(home, told.append)
    assert told == [{"samples": 4, "manifests": 12}]
    people, versions = read_people(home), Versions(home)
    keys = {e.sample: e.key for e in people.entries if e.sample}
    assert set(keys) == {"S-001-pre", "S-001-post", "17", "OLD-9"}
    assert versions.partitions("annotated_cells") == sorted(
        keys[s] for s in ("S-001-pre", "17", "OLD-9")
    )
    table = versions.require("compositions")
    assert set(table.inputs) == {f"annotated_cells/{keys[s]}" for s in ("S-001-pre", "17")}
    assert list(table.deliveries) == [f"matrices/{keys['S-001-pre']}/matrix.mtx"]
    assert table.published == {
        "compositions.parquet": "table.parquet",
        "compositions.csv": "table.csv",
    }
    cells = versions.require("annotated_cells", keys["17"])
    assert cells.partition == keys["17"] and cells.published == {
        "figures/copy.png": "figures/copy.png"
    }
    assert versions.blob("annotated_cells", "figures/copy.png", keys["17"]) == b"table.parquet"
    earlier = versions.manifest("annotated_cells", keys["17"], "f" * 20)
    assert earlier is not None and earlier.partition == keys["17"]
    held = versions.held("raw_counts", keys["S-001-post"])
    assert held is not None and held.reason == f"{keys['S-001-post']} is empty"
    left = find_traces(Path(str(home.root)), people.names).traces
    assert {t.path for t in left if t.certain} == {"landing/samples.csv", "people.json"}


def test_a_migration_that_was_cut_off_goes_on(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Path(str(home.root)).parent / "whole"
    shutil.copytree(Path(str(home.root)), whole)
    assert migrate(Home.at(whole))
    moves = 0

    def power_cut(source: object, target: object) -> None:
        nonlocal moves
        moves += 1
        if moves == 2:
            raise KeyboardInterrupt
        moved(source, target)  # type: ignore[arg-type]

    moved = migration._move
    with monkeypatch.context() as patch:
        patch.setattr(migration, "_move", power_cut)
        with pytest.raises(KeyboardInterrupt):
            migrate(home)
    assert migrate(home)
    here, there = (contents(Path(str(h.root))) for h in (home, Home.at(whole)))
    assert here == there


def contents(root: Path) -> dict[str, bytes]:
    files = (p for p in root.rglob("*") if p.is_file() and p.suffix not in (".lock", ".key"))
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in files}


def test_a_home_of_today_and_an_empty_one_are_left_alone(home: Home, place: Path) -> None:
    (place / "empty").mkdir()
    assert not migrate(Home.at(place / "empty")) and not list((place / "empty").iterdir())
    migrate(home)
    (home.store / "layout.json").unlink()
    before = contents(Path(str(home.root)))
    assert not migrate(home) and (home.store / "layout.json").exists()
    (home.store / "layout.json").unlink()
    assert contents(Path(str(home.root))) == before


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
    with instance_of(home) as instance:
        assert instance.get_run_records() == []
    assert find_traces(root / "dagster", sample_ids(root)).traces == ()
    assert [e.action for e in trail_of(home).entries()][-1] == "migrate"
    assert trail_of(home).verify() == []
    assert {p.name: p.read_bytes() for p in (root / "published").glob("*.parquet")} == before
    plan = make_plan(HomeView(home, all_assets()))
    assert damaged(plan.view.versions, manifests_of(plan)) == []
    assert plan.view.standing("raw_counts")
    refresh_home(home, progress=lambda *_: None, jobs=1)
    after = {p.name: pd.read_parquet(p) for p in (root / "published").glob("*.parquet")}
    assert set(before) <= set(after)
    again = make_plan(HomeView(home, all_assets()))
    assert not again.dirty and damaged(again.view.versions, manifests_of(again)) == []


def sample_ids(root: Path) -> set[str]:
    return set(pd.read_csv(root / "landing" / "samples.csv")["sample_id"])
