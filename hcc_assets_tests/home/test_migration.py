"""A home of version 0.1 opens without loss: a store made by hand, also where the migration is cut
off. A home made by the released commit is in `test_migration_of_a_release`."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from hcc_assets.audit.trail import trail_of
from hcc_assets.commands import hcc
from hcc_assets.home.migration import OldHome, is_of_01, migrate
from hcc_assets.home.paths import Home
from hcc_assets.home.people.register import read_people
from hcc_assets.home.versions import Versions
from hcc_assets.operate.build import home_of
from hcc_assets.operate.instance import instance_of
from hcc_assets.operate.old_homes import bring_up_to_date
from hcc_assets.privacy.traces import find_traces

TOP = Path(__file__).resolve().parents[2]
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


@pytest.fixture
def copies(scratch: Path) -> Iterator[Path]:
    """A folder for copies of a home."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        yield Path(folder)


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
    numbers: list[object] = []
    assert is_of_01(home)
    assert migrate(home, numbers.append) and not migrate(home, numbers.append)
    assert not is_of_01(home)
    assert numbers == [{"samples": 4, "manifests": 12}]
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


class PowerCut(BaseException):
    """The process ends here; nothing catches it."""


def cut_before(step: int, patch: pytest.MonkeyPatch) -> list[str]:
    """End the process before it changes the disk for the ``step``-th time; returns what is counted,
    in order."""
    steps: list[str] = []

    def counted(change: Callable[..., object]) -> Callable[..., object]:
        def change_or_end(*args: object, **kwargs: object) -> object:
            steps.append(str(args[-1]))
            if len(steps) == step:
                raise PowerCut
            return change(*args, **kwargs)

        return change_or_end

    for place, name in ((Path, "rename"), (Path, "replace"), (shutil, "rmtree")):
        patch.setattr(place, name, counted(getattr(place, name)))
    return steps


def test_a_migration_that_was_cut_off_anywhere_is_finished_and_told_once(
    home: Home, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Path(str(home.root))
    whole = shutil.copytree(before, copies / "whole")
    with monkeypatch.context() as patch:
        steps = cut_before(0, patch)
        bring_up_to_date(Home.at(whole))
    assert len(steps) > 30 and steps[0] == steps[-1] == str(whole / "store" / "layout.json")
    for step in range(1, len(steps) + 1):
        root = shutil.copytree(before, copies / f"cut{step}")
        with monkeypatch.context() as patch, pytest.raises(PowerCut):
            cut_before(step, patch)
            bring_up_to_date(Home.at(root))
        assert is_of_01(Home.at(root)), f"step {step}"
        bring_up_to_date(Home.at(root))
        assert contents(root) == contents(whole), f"step {step}"
        assert told(root) == [{"samples": 4, "manifests": 12}], f"step {step}"
        assert trail_of(Home.at(root)).verify() == []
        bring_up_to_date(Home.at(root))
        assert len(told(root)) == 1


def told(root: Path) -> list[object]:
    return [e.details for e in trail_of(Home.at(root)).entries() if e.action == "migrate"]


KILLED = """
import os, signal, sys
from hcc_assets.home import migration
from hcc_assets.home.paths import Home
from hcc_assets.operate.old_homes import bring_up_to_date

moved, moves = migration._move, []

def move(source, target):
    moves.append(source)
    if len(moves) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    moved(source, target)

migration._move = move
bring_up_to_date(Home.at(sys.argv[1]))
"""


def test_a_killed_migration_is_no_home_to_read_and_the_next_open_finishes_it(
    home: Home, copies: Path
) -> None:
    root = Path(str(home.root))
    whole = shutil.copytree(root, copies / "whole")
    bring_up_to_date(Home.at(whole))
    ended = subprocess.run([sys.executable, "-c", KILLED, str(root)], cwd=TOP, check=False)
    assert ended.returncode == -signal.SIGKILL
    half = contents(root)
    assert (root / "store" / "annotated_cells" / "S-001-pre").exists()
    for words in (["status"], ["why", "compositions"], ["explain", "compositions.csv"]):
        answer = CliRunner().invoke(hcc, [*words, "--home", str(root)])
        assert answer.exit_code == 3 and "made by version 0.1" in answer.output
    with pytest.raises(OldHome):
        home_of(str(root))()
    assert contents(root) == half
    with pytest.raises(OldHome), instance_of(home):
        pass
    bring_up_to_date(home)
    assert not is_of_01(home) and len(told(root)) == 1
    assert CliRunner().invoke(hcc, ["status", "--home", str(root)]).exit_code == 0
    here, there = contents(root), contents(whole)
    assert {n: here[n] for n in there if n.startswith(("store/", "quarantine/", "people"))} == {
        n: there[n] for n in there if n.startswith(("store/", "quarantine/", "people"))
    }


def test_what_a_person_does_to_a_home_of_01_comes_after_the_migration(home: Home) -> None:
    words = ["withdraw", "S-002", "--from", "2026-05-01", "--reason", "asked for by the subject"]
    done = CliRunner().invoke(hcc, [*words, "--home", str(home.root)])
    assert done.exit_code == 0, done.output
    assert not is_of_01(home)
    assert [e.action for e in trail_of(home).entries()] == ["migrate", "withdraw"]


def contents(root: Path) -> dict[str, bytes]:
    """Every file but for keys, locks and the audit trail, which tells times."""
    files = (p for p in root.rglob("*") if p.is_file() and p.suffix not in (".lock", ".key"))
    files = (p for p in files if p.parent.name != "audit")
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in files}


def test_a_home_of_today_and_an_empty_one_are_left_alone(home: Home, place: Path) -> None:
    (place / "empty").mkdir()
    assert not is_of_01(Home.at(place / "empty"))
    assert not migrate(Home.at(place / "empty")) and not list((place / "empty").iterdir())
    migrate(home)
    (home.store / "layout.json").unlink()
    before = contents(Path(str(home.root)))
    assert not migrate(home) and (home.store / "layout.json").exists()
    (home.store / "layout.json").unlink()
    assert contents(Path(str(home.root))) == before
