"""A delivered file to its raw table, by the ending of its name.

Every reader gives the same ``RawTable`` for the same content: text as written, null for an empty
cell, numbers of binary formats in their shortest decimal form (15 significant digits, no
exponent, no trailing ``.0``), dates of binary formats in ISO 8601. Typing is in ``typed``.
"""

from __future__ import annotations

from pathlib import Path

from hcc_assets.clinical.reading.binary_files import (
    read_parquet,
    read_sas7bdat,
    read_xlsx,
    read_xpt,
)
from hcc_assets.clinical.reading.dataset_json import read_dataset_json
from hcc_assets.clinical.reading.raw_table import RawTable
from hcc_assets.clinical.reading.refusal import DomainRefused
from hcc_assets.clinical.reading.text_files import read_csv

SUFFIXES = (".csv", ".xlsx", ".xpt", ".sas7bdat", ".parquet", ".json", ".ndjson")


def read_raw(path: Path, known: frozenset[str] = frozenset(), *, whole: bool = False) -> RawTable:
    """Read one file by its suffix.

    Parameters
    ----------
    path
        Local file.
    known
        Upper-case column names that the table may have; they decide between delimiters.
    whole
        True when the delivery has proven that it is complete (``_DONE`` or a manifest that agrees):
        a last line without a line end is then taken.

    Raises
    ------
    DomainRefused
        The file is not readable as what its name says, is cut, or its rows do not fit its header.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return read_csv(path.read_bytes(), known, whole=whole)
    if suffix == ".xlsx":
        return read_xlsx(path)
    if suffix == ".xpt":
        return read_xpt(path)
    if suffix == ".sas7bdat":
        return read_sas7bdat(path)
    if suffix == ".parquet":
        return read_parquet(path)
    if suffix in (".json", ".ndjson"):
        return read_dataset_json(path.read_bytes())
    raise DomainRefused("format", f"the file type is none of {' '.join(SUFFIXES)}")
