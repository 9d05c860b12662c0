"""How a column of a table is declared, and the columns that several tables share."""

from __future__ import annotations

from typing import Any

import pandera.pandas as pa


def column(description: str, *, unit: str = "", **rules: Any) -> Any:
    """A column that every row fills.

    Parameters
    ----------
    description
        What it holds, as in the data dictionary.
    unit
        Of its numbers, as in the data dictionary; none for text and counts.
    rules
        Those of `pandera.Field`: ``isin``, ``ge``, ``le``, ``unique``, ``alias``.
    """
    return pa.Field(description=description, metadata={"unit": unit} if unit else None, **rules)


def maybe(description: str, *, unit: str = "", **rules: Any) -> Any:
    """A column that may be null; parameters are those of `column`."""
    return column(description, unit=unit, nullable=True, **rules)


CONTRAST: Any = column("The two timepoints that are compared, ``pre>post``")
