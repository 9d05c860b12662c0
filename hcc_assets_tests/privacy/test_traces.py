"""Promise G10, finding: a name is found in every byte, packed or spelt in any way, and what belongs
to others is theirs."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import sqlite3
import zipfile
import zlib
from contextlib import closing
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcc_assets.privacy.proof import prove_absence
from hcc_assets.privacy.traces import CHUNK, find_traces
from hcc_assets_tests.privacy.erasure_cases import OTHER, SUBJECT, database, where


def h5(path: Path, **datasets) -> Path:
    with h5py.File(path, "w") as file:
        for name, data in datasets.items():
            file.create_dataset(name, data=data, compression="gzip" if np.ndim(data) else None)
    return path


HIDING_PLACES = {
    "plain.txt": lambda p: p.write_text("about suru-017."),
    "utf16.txt": lambda p: p.write_text("about SURU-017.", encoding="utf-16"),
    "gbk.csv": lambda p: p.write_bytes("备注,SURU-017\n".encode("gbk")),
    "packed.csv.gz": lambda p: p.write_bytes(gzip.compress(b"x," + SUBJECT.encode())),
    "packed.bz2": lambda p: p.write_bytes(bz2.compress(SUBJECT.encode())),
    "packed.xz": lambda p: p.write_bytes(lzma.compress(SUBJECT.encode())),
    "twice.gz": lambda p: p.write_bytes(
        gzip.compress(gzip.compress(b"-" * 300 + SUBJECT.encode()))
    ),
    "book.xlsx": lambda p: pd.DataFrame({"a": [SUBJECT]}).to_excel(p),
    "arrays.npz": lambda p: np.savez_compressed(p, ids=np.array([SUBJECT.encode()])),
    "table.parquet": lambda p: pd.DataFrame({"a": [OTHER] * 50 + [SUBJECT]}).to_parquet(
        p, compression="zstd"
    ),
    "coded.parquet": lambda p: pd.DataFrame({"a": pd.Categorical([OTHER, SUBJECT])}).to_parquet(
        p, compression="zstd"
    ),
    "values.h5": lambda p: h5(p, obs=np.array([OTHER.encode()] * 500 + [SUBJECT.encode()])),
    "text.h5ad": lambda p: h5(p, obs=np.array([SUBJECT], dtype=h5py.string_dtype())),
    "base.db": lambda p: database(p, SUBJECT),
    "cursor.db": lambda p: database(
        p, "0" + base64.b64encode(zlib.compress(f'{{"key": "{SUBJECT}"}}'.encode())).decode()
    ),
    "page.html": lambda p: p.write_text(
        "<a href='data:text/csv;base64,"
        + base64.b64encode(f"id\n{SUBJECT}\n".encode()).decode()
        + "'>"
    ),
    "zipped.html": lambda p: p.write_text(
        "data:x;base64," + base64.b64encode(gzip.compress(SUBJECT.encode())).decode()
    ),
    "edge.bin": lambda p: p.write_bytes(b"\0" * (CHUNK - 4) + SUBJECT.encode() + b"\0" * 10),
    "folder/SURU-017-pre.txt": lambda p: p.write_text("nothing"),
}


@pytest.mark.parametrize("place", HIDING_PLACES)
def test_a_name_is_found_wherever_it_hides(tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    HIDING_PLACES[place](path)
    search = find_traces(tmp_path, [SUBJECT])
    assert {t.path for t in search.traces} == {place} and all(t.certain for t in search.traces)
    assert search.unread == ()
    assert find_traces(tmp_path, ["SURU-01", "URU-017", "SURU-0170"]).traces == ()


def test_a_deleted_row_is_found_in_the_freed_pages_of_a_database(tmp_path: Path) -> None:
    database(tmp_path / "a.db", SUBJECT)
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("pragma secure_delete = off")
        connection.execute("delete from runs")
        connection.commit()
    assert where(tmp_path) == {("a.db", "bytes")}


def test_what_belongs_to_another_with_a_longer_name_is_theirs(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("SURU-017-2 and S-SURU-017")
    assert where(tmp_path) == {("a.txt", "bytes")}
    assert where(tmp_path, others=["SURU-017-2", "S-SURU-017", SUBJECT]) == set()
    (tmp_path / "a.txt").write_text("SURU-017-2 and SURU-017-3")
    assert where(tmp_path, others=["SURU-017-2"]) == {("a.txt", "bytes")}


def test_canaries_are_found_in_any_spelling_and_inside_longer_words(tmp_path: Path) -> None:
    (tmp_path / "gbk.txt").write_bytes("患者王小明说".encode("gbk"))
    (tmp_path / "escaped.json").write_text(json.dumps({"a": "王小明"}))
    (tmp_path / "digits.log").write_text("x1380013800099")
    found = find_traces(tmp_path, ["王小明", "13800138000"], anywhere=True).traces
    assert {t.path for t in found if t.certain} == {"gbk.txt", "escaped.json", "digits.log"}


def test_a_short_or_numeric_name_is_certain_only_where_it_is_an_id(tmp_path: Path) -> None:
    (tmp_path / "numbers.json").write_text('{"p": 17}')
    (tmp_path / "plain.csv").write_text("USUBJID,AGE\n18,17\n")
    (tmp_path / "dm.csv").write_text('﻿"USUBJID",AGE\n17,60\n', encoding="utf-8")
    found = find_traces(tmp_path, ["17"]).traces
    assert [(t.path, t.certain) for t in found if t.certain] == [("dm.csv", True)]
    assert not prove_absence(tmp_path, ["17"]).absent
    (tmp_path / "dm.csv").unlink()
    proof = prove_absence(tmp_path, ["17"])
    assert proof.absent and len(proof.uncertain) == 2


def test_what_cannot_be_decoded_is_said_and_searched_as_bytes(tmp_path: Path) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"x" * 10000)[:30])
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 SURU-017 ")
    search = find_traces(tmp_path, [SUBJECT])
    assert {t.path for t in search.traces} == {"bad.parquet"}
    assert len(search.unread) == 2 and all("could not be decoded" in text for text in search.unread)


def test_a_symbolic_link_is_not_followed_but_its_target_is_read(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "outside.txt").write_text(SUBJECT)
    (tmp_path / "home" / "a").symlink_to(tmp_path / "outside.txt")
    (tmp_path / "home" / "b").symlink_to(tmp_path / "SURU-017")
    assert where(tmp_path / "home") == {("b", "link")}


@settings(max_examples=40, deadline=None)
@given(
    before=st.binary(max_size=40),
    after=st.binary(max_size=40),
    pack=st.sampled_from(["plain", "gz", "zip"]),
)
def test_whatever_surrounds_it(tmp_path_factory, before: bytes, after: bytes, pack: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    data = before + b"|" + SUBJECT.encode() + b"|" + after
    if pack == "gz":
        data = gzip.compress(data)
    elif pack == "zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a", data)
        data = buffer.getvalue()
    (folder / "file.bin").write_bytes(data)
    assert not prove_absence(folder, [SUBJECT]).absent
