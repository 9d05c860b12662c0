"""One delivered table before anything is typed, as a frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hcc_assets.clinical.reading.characters import clean_code
from hcc_assets.clinical.reading.files.cells import Cells
from hcc_assets.clinical.reading.refusal import DomainRefused


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


def as_table(cells: Cells) -> RawTable:
    """The frame of plain cells, without wholly empty rows and nameless empty columns.

    Raises
    ------
    DomainRefused
        Values in a column without a name.
    """
    n_rows = len(cells.columns[0]) if cells.columns else 0
    frame = pd.DataFrame(
        {i: _column(values) for i, values in enumerate(cells.columns)},
        index=pd.RangeIndex(1, n_rows + 1),
    )
    keep = []
    for i, name in enumerate(cells.names):
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
    names = tuple(cells.names[i] for i in keep)
    return RawTable(names, kept, cells.encoding, cells.delimiter)


def _column(values: list[str | None]) -> np.ndarray:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out
