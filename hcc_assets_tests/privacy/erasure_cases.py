"""A subject to be erased, rows that name it, and where it is found. No assertions here."""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd

from hcc_assets.privacy.traces import find_traces

KEY = b"k" * 32
NOW = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)
SUBJECT, SAMPLE, OTHER = "SURU-017", "SURU-017-pre", "SURU-018"


def where(root: Path, *names: str, **options) -> set[tuple[str, str]]:
    return {(t.path, t.where) for t in find_traces(root, names or (SUBJECT,), **options).traces}


def database(path: Path, name: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table runs (body text)")
        connection.execute("insert into runs values (?)", (f'{{"partition": "{name}"}}',))
        connection.commit()


ROWS = pd.DataFrame(
    {
        "USUBJID": [SUBJECT, OTHER, SUBJECT, OTHER],
        "AETERM": ["a", "see suru-017 too", "c", 'with "quotes",\nand lines'],
        "AGE": [1.0, 2, 3, 4],
    }
)
