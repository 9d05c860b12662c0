"""Promise G20: what a home itself must hold, each fault one sentence, without reading any data."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from hcc_assets.alerts.home_health import home_health
from hcc_assets.commands import hcc
from hcc_assets.home.paths import Home
from hcc_assets.operate.watch import home_probes
from hcc_assets_tests.operate.small_homes import small_home


def file_of(root: Path, pattern: str) -> Path:
    return next(iter(sorted(root.glob(pattern))))


def table_gone(root: Path) -> None:
    file_of(root, "store/second/*/table.parquet").unlink()


def table_cut(root: Path) -> None:
    path = file_of(root, "store/second/*/table.parquet")
    path.write_bytes(path.read_bytes()[:-3])


def manifest_torn(root: Path) -> None:
    (root / "store/second/current.json").write_text("{")
    file_of(root, "store/second/*/manifest.json").unlink()


def published_gone(root: Path) -> None:
    (root / "published/first.csv").unlink()


def trail_gone(root: Path) -> None:
    shutil.rmtree(root / "audit")


def key_gone(root: Path) -> None:
    (root / "keys/subject.key").unlink()


def clock_back(root: Path) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)
    (root / "dagster").mkdir(exist_ok=True)
    (root / "dagster/daemon.json").write_text(json.dumps({"at": later.isoformat()}))


@pytest.mark.parametrize(
    ("harm", "probe", "word"),
    [
        (table_gone, "store", "second"),
        (table_cut, "store", "second"),
        (manifest_torn, "store", "second"),
        (published_gone, "published", "first.csv"),
        (trail_gone, "audit file", "gone"),
        (key_gone, "key", "gone"),
        (clock_back, "clock", "set back"),
    ],
)
def test_each_fault_is_one_red_sentence(
    place: Path, harm: Callable[[Path], None], probe: str, word: str
) -> None:
    root = place / "home"
    small_home(root)
    call = ["health", "--home", str(root)]
    well = CliRunner().invoke(hcc, call)
    assert well.exit_code == 0, well.output
    harm(root)
    ill = CliRunner().invoke(hcc, call)
    assert ill.exit_code == 1
    red = [line for line in ill.output.splitlines() if line.startswith("RED")]
    assert len([r for r in red if r.startswith(f"RED  {probe}: ") and word in r]) == 1, red
    assert len(red) <= 2 and all(len(line) < 400 for line in red)
    if harm is key_gone:
        assert not (root / "keys/subject.key").exists(), "health makes no key"


def test_health_of_a_home_whose_settings_cannot_be_read(place: Path) -> None:
    home = small_home(place / "home")
    (place / "home" / "study.toml").write_text("[samples]\nsettle_second = 0\n")
    (red,) = [p for p in home_health(home)["probes"] if not p["ok"]]
    assert red["name"] == "settings" and "settle_second" in red["sentence"]


def test_a_file_of_cells_that_was_cut_is_seen_by_its_header(tmp_path: Path) -> None:
    import anndata
    import numpy as np

    path = tmp_path / "cells.h5ad"
    anndata.AnnData(np.ones((5, 3), dtype="float32")).write_h5ad(path)
    assert home_probes._looks_whole(path)
    path.write_bytes(path.read_bytes()[:-10])
    assert not home_probes._looks_whole(path)


def test_an_object_store_has_no_files_to_look_at(place: Path) -> None:
    home = Home.at("memory://nowhere/home")
    assert home_probes.standing_files(home).ok and home_probes.published_files(home).ok
