"""Erasure in deliveries as they really come: stray quotes, blank lines, categories, damaged files.
Nothing of others goes, nothing of the subject stays."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hcc_assets.home.paths import Home
from hcc_assets.privacy.removal import remove_landed
from hcc_assets.privacy.row_removal import CannotRewrite, RowRemover
from hcc_assets.privacy.subject import who_is

HEADER, FIRST, SECOND, THIRD = (
    "USUBJID,AETERM\n",
    'HCC-001,pain at 5" tube\n',
    "HCC-002,nausea\n",
    "HCC-003,rash\n",
)


@pytest.mark.parametrize(
    ("subject", "left"),
    [
        ("HCC-001", HEADER + SECOND + THIRD),
        ("HCC-002", HEADER + FIRST + THIRD),
        ("HCC-003", HEADER + FIRST + SECOND),
    ],
)
def test_an_inch_sign_joins_no_rows(tmp_path: Path, subject: str, left: str) -> None:
    path = tmp_path / "ae.csv"
    path.write_text(HEADER + FIRST + SECOND + THIRD)
    assert RowRemover([subject]).rewrite(path) == 1
    assert path.read_text() == left


def test_the_header_may_follow_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "ae.csv"
    path.write_text("\n" + HEADER + SECOND + THIRD)
    assert RowRemover(["HCC-002"]).rewrite(path) == 1
    assert path.read_text() == "\n" + HEADER + THIRD


def test_a_line_end_inside_quotes_belongs_to_its_row(tmp_path: Path) -> None:
    path = tmp_path / "ae.csv"
    path.write_text(HEADER + 'HCC-001,"pain, ""sharp""\nHCC-002 had it too"\n' + SECOND)
    assert RowRemover(["HCC-002"]).rewrite(path) == 1
    assert path.read_text() == HEADER + 'HCC-001,"pain, ""sharp""\n(erased) had it too"\n'


def test_a_quote_that_is_not_closed_takes_no_rows_of_others(tmp_path: Path) -> None:
    path = tmp_path / "ae.csv"
    path.write_text(HEADER + 'HCC-001,"pain\n' + SECOND + THIRD)
    with pytest.raises(CannotRewrite, match="by hand"):
        RowRemover(["HCC-001"]).rewrite(path)
    assert path.read_text().endswith(THIRD)


def test_a_note_is_masked_whatever_its_quotes(tmp_path: Path) -> None:
    path = tmp_path / "readme.txt"
    path.write_text('"HCC-001" moved, see\n"mail" of HCC-002\n')
    RowRemover(["HCC-001"]).rewrite(path)
    assert path.read_text() == '"(erased)" moved, see\n"mail" of HCC-002\n'


def test_categories_of_parquet_forget_the_subject(tmp_path: Path) -> None:
    path = tmp_path / "dm.parquet"
    ids, texts = pa.array(["HCC-001", "HCC-002", None]), pa.array(["one", "with HCC-001", "one"])
    pq.write_table(
        pa.table({"USUBJID": ids.dictionary_encode(), "TEXT": texts.dictionary_encode()}), path
    )
    assert RowRemover(["HCC-001"]).rewrite(path) == 1
    left = pq.read_table(path)
    assert left.to_pylist() == [
        {"USUBJID": "HCC-002", "TEXT": "with (erased)"},
        {"USUBJID": None, "TEXT": "one"},
    ]
    assert pa.types.is_dictionary(left.schema.field("USUBJID").type)
    assert b"HCC-001" not in path.read_bytes()


def test_a_line_separator_inside_a_value_of_ndjson(tmp_path: Path) -> None:
    path = tmp_path / "ae.ndjson"
    columns = {"columns": [{"name": "USUBJID"}, {"name": "AETERM"}]}
    path.write_text(
        "".join(
            json.dumps(line, ensure_ascii=False) + "\n"
            for line in (columns, ["HCC-001", "a"], ["HCC-002", "b\u2028c"])
        ),
        encoding="utf-8",
    )
    assert RowRemover(["HCC-001"]).rewrite(path) == 1
    assert json.loads(path.read_text(encoding="utf-8").split("\n")[1]) == ["HCC-002", "b\u2028c"]


def test_damaged_deliveries_are_named_and_the_rest_is_erased(tmp_path: Path) -> None:
    folder = tmp_path / "landing" / "clinical" / "2026-11-22"
    folder.mkdir(parents=True)
    for suffix in ("parquet", "json", "ndjson", "xlsx", "xpt"):
        (folder / f"broken.{suffix}").write_bytes(b"cut off HCC-001 ")
    (folder / "dm.csv").write_text("USUBJID,AGE\nHCC-001,60\nHCC-002,61\n")
    home = Home.at(tmp_path)
    done = remove_landed(home, who_is(home, "HCC-001"))
    assert (folder / "dm.csv").read_text() == "USUBJID,AGE\nHCC-002,61\n"
    assert [line.partition(":")[0] for line in done if "by hand" in line] == [
        f"broken.{s}" for s in ("json", "ndjson", "parquet", "xlsx", "xpt")
    ]
    assert not any("HCC-001" in line for line in done)
