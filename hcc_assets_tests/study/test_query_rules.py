"""The catalogue of questions: every check that asks a person has both texts, with the same numbers,
and what it is known by are columns that there are."""

from __future__ import annotations

import re

import pytest

from hcc_assets.clinical.checks.run import CHECKS
from hcc_assets.clinical.queries.natural_keys import RECORD, SECOND, TABLES
from hcc_assets.schemas import clinical as models
from hcc_assets.schemas.base import columns, table_name
from hcc_assets.study.query_rules import ANY_FIELD, LANGUAGES, QueryRule, echoes, query_rules

INFORMATION = {i for i, check in CHECKS.items() if check.severity == "I"} - {"RD07"}
"""RD07 is a query of the subject where a column is written both ways."""

COLUMNS = {
    table_name(m): set(columns(m))
    for m in vars(models).values()
    if isinstance(m, type) and m.__module__ == models.__name__
}


def test_every_check_that_asks_has_its_question() -> None:
    assert set(query_rules()) == set(CHECKS) - INFORMATION


@pytest.mark.parametrize("rule", query_rules().values(), ids=lambda r: r.check_id)
def test_both_languages_say_the_same_numbers(rule: QueryRule) -> None:
    numbers = [sorted(re.findall(r"\d+", rule.texts[language])) for language in LANGUAGES]
    assert numbers[0] == numbers[1]
    assert rule.texts["en"].endswith(".") and rule.texts["zh"].endswith("。")
    assert "please" in rule.texts["en"].casefold() and "请" in rule.texts["zh"]


@pytest.mark.parametrize("rule", query_rules().values(), ids=lambda r: r.check_id)
def test_keys_and_fields_are_columns_of_the_table(rule: QueryRule) -> None:
    check = CHECKS[rule.check_id]
    domain = rule.source or check.domain
    for field in rule.fields:
        place = "DM" if field.startswith("DM.") else domain
        if field != ANY_FIELD and rule.check_id != "CM01" and not rule.check_id.startswith("LB03"):
            known = COLUMNS.get(TABLES.get(place, ""), set()) | COLUMNS["subjects"]
            assert field.removeprefix("DM.") in known, field
    known = COLUMNS.get(TABLES.get(domain, ""), set()) | COLUMNS["vital_signs"]
    named = [n for column in rule.record or () for n in column.split("|")]
    assert set(named) <= known


@pytest.mark.parametrize("domain", sorted(RECORD))
def test_natural_keys_are_columns_of_the_table(domain: str) -> None:
    for column in (*RECORD[domain], *SECOND.get(domain, ())):
        assert set(column.split("|")) <= COLUMNS[TABLES[domain]]


def test_echoes_name_checks_and_never_lead_back() -> None:
    causes: dict[str, set[str]] = {}
    for echo in echoes():
        assert {echo.effect, echo.cause} <= set(query_rules())
        assert echo.scope in ("subject", "onward", "record") and echo.severity in ("", "E", "Q")
        assert echo.why
        causes.setdefault(echo.effect, set()).add(echo.cause)
    for effect in causes:
        seen, front = set[str](), causes[effect]
        while front:
            seen |= front
            front = {c for f in front for c in causes.get(f, ())} - seen
        assert effect not in seen
