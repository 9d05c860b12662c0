"""Two tables of the same figures, held against each other figure by figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

TOLERANCE = 1e-8
"""Largest relative difference of two figures that are the same (issue 12, point 10)."""

NOISE = 1e-13
"""Absolute difference that is none: what rounding leaves of sums that are zero (our choice: a
thousand times the machine's)."""

_SHOWN = 5
"""Faults that a sentence names; the rest are counted (our choice: what one can read)."""


@dataclass(frozen=True)
class Again:
    """What the second engine found.

    Attributes
    ----------
    compared
        Figures that both engines have.
    wrong
        A sentence for each figure that differs: row, column, both values.
    not_made
        What is published and cannot be made again, and why.
    """

    compared: int
    wrong: tuple[str, ...]
    not_made: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The result in one sentence; at most five faults are named."""
        if not self.wrong:
            return f"{self.compared} figures are the same in both engines (relative {TOLERANCE:g})"
        more = len(self.wrong) - _SHOWN
        named = "; ".join(self.wrong[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
        return f"{len(self.wrong)} of {self.compared} figures differ: {named}"

    def __add__(self, other: Again) -> Again:
        return Again(
            self.compared + other.compared,
            (*self.wrong, *other.wrong),
            (*self.not_made, *other.not_made),
        )


def compare(
    published: pd.DataFrame,
    again: pd.DataFrame,
    keys: Sequence[str],
    *,
    floors: Mapping[str, float] | None = None,
    not_made: Sequence[str] = (),
) -> Again:
    """Hold a published table against one that was made again.

    Parameters
    ----------
    published
        The table; only its rows and columns that ``again`` has are compared.
    again
        ``keys`` and the figures; a null is a figure that cannot be estimated, and must be null in
        the published table too.
    keys
        Columns that name a row.
    floors
        Absolute difference that is allowed in a column, where its estimator has a tolerance of its
        own; else `NOISE`.

    Returns
    -------
    Again
        Rows of ``again`` that the table lacks are faults.
    """
    columns = [c for c in again.columns if c not in keys]
    here = {
        tuple(_plain(row[k]) for k in keys): row
        for row in published[[*keys, *columns]].to_dict("records")
    }
    wrong: list[str] = []
    compared = 0
    for row in again.to_dict("records"):
        name = ", ".join(f"{k} {_text(row[k])}" for k in keys)
        there = here.get(tuple(_plain(row[k]) for k in keys))
        if there is None:
            wrong.append(f"{name}: the row is missing")
            continue
        for column in columns:
            compared += 1
            first, second = there[column], row[column]
            if not _same(first, second, (floors or {}).get(column, NOISE)):
                wrong.append(f"{name}: {column} is {_text(first)}, second engine {_text(second)}")
    return Again(compared, tuple(wrong), tuple(not_made))


def _plain(value: Any) -> Any:
    return None if pd.isna(value) else value


def _text(value: Any) -> str:
    if pd.isna(value):
        return "NE"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _same(first: Any, second: Any, floor: float) -> bool:
    if pd.isna(first) or pd.isna(second):
        return bool(pd.isna(first) and pd.isna(second))
    if isinstance(first, str) or isinstance(second, str):
        return first == second
    one, two = float(first), float(second)
    return one == two or abs(one - two) <= floor + TOLERANCE * max(abs(one), abs(two))
