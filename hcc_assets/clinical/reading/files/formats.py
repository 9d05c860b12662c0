"""A delivered file to its raw table, by the ending of its name.

Every reader gives the same ``Cells`` for the same content: text as written, null for an empty
cell, numbers of binary formats in their shortest decimal form (15 significant digits, no
exponent, no trailing ``.0``), dates of binary formats in ISO 8601. Typing is in ``typed``. The
libraries of a format are loaded with its first file.
"""

from __future__ import annotations

from pathlib import Path

from hcc_assets.clinical.reading.files.cells import Cells, judge_bytes, judge_text
from hcc_assets.clinical.reading.files.text_files import read_csv
from hcc_assets.clinical.reading.refusal import DomainRefused

_KINDS = {
    ".csv": "delimited text",
    ".xlsx": "Excel workbook",
    ".xpt": "SAS transport file",
    ".sas7bdat": "SAS data set",
    ".parquet": "Parquet file",
    ".json": "Dataset-JSON",
    ".ndjson": "Dataset-JSON",
}
SUFFIXES = tuple(_KINDS)


def read_cells(path: Path, known: frozenset[str] = frozenset(), *, whole: bool = False) -> Cells:
    """Read one file by its suffix. Deliveries are read so in a child process only (``apart``).

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
        The file is not readable as what its name says, is cut or too large, or its rows do not fit
        its header. Whatever a library raises is such a refusal.
    MemoryError
        The file asks for more memory than there is.
    """
    try:
        cells = _read(path, known, whole=whole)
        judge_text([[name] for name in cells.names])
        judge_text(cells.columns)
    except (DomainRefused, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - a refusal, whatever it is
        kind = _KINDS.get(path.suffix.lower(), "table")
        raise DomainRefused("unreadable", _unreadable(kind, error)) from None
    return cells


def _unreadable(kind: str, error: Exception) -> str:
    """What may be told of an unexpected exception: its kind; its text may quote the file."""
    return f"the file is no readable {kind} ({type(error).__name__}); correct it or send it again"


def _read(path: Path, known: frozenset[str], *, whole: bool) -> Cells:
    suffix = path.suffix.lower()
    if suffix in (".csv", ".json", ".ndjson"):
        judge_bytes(path.stat().st_size)
    if suffix == ".csv":
        return read_csv(path.read_bytes(), known, whole=whole)
    if suffix in (".json", ".ndjson"):
        from hcc_assets.clinical.reading.files.dataset_json import read_dataset_json

        return read_dataset_json(path.read_bytes())
    from hcc_assets.clinical.reading.files import binary_files

    if suffix == ".xlsx":
        return binary_files.read_xlsx(path)
    if suffix == ".xpt":
        return binary_files.read_xpt(path)
    if suffix == ".sas7bdat":
        return binary_files.read_sas7bdat(path)
    if suffix == ".parquet":
        return binary_files.read_parquet(path)
    raise DomainRefused("format", f"the file type is none of {' '.join(SUFFIXES)}")
