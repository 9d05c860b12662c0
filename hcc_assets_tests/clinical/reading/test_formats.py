"""Formats of clinical exports: the same tables from each, and cut files are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from hcc_assets_tests.clinical.export_files import frames, read, write, write_csv

TABLES = [
    "subjects",
    "exposure",
    "tumour_assessments",
    "reported_responses",
    "disposition",
    "adverse_events",
    "lab_results",
    "vital_signs",
    "subject_characteristics",
]


@pytest.mark.parametrize(
    "kind", ["xlsx", "xpt", "sas7bdat", "parquet", "json10", "json11", "ndjson"]
)
def test_every_format_gives_the_same_tables(tmp_path: Path, kind: str) -> None:
    try:
        other = read(write(tmp_path / kind, frames(), kind))
    except NotImplementedError as reason:
        pytest.skip(str(reason))
    plain = read(write(tmp_path / "csv", frames(), "csv"))
    assert plain.refused == other.refused == {}
    assert list(plain.tables) == list(other.tables) == TABLES
    for name, frame in plain.tables.items():
        pd.testing.assert_frame_equal(frame, other.tables[name])
    pd.testing.assert_frame_equal(plain.issues, other.issues)


def test_text_stays_text(tmp_path: Path) -> None:
    tables = read(write_csv(tmp_path, frames())).tables
    assert list(tables["subjects"]["USUBJID"]) == ["001", "1E5"]
    assert list(tables["subjects"]["SITEID"]) == ["07", "07"]
    assert tables["subjects"]["ARM"].iloc[1] == "NA"
    assert tables["adverse_events"]["AETERM"].iloc[0] == "NA"
    assert list(tables["tumour_assessments"]["TRORRES"]) == ["32.4", "30"]


def test_dataset_json_that_lost_records_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, frames(), "json11")
    content = json.loads((folder / "ae.json").read_text())
    content["rows"] = []
    (folder / "ae.json").write_text(json.dumps(content))
    assert "announces 1 records" in read(folder).refused["ae"]


@pytest.mark.parametrize("kind", ["xlsx", "xpt", "parquet", "json11"])
@pytest.mark.parametrize("keep", [0.3, 0.7, 0.97])
def test_truncated_binary_files_are_refused(tmp_path: Path, kind: str, keep: float) -> None:
    folder = write(tmp_path, frames(), kind)
    path = next(folder.glob("tr.*"))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep) // 7 * 7 + 3])
    export = read(folder)
    assert (
        "tr" in export.refused
        and "tumour_assessments" not in export.tables
        and "subjects" in export.tables
    )
