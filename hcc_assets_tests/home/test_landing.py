"""What lies in landing: rows of samples.csv, completeness, settling, hashes."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from hcc_assets.home.landing.deliveries import scan
from hcc_assets.home.landing.sample_sheet import read_sample_sheet
from hcc_assets.home.paths import Home
from hcc_assets.study.config import StudyConfig, parse_config

HEADER = "sample_id,subject_id,timepoint,collection_date,path,tissue\n"
CONFIG = StudyConfig()
AT_ONCE = parse_config("[samples]\nsettle_seconds = 0")


def sheet(*rows: str) -> tuple[list[str], list[str]]:
    found = read_sample_sheet((HEADER + "\n".join(rows) + "\n").encode(), CONFIG)
    return sorted(found.rows), [f"{where}: {what}" for where, what in found.problems]


def test_a_good_row_is_taken_and_a_bad_one_stops_nobody_else() -> None:
    rows, problems = sheet(
        "A,S1,pre,2026-01-02,matrices/A,liver",
        "B,S1,during,2026-01-02,matrices/B,liver",
        "C,S2,post,2026-01-02,matrices/C,",
    )
    assert rows == ["A", "C"]
    assert problems == ["samples.csv line 3: timepoint is not one of pre, post"]


@pytest.mark.parametrize(
    "row",
    [
        "../x,S1,pre,2026-01-02,m,",
        "S 1,S1,pre,2026-01-02,m,",
        "Ａ1,S1,pre,2026-01-02,m,",
        "CON,S1,pre,2026-01-02,m,",
        "a..b,S1,pre,2026-01-02,m,",
        "x" * 65 + ",S1,pre,2026-01-02,m,",
        "A,S1,pre,2026-02-30,m,",
        "A,S1,pre,02/01/2026,m,",
        "A,S1,pre,2026-01-02,../m,",
        "A,S1,pre,2026-01-02,/etc,",
        "A,S1,pre,2026-01-02,c:\\m,",
        "A,S1,pre,2026-01-02,m,liver,extra",
        "A,S1,pre,2026-01-02",
    ],
)
def test_a_bad_row_is_refused_without_repeating_its_values(row: str) -> None:
    rows, problems = sheet(row)
    assert rows == []
    assert len(problems) == 1
    assert "line 2" in problems[0]
    assert "etc" not in problems[0]
    assert "2026-02-30" not in problems[0]


def test_one_id_twice_takes_neither_row_whatever_its_case() -> None:
    rows, problems = sheet(
        "S01,P,pre,2026-01-02,a,", "s01,P,post,2026-01-02,b,", "S02,P,post,2026-01-02,c,"
    )
    assert rows == ["S02"]
    assert "line 2" in problems[0]


def test_leading_zeros_and_exponents_stay_text() -> None:
    found = read_sample_sheet((HEADER + "001,1E5,pre,2026-01-02,m,\n").encode("utf-8-sig"), CONFIG)
    assert found.rows["001"].subject_id == "1E5"


def test_a_sheet_without_a_required_column_says_which() -> None:
    found = read_sample_sheet(b"sample_id,subject_id\n", CONFIG)
    assert "timepoint, collection_date, path" in found.refused


@pytest.fixture
def home(tmp_path: Path) -> Home:
    folder = tmp_path / "landing" / "matrices" / "A"
    folder.mkdir(parents=True)
    for name in ("matrix.mtx.gz", "barcodes.tsv.gz", "features.tsv.gz"):
        (folder / name).write_bytes(name.encode())
    (tmp_path / "landing" / "samples.csv").write_text(
        HEADER + "A,S1,pre,2026-01-02,matrices/A,liver\n"
    )
    return Home.at(tmp_path)


def folder_of(home: Home) -> Path:
    return Path(str(home.landing)) / "matrices" / "A"


def test_a_fresh_copy_is_settling_until_it_rests(home: Home) -> None:
    assert scan(home, CONFIG).samples["A"].state == "settling"
    assert scan(home, CONFIG, now=time.time() + 61).samples["A"].state == "ready"


def test_an_old_time_stamp_does_not_make_a_copy_settled(home: Home) -> None:
    for path in folder_of(home).iterdir():
        os.utime(path, (1, 1))
    assert scan(home, CONFIG).samples["A"].state == "settling"


def test_done_or_an_agreeing_manifest_settles_at_once(home: Home) -> None:
    (folder_of(home) / "_DONE").touch()
    assert scan(home, CONFIG).samples["A"].state == "ready"
    (folder_of(home) / "_DONE").unlink()
    lines = [
        f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}"
        for p in sorted(folder_of(home).iterdir())
    ]
    (folder_of(home) / "manifest.sha256").write_text("\n".join(lines))
    assert scan(home, CONFIG).samples["A"].state == "ready"


def test_a_manifest_that_disagrees_waits_and_is_then_refused(home: Home) -> None:
    (folder_of(home) / "manifest.sha256").write_text("0" * 64 + "  matrix.mtx.gz\n")
    assert scan(home, CONFIG).samples["A"].state == "settling"
    late = scan(home, CONFIG, now=time.time() + 61).samples["A"]
    assert late.state == "refused"
    assert "line 1" in late.reason


def test_a_clock_that_was_set_back_holds_nothing_for_ever(home: Home) -> None:
    assert scan(home, CONFIG, now=time.time() - 86400).samples["A"].state == "ready"


def test_an_incomplete_matrix_says_what_it_waits_for(home: Home) -> None:
    (folder_of(home) / "features.tsv.gz").unlink()
    found = scan(home, AT_ONCE).samples["A"]
    assert (found.state, found.reason) == ("incomplete", "waiting for features.tsv (or genes.tsv)")


def test_a_link_out_of_the_delivery_is_refused(home: Home, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    (folder_of(home) / "extra").symlink_to(secret)
    assert scan(home, AT_ONCE).samples["A"].state == "refused"


def test_hashes_follow_content_and_not_time(home: Home) -> None:
    first = scan(home, AT_ONCE).samples["A"].content
    os.utime(folder_of(home) / "matrix.mtx.gz")
    assert scan(home, AT_ONCE).samples["A"].content == first
    (folder_of(home) / "matrix.mtx.gz").write_bytes(b"changed")
    assert scan(home, AT_ONCE).samples["A"].content != first


def test_landing_is_not_changed_by_looking_at_it(home: Home) -> None:
    before = {
        p: (p.stat().st_mtime_ns, p.read_bytes())
        for p in Path(str(home.landing)).rglob("*")
        if p.is_file()
    }
    scan(home, AT_ONCE)
    assert {
        p: (p.stat().st_mtime_ns, p.read_bytes())
        for p in Path(str(home.landing)).rglob("*")
        if p.is_file()
    } == before


def test_exports_sort_by_id_and_odd_names_are_refused(home: Home) -> None:
    for name in ("2026-02-01", "2026-01-01", "bad name"):
        (Path(str(home.clinical)) / name).mkdir(parents=True)
        (Path(str(home.clinical)) / name / "dm.csv").write_text("USUBJID\n1\n")
    found = scan(home, AT_ONCE).exports
    assert [d.id for d in found if d.state == "ready"] == ["2026-01-01", "2026-02-01"]
    assert [d.state for d in found].count("refused") == 1


@pytest.mark.parametrize(
    "name",
    ["20261122", "20261122T093000", "202611220930", "20261122093000", "EDC_20261122093000_v2"],
)
def test_an_export_may_be_named_by_date_and_time_in_one_number(home: Home, name: str) -> None:
    (Path(str(home.clinical)) / name).mkdir(parents=True)
    (Path(str(home.clinical)) / name / "dm.csv").write_text("USUBJID\n1\n")
    assert [(d.id, d.state) for d in scan(home, AT_ONCE).exports] == [(name, "ready")]


@pytest.mark.parametrize(
    "name", ["13800138000", "110101199003071234", "202611220930001", "20269922093000"]
)
def test_an_export_named_by_what_may_be_a_persons_number_is_refused_and_never_told(
    home: Home, name: str
) -> None:
    (Path(str(home.clinical)) / name).mkdir(parents=True)
    (Path(str(home.clinical)) / name / "dm.csv").write_text("USUBJID\n1\n")
    (found,) = scan(home, AT_ONCE).exports
    assert found.state == "refused"
    assert name not in repr((found.id, found.path, found.reason))
