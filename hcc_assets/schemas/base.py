"""The base of every table model: strict columns, typed empties, errors without values.

Tables themselves live in the sibling modules.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors


class TableRefused(ValueError):
    """A table breaks its model.

    The text names table, column, rule and number of rows, never a value.

    Attributes
    ----------
    problems
        One dict per broken rule: ``table, column, rule, n_rows``.
    """

    def __init__(self, table: str, problems: list[dict[str, Any]]):
        self.table = table
        self.problems = problems
        parts = [f"{p['column']}: {p['rule']} ({p['n_rows']} rows)" for p in problems]
        super().__init__(f"table {table} breaks its schema: " + "; ".join(parts))


class Table(pa.DataFrameModel):
    """Base of all table models: exactly these columns in this order; dates are ``datetime64[ns]``
    at midnight, text is ``object``.

    Column types to use: ``str`` (text, null allowed with ``nullable=True``), ``float`` (any number;
    null when not estimable), ``int``, ``bool`` and ``pd.Timestamp`` (a date). Columns are
    declared by ``schemas.fields``: each has a description, and a unit where it has one. A ``Key``
    class attribute on ``Config.metadata`` is not needed: ``Config.unique`` names the key.
    """

    class Config:
        strict = True
        ordered = False
        coerce = True


def table_name(model: type[Table]) -> str:
    """Published name of a table: ``Config.name``."""
    return cast(str, model.to_schema().name or model.__name__)


def columns(model: type[Table]) -> dict[str, dict[str, Any]]:
    """Columns of a model in order: ``{name: {dtype, nullable, description, unit}}``; dtype is one
    of text, number, integer, boolean, date.

    Read from the declarations: pandera's schema of all models costs half a second, which nobody
    who only loads the definitions should pay.
    """
    declared: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, Table):
            declared |= vars(base).get("__annotations__", {})
    out: dict[str, dict[str, Any]] = {}
    for attribute, annotation in declared.items():
        field = cast(Any, inspect.getattr_static(model, attribute))
        out[field.name] = {
            "dtype": _DTYPES[annotation],
            "nullable": bool(field.nullable),
            "description": field.description or "",
            "unit": (field.metadata or {}).get("unit", ""),
        }
    return out


_DTYPES = {
    "str": "text",
    "float": "number",
    "int": "integer",
    "bool": "boolean",
    "Timestamp": "date",
    "pd.Timestamp": "date",
}
"""By the text of the annotation; modules of models have ``from __future__ import annotations``."""
_EMPTY = {
    "text": "object",
    "number": "float64",
    "integer": "int64",
    "boolean": "bool",
    "date": "datetime64[ns]",
}


def empty(model: type[Table]) -> pd.DataFrame:
    """A frame with no rows and the model's columns and types."""
    return pd.DataFrame(
        {name: pd.Series(dtype=_EMPTY[c["dtype"]]) for name, c in columns(model).items()}
    )


def conform(model: type[Table], frame: pd.DataFrame) -> pd.DataFrame:
    """Order columns, coerce types, validate.

    Returns
    -------
    pandas.DataFrame
        The model's columns in order, index 0..n-1. Text nulls are ``None``, so that a column has
        one null and not three.

    Raises
    ------
    TableRefused
        A column is missing or unknown, or a rule of the model is broken.
    """
    spec = columns(model)
    name = table_name(model)
    problems = [
        {"column": c, "rule": "column is missing", "n_rows": len(frame)}
        for c in spec
        if c not in frame.columns
    ]
    problems += [
        {"column": "?", "rule": "unknown column", "n_rows": len(frame)}
        for c in frame.columns
        if c not in spec
    ]
    if problems:
        raise TableRefused(name, [{"table": name, **p} for p in problems])
    out = pd.DataFrame({c: _typed(frame[c], meta["dtype"]) for c, meta in spec.items()})
    out = out.reset_index(drop=True)
    try:
        return cast(pd.DataFrame, _rules(model).validate(out, lazy=True))
    except SchemaErrors as error:
        cases = error.failure_cases
        grouped = cases.groupby(
            [cases["column"].astype(str), cases["check"].astype(str)], sort=True
        ).size()
        raise TableRefused(
            name,
            [
                {"table": name, "column": column, "rule": rule.split("(")[0], "n_rows": int(count)}
                for (column, rule), count in grouped.items()
            ],
        ) from None


def _typed(column: pd.Series, kind: str) -> pd.Series:
    """A column in the type of its kind; integers and booleans are left to the rules, which tell
    what cannot be one."""
    if kind == "date":
        return pd.to_datetime(column).astype("datetime64[ns]").dt.normalize()
    if kind == "number":
        return pd.to_numeric(column).astype("float64").replace([np.inf, -np.inf], np.nan)
    if kind == "text":
        text: Any = column.astype(object)
        text = text.where(text.notna(), None)
        if pd.api.types.infer_dtype(text, skipna=True) not in ("string", "empty"):
            text = text.map(lambda v: v if v is None else str(v)).astype(object)
        return cast(pd.Series, text)
    return column


@cache
def _rules(model: type[Table]) -> pa.DataFrameSchema:
    """The model without the types that `_typed` gives: to ask for them again, cell by cell, is nine
    tenths of a validation."""
    kinds = {name: meta["dtype"] for name, meta in columns(model).items()}
    given = {name for name, kind in kinds.items() if kind in ("date", "number", "text")}
    rules = model.to_schema().update_columns(
        {name: {"dtype": None, "coerce": False} for name in given}
    )
    rules.coerce = False
    for name in set(kinds) - given:
        rules.columns[name].coerce = True
    return rules


def records(frame: pd.DataFrame) -> Iterator[Any]:
    """The rows of a frame as named tuples of whatever the columns hold."""
    yield from frame.itertuples(index=False)
