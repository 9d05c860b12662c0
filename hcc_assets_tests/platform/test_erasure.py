"""Promise G10, the parts below the command: find a subject in every byte, take its rows out, prove that it is gone, refuse it when it comes again."""

from __future__ import annotations

import base64
import bz2
import datetime as dt
import gzip
import hashlib
import io
import json
import lzma
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import dagster as dg
import h5py
import numpy as np
import pandas as pd
import pyreadstat
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from hcc_assets.platform.consent import RecordDamaged, Tombstones, is_tombstoned, read_withdrawals, record_withdrawal
from hcc_assets.platform.dropping import drop
from hcc_assets.platform.erasure import carry_out, plan_erasure, prove_absence
from hcc_assets.platform.home import Home
from hcc_assets.platform.row_removal import CannotRewrite, RowRemover
from hcc_assets.platform.scrubbing import Renamer, remove_figures, replacements, scrub_sqlite, tables_naming
from hcc_assets.platform.traces import CHUNK, find_traces
from hcc_assets.platform.versions import Manifest, Versions

KEY = b"k" * 32
NOW = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)
SUBJECT, SAMPLE, OTHER = "SURU-017", "SURU-017-pre", "SURU-018"


def where(root: Path, *names: str, **options) -> set[tuple[str, str]]:
    return {(t.path, t.where) for t in find_traces(root, names or (SUBJECT,), **options).traces}


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
    "twice.gz": lambda p: p.write_bytes(gzip.compress(gzip.compress(b"-" * 300 + SUBJECT.encode()))),
    "book.xlsx": lambda p: pd.DataFrame({"a": [SUBJECT]}).to_excel(p),
    "arrays.npz": lambda p: np.savez_compressed(p, ids=np.array([SUBJECT.encode()])),
    "table.parquet": lambda p: pd.DataFrame({"a": [OTHER] * 50 + [SUBJECT]}).to_parquet(p, compression="zstd"),
    "coded.parquet": lambda p: pd.DataFrame({"a": pd.Categorical([OTHER, SUBJECT])}).to_parquet(p, compression="zstd"),
    "values.h5": lambda p: h5(p, obs=np.array([OTHER.encode()] * 500 + [SUBJECT.encode()])),
    "text.h5ad": lambda p: h5(p, obs=np.array([SUBJECT], dtype=h5py.string_dtype())),
    "base.db": lambda p: _database(p, SUBJECT),
    "page.html": lambda p: p.write_text("<a href='data:text/csv;base64," + base64.b64encode(f"id\n{SUBJECT}\n".encode()).decode() + "'>"),
    "zipped.html": lambda p: p.write_text("data:x;base64," + base64.b64encode(gzip.compress(SUBJECT.encode())).decode()),
    "edge.bin": lambda p: p.write_bytes(b"\0" * (CHUNK - 4) + SUBJECT.encode() + b"\0" * 10),
    "folder/SURU-017-pre.txt": lambda p: p.write_text("nothing"),
}


def _database(path: Path, name: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table runs (body text)")
        connection.execute("insert into runs values (?)", (f'{{"partition": "{name}"}}',))
        connection.commit()


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
    _database(tmp_path / "a.db", SUBJECT)
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


ROWS = pd.DataFrame(
    {"USUBJID": [SUBJECT, OTHER, SUBJECT, OTHER], "AETERM": ["a", "see suru-017 too", "c", 'with "quotes",\nand lines'], "AGE": [1.0, 2, 3, 4]}
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "latin-1"])
def test_rows_go_from_delimited_files_in_any_encoding_and_the_rest_stays_byte_for_byte(tmp_path: Path, encoding: str) -> None:
    note = "发热, ok" if encoding != "latin-1" else "fièvre, ok"
    text = f'USUBJID;AETERM\r\n{SUBJECT};"x;\r\ny"\r\n"{OTHER}";"{note}"\r\n{SUBJECT.lower()} ;z\r\n{OTHER};"no ""end"""'
    (tmp_path / "ae.csv").write_bytes(text.encode(encoding))
    assert RowRemover([SUBJECT]).rewrite(tmp_path / "ae.csv") == 2
    kept = f'USUBJID;AETERM\r\n"{OTHER}";"{note}"\r\n{OTHER};"no ""end"""'
    assert (tmp_path / "ae.csv").read_bytes() == kept.encode(encoding)


