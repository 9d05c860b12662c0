"""What stands below each example of the documents is what it prints, and generated sections are
those of the code."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
sys.path.insert(0, str(DOCS / "examples"))

import documents  # noqa: E402

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
    assert after == "Words.\n\n```pycon\n>>> 1 + 1\n2\n>>> print('a\\n\\nb')\na\n<BLANKLINE>\nb\n```\n"
    assert all(one.printed == one.stands for one in documents.run(after))
