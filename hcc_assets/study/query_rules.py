"""What a query to a site is known by, what it asks in English and Chinese, and which findings only
echo another one, as data.

``query_rules.csv`` has one row a check, ``query_echoes.csv`` one row a pair of checks. How a
finding becomes a query belongs to ``clinical.queries``.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

LANGUAGES = ("en", "zh")

SUBJECT, ONWARD, RECORD = "subject", "onward", "record"
"""How far a cause reaches: the whole subject, its visit and later ones, the same record."""

ANY_FIELD = "*"
"""A check on every column: the field is the one that its sentence names."""


@dataclass(frozen=True)
class QueryRule:
    """How findings of one check are asked.

    Attributes
    ----------
    source
        Domain whose rows the finding names, where it is not its own.
    record
        Columns that tell one record of the subject from another, ``A|B``: the first that is
        filled; None for those of the domain, empty where a subject has one query of this check.
    fields
        Columns whose values are asked about; ``DM.`` before a column of the subject's row.
    texts
        The question by language.
    """

    check_id: str
    source: str
    record: tuple[str, ...] | None
    fields: tuple[str, ...]
    texts: dict[str, str]


@dataclass(frozen=True)
class Echo:
    """``effect`` follows from ``cause`` as far as ``scope`` reaches; ``severity`` of the cause
    where only that one has the effect."""

    effect: str
    cause: str
    scope: str
    severity: str
    why: str


def _rows(name: str) -> list[dict[str, str]]:
    text = files("hcc_assets.study").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


@lru_cache(maxsize=1)
def query_rules() -> dict[str, QueryRule]:
    """Every rule by its check."""
    return {
        row["check_id"]: QueryRule(
            row["check_id"],
            row["source"],
            None if not row["record"] else tuple(row["record"].replace("-", "").split()),
            tuple(row["fields"].split()),
            {language: row[language] for language in LANGUAGES},
        )
        for row in _rows("query_rules.csv")
    }


@lru_cache(maxsize=1)
def echoes() -> tuple[Echo, ...]:
    """Every pair of cause and effect."""
    return tuple(
        Echo(row["effect"], row["cause"], row["scope"], row["severity"], row["why"])
        for row in _rows("query_echoes.csv")
    )