def _xlsx(path: Path) -> pd.DataFrame:
    return pd.read_excel(path)


def _json(path: Path) -> pd.DataFrame:
    content = json.loads(path.read_text())
    assert content["records"] == len(content["rows"])
    return pd.DataFrame(content["rows"], columns=[c["name"] for c in content["columns"]])


def _write_json(path: Path) -> None:
    content = {"records": 4, "columns": [{"name": c} for c in ROWS], "rows": ROWS.values.tolist()}
    path.write_text(json.dumps(content))


def _ndjson(path: Path) -> pd.DataFrame:
    head, *rows = [json.loads(line) for line in path.read_text().splitlines()]
    return pd.DataFrame(rows, columns=[c["name"] for c in head["columns"]])


def _write_ndjson(path: Path) -> None:
    lines = [{"records": 4, "columns": [{"name": c} for c in ROWS]}, *ROWS.values.tolist()]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def _write_xpt(path: Path) -> None:
    pyreadstat.write_xport(ROWS, str(path), table_name="AE", column_labels=["Id", "Term", "Age"], file_format_version=5)


FORMATS = {
    "ae.csv": (lambda p: ROWS.to_csv(p, index=False), pd.read_csv),
    "ae.tsv": (lambda p: ROWS.to_csv(p, index=False, sep="\t"), lambda p: pd.read_csv(p, sep="\t")),
    "ae.xlsx": (lambda p: ROWS.to_excel(p, index=False), _xlsx),
    "ae.parquet": (lambda p: ROWS.to_parquet(p), pd.read_parquet),
    "ae.xpt": (_write_xpt, lambda p: pyreadstat.read_xport(str(p))[0]),
    "ae.json": (_write_json, _json),
    "ae.ndjson": (_write_ndjson, _ndjson),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_rows_go_from_every_format_and_mentions_in_other_rows_are_masked(tmp_path: Path, name: str) -> None:
    write, read = FORMATS[name]
    path = tmp_path / name
    write(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "manifest.sha256").write_text(f"{digest}  {name}\n{'0' * 64}  dm.csv\n")
    assert where(tmp_path) != set()
    assert RowRemover([SUBJECT, SAMPLE]).rewrite(path) == 2
    frame = read(path)
    assert frame["USUBJID"].tolist() == [OTHER, OTHER] and frame["AGE"].tolist() == [2.0, 4.0]
    assert frame["AETERM"].iloc[0] == "see (erased) too"
    assert where(tmp_path) == set()
    assert (tmp_path / "manifest.sha256").read_text() == f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n{'0' * 64}  dm.csv\n"


def test_xpt_keeps_its_labels_and_formats(tmp_path: Path) -> None:
    path = tmp_path / "ae.xpt"
    frame = pd.DataFrame({"USUBJID": [SUBJECT, OTHER], "ADT": [dt.date(2026, 1, 1), dt.date(2026, 1, 2)]})
    pyreadstat.write_xport(frame, str(path), table_name="AE", column_labels=["Id", "Day"], file_format_version=5)
    RowRemover([SUBJECT]).rewrite(path)
    after, meta = pyreadstat.read_xport(str(path))
    assert after["ADT"].tolist() == [dt.date(2026, 1, 2)] and meta.column_labels == ["Id", "Day"] and meta.table_name == "AE"


def test_lines_of_a_checksum_list_go_with_their_files(tmp_path: Path) -> None:
    path = tmp_path / "manifest.sha256"
    path.write_text(f"{'0' * 64}  {SAMPLE}/matrix.mtx.gz\n{'1' * 64}  SURU-018-pre/matrix.mtx.gz\n")
    assert RowRemover([SUBJECT, SAMPLE]).rewrite(path) == 1
    assert path.read_text() == f"{'1' * 64}  SURU-018-pre/matrix.mtx.gz\n"


def test_aliases_are_id_columns_too_and_unknown_formats_are_left_to_a_person(tmp_path: Path) -> None:
    (tmp_path / "dm.csv").write_text(f"proband,AGE\n{SUBJECT},1\n{OTHER},2\n")
    assert RowRemover([SUBJECT], ["Proband"]).rewrite(tmp_path / "dm.csv") == 1
    (tmp_path / "dm.sas7bdat").write_bytes(b"x")
    with pytest.raises(CannotRewrite, match="by hand"):
        RowRemover([SUBJECT]).rewrite(tmp_path / "dm.sas7bdat")


def small_home(root: Path) -> Path:
    """A home in which the subject stands everywhere."""
    for folder in (
        f"landing/matrices/{SAMPLE}",
        "landing/matrices/SURU-018-pre",
        "landing/clinical/2026-11-22",
        f"store/raw_counts/{SAMPLE}",
        "published",
        f"quarantine/{SAMPLE}",
        "dagster",
    ):
        (root / folder).mkdir(parents=True)
    for sample in (SAMPLE, "SURU-018-pre"):
        (root / "landing/matrices" / sample / "matrix.mtx.gz").write_bytes(gzip.compress(b"1 1 1"))
    (root / "landing/samples.csv").write_text(
        f"sample_id,subject_id,path\n{SAMPLE},{SUBJECT},matrices/{SAMPLE}\nSURU-018-pre,{OTHER},matrices/SURU-018-pre\n"
    )
    ROWS.to_csv(root / "landing/clinical/2026-11-22/ae.csv", index=False)
    (root / "landing/withdrawals.csv").write_text(f"subject_id,from_date,reason,recorded_at\n{SUBJECT},2026-11-01,asked,x\n")
    (root / f"store/raw_counts/{SAMPLE}/counts.h5ad").write_bytes(b"x")
    ROWS.to_parquet(root / "published/adverse_events.parquet")
    (root / f"quarantine/{SAMPLE}/reason.json").write_text("{}")
    _database(root / "dagster/runs.db", SAMPLE)
    (root / "dagster/run.err").write_text(f"working on {SAMPLE}")
    return root


def test_plan_carry_out_prove(tmp_path: Path) -> None:
    root = small_home(tmp_path / "home")
    others = [OTHER, "SURU-018-pre"]
    operators = [root / "landing/withdrawals.csv"]
    plan = plan_erasure(root, SUBJECT, [SAMPLE], others=others, operators_files=operators)
    relative = {
        k: [str(p.relative_to(root)) for p in getattr(plan, k)]
        for k in ("delete", "rewrite", "recompute", "databases", "texts", "by_hand", "operators_row")
    }
    assert relative == {
        "delete": [f"landing/matrices/{SAMPLE}", f"quarantine/{SAMPLE}", f"store/raw_counts/{SAMPLE}"],
        "rewrite": ["landing/clinical/2026-11-22/ae.csv", "landing/samples.csv"],
        "recompute": ["published/adverse_events.parquet"],
        "databases": ["dagster/runs.db"],
        "texts": ["dagster/run.err"],
        "by_hand": [],
        "operators_row": ["landing/withdrawals.csv"],
    }
    done = carry_out(plan, KEY)
    assert SUBJECT not in " ".join(done)
    before = prove_absence(root, plan.names, others=others, operators_files=operators)
    assert not before.absent and {t.path for t in before.traces} == {"published/adverse_events.parquet"}
    for path in plan.recompute:
        path.unlink()
    after = prove_absence(root, plan.names, others=others, operators_files=operators)
    assert after.absent and {t.path for t in after.operators_row} == {"landing/withdrawals.csv"}
    assert (root / "landing/matrices/SURU-018-pre/matrix.mtx.gz").exists()
    assert (root / "landing/samples.csv").read_text().splitlines()[1].startswith("SURU-018-pre")
    again = plan_erasure(root, SUBJECT, [SAMPLE], others=others, operators_files=operators)
    assert not (again.delete or again.rewrite or again.recompute or again.databases or again.texts)


def test_dagsters_own_history_stays_readable_and_names_nobody(tmp_path: Path) -> None:
    samples = dg.DynamicPartitionsDefinition(name="sample")

    @dg.asset(partitions_def=samples)
    def raw_counts(context) -> None:
        context.log.info(f"working on {context.partition_key}")

    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        instance.add_dynamic_partitions("sample", [SAMPLE, "SURU-018-pre"])
        for sample in (SAMPLE, "SURU-018-pre"):
            assert dg.materialize([raw_counts], instance=instance, partition_key=sample).success
    assert where(tmp_path, SUBJECT, SAMPLE) != set()
    tokens = replacements([SUBJECT, SAMPLE], KEY)
    for path in tmp_path.rglob("*.db"):
        scrub_sqlite(path, tokens)
    assert {w for w in where(tmp_path, SUBJECT, SAMPLE) if not w[0].endswith((".out", ".err"))} == set()
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        assert len(instance.get_runs()) == 2
        assert instance.get_materialized_partitions(dg.AssetKey("raw_counts")) == {tokens[SAMPLE], "SURU-018-pre"}
        assert all(len(instance.all_logs(run.run_id)) > 3 for run in instance.get_runs())


def test_tombstones_hold_digests_and_refuse_every_spelling(tmp_path: Path) -> None:
    path = tmp_path / "tombstones.json"
    stones = Tombstones(path, KEY)
    assert not stones.names(SUBJECT)
    stones.add(SUBJECT, [SAMPLE], f"letter 5 about {SUBJECT}", NOW)
    stones.add(SUBJECT, ["SURU-017-post"], "again", NOW)
    assert "suru" not in path.read_text().lower() and len(stones.all()) == 1
    for name in (SUBJECT, "suru-017", " SURU-017 ", "SURU-017", SAMPLE, "SURU-017-post"):
        assert is_tombstoned(path, KEY, name)
    assert stones.refused([SUBJECT, OTHER, SAMPLE]) == {SUBJECT, SAMPLE}
    assert not is_tombstoned(path, b"x" * 32, SUBJECT) and not is_tombstoned(path, KEY, OTHER)
    path.write_text("{")
    with pytest.raises(RecordDamaged):
        stones.names(OTHER)


def test_withdrawals_are_recorded_once_and_read_with_care(tmp_path: Path) -> None:
    path = tmp_path / "withdrawals.csv"
    day = dt.date(2026, 11, 1)
    assert read_withdrawals(path) == []
    assert record_withdrawal(path, SUBJECT, day, "asked,\nby letter", NOW)
    assert not record_withdrawal(path, "suru-017", day, "twice", NOW)
    assert record_withdrawal(path, OTHER, day, "asked", NOW)
    assert [(w.subject_id, w.from_date, w.reason) for w in read_withdrawals(path)] == [(SUBJECT, day, "asked, by letter"), (OTHER, day, "asked")]
    path.write_text("subject_id,from_date,reason\nS1,2026-11,x\n")
    with pytest.raises(RecordDamaged, match="line 2: from_date") as caught:
        read_withdrawals(path)
    assert "2026-11," not in str(caught.value)
    path.write_text("subject,from_date,reason\n")
    with pytest.raises(RecordDamaged, match="no column subject_id"):
        read_withdrawals(path)


@settings(max_examples=40, deadline=None)
@given(before=st.binary(max_size=40), after=st.binary(max_size=40), pack=st.sampled_from(["plain", "gz", "zip"]))
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


def test_a_number_is_replaced_only_where_it_is_an_id_and_never_masked_in_the_rows_of_others(tmp_path: Path) -> None:
    path = tmp_path / "ae.csv"
    path.write_text("USUBJID,AGE,AETERM\n17,60,a\n18,17,grade 17 of 17\n")
    assert RowRemover(["17"]).rewrite(path) == 1
    assert path.read_text() == "USUBJID,AGE,AETERM\n18,17,grade 17 of 17\n"
    before = path.stat().st_mtime_ns
    assert RowRemover(["17"]).rewrite(path) == 0 and path.stat().st_mtime_ns == before, "what needs no change is not written"
    renamer = Renamer({"17": "erased-1"})
    event = '{"partition": "17", "at": 17.5, "text": "in 17 s", "nested": "{\\\\"partition\\\\": \\\\"17\\\\"}"}'
    assert renamer.text(event) == event.replace('"17"', '"erased-1"').replace('\\"17\\"', '\\"erased-1\\"')
    assert renamer.text("17") == "erased-1" and renamer.text("1790000000.17") == "1790000000.17"


def test_a_longer_id_of_another_is_left_alone_in_rows_databases_and_logs(tmp_path: Path) -> None:
    others = ["SURU-017-2", "S-SURU-017"]
    text = "SURU-017 beside SURU-017-2, S-SURU-017 and suru-017-pre, not SURU-0170"
    wanted = "X beside SURU-017-2, S-SURU-017 and X-pre, not SURU-0170"
    assert Renamer({SUBJECT: "X"}, others).text(text) == wanted
    assert Renamer({SUBJECT: "X"}, others).data(text.encode() + b"\xff") == wanted.encode() + b"\xff"
    with closing(sqlite3.connect(tmp_path / "runs.db")) as connection:
        connection.execute("create table partitions (name text primary key)")
        connection.executemany("insert into partitions values (?)", [(SUBJECT,), ("SURU-017-2",), ("suru-017",)])
        connection.commit()
    scrub_sqlite(tmp_path / "runs.db", {SUBJECT: "erased-1"}, others)
    with closing(sqlite3.connect(tmp_path / "runs.db")) as connection:
        assert {row[0] for row in connection.execute("select name from partitions")} == {"erased-1", "SURU-017-2"}
    path = tmp_path / "ae.csv"
    path.write_text("USUBJID,AETERM\nSURU-018,see SURU-017 and SURU-017-2\n")
    RowRemover([SUBJECT], others=others).rewrite(path)
    assert path.read_text() == "USUBJID,AETERM\nSURU-018,see (erased) and SURU-017-2\n"


def test_pictures_leave_the_event_log(tmp_path: Path) -> None:
    picture = "data:image/png;base64," + base64.b64encode(b"pixels that show a name").decode()
    with closing(sqlite3.connect(tmp_path / "runs.db")) as connection:
        connection.execute("create table event_logs (event text)")
        connection.execute("insert into event_logs values (?)", (json.dumps({"figure": f"![swimmer]({picture})", "rows": 3}),))
        connection.commit()
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'runs.db'}")
    assert remove_figures(engine) == 1
    assert tables_naming(engine, [SUBJECT]) == []
    with closing(sqlite3.connect(tmp_path / "runs.db")) as connection:
        (event,) = connection.execute("select event from event_logs").fetchone()
    assert json.loads(event)["rows"] == 3 and "base64" not in event


