"""The data dictionary is that of the table models.

To renew ``docs/data_dictionary.md``:
``HCC_RENEW_SNAPSHOT=1 pytest hcc_assets_tests/test_data_dictionary.py``.
"""

from __future__ import annotations

import os
from pathlib import Path

from hcc_assets.catalogue.loading import all_assets
from hcc_assets.schemas.adam import ADAM_MODELS
from hcc_assets.schemas.base import table_name
from hcc_assets.schemas.dictionary import data_dictionary
from hcc_assets.study.partial_dates import PARTIAL_DATES
from hcc_assets.study.sdtm_variables import DOMAINS
from hcc_assets_tests.schemas.models import published_models

DICTIONARY = Path(__file__).resolve().parents[1] / "docs" / "data_dictionary.md"


def dictionary_markdown() -> str:
    """The data dictionary as one page, from the table models."""
    assets = all_assets()
    adam = {table_name(m) for m in ADAM_MODELS.values()}
    published = {
        r.model.to_schema().name: name for name, r in assets.items() if r.model is not None
    }
    groups: dict[str, list[str]] = {
        "Published tables": [],
        "Files of `hcc export adam`": [],
        "In the store and between functions": [],
    }
    frame = data_dictionary(published_models())
    for name in sorted(frame["table"].unique()):
        place = (
            "Published tables"
            if name in published
            else "Files of `hcc export adam`"
            if name in adam
            else "In the store and between functions"
        )
        groups[place].append(name)
    lines = [
        "# Data dictionary",
        "",
        "Every table and column, generated from the table models in `hcc_assets/schemas/`; not "
        "edited by hand (CONTRIBUTING says how it is renewed).",
        "Types: text, number, integer, boolean, date. `null` is allowed where it says so and "
        "means not known or not estimable. K marks the columns of the key.",
    ]
    for group, names in groups.items():
        lines += ["", f"## {group}", "", ", ".join(f"[{n}](#{n})" for n in names)]
        for name in names:
            rows = frame[frame["table"] == name]
            lines += [
                "",
                f"### {name}",
                "",
                rows["table_description"].iloc[0],
                "",
                "| column | type | | unit | codes | meaning |",
                "|---|---|---|---|---|---|",
            ]
            for row in rows.to_dict("records"):
                marks = " ".join(
                    m
                    for m, yes in (("K", row["key"] == "Y"), ("null", row["nullable"] == "Y"))
                    if yes
                )
                cells = [
                    f"`{row['column']}`",
                    row["type"],
                    marks,
                    row["unit"],
                    row["codes"],
                    row["description"],
                ]
                lines.append("| " + " | ".join(str(c).replace("|", "\\|") for c in cells) + " |")
    lines += [
        "",
        "## Partial dates",
        "",
        "A date that is not whole stands for one day of its period, and the flag beside it says "
        "what was imputed (`D` day, `M` month and day, `Y` all). The day is moved only within the "
        "period that was delivered. A partial date that can move an endpoint is a finding of its "
        "subject.",
        "",
        "| delivered | table | day, flag | rule | not before | unless |",
        "|---|---|---|---|---|---|",
    ]
    for column, rule in PARTIAL_DATES.items():
        lines.append(
            f"| `{column}` | `{rule.table}` | `{rule.date}`, `{rule.date}F` | {rule.side} possible "
            f"day | {rule.not_before} | {rule.unless} |"
        )
    return "\n".join(lines) + "\n"


def test_data_dictionary_is_that_of_the_models() -> None:
    wanted = dictionary_markdown()
    if os.environ.get("HCC_RENEW_SNAPSHOT"):
        DICTIONARY.write_text(wanted, encoding="utf-8")
    assert DICTIONARY.exists(), "renew it as the docstring of this module says"
    assert DICTIONARY.read_text(encoding="utf-8") == wanted, (
        "a table model has changed: renew docs/data_dictionary.md as the docstring of this module "
        "says, and look"
    )


def test_every_date_that_is_read_has_its_rule() -> None:
    read = {c for spec in DOMAINS.values() for c in spec.dates}
    assert read == set(PARTIAL_DATES)
