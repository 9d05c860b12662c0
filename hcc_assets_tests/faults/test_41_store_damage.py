"""Fault 41: what the store holds is damaged. It is found, or does no harm; no other number is
published, nothing ends in a traceback."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from hcc_assets.alerts.store_damage import damage_signals
from hcc_assets.assets.definition import Asset, Output, asset
from hcc_assets.assets.healing import ACTION, healed_since
from hcc_assets.assets.inputs import SampleRow, Version
from hcc_assets.assets.plan import make_plan
from hcc_assets.audit.trail import trail_of
from hcc_assets.commands import hcc
from hcc_assets.home.damage import Damage, Damaged
from hcc_assets.home.manifests import Bundle, Manifest
from hcc_assets.home.paths import Home
from hcc_assets.home.published import put_back
from hcc_assets.home.versions import Versions
from hcc_assets.operate.scrub import NIGHTS, scrub
from hcc_assets.operate.status import manifests_of
from hcc_assets.operate.verification import verify
from hcc_assets_tests.assets import little
from hcc_assets_tests.assets.little import GOOD, SETTINGS, bench, deliver, little_home
from hcc_assets_tests.faults.homes import without_figures

LONG_AGO = 1_760_000_000


@asset(per_sample=True)
def matrix(sample: SampleRow) -> Output:
    """Counts of a sample. Few of them."""
    counts = anndata.AnnData(
        np.full((3, 2), float(len(sample.sample_id)), dtype="float32"),
        obs=pd.DataFrame(index=["a", "b", "c"]),
        var=pd.DataFrame(index=["x", "y"]),
    )
    return Output(bundle=Bundle(cells={"counts": counts}, facts={"cells": 3}))


@asset(per_sample=True, settings=("recist.confirmation_days",))
def total(matrix: Version, config: little.StudyConfig) -> Output:
    """Sum of the counts. With a setting."""
    days = config.recist.confirmation_days
    value = float(np.asarray(matrix.cells("counts").X).sum()) + days
    return Output(bundle=Bundle(frames={"t": pd.DataFrame({"value": [value]})}))


@asset(model=little.Numbers)
def totals(total: little.BySample) -> pd.DataFrame:
    """The sums of all samples. One row each."""
    rows = [(s, float(v.frame("t")["value"].iloc[0])) for s, v in total.items()]
    return pd.DataFrame(rows, columns=["key", "value"])


HALVES: dict[str, Asset] = little.ALL | {"matrix": matrix, "total": total, "totals": totals}


def up_to_date(home: Home) -> None:
    """What a refresh does, without Dagster."""
    work = bench(home, HALVES)
    work.register()
    for _ in range(6):
        plan = make_plan(bench(home, HALVES), again=True)
        stale = [n for n, s in plan.states.items() if s.state == "stale" or n in plan.dirty]
        if not stale:
            break
        for node in stale:
            bench(home, HALVES).attempt(*node)
    plan = make_plan(bench(home, HALVES))
    put_back(plan.view.versions, manifests_of(plan))


def aged(root: Path) -> None:
    """Everything was written long ago."""
    for path in [*root.rglob("*")]:
        if path.is_file():
            os.utime(path, (LONG_AGO, LONG_AGO))


@pytest.fixture(scope="module")
def base(scratch: Path) -> Path:
    root = scratch / "damage-base"
    with pytest.MonkeyPatch.context() as patch, without_figures():
        for name in ("DAGSTER_HOME", "HCC_HOME"):
            patch.delenv(name, raising=False)
        home = little_home(root, "A,S1,pre", "BB,S1,post", "C,S2,pre")
        deliver(home, GOOD, HALVES)
        up_to_date(home)
    aged(root)
    return root


@pytest.fixture
def home(base: Path, place: Path) -> Home:
    shutil.copytree(base, place / "home")
    return Home.at(place / "home")


def stored(home: Home, pattern: str) -> Path:
    return min(Path(str(home.store)).glob(pattern))


def flip(path: Path, at: float = 0.5) -> None:
    """One byte changed on the disk; its time of change stays."""
    data, seen = bytearray(path.read_bytes()), path.stat()
    data[int(at * len(data))] ^= 0x55
    path.write_bytes(data)
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def rewritten(path: Path) -> None:
    """Another value, as a valid file."""
    frame = pd.read_parquet(path)
    value = frame.iloc[0, -1]
    frame.iloc[0, -1] = f"{value}X" if isinstance(value, str) else value + 7
    frame.to_parquet(path)


def other_setting(home: Home) -> None:
    home.study_toml.write_text(SETTINGS + "[recist]\nconfirmation_days = 30\n")


def published(home: Home) -> dict[str, bytes]:
    folder = Path(str(home.published))
    return {p.name: p.read_bytes() for p in sorted(folder.glob("*.parquet"))}


def found(home: Home, *, read_data: bool = True) -> list[str]:
    return [f.file for part in verify(home, read_data=read_data).values() for f in part]


def test_a_home_that_nobody_touched_is_whole(home: Home) -> None:
    assert found(home) == []
    assert make_plan(bench(home, HALVES)).of("stale") == []


@pytest.mark.parametrize(
    "damage", [Path.unlink, flip, rewritten], ids=["gone", "flipped", "rewritten"]
)
@pytest.mark.parametrize("pattern", ["numbers/*/table.parquet", "course/*/*/t.parquet"])
def test_what_is_computed_from_a_damaged_table_is_what_it_would_have_been(
    home: Home, pattern: str, damage: Callable[[Path], None]
) -> None:
    before = published(home)
    path = stored(home, pattern)
    whole = path.read_bytes()
    damage(path)
    assert found(home) == [f"store/{path.relative_to(Path(str(home.store)))}"]
    up_to_date(home)
    assert path.read_bytes() == whole and published(home) == before
    assert found(home) == []
    lines = [e for e in trail_of(home).entries() if e.action == ACTION]
    assert [e.details["file"] for e in lines] == ["/".join(path.parts[-2:])]


def test_a_rewritten_table_is_not_read_by_what_rests_on_it(home: Home, place: Path) -> None:
    rewritten(stored(home, "total/*/*/t.parquet"))
    with pytest.raises(Damaged):
        for key in ("s0001-a", "s0001-b", "s0002-a"):
            Versions(home).frame("total", "t", key)
    deliver(home, [["a", 2.0]], HALVES)
    bench(home, HALVES).attempt("totals", force=True)
    assert little.published_table(home, "totals")["value"].max() < 50


def test_a_bit_that_turned_in_a_matrix_is_found_when_it_is_read(home: Home) -> None:
    path = stored(home, "matrix/*/*/counts.h5ad")
    whole = path.read_bytes()
    flip(path, 0.9)
    assert make_plan(bench(home, HALVES)).of("stale") == [], "a look does not show it"
    other_setting(home)
    up_to_date(home)
    assert path.read_bytes() == whole
    assert little.published_table(home, "totals")["value"].tolist() == [36.0, 42.0, 36.0]


@pytest.mark.parametrize("how", ["gone", "flipped", "cut", "empty"])
def test_the_manifest_that_stands_is_found_again_by_its_copy(home: Home, how: str) -> None:
    path = stored(home, "numbers/current.json")
    whole = path.read_bytes()
    if how == "gone":
        path.unlink()
    elif how == "flipped":
        flip(path)
    else:
        path.write_bytes(whole[: len(whole) // 2] if how == "cut" else b"")
    work = bench(home, HALVES)
    current = work.versions.current("numbers")
    assert current is not None and current.content() == whole
    assert make_plan(work).states["numbers", None].reason.startswith("damaged: store/numbers/cur")
    assert found(home) == ["store/numbers/current.json"]
    up_to_date(home)
    assert path.read_bytes() == whole and found(home) == []


def test_without_its_copy_it_is_computed_again(home: Home) -> None:
    before = published(home)
    stored(home, "numbers/*/manifest.json").unlink()
    flip(stored(home, "numbers/current.json"))
    up_to_date(home)
    assert published(home) == before and found(home) == []


def test_one_value_of_a_manifest_that_was_rewritten_is_seen(home: Home) -> None:
    path = stored(home, "numbers/current.json")
    path.write_bytes(path.read_bytes().replace(b'"rows": 1', b'"rows": 2'))
    assert Manifest.read(path.read_bytes()) is None


def test_a_manifest_of_before_there_were_seals_is_read(home: Home) -> None:
    path = stored(home, "numbers/current.json")
    old = json.loads(path.read_bytes())
    for name in ("seal", "sealed", "sizes", "h5ad_hashes"):
        del old[name]
    path.write_text(json.dumps(old, indent=1))
    stored(home, "numbers/*/manifest.json").write_text(json.dumps(old, indent=1))
    assert found(home) == [] and make_plan(bench(home, HALVES)).of("stale") == []


def test_an_earlier_version_that_is_damaged_is_told_and_used_by_nobody(home: Home) -> None:
    deliver(home, [["a", 2.0]], HALVES)
    earlier = stored(home, "numbers/*/table.parquet")
    up_to_date(home)
    rewritten(earlier)
    version = Versions(home).require("numbers")
    assert found(home, read_data=False) == ["/".join(earlier.parts[-4:])]
    assert version.previous is not None
    with pytest.raises(Damaged):
        Versions(home).frame("numbers", "table", version=version.previous)


def test_what_is_about_to_be_replaced_is_mended_from_what_is_published(home: Home) -> None:
    earlier = stored(home, "numbers/*/table.parquet")
    whole = earlier.read_bytes()
    flip(earlier)
    deliver(home, [["a", 2.0]], HALVES)
    up_to_date(home)
    assert earlier.read_bytes() == whole


def test_damage_is_told_in_the_status_the_record_and_an_alert(home: Home) -> None:
    rewritten(stored(home, "total/*/*/t.parquet"))
    now = dt.datetime.now(dt.UTC)
    plan = make_plan(bench(home, HALVES))
    assert [s.severity.value for s in damage_signals(plan, now)] == ["ERROR"]
    up_to_date(home)
    told = healed_since(home, now)
    assert [(h.asset, h.how) for h in told] == [("total", "computed again")]
    plan = make_plan(bench(home, HALVES))
    assert [s.severity.value for s in damage_signals(plan, now)] == ["WARN"]


def test_no_id_of_a_subject_is_told_by_the_name_of_a_figure(home: Home) -> None:
    folder = stored(home, "course/s0001-a/*/t.parquet").parent
    work = bench(home, HALVES)
    damage = Damage("course", "s0001-a", f"{folder.name}/figures/course_S1.png", "is missing")
    work.tell_damages([damage], "put back")
    lines = [e for e in trail_of(home).entries() if e.action == ACTION]
    assert lines and "S1" not in lines[-1].model_dump_json().replace("s0001", "")
    assert "S1" not in healed_since(home, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))[-1].file


def test_every_stored_file_is_read_once_in_thirty_nights(home: Home) -> None:
    flip(stored(home, "matrix/*/*/counts.h5ad"), 0.9)
    first = dt.date(2026, 11, 1)
    nights = [scrub(home, HALVES, first + dt.timedelta(days=n)) for n in range(NIGHTS)]
    versions = Versions(home)
    standing = manifests_of(make_plan(bench(home, HALVES)))
    assert sum(read for read, _ in nights) == sum(len(m.files) for m in standing)
    assert [d.file.rpartition("/")[2] for _, found in nights for d in found] == ["counts.h5ad"]
    assert any(versions.damages(m.asset, m.partition) for m in standing), "it is stale from now on"
    up_to_date(home)
    assert found(home) == []


def test_the_command_names_each_damage_and_ends_with_one(home: Home) -> None:
    run = CliRunner().invoke
    where = ["--home", str(home.root)]
    assert run(hcc, ["verify", "--read-data", *where]).exit_code == 0
    flip(stored(home, "numbers/*/table.parquet"))
    (Path(str(home.published)) / "numbers.csv").unlink()
    (Path(str(home.store)) / "acceptances.json").write_text("[{")
    quick = run(hcc, ["verify", *where])
    assert quick.exit_code == 1 and "published/numbers.csv is missing" in quick.output
    full = run(hcc, ["verify", "--read-data", "--json", *where])
    told = json.loads(full.output)
    assert full.exit_code == 1 and not told["whole"]
    assert len(told["findings"]) == 3 and all(f["todo"] for f in told["findings"])


def _damaged(home: Home, rng: random.Random) -> str:
    """One random damage of the store or of what is published."""
    root = Path(str(home.root))
    every = [p for d in ("store", "published") for p in sorted((root / d).rglob("*"))]
    path = rng.choice([p for p in every if p.is_file() and p.stat().st_size])
    how = rng.choice(("flip", "flip", "cut", "gone", "rewrite"))
    if how == "rewrite" and path.suffix == ".parquet":
        rewritten(path)
    elif how == "gone":
        path.unlink()
    elif how == "cut":
        path.write_bytes(path.read_bytes()[: int(rng.random() * path.stat().st_size)])
    else:
        flip(path, rng.random())
    return f"{how} {path.relative_to(root)}"


@pytest.mark.parametrize(
    ("first", "number"), [(0, 12), pytest.param(100, 400, marks=pytest.mark.faults)]
)
def test_any_single_damage_is_found_or_does_no_harm(
    base: Path, place: Path, first: int, number: int
) -> None:
    whole = Home.at(shutil.copytree(base, place / "whole"))
    other_setting(whole)
    up_to_date(whole)
    expected = published(whole)
    for seed in range(first, first + number):
        home = Home.at(shutil.copytree(base, place / f"home-{seed}"))
        what = f"seed {seed}: {_damaged(home, random.Random(seed))}"
        other_setting(home)
        up_to_date(home)
        assert published(home) == expected, what
        left = [f for f in found(home) if "landing_index" not in f]
        if left:
            for key in [None, "s0001-a", "s0001-b", "s0002-a"]:
                for name, each in HALVES.items():
                    if each.per_sample == (key is not None):
                        bench(home, HALVES).attempt(name, key)
            up_to_date(home)
            assert [f for f in found(home) if "published" in f] == [], what
        shutil.rmtree(place / f"home-{seed}")
