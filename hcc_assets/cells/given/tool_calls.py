"""Calls of one sample by another tool, from the file it wrote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from hcc_assets.cells.given.label_map import LabelMap

COLUMNS: Final = ("barcode", "cell_class", "probability")
MAX_BYTES: Final = 256 << 20
"""Of a file: own choice, ten times what a million barcodes take."""


class CallsRefused(ValueError):
    """A file of calls cannot be used; the text says why, without a value of it."""


@dataclass(frozen=True)
class ToolCalls:
    """What another annotator says of one sample.

    Attributes
    ----------
    calls
        ``barcode, cell_class, probability``: a barcode once, classes of ours, probabilities 0 to
        1 or null.
    problems
        What was left out, in sentences.
    """

    annotator: str
    calls: pd.DataFrame
    problems: tuple[str, ...] = ()


def read_calls(path: Path, annotator: str, label_map: LabelMap) -> ToolCalls:
    """Read ``<tool>/<sample>.csv`` or ``.parquet``.

    Rows are left out, and told, whose label is not mapped, whose probability is no number from 0
    to 1, or whose barcode is empty or stands there with two classes.

    Raises
    ------
    CallsRefused
        It is no table, or a column is missing.
    """
    frame = _table(path)
    missing = [c for c in COLUMNS if c not in frame]
    if missing:
        raise CallsRefused(f"has no column {', '.join(missing)}")
    frame = frame[list(COLUMNS)].reset_index(drop=True)
    barcode = frame["barcode"].astype(object).where(frame["barcode"].notna(), "").astype(str)
    label = frame["cell_class"].astype(object).where(frame["cell_class"].notna(), "").astype(str)
    given = frame["probability"]
    number = pd.to_numeric(given, errors="coerce").astype(float)
    blank = given.isna() | (given.astype(str).str.strip() == "")
    names = {name: label_map.of(name) for name in label.unique()}
    ours = label.map(names)
    wrong = (~blank & ~number.between(0, 1)) | (barcode.str.strip() == "")
    problems = [
        f"{int((label == name).sum())} cells with the label {name[:40]!r}, which is not mapped"
        for name in sorted(n for n, known in names.items() if known is None)
    ]
    if wrong.any():
        problems.append(f"{int(wrong.sum())} rows without barcode or with a probability not 0 to 1")
    calls = pd.DataFrame({"barcode": barcode, "cell_class": ours, "probability": number})
    calls = calls[ours.notna() & ~wrong].drop_duplicates(["barcode", "cell_class"])
    twice = calls["barcode"].duplicated(keep=False)
    if twice.any():
        problems.append(f"{calls['barcode'][twice].nunique()} barcodes with two classes")
    calls = calls[~twice].sort_values("barcode", kind="stable").reset_index(drop=True)
    return ToolCalls(annotator, calls, tuple(problems))


def _table(path: Path) -> pd.DataFrame:
    if path.stat().st_size > MAX_BYTES:
        raise CallsRefused(f"is larger than {MAX_BYTES >> 20} MB")
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if path.suffix.lower() == ".parquet":
            there = pq.read_schema(path).names
            return pq.read_table(path, columns=[c for c in COLUMNS if c in there]).to_pandas()
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (pa.ArrowException, ValueError, OSError):
        # parser and decoding errors are ValueErrors; their texts may quote the file
        raise CallsRefused("cannot be read as a table") from None
