"""The automation sensor keeps a packed cursor that names samples, in its state and in each tick: erasure finds and replaces what is in it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
from dagster._daemon.asset_daemon import (
    asset_daemon_cursor_from_instigator_serialized_cursor,
    asset_daemon_cursor_to_instigator_serialized_cursor,
)
from hcc_assets.privacy.packed import change_packed, unpacked
from hcc_assets.privacy.scrubbing import replacements, scrub_sqlite

from hcc_assets_tests.privacy.erasure_cases import KEY, SAMPLE, SUBJECT, where

NEIGHBOUR = f"{SAMPLE}-2"
SAMPLES = dg.DynamicPartitionsDefinition(name="sample")


@dg.asset(partitions_def=SAMPLES, automation_condition=dg.AutomationCondition.eager())
def raw_counts() -> None:
    """An asset of the test."""


@pytest.fixture(scope="module")
def cursor() -> str:
    """A cursor as the daemon writes it, after two looks."""
    with dg.DagsterInstance.ephemeral() as instance:
        found = None
        for sample in (SAMPLE, NEIGHBOUR):
            instance.add_dynamic_partitions("sample", [sample])
            found = dg.evaluate_automation_conditions(
                dg.Definitions([raw_counts]), instance, cursor=found.cursor if found else None
            )
        assert found is not None
        return asset_daemon_cursor_to_instigator_serialized_cursor(found.cursor)


def test_the_cursor_is_packed_and_names_samples(cursor: str) -> None:
    assert SUBJECT not in cursor
    (text,) = unpacked(json.dumps({"cursor": cursor}))
    assert SAMPLE in text


def test_names_in_packed_cursors_are_found_and_replaced(tmp_path: Path, cursor: str) -> None:
    path = tmp_path / "schedules.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table jobs (job_body text)")
        connection.executemany(
            "insert into jobs values (?)",
            [(json.dumps({"cursor": cursor}),), (cursor,), ("0eJ is no cursor",)],
        )
        connection.commit()
    assert where(tmp_path, SUBJECT, SAMPLE, others=[NEIGHBOUR]) == {("schedules.db", "table jobs")}
    scrub_sqlite(path, replacements([SUBJECT, SAMPLE], KEY), [NEIGHBOUR])
    assert where(tmp_path, SUBJECT, SAMPLE, others=[NEIGHBOUR]) == set()
    with closing(sqlite3.connect(path)) as connection:
        bodies = [body for (body,) in connection.execute("select job_body from jobs")]
    assert bodies[2] == "0eJ is no cursor" and json.loads(bodies[0])["cursor"] == bodies[1]
    (text,) = unpacked(bodies[1])
    assert "erased-" in text and NEIGHBOUR in text
    asset_daemon_cursor_from_instigator_serialized_cursor(bodies[1], None)


def test_what_stays_as_it_is_is_not_packed_anew(cursor: str) -> None:
    assert change_packed(cursor, lambda text: text) == cursor
