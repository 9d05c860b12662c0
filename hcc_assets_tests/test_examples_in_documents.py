"""What stands below each example of the documents is what it prints, and generated sections are
those of the code."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
sys.path.insert(0, str(DOCS / "examples"))

import analysis_plan  # noqa: E402
import documents  # noqa: E402

from hcc_assets.study.config import parse_config  # noqa: E402

PAGES = documents.pages()
RENEW = "python docs/examples/documents.py renews it"


def test_the_pages_of_rules_and_numbers_have_examples() -> None:
    assert {"clinical_rules.md", "statistician.md"} <= {page.name for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_examples_print_what_stands_below_them(page: Path) -> None:
    for one in documents.run(page.read_text(encoding="utf-8")):
        assert one.printed == one.stands, f"{page.name} line {one.line + 1}: {RENEW}"


def test_every_section_of_rules_has_an_example() -> None:
    text = (DOCS / "clinical_rules.md").read_text(encoding="utf-8")
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    rules = [s for s in sections if re.match(r"\d", s)]
    assert len(rules) == 8
    assert not [s.splitlines()[0] for s in rules if ">>> " not in s or "\n| rule |" not in s]


def test_a_changed_result_would_be_found_and_renewed() -> None:
    text = "Words.\n\n```pycon\n>>> 1 + 1\n3\n>>> print('a\\n\\nb')\n```\n"
    assert [one.printed == one.stands for one in documents.run(text)] == [False, False]
    after = documents.renewed(text)
    assert (
        after == "Words.\n\n```pycon\n>>> 1 + 1\n2\n>>> print('a\\n\\nb')\na\n<BLANKLINE>\nb\n```\n"
    )
    assert all(one.printed == one.stands for one in documents.run(after))


def test_the_text_for_the_plan_is_that_of_the_settings() -> None:
    page = (DOCS / "statistician.md").read_text(encoding="utf-8")
    assert f"<!-- made by analysis_plan.py -->\n{analysis_plan.section()}<!-- end -->" in page, (
        RENEW
    )


def test_other_settings_are_other_text() -> None:
    settings = """
    study.data_cutoff = 2026-03-31
    pfs = {primary = "PFS_FDA", max_gap_days = 101, landmarks_months = [9], median_rule = "left"}
    safety.teae_window_days = 28
    labs.hys_law_days = 14
    samples = {timepoints = ["base", "week4", "end"], contrasts = [["base", "end"]]}
    [recist]
    criteria = ["mRECIST"]
    headline = "BOR"
    endpoint_reader = "BICR"
    sd_minimum_days = 49
    confirmation_days = 30
    max_ne_between = 2
    max_sd_between = 3
    sticky_pr = true
    node_reappearance = "pd_rule"
    afp_for_cr = true
    [single_cell]
    primary_denominator = "immune"
    min_pairs = 7
    [simon]
    r1 = 1
    n1 = 11
    r = 5
    n = 29
    """
    text = " ".join(analysis_plan.section(parse_config(settings)).split())
    for said in (
        "The data cut-off is 2026-03-31.",
        "The primary PFS is `PFS_FDA`.",
        "within 101 days",
        "more than 101 days",
        "Survival at 9 months",
        "the left end of that stretch",
        "to 28 days after the last day of treatment",
        "within 14 days",
        "base with end",
        "derived from the measured lesions by mRECIST.",
        "The reader is BICR;",
        "an assessment 49 days after",
        "at least 30 days later, with at most 2 NE and at most 3 SD",
        "The unconfirmed best response is the headline",
        "A confirmed PR is kept",
        "is judged by 20 % and 5 mm",
        "has no CR",
        "denominator is `immune`",
        "fewer than 7 patients",
        "stops after 11 subjects with 1 or fewer responses",
        "is the only test",
        "Response: confirmed best response",
        "SD from day 42",
        "PFS: `PFS_TP`",
    ):
        assert said in text, said
    assert "RECIST 1.1" not in text
