"""Query letters: who gets which query, escaping, one page per letter."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from hcc_assets.report.query_letters import query_letter

COLUMNS = ["check_id", "severity", "domain", "subject_id", "row_key", "message"]
ISSUES = pd.DataFrame(
    [
        (
            "AE03",
            "E",
            "AE",
            "S1",
            "ae row 12",
            "ae row 12: AEENDTC is before AESTDTC; correct one of the dates",
        ),
        ("DM03", "Q", "DM", "S1", "dm row 1", "dm row 1: SEX is not M, F or U; correct the code"),
        ("TR04", "Q", "TR", "S2", "tr row 3", "tr row 3: <b>small</b>"),
        ("RD02", "Q", "AE", None, None, "ae: column X is unknown and was left out"),
        ("RD01", "I", "AE", None, None, "ae: the export has no AEACN"),
    ],
    columns=COLUMNS,
)
SUBJECTS = pd.DataFrame({"USUBJID": ["S1", "S2"], "SITEID": ["07", None]})


def test_a_letter_for_one_subject() -> None:
    page = query_letter(ISSUES, "S1", study="ST", subjects=SUBJECTS, date=dt.date(2026, 11, 22))
    assert page.count("<section>") == 1
    assert "AEENDTC is before AESTDTC; correct one of the dates" in page and "ae row 12" in page
    assert "SEX is not M" in page and "S2" not in page and "RD01" not in page
    assert "Site 07" in page and "2026-11-22" in page and "2 queries, 1 of them" in page


def test_letters_for_all_subjects_and_for_sites() -> None:
    page = query_letter(ISSUES)
    assert page.count("<section>") == 3  # the delivery, S1, S2
    assert "&lt;b&gt;small" in page
    by_site = query_letter(ISSUES, subjects=SUBJECTS, by="site")
    assert "site 07" in by_site and "site not named" in by_site
    one = query_letter(ISSUES, subjects=SUBJECTS, by="site", site="07")
    assert one.count("<section>") == 1 and "S2" not in one


def test_nothing_to_ask() -> None:
    assert "No query is open" in query_letter(ISSUES.iloc[:0])


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 2, 0, 3, 1]])
def test_order_of_the_issues_does_not_matter(order: list[int]) -> None:
    assert query_letter(ISSUES.iloc[order]) == query_letter(ISSUES)
