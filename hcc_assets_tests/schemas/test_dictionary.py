"""The data dictionary says what the models say, and every published column is described."""

from __future__ import annotations

import html.parser

import pandera.pandas as pa
import pytest

from hcc_assets.schemas.adam import ADAM_MODELS, Adsl
from hcc_assets.schemas.base import Table, columns, table_name
from hcc_assets.schemas.dictionary import (
    COLUMNS,
    data_dictionary,
    dictionary_html,
)
from hcc_assets.schemas.safety import AE_TABLES, AeSummary
from hcc_assets_tests.schemas.models import published_models


def test_one_row_per_column_in_model_order() -> None:
    frame = data_dictionary([AeSummary, Adsl])
    assert list(frame.columns) == list(COLUMNS)
    assert frame.loc[frame["table"] == "ae_summary", "column"].tolist() == list(columns(AeSummary))
    row = frame.loc[(frame["table"] == "ae_summary") & (frame["column"] == "table")].iloc[0]
    assert row["codes"] == " | ".join(AE_TABLES) and row["key"] == "Y" and row["nullable"] == "N"
    pct = frame.loc[(frame["table"] == "ae_summary") & (frame["column"] == "pct")].iloc[0]
    assert (pct["unit"], pct["codes"], pct["type"], pct["nullable"]) == (
        "%",
        "≥ 0; ≤ 100",
        "number",
        "Y",
    )
    assert (
        frame.loc[(frame["table"] == "adsl") & (frame["column"] == "USUBJID"), "label"].item()
        == "Unique Subject Identifier"
    )


def test_every_published_column_and_table_is_described() -> None:
    models = published_models()
    assert {table_name(m) for m in models} >= {
        "subjects",
        "ae_summary",
        "exposure_summary",
        *(n.lower() for n in ADAM_MODELS),
    }
    frame = data_dictionary(models)
    undescribed = frame.loc[
        (frame["description"] == "") | (frame["table_description"] == ""), ["table", "column"]
    ]
    assert undescribed.empty, undescribed.to_string()
    assert not frame.duplicated(["table", "column"]).any()


def test_order_of_models_does_not_matter() -> None:
    models = published_models()
    assert dictionary_html(models) == dictionary_html(reversed(models))


def test_page_is_well_formed_and_escapes_what_the_models_say() -> None:
    class Sharp(Table):
        """Tables with <b>signs</b> & such."""

        x: str = pa.Field(description="less < more & <script>alert(1)</script>")

        class Config(Table.Config):
            name = "sharp"

    page = dictionary_html([Sharp, AeSummary])
    assert "<script>" not in page and "less &lt; more &amp;" in page
    opened: list[str] = []

    class Reader(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag not in ("meta",):
                opened.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert opened.pop() == tag

    Reader().feed(page)
    assert not opened


@pytest.mark.parametrize("model", list(ADAM_MODELS.values()), ids=lambda m: m.__name__)
def test_adam_columns_have_labels(model: type[Table]) -> None:
    assert (data_dictionary([model])["label"] != "").all()


@pytest.mark.parametrize("model", sorted(published_models(), key=table_name), ids=table_name)
def test_columns_are_those_of_the_schema(model: type[Table]) -> None:
    """Read from the declarations, they are what pandera checks."""
    schema = model.to_schema().columns
    told = columns(model)
    assert list(told) == list(schema)
    kinds = {"text": "str", "number": "float64", "integer": "int64", "boolean": "bool"}
    for name, column in schema.items():
        assert str(column.dtype) == kinds.get(told[name]["dtype"], "datetime64[ns]")
        assert told[name]["nullable"] == bool(column.nullable)
        assert told[name]["description"] == (column.description or "")
