"""Tables and images as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def table(rows: Iterable[Mapping[str, Any]], heads: Mapping[str, str]) -> str:
    """A Markdown table of the chosen fields."""
    lines = ["| " + " | ".join(heads.values()) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(cell(row.get(field)) for field in heads) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def image(name: str, words: str) -> str:
    return f"![{words}](images/performance/{name}.svg)\n"


def listed(values: Mapping[str, float]) -> str:
    return ", ".join(f"{case} {value:.2f}" for case, value in values.items())
