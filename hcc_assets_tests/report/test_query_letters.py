"""Letters to the sites: who is asked what, the same numbers in both languages, nothing that a page
or a spreadsheet would run."""

from __future__ import annotations

import datetime as dt
import io
import re

import pandas as pd
import pytest

from hcc_assets.report.open_queries import open_queries
from hcc_assets.report.query_letters import site_letters
from hcc_assets.schemas.base import conform
from hcc_assets.schemas.queries import Queries

CUTOFF = dt.date(2026, 3, 11)
ROWS = [
    ("Q-1", "S1", "07", "AE04", "E", "AE", None, "AESEQ 3", "AETOXGR", "OPEN", 69, None),
    ("Q-2", "S1", "07", "TR16", "Q", "TR", "WEEK 6", "INV", None, "ANSWERED", 41, None),
    ("Q-3", "S2", "07", "TR23", "Q", "RS", "WEEK 6", "INV", "RSSTRESC", "OPEN", 10, "Q-2"),
    ("Q-4", "S2", "07", "DM03", "Q", "DM", None, None, "SEX", "CONFIRMED", 10, None),
    ("Q-5", "S2", "07", "DM04", "Q", "DM", None, None, "AGE", "CLOSED", 10, None),
    ("Q-6", "S3", None, "AE01", "E", "AE", None, "=1+1", "USUBJID", "OPEN", 0, None),
    ("Q-7", None, None, "RD02", "Q", "AE", None, None, None, "OPEN", 0, None),
    ("Q-8", "S4", "a/b", "DM03", "Q", "DM", "<b>", None, "SEX", "OPEN", 31, None),
]
COLUMNS = [
    *("query_id", "subject_id", "site", "check_id", "severity", "domain", "visit", "record"),
    *("field", "status", "age_days", "echo_of"),
]
TABLE = conform(
    Queries,
    pd.DataFrame(ROWS, columns=COLUMNS).assign(
        opened=pd.Timestamp(2026, 1, 1), message="A sentence"
    ),
)


@pytest.fixture(scope="module")
def letters() -> dict[str, str]:
    found = site_letters(TABLE, ["07", "09"], study="ST", cutoff=CUTOFF)
    return {name: data.decode("utf-8-sig") for name, data in found.items()}


def test_each_site_has_its_letters_and_a_file_for_the_edc(letters: dict[str, str]) -> None:
    names = {n.removeprefix("queries/").partition(".")[0] for n in letters}
    assert {"site-07", "site-09", "site-not-named", "delivery"} < names
    other = next(n for n in names if n.startswith("site-a-b-"))
    assert names == {"site-07", "site-09", "site-not-named", "delivery", other}
    for name in names:
        for ending in ("en.html", "zh.html", "csv"):
            assert f"queries/{name}.{ending}" in letters


def test_only_what_waits_for_an_answer_is_asked(letters: dict[str, str]) -> None:
    for language in ("en", "zh"):
        page = letters[f"queries/site-07.{language}.html"]
        assert "Q-1" in page and "Q-2" in page
        assert not any(name in page for name in ("Q-3", "Q-4", "Q-5", "S2", "S3"))
    table = pd.read_csv(io.StringIO(letters["queries/site-07.csv"]), dtype=str)
    assert table["query_id"].tolist() == ["Q-1", "Q-2"]
    assert table["question_zh"].str.contains("请").all()
    assert "No query is open" in letters["queries/site-09.en.html"]
    assert "没有未关闭的质疑" in letters["queries/site-09.zh.html"]


def numbers(page: str) -> list[str]:
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return re.findall(r"\d+", re.sub(r"<[^>]*>", " ", body))


def test_both_languages_have_the_same_numbers(letters: dict[str, str]) -> None:
    for name, page in letters.items():
        if name.endswith(".en.html"):
            other = letters[name.replace(".en.", ".zh.")]
            assert numbers(page) == numbers(other), name
            assert 'lang="zh-CN"' in other and 'lang="en"' in page


def test_counts_stand_in_the_head(letters: dict[str, str]) -> None:
    page = letters["queries/site-07.en.html"]
    assert "Open queries: 2" in page and "before the data can be used: 1" in page
    assert "The entry was changed since it was asked" in page


def test_cells_are_escaped(letters: dict[str, str]) -> None:
    other = next(n for n in letters if n.startswith("queries/site-a-b-") and "en.html" in n)
    assert "&lt;b&gt;" in letters[other] and "<b>" not in letters[other]
    assert "'=1+1" in letters["queries/site-not-named.csv"]


@pytest.mark.parametrize("order", [[7, 6, 5, 4, 3, 2, 1, 0], [3, 1, 7, 5, 0, 2, 4, 6]])
def test_sections_are_in_order_of_subjects(order: list[int], letters: dict[str, str]) -> None:
    found = site_letters(TABLE.iloc[order], ["09", "07"], study="ST", cutoff=CUTOFF)
    assert set(found) == set(letters)


def test_the_report_counts_by_site_and_age() -> None:
    rows = open_queries({"queries": TABLE})
    assert rows == [
        ["07", "0", "1", "1", "2", "1"],
        ["a/b", "0", "1", "0", "1", "0"],
        ["no site", "2", "0", "0", "2", "1"],
    ]
    assert open_queries({}) == []
