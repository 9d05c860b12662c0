"""Promise G10, databases and logs: a name is replaced where it is an id of the subject, longer ids and numbers of others stay, history stays readable."""

from __future__ import annotations

import base64
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg
import sqlalchemy as sa
from hcc_assets.privacy.scrubbing import (
    Renamer,
    remove_figures,
    replacements,
    scrub_sqlite,
    tables_naming,
)

from hcc_assets.privacy.row_removal import RowRemover
from hcc_assets_tests.privacy.erasure_cases import KEY, SAMPLE, SUBJECT, where


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
    assert {
        w for w in where(tmp_path, SUBJECT, SAMPLE) if not w[0].endswith((".out", ".err"))
    } == set()
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        assert len(instance.get_runs()) == 2
        assert instance.get_materialized_partitions(dg.AssetKey("raw_counts")) == {
            tokens[SAMPLE],
            "SURU-018-pre",
        }
        assert all(len(instance.all_logs(run.run_id)) > 3 for run in instance.get_runs())


def test_a_number_is_replaced_only_where_it_is_an_id_and_never_masked_in_the_rows_of_others(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ae.csv"
    path.write_text("USUBJID,AGE,AETERM\n17,60,a\n18,17,grade 17 of 17\n")
    assert RowRemover(["17"]).rewrite(path) == 1
    assert path.read_text() == "USUBJID,AGE,AETERM\n18,17,grade 17 of 17\n"
    before = path.stat().st_mtime_ns
    assert RowRemover(["17"]).rewrite(path) == 0 and path.stat().st_mtime_ns == before, (
        "what needs no change is not written"
    )
    renamer = Renamer({"17": "erased-1"})
    event = '{"partition": "17", "at": 17.5, "text": "in 17 s", "nested": "{\\\\"partition\\\\": \\\\"17\\\\"}"}'
    assert renamer.text(event) == event.replace('"17"', '"erased-1"').replace(
        '\\"17\\"', '\\"erased-1\\"'
    )
    assert renamer.text("17") == "erased-1" and renamer.text("1790000000.17") == "1790000000.17"


def test_a_longer_id_of_another_is_left_alone_in_rows_databases_and_logs(tmp_path: Path) -> None:
    others = ["SURU-017-2", "S-SURU-017"]
    text = "SURU-017 beside SURU-017-2, S-SURU-017 and suru-017-pre, not SURU-0170"
    wanted = "X beside SURU-017-2, S-SURU-017 and X-pre, not SURU-0170"
    assert Renamer({SUBJECT: "X"}, others).text(text) == wanted
    assert (
        Renamer({SUBJECT: "X"}, others).data(text.encode() + b"\xff") == wanted.encode() + b"\xff"
    )
    with closing(sqlite3.connect(tmp_path / "runs.db")) as connection:
        connection.execute("create table partitions (name text primary key)")
        connection.executemany(
            "insert into partitions values (?)", [(SUBJECT,), ("SURU-017-2",), ("suru-017",)]
        )
        connection.commit()
    scrub_sqlite(tmp_path / "runs.db", {SUBJECT: "erased-1"}, others)
    with closing(sqlite3.connect(tmp_path / "runs.db")) as connection:
        assert {row[0] for row in connection.execute("select name from partitions")} == {
            "erased-1",
            "SURU-017-2",
        }
    path = tmp_path / "ae.csv"
    path.write_text("USUBJID,AETERM\nSURU-018,see SURU-017 and SURU-017-2\n")
    RowRemover([SUBJECT], others=others).rewrite(path)
    assert path.read_text() == "USUBJID,AETERM\nSURU-018,see (erased) and SURU-017-2\n"


def test_pictures_leave_the_event_log(tmp_path: Path) -> None:
    picture = "data:image/png;base64," + base64.b64encode(b"pixels that show a name").decode()
    with closing(sqlite3.connect(tmp_path / "runs.db")) as connection:
        connection.execute("create table event_logs (event text)")
        connection.execute(
            "insert into event_logs values (?)",
            (json.dumps({"figure": f"![swimmer]({picture})", "rows": 3}),),
        )
        connection.commit()
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'runs.db'}")
    assert remove_figures(engine) == 1
    assert tables_naming(engine, [SUBJECT]) == []
    with closing(sqlite3.connect(tmp_path / "runs.db")) as connection:
        (event,) = connection.execute("select event from event_logs").fetchone()
    assert json.loads(event)["rows"] == 3 and "base64" not in event
