"""Response criteria: their names, how deliveries write them, and the rows of one of them.

TRCAT, TUCAT and RSCAT name the criterion that a row belongs to. RECIST 1.1 (Eisenhauer 2009) and
mRECIST for hepatocellular carcinoma (Lencioni & Llovet 2010; Lencioni 2020) are derived, each from
its own rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import pandas as pd

RECIST: Final = "RECIST 1.1"
MRECIST: Final = "mRECIST"
DERIVED: Final = (RECIST, MRECIST)
"""Criteria that responses are derived by."""

_SPELLINGS: Final = {
    "": RECIST,
    "RECIST": RECIST,
    "RECIST11": RECIST,
    "RECISTV11": RECIST,
    "RECISTVERSION11": RECIST,
    "MRECIST": MRECIST,
    "MODIFIEDRECIST": MRECIST,
    "MRECISTHCC": MRECIST,
    "MRECISTFORHCC": MRECIST,
    "HCCMRECIST": MRECIST,
}
"""Letters and digits of what deliveries write, upper case."""


def criterion_of(category: pd.Series) -> pd.Series:
    """Criterion of each row from its --CAT: blank is RECIST 1.1, an unknown word stays itself."""

    def named(text: object) -> str:
        word = "" if pd.isna(text) else str(text)  # type: ignore[call-overload]
        return _SPELLINGS.get(re.sub(r"[^A-Z0-9]", "", word.upper()), word.strip())

    known = {text: named(text) for text in category.unique()}
    return category.map(known).fillna(RECIST).astype(object)


def rows_of(frame: pd.DataFrame, criterion: str) -> pd.DataFrame:
    """The rows of one criterion."""
    return frame[frame["CRITERION"] == criterion].reset_index(drop=True)


def delivered(table: pd.DataFrame, wanted: Sequence[str]) -> list[str]:
    """Criteria to derive or draw: the first of ``wanted``, the endpoint's, and the others that
    have rows."""
    there = set(table["CRITERION"])
    return [c for i, c in enumerate(wanted) if i == 0 or c in there]


def suffix(criterion: str, wanted: Sequence[str]) -> str:
    """What the names of a criterion's figures end with: nothing for the first of ``wanted``, the
    endpoint's; ``_mrecist`` for mRECIST beside it."""
    return "" if criterion == wanted[0] else "_" + re.sub(r"\W+", "_", criterion.lower())
