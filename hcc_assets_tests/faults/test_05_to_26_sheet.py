"""The sample sheet damaged, shortened, half copied or changed: no sample is lost in silence, no
cell is touched."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from hcc_assets_tests.faults.homes import (
    attempt_all,
    copied,
    hashes,
    key_of,
    look,
    sheet_rows,
    standing_sample,
)
from hcc_assets_tests.faults.spoilt_exports import shorter


@pytest.fixture
def root(sample_base: Path, place: Path) -> Path:
    return copied(sample_base, place / "home")


@pytest.mark.parametrize(
    "damage",
    shorter(
        ["cut", "binary", "header", "gone", "bad_row", "twice", "folder"],
        keep=("cut", "gone", "bad_row"),
    ),
)
def test_fault_26_a_damaged_sheet_takes_no_sample_away(root: Path, damage: str) -> None:
    before = hashes(root)
    sheet = root / "landing" / "samples.csv"
    lines = sheet.read_text().splitlines(keepends=True)
    sample = standing_sample(root)
    if damage == "cut":
        sheet.write_text("".join(lines[:2]) + lines[2][:30])
    elif damage == "binary":
        sheet.write_bytes("样本,受试者\n".encode("gb18030"))
    elif damage == "header":
        sheet.write_text(lines[0])
    elif damage == "gone":
        sheet.unlink()
    elif damage == "bad_row":
        sheet.write_text(
            lines[0] + lines[1].replace(",pre,", ",during,").replace(",post,", ",after,") + lines[2]
        )
    elif damage == "twice":
        sheet.write_text("".join(lines) + lines[1].replace(sample, sample.lower()))
    else:
        sheet.unlink()
        sheet.mkdir()
    seen = attempt_all(root)
    now = hashes(root)
    for table in ("cells", "compositions", "qc_summary", "samples"):
        assert now[f"{table}.parquet"] == before[f"{table}.parquet"]
    assert seen.alert("samples")
    assert seen.status["sheet_problems"]


@pytest.mark.faults
def test_fault_05_a_row_taken_out_of_the_sheet_is_told(root: Path) -> None:
    sheet = root / "landing" / "samples.csv"
    lines = sheet.read_text().splitlines(keepends=True)
    gone = lines.pop(1).split(",")[0]
    sheet.write_text("".join(lines))
    seen = attempt_all(root)
    assert gone not in set(seen.table("cells")["sample_id"])
    told = [s for s in seen.alert("samples") if s.check == "no_sample_lost"]
    assert told and told[0].n_affected == 1
    assert any(gone in c["description"] for c in seen.status["failing_checks"])


def test_fault_05_a_sheet_on_its_way_takes_no_sample_away(root: Path) -> None:
    """A row is missing and the file changed a moment ago: it may be a copy that is not finished."""
    before = hashes(root)
    settings = (
        (root / "study.toml").read_text().replace("settle_seconds = 0", "settle_seconds = 3600")
    )
    (root / "study.toml").write_text(settings)
    sheet = root / "landing" / "samples.csv"
    lines = sheet.read_text().splitlines(keepends=True)
    sheet.write_text("".join(lines[:-1]))
    seen = look(root)
    assert seen.status["settling"] == ["samples.csv"]
    attempt_all(root)
    assert hashes(root)["cells.parquet"] == before["cells.parquet"]


@pytest.mark.faults
def test_fault_19_subject_moved_between_rows(root: Path) -> None:
    """The sample is another one now, with a key of its own; its cells are what they were, the
    other sample is not read again, and moved back it is the first one again."""
    before = look(root).table("cells")
    sheet = root / "landing" / "samples.csv"
    as_it_was = sheet.read_text()
    sample, subject = sheet_rows(root)[1].split(",")[:2]
    other, key = sheet_rows(root)[2].split(",")[0], key_of(root, sample)
    sheet.write_text(as_it_was.replace(f"{sample},{subject},", f"{sample},OTHER-1,"))
    seen = attempt_all(root)
    cells = seen.table("cells")
    moved = cells[cells["sample_id"] == sample]
    assert set(moved["subject_id"]) == {"OTHER-1"}
    assert key_of(root, sample) != key
    same = before[before["sample_id"] == sample].assign(subject_id="OTHER-1")
    pd.testing.assert_frame_equal(moved.reset_index(drop=True), same.reset_index(drop=True))
    assert ("raw_counts", other) not in seen.changed
    sheet.write_text(as_it_was)
    assert key_of(root, sample) == key
    again = attempt_all(root)
    assert ("raw_counts", sample) not in again.changed, "its version stands"
    pd.testing.assert_frame_equal(again.table("cells"), before)
