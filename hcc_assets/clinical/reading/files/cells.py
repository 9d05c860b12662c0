"""One delivered table as plain lists of text: what every reader of a file format gives, and what
the child that reads hands back. And how large a table may be."""

from __future__ import annotations

from dataclasses import dataclass

from hcc_assets.clinical.reading.refusal import DomainRefused

MAX_CELLS = 5_000_000
"""Rows times columns of one table. Ours: 300 subjects have fewer than 2 million cells of laboratory
values, and so many cells of any format are read within `MEMORY_MB` of ``apart``."""

MAX_ROWS = 500_000
"""Rows of one table. Ours: 300 subjects have a fifth of that in laboratory values; a workbook that
fills its sheet says 1,048,576 and means none."""

MAX_COLUMNS = 1_000
"""Columns of one table. Ours: ten times what the widest SDTM domain has."""

MAX_BYTES = 128 << 20
"""Bytes of a text file (CSV, JSON), which is held whole. Ours: 5 million cells of 25 characters."""

MAX_UNPACKED = 512 << 20
"""Bytes of a workbook without its compression, which is read as a stream. Ours: 5 million cells
take 200 to 400 MB of XML."""

MAX_TEXT = 1 << 17
"""Characters of one cell: the limit of Python's ``csv``; Excel's is a quarter of it."""


@dataclass(frozen=True)
class Cells:
    """One delivered table, untyped.

    Attributes
    ----------
    names
        Header as delivered.
    columns
        Text per cell, ``None`` for empty; a list per name, all of one length.
    encoding, delimiter
        What was recognised, for text files.
    """

    names: list[str]
    columns: list[list[str | None]]
    encoding: str = ""
    delimiter: str = ""


def judge_size(rows: int, columns: int) -> None:
    """Refuse a table by what its file announces, before it is read.

    Raises
    ------
    DomainRefused
        ``too_large``.
    """
    if rows > MAX_ROWS or columns > MAX_COLUMNS or rows * columns > MAX_CELLS:
        raise DomainRefused(
            "too_large",
            f"the table says that it has {rows:,} rows and {columns:,} columns; at most "
            f"{MAX_ROWS:,} rows, {MAX_COLUMNS:,} columns and {MAX_CELLS:,} cells are read: remove "
            "empty rows and columns below and beside it, or ask for a smaller export",
        )


def judge_marks(lines: int, delimiters: int) -> None:
    """Refuse a text by its marks, before it is split. Those inside free text are marks too, so
    twice as many pass as there may be cells.

    Raises
    ------
    DomainRefused
        ``too_large``.
    """
    if lines + delimiters > 2 * MAX_CELLS:
        judge_size(lines, 1 + delimiters // max(1, lines))
        judge_size(MAX_ROWS, MAX_COLUMNS)


def judge_bytes(size: int, most: int = MAX_BYTES) -> None:
    """Refuse a file by its size, before it is read.

    Raises
    ------
    DomainRefused
        ``too_large``.
    """
    if size > most:
        raise DomainRefused(
            "too_large",
            f"the file has {size >> 20:,} MB unpacked; at most {most >> 20} MB are read of one "
            "table",
        )


def judge_text(columns: list[list[str | None]]) -> None:
    """Refuse text that no format may carry.

    Raises
    ------
    DomainRefused
        ``too_large`` for a cell of more than `MAX_TEXT` characters, ``encoding`` for half a
        character (a lone surrogate).
    """
    for number, column in enumerate(columns, start=1):
        for row, text in enumerate(column, start=1):
            if text is None or (text.isascii() and len(text) <= MAX_TEXT):
                continue
            if len(text) > MAX_TEXT:
                raise DomainRefused(
                    "too_large",
                    f"row {row}: column {number} has a text of more than {MAX_TEXT:,} characters",
                )
            if any("\ud800" <= character <= "\udfff" for character in text):
                raise DomainRefused(
                    "encoding",
                    f"row {row}: column {number} holds half a character (a lone surrogate); "
                    "correct the text",
                )
