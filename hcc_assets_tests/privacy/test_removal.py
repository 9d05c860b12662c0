"""Promise G10, the parts below the command put together: deliveries, folders of keys, versions that
do not stand, what still names the subject, and the proof."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from hcc_assets.home.manifests import Manifest
from hcc_assets.home.paths import Home
from hcc_assets.home.people.register import register
from hcc_assets.home.published import figures_there, sweep_figures
from hcc_assets.home.versions import Versions
from hcc_assets.privacy.proof import prove_absence
from hcc_assets.privacy.removal import (
    drop_earlier,
    find_landed,
    folders_of,
    remove,
    remove_landed,
    take_away,
)
from hcc_assets.privacy.subject import who_is
from hcc_assets.privacy.traces import find_traces
from hcc_assets_tests.privacy.erasure_cases import NOW, OTHER, ROWS, SAMPLE, SUBJECT

HEADER = "sample_id,subject_id,timepoint,collection_date,path\n"
THEIRS = "SURU-018-pre"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home in which the subject stands in deliveries, in the store and in the quarantine."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    landing = tmp_path / "landing"
    for sample in (SAMPLE, THEIRS):
        (landing / "matrices" / sample).mkdir(parents=True)
        (landing / "matrices" / sample / "matrix.mtx.gz").write_bytes(gzip.compress(b"1 1 1"))
    (landing / "run7").mkdir()
    (landing / "run7" / "matrix.mtx").write_text("1 1 1")
    (landing / "samples.csv").write_text(
        f"{HEADER}{SAMPLE},{SUBJECT},pre,,matrices/{SAMPLE}\n"
        f"SURU-017-post,{SUBJECT},post,,run7\n{THEIRS},{OTHER},pre,,matrices/{THEIRS}\n"
    )
    (landing / "clinical" / "2026-11-22").mkdir(parents=True)
    ROWS.to_csv(landing / "clinical" / "2026-11-22" / "ae.csv", index=False)
    (landing / "clinical" / "2026-11-22" / "dm.sas7bdat").write_bytes(b"about SURU-017 ")
    (tmp_path / "withdrawals.csv").write_text(
        f"subject_id,from_date,reason,recorded_at\n{SUBJECT},2026-11-01,asked,x\n"
    )
    found = Home.at(tmp_path)
    register(found, who_is(found, SUBJECT).rows + who_is(found, OTHER).rows)
    return found


def test_deliveries_go_by_name_by_row_and_by_what_the_sheet_says(home: Home) -> None:
    root = Path(str(home.root))
    who = who_is(home, SUBJECT.lower())
    assert set(who.samples) == {SAMPLE, "SURU-017-post"} and THEIRS in who.others
    found = find_landed(home, who)
    paths = [[p.relative_to(root).as_posix() for p in group] for group in vars(found).values()]
    assert [sorted(group) for group in paths] == [
        [f"landing/matrices/{SAMPLE}", "landing/run7"],
        ["landing/clinical/2026-11-22/ae.csv", "landing/samples.csv"],
        ["landing/clinical/2026-11-22/dm.sas7bdat"],
    ]
    lines = remove_landed(home, who)
    assert lines[0] == "2 deliveries deleted, 4 rows taken out of 2 delivered tables"
    assert lines[1:] == ["by hand: landing/clinical/2026-11-22/dm.sas7bdat"]
    assert (root / "landing/matrices" / THEIRS / "matrix.mtx.gz").exists()
    assert (root / "landing/samples.csv").read_text().splitlines()[1].startswith(THEIRS)
    (root / "landing/clinical/2026-11-22/dm.sas7bdat").unlink()
    again = find_landed(home, who)
    assert not (again.delete or again.rewrite or again.by_hand)


def test_a_number_is_met_in_its_id_column_alone(tmp_path: Path) -> None:
    (tmp_path / "landing/clinical/2026-11-22").mkdir(parents=True)
    table = tmp_path / "landing/clinical/2026-11-22/dm.csv"
    table.write_text("USUBJID,AGE\n17,60\n18,17\n")
    home = Home.at(tmp_path)
    assert remove_landed(home, who_is(home, "17"))[0].endswith(
        "1 rows taken out of 1 delivered tables"
    )
    assert table.read_text() == "USUBJID,AGE\n18,17\n"
    assert prove_absence(tmp_path, ["17"]).absent


def test_folders_of_its_keys_go(home: Home) -> None:
    root = Path(str(home.root))
    who = who_is(home, SUBJECT)
    for key in ("s0001-a", "s0001-aa", "s0002-a"):
        for place in ("store/raw_counts", "quarantine/raw_counts"):
            (root / place / key).mkdir(parents=True)
    (root / "store/native/mine").mkdir(parents=True)
    (root / "store/native/mine/s0001-a.parquet").touch()
    assert set(who.keys) == {"s0001-a", "s0001-b"}
    for path in folders_of(home, who.keys):
        remove(path)
    left = sorted(p.name for p in (root / "store").rglob("s*"))
    assert (
        left
        == ["s0001-aa", "s0002-a"]
        == sorted(p.name for p in (root / "quarantine/raw_counts").iterdir())
    )


def version(folder: Path, name: str, text: str) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "table.txt").write_text(text)


def test_versions_go_as_a_whole_and_what_stands_is_whole(tmp_path: Path) -> None:
    home, old, new = Home.at(tmp_path), "a" * 20, "b" * 20
    for asset, standing in (("kept", "nobody"), ("gone", SUBJECT)):
        folder = tmp_path / "store" / asset
        version(folder, old, SUBJECT)
        version(folder, new, standing)
        manifest = Manifest(
            asset=asset,
            data_version=new,
            fingerprint="f",
            code_version="c",
            at=NOW,
            since=NOW,
            previous=old,
            published={f"figures/{asset}.png": "x"},
        )
        (folder / "current.json").write_text(manifest.model_dump_json())
    (tmp_path / "published" / "figures").mkdir(parents=True)
    (tmp_path / "published" / "gone.csv").write_text(SUBJECT)
    for name in ("kept.png", "copy_number_SURU-017.png"):
        (tmp_path / "published" / "figures" / name).touch()
    assert drop_earlier(home) == 2 and drop_earlier(home) == 0
    kept = Versions(home).require("kept")
    assert kept.data_version == new and kept.previous is None
    assert take_away(home, who_is(home, SUBJECT)) == 3
    assert Versions(home).current("gone") is None and not (tmp_path / "store" / "gone").exists()
    (tmp_path / "published" / "figures" / "volcano_b.png").touch()
    assert sweep_figures(home, figures_there(home), [kept]) == ["figures/volcano_b.png"]
    assert figures_there(home) == ["figures/kept.png"]
    assert find_traces(tmp_path, [SUBJECT]).traces == ()