def test_a_matrix_delivered_for_the_subject_goes_whatever_it_is_called_and_a_number_elsewhere_stays(tmp_path: Path) -> None:
    for folder in ("landing/run7", "landing/clinical/2026-11-22", "store/x"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "landing/run7/matrix.mtx").write_text("1 1 1")
    (tmp_path / "landing/clinical/2026-11-22/dm.csv").write_text("USUBJID,AGE\n17,60\n")
    (tmp_path / "store/x/facts.json").write_text('{"n": 17}')
    plan = plan_erasure(tmp_path, "17", [], others=["18"], matrices=[tmp_path / "landing/run7"])
    assert plan.delete == (tmp_path / "landing/run7",) and plan.recompute == ()
    carry_out(plan, KEY)
    assert not (tmp_path / "landing/run7").exists() and prove_absence(tmp_path, ["17"]).absent


def version(folder: Path, name: str, text: str) -> str:
    (folder / name).mkdir(parents=True)
    (folder / name / "table.txt").write_text(text)
    return name


def test_versions_are_dropped_as_a_whole_and_what_stands_is_whole(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    old, new = "a" * 20, "b" * 20
    for asset, standing, holds in (("kept", new, old), ("gone", new, new)):
        folder = tmp_path / "store" / asset
        for name in (old, new):
            version(folder, name, SUBJECT if name == holds else "nobody")
        manifest = Manifest(asset=asset, data_version=standing, fingerprint="f", code_version="c", at=NOW, since=NOW, previous=old)
        (folder / "current.json").write_text(manifest.model_dump_json())
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "gone.csv").write_text(SUBJECT)
    assert drop(home, plan_erasure(tmp_path, SUBJECT, []).recompute) == 1
    kept = Versions(home).require("kept")
    assert kept.data_version == new and kept.previous is None and not (tmp_path / "store" / "kept" / old).exists()
    assert Versions(home).current("gone") is None and list((tmp_path / "store" / "gone").iterdir()) == []
    assert not (tmp_path / "published" / "gone.csv").exists()
    assert find_traces(tmp_path, [SUBJECT]).traces == ()
