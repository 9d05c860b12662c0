"""How numbers are written for a reader: NE for what cannot be estimated, intervals in brackets,
p-values without false precision."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

NE = "NE"
"""Printed where a statistic is not estimable."""


def missing(value: Any) -> bool:
    """True for null, NaN and infinite."""
    return (
        value is None or value is pd.NaT or (isinstance(value, float) and not math.isfinite(value))
    )


def number(value: Any, digits: int = 1) -> str:
    """A number with fixed decimals, or NE."""
    return NE if missing(value) else f"{float(value):.{digits}f}"


def percent(value: float) -> float:
    """A share of 1 in percent."""
    return value * 100


def interval(low: Any, high: Any, digits: int = 1) -> str:
    """``low to high``; each bound alone may be NE."""
    return f"{number(low, digits)} to {number(high, digits)}"


def estimate(value: Any, low: Any, high: Any, digits: int = 1) -> str:
    """``value (low to high)``, or NE alone when there is no estimate."""
    return NE if missing(value) else f"{number(value, digits)} ({interval(low, high, digits)})"


def share(value: float, low: float, high: float, digits: int = 1) -> str:
    """As ``estimate``, of shares of 1 in percent."""
    return estimate(percent(value), percent(low), percent(high), digits)


def p_value(value: Any) -> str:
    """Two significant figures; ``<0.001`` below."""
    if missing(value):
        return NE
    return "<0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def date(value: Any) -> str:
    """``14 Nov 2026``, or a dash."""
    return "–" if missing(value) else f"{pd.Timestamp(value):%-d %b %Y}"


def sentence(text: str) -> str:
    """Coded words (``TREATMENT ENDED``) as a person writes them."""
    return text[:1].upper() + text[1:].lower() if text.isupper() else text


def plain(name: str) -> str:
    """A column or class name as words."""
    return {"T": "T cells", "B": "B cells", "NK": "NK cells", "all": "all cells"}.get(
        name, name.replace("_", " ")
    )
