"""One delivered table before anything is typed: the form that every reader of a file format
gives."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from hcc_assets.clinical.reading.refusal import DomainRefused
from hcc_assets.clinical.reading.text import clean_code


@dataclass(frozen=True)
class RawTable:
    """One delivered table, untyped.

    Attributes
    ----------
    columns
        Names as delivered.
    frame
        Text per cell (``object``, ``None`` for empty), positional column labels 0..n-1, index = row
        number in the file (1 = first data row).
    encoding, delimiter
        What was recognised, for text files.
    """

    columns: tuple[str, ...]
    frame: pd.DataFrame
    encoding: str = ""
    delimiter: str = ""


def finish_raw(
    names: list[str], frame: pd.DataFrame, *, encoding: str = "", delimiter: str = ""
) -> RawTable:
    """Drop wholly empty rows and nameless empty columns; refuse values without a column name.

    Parameters
    ----------
    names
        Header as delivered.
    frame
        Text cells with positional column labels; index = row number.
    """
    keep = []
    for i, name in enumerate(names):
        if clean_code(name or ""):
            keep.append(i)
        elif frame[i].notna().any():
            row = int(frame.index[frame[i].notna()][0])
            raise DomainRefused(
                "nameless_column",
                f"row {row}: column {i + 1} has values and no name; name it or remove it",
            )
    kept = frame[keep]
    if len(keep) and len(kept):
        kept = kept[kept.notna().any(axis=1)]
    kept.columns = pd.RangeIndex(len(keep))
    return RawTable(tuple(names[i] for i in keep), kept, encoding, delimiter)
