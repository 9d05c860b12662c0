"""The data dictionary: every table and column that the project publishes, generated from the table
models. No table is described here by hand."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any, Final

import pandas as pd

from hcc_assets.schemas.base import Table, columns, table_name

COLUMNS: Final = (
    "table",
    "table_description",
    "position",
    "column",
    "label",
    "type",
    "nullable",
    "key",
    "unit",
    "codes",
    "description",
)

_STYLE = """
body{font:14px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color:#222}
table{border-collapse:collapse;width:100%;margin:.5rem 0 2rem}
th,td{text-align:left;vertical-align:top;padding:.3rem .5rem;border-bottom:1px solid #ddd}
th{background:#f3f5f8}
code{font:13px ui-monospace,monospace}
nav a{margin-right:1rem}
h2{margin-top:2.5rem}
"""


def _codes(column: Any) -> str:
    """Allowed values of a column, and its bounds."""
    found = []
    for check in column.checks:
        known = dict(check.statistics or {})
        if "allowed_values" in known:
            found.append(" | ".join(str(v) for v in known["allowed_values"]))
        for name, sign in (("min_value", "≥"), ("max_value", "≤")):
            if name in known:
                found.append(f"{sign} {known[name]:g}")
    return "; ".join(found)


def _summary(model: type[Table]) -> str:
    return " ".join((model.__doc__ or "").split())


def data_dictionary(models: Iterable[type[Table]]) -> pd.DataFrame:
    """One row per column of the given models.

    Parameters
    ----------
    models
        Table models; sorted by their published name.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`: table and its description, position from 1, column, label (where the model has
        one), type (text, number, integer, boolean, date), whether null is allowed and whether it is
        part of the key (Y/N), unit, codes or bounds, description.
    """
    rows = []
    for model in sorted(models, key=table_name):
        schema = model.to_schema()
        unique = [schema.unique] if isinstance(schema.unique, str) else list(schema.unique or [])
        for position, (name, spec) in enumerate(columns(model).items(), start=1):
            column = schema.columns[name]
            rows.append(
                {
                    "table": table_name(model),
                    "table_description": _summary(model),
                    "position": position,
                    "column": name,
                    "label": column.title or "",
                    "type": spec["dtype"],
                    "nullable": "Y" if spec["nullable"] else "N",
                    "key": "Y" if name in unique or bool(column.unique) else "N",
                    "unit": spec["unit"],
                    "codes": _codes(column),
                    "description": spec["description"],
                }
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def dictionary_html(models: Iterable[type[Table]], *, title: str = "Data dictionary") -> str:
    """The dictionary as one self-contained page: contents, then one section per table."""
    frame = data_dictionary(models)
    parts = [
        "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'>"
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{html.escape(title)}</h1><nav>",
    ]
    parts += [
        f"<a href='#{html.escape(name)}'>{html.escape(name)}</a>"
        for name in frame["table"].unique()
    ]
    parts.append("</nav>")
    shown = ["column", "label", "type", "nullable", "key", "unit", "codes", "description"]
    for name, rows in frame.groupby("table", sort=True):
        table = html.escape(str(name))
        about = html.escape(rows["table_description"].iloc[0])
        parts.append(f"<section><h2 id='{table}'>{table}</h2><p>{about}</p>")
        parts.append(
            "<table><thead><tr>"
            + "".join(f"<th scope='col'>{c}</th>" for c in shown)
            + "</tr></thead><tbody>"
        )
        for row in rows[shown].itertuples(index=False):
            cells = [
                f"<td><code>{html.escape(str(row[0]))}</code></td>",
                *(f"<td>{html.escape(str(v))}</td>" for v in row[1:]),
            ]
            parts.append("<tr>" + "".join(cells) + "</tr>")
        parts.append("</tbody></table></section>")
    parts.append("</body></html>")
    return "\n".join(parts) + "\n"
