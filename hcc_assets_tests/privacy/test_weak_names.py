"""A subject called 17: its id in a database or a table is found, the number 17 is reported as
perhaps and does not stop the proof."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from hcc_assets.privacy.traces import find_traces


@pytest.mark.parametrize(
    ("body", "certain"),
    [
        (json.dumps({"step": 17, "partition": "S-99"}), False),
        ("17 rows of 17 were read", False),
        (json.dumps({"partition": "17"}), True),
        (json.dumps({"event": json.dumps({"partition": "17"})}), True),
        ("17", True),
    ],
)
def test_an_id_is_told_from_a_number(tmp_path: Path, body: str, certain: bool) -> None:
    path = tmp_path / "runs.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table runs (body text)")
        connection.execute("insert into runs values (?)", (body,))
        connection.commit()
    assert {t.certain for t in find_traces(tmp_path, ["17"]).traces if t.where == "table runs"} == {
        certain
    }


@pytest.mark.parametrize(
    ("column", "value", "certain"),
    [("AETERM", "17 mg daily", False), ("USUBJID", "17", True), ("NOTE", "17", True)],
)
def test_a_number_in_the_text_of_a_table_is_perhaps(
    tmp_path: Path, column: str, value: str, certain: bool
) -> None:
    pd.DataFrame({column: [value, "none"]}).to_parquet(tmp_path / "table.parquet")
    found = {
        t.certain
        for t in find_traces(tmp_path, ["17"]).traces
        if t.where == f"parquet column {column}"
    }
    assert found == {certain}
