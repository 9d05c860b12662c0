"""Fault 45, promise G17: every delivered table is read in a child with limits; a hostile one is
refused with its reason, and the others are read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hcc_assets.catalogue.landing import _exports
from hcc_assets.clinical.reading.files import apart
from hcc_assets.clinical.reading.files.apart import Asked, Found, read_apart, read_here
from hcc_assets.clinical.reading.raw_table import RawTable
from hcc_assets.clinical.reading.refusal import DomainRefused
from hcc_assets.operate.validation import judge
from hcc_assets_tests.clinical.export_files import CONFIG, frames, read, write, write_csv
from hcc_assets_tests.clinical.reading.hostile_tables import HOSTILE, put

FORMATS = ("csv", "xlsx", "xpt", "sas7bdat", "parquet", "json10", "json11", "ndjson")


def asked(folder: Path) -> list[Asked]:
    return [Asked(path) for path in sorted(folder.iterdir())]


def code(found: Found) -> str:
    return found.code if isinstance(found, DomainRefused) else "read"


def test_a_child_gives_what_reading_here_gives(tmp_path: Path) -> None:
    for kind in FORMATS:
        try:
            files = asked(write(tmp_path / kind, frames(), kind))
        except NotImplementedError:
            continue
        for here, there in zip(read_here(files), read_apart(files), strict=True):
            assert isinstance(here, RawTable) and isinstance(there, RawTable), kind
            assert here.columns == there.columns and here.frame.equals(there.frame)
            assert (here.encoding, here.delimiter) == (there.encoding, there.delimiter)
            assert list(here.frame.index) == list(there.frame.index)


def test_17_a_table_that_works_without_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "_CHILD", "hcc_assets_tests.clinical.reading.failing_child")
    for name in ("1", "2-works", "3"):
        (tmp_path / f"{name}.csv").write_text("USUBJID,AETERM\nS1,x\n")
    assert [code(f) for f in read_apart(asked(tmp_path), cpu_s=1)] == ["read", "timeout", "read"]


@pytest.mark.parametrize("name", HOSTILE)
def test_45_hostile_tables_are_refused(tmp_path: Path, name: str) -> None:
    (found,) = read_here([Asked(put(tmp_path, name))])
    assert code(found) == HOSTILE[name][1]
    assert "S1" not in str(found) and 20 < len(str(found)) < 400


def test_45_one_child_refuses_them_all_and_reads_the_good_one(tmp_path: Path) -> None:
    files = []
    for i, name in enumerate(HOSTILE):
        (tmp_path / str(i)).mkdir()
        files.append(Asked(put(tmp_path / str(i), name)))
    good = asked(write_csv(tmp_path / "good", frames()))
    found = read_apart([*files, *good])
    assert [code(f) for f in found] == [c for _, c, _ in HOSTILE.values()] + ["read"] * len(good)


def test_17_a_child_that_ends_costs_the_table_that_ended_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "_CHILD", "hcc_assets_tests.clinical.reading.failing_child")
    for name in ("1", "2-aborts", "3", "4-exits", "5"):
        (tmp_path / f"{name}.csv").write_text("USUBJID,AETERM\nS1,x\n")
    found = [code(f) for f in read_apart(asked(tmp_path))]
    assert found == ["read", "too_large", "read", "reader_crashed", "read"]


def test_17_a_table_that_asks_for_too_much_memory_or_time(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("USUBJID,AETERM\nS1,x\n")
    (tmp_path / "2.csv").write_text("USUBJID,AETERM\n" + "S1,x\n" * 900_000)
    os.mkfifo(tmp_path / "3.csv")
    (tmp_path / "4.csv").write_text("USUBJID,AETERM\nS1,x\n")
    found = [code(f) for f in read_apart(asked(tmp_path), memory_mb=100, wall_s=6)]
    assert found == ["read", "too_large", "timeout", "read"]


def test_45_validate_and_the_refresh_say_the_same(tmp_path: Path) -> None:
    folder = write_csv(tmp_path / "2026-05-02", frames())
    (folder / "ae.csv").unlink()
    put(folder, "a workbook that says it fills its sheet")
    export, verdict = read(folder, read=read_apart), judge(folder, CONFIG)
    assert list(export.refused) == ["ae"] and "1,048,576 rows" in export.refused["ae"]
    assert {"subjects", "tumour_assessments"} <= set(export.tables)
    assert not verdict["accepted"] and f"ae: {export.refused['ae']}" in verdict["messages"]
    alone = judge(folder / "ae.xlsx", CONFIG)
    assert alone["messages"] == [f"ae: {export.refused['ae']}"]


def test_17_whatever_lands_is_read_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the catalogue nor ``hcc validate`` reads a delivered table in its own process."""

    def here(*_: object, **__: object) -> None:
        raise AssertionError("a delivered file was read here")

    monkeypatch.setattr(apart, "read_cells", here)
    folder = write_csv(tmp_path / "2026-05-02", frames())
    assert judge(folder, CONFIG)["accepted"] and judge(folder / "dm.csv", CONFIG)["accepted"]
    source = Path(_exports.__file__).read_text()
    assert source.count("read_export(") == source.count("read=read_apart")
