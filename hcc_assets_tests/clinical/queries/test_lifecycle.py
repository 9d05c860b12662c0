"""What becomes of a query: opened, answered, confirmed, closed, echoed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest

from hcc_assets.clinical.queries.lifecycle import ExportFindings, queries_of, to_send
from hcc_assets.clinical.queries.natural_keys import COLUMNS
from hcc_assets.schemas.base import conform
from hcc_assets.schemas.queries import Queries

DAYS = (dt.date(2026, 1, 1), dt.date(2026, 2, 1), dt.date(2026, 3, 1))
CUTOFF = dt.date(2026, 3, 11)


def finding(name: str = "Q-1", values: str = "aa", **cells: Any) -> dict[str, Any]:
    row = {
        "query_id": name,
        "second_id": "",
        "key": name,
        "subject_id": "S1",
        "site": "01",
        "check_id": "AE04",
        "severity": "E",
        "domain": "AE",
        "visit": None,
        "visit_number": None,
        "field": "AETOXGR",
        "record": "AESEQ 1",
        "message": "A sentence",
        "values": values,
    }
    return row | cells


def told(
    *exports: list[dict[str, Any]], confirmed: dict[str, list[frozenset[str]]] | None = None
) -> pd.DataFrame:
    chain = [
        ExportFindings(day, pd.DataFrame(rows, columns=COLUMNS))
        for day, rows in zip(DAYS, exports, strict=False)
    ]
    table, _ = queries_of(chain, confirmed or {}, cutoff=CUTOFF)
    return table.set_index("query_id")


def test_opened_is_the_earliest_export_with_it_and_age_counts_to_the_cutoff() -> None:
    row = told([finding()], [], [finding()]).loc["Q-1"]
    assert (row["opened"], row["status"], row["age_days"]) == (
        pd.Timestamp(DAYS[0]),
        "OPEN",
        69,
    )


def test_a_changed_value_answers_and_a_further_one_does_not() -> None:
    assert told([finding()], [finding(values="bb")]).at["Q-1", "status"] == "ANSWERED"
    assert told([finding()], [finding(values="aa bb")]).at["Q-1", "status"] == "OPEN"


def test_what_is_gone_is_closed_and_stays_in_the_table() -> None:
    row = told([finding()], [], []).loc["Q-1"]
    assert (row["status"], row["age_days"], row["message"]) == ("CLOSED", 31, "A sentence")
    assert to_send(told([finding()], [])).empty


def test_a_confirmation_holds_for_the_very_value() -> None:
    said = {"Q-1": [frozenset({"aa"})]}
    assert told([finding()], [finding()], confirmed=said).at["Q-1", "status"] == "CONFIRMED"
    assert told([finding()], [finding(values="bb")], confirmed=said).at["Q-1", "status"] == "OPEN"
    more = told([finding(values="aa bb")], confirmed=said)
    assert more.at["Q-1", "status"] == "OPEN", "a further record was not confirmed"
    assert told([finding()], [], confirmed=said).at["Q-1", "status"] == "CLOSED"


def test_a_record_whose_date_was_corrected_keeps_its_query() -> None:
    first, second = finding("Q-1", second_id="Q-s"), finding("Q-2", "bb", second_id="Q-s")
    table = told([first], [second], [second])
    assert list(table.index) == ["Q-1"]
    assert table.at["Q-1", "status"] == "ANSWERED" and table.at["Q-1", "age_days"] == 69


def test_two_records_never_share_one_query() -> None:
    first = finding("Q-1", second_id="Q-s")
    table = told([first], [first, finding("Q-2", "bb", second_id="Q-s")])
    assert set(table.index) == {"Q-1", "Q-2"}


@pytest.mark.parametrize(
    ("cause", "effect", "echo"),
    [
        ({"check_id": "TR22", "severity": "E"}, {}, True),
        ({"check_id": "TR22", "severity": "Q"}, {}, False),
        ({"check_id": "TR22", "severity": "E", "subject_id": "S2"}, {}, False),
        ({"check_id": "TR16", "severity": "Q", "visit_number": 1.0}, {}, True),
        ({"check_id": "TR16", "severity": "Q", "visit_number": 3.0}, {}, False),
        ({"check_id": "TR24", "severity": "Q", "key": "one"}, {}, True),
        ({"check_id": "TR24", "severity": "Q", "key": "other"}, {}, False),
        ({"check_id": "DM03", "severity": "Q"}, {}, False),
    ],
)
def test_a_query_that_follows_from_another_is_not_sent(
    cause: dict[str, Any], effect: dict[str, Any], echo: bool
) -> None:
    own = {"check_id": "TR23", "severity": "Q", "visit_number": 2.0, "key": "one"}
    table = told([finding("Q-c", **cause), finding("Q-e", **own, **effect)])
    assert table.at["Q-e", "echo_of"] == ("Q-c" if echo else None)
    assert ("Q-e" in to_send(table).index) is not echo and "Q-c" in to_send(table).index


def test_an_echo_of_an_echo_names_the_root() -> None:
    rows = [
        finding("Q-a", check_id="TR30", visit_number=1.0),
        finding("Q-b", check_id="TR16", severity="Q", visit_number=1.0),
        finding("Q-c", check_id="TR23", severity="Q", visit_number=2.0),
    ]
    table = told(rows)
    assert table.at["Q-b", "echo_of"] == table.at["Q-c", "echo_of"] == "Q-a"


def test_a_closed_cause_echoes_nothing() -> None:
    cause = finding("Q-c", check_id="TR22")
    effect = finding("Q-e", check_id="TR23", severity="Q", visit_number=2.0)
    assert told([cause, effect], [effect]).at["Q-e", "echo_of"] is None


def test_nothing_found_is_an_empty_table() -> None:
    table = conform(Queries, told([], []).reset_index())
    assert table.empty
