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
