"""Reader of delimited text: encoding, delimiter, and whether the file is whole. Nothing is typed,
renamed or judged beyond that; the other formats are beside it, the choice is in ``formats``."""

from __future__ import annotations

import contextlib
import csv
import gc
import io
from collections.abc import Iterator

from hcc_assets.clinical.reading.characters import clean_code, decode
from hcc_assets.clinical.reading.files.cells import Cells, judge_bytes, judge_marks, judge_size
from hcc_assets.clinical.reading.refusal import DomainRefused

_DELIMITERS = (",", ";", "\t", "|")
_DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Without garbage collection: it would walk over every row of a large file again and again
    (four times slower), and there are no cycles to find."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def read_csv(data: bytes, known: frozenset[str] = frozenset(), *, whole: bool = False) -> Cells:
    """Delimited text; see ``read_raw``.

    Encoding by ``characters.decode``; the delimiter is the one that gives the most known column
    names.
    """
    judge_bytes(len(data))
    text, encoding = decode(data)
    if not text.strip():
        raise DomainRefused("empty", "the file is empty: not even a header")
    delimiter = _find_delimiter(text, known)
    judge_marks(text.count("\n"), text.count(delimiter))
    with _no_collection():
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
        except csv.Error:
            raise DomainRefused("quotes", _quote_problem(text, delimiter)) from None
        return _table(rows, text.endswith(("\n", "\r")), encoding, delimiter, whole=whole)


def _table(
    rows: list[list[str]], ends_with_newline: bool, encoding: str, delimiter: str, *, whole: bool
) -> Cells:
    while rows and not rows[0]:
        rows.pop(0)
    header, body = rows[0], [row for row in rows[1:] if row]
    _same_length(header, body, delimiter, ends_with_newline)
    if body and not ends_with_newline and not whole:
        _judge_last_cell(header, body)
    judge_size(len(body), len(header))
    columns: list[tuple[str, ...]] = list(zip(*body, strict=True)) if body else [()] * len(header)
    texts = [_text_column(values) for values in columns]
    return Cells(header, texts, encoding, _DELIMITER_NAMES[delimiter])


def _text_column(values: tuple[str, ...]) -> list[str | None]:
    blank = {value for value in set(values) if not value or value.isspace()}
    return [None if value in blank else value for value in values]


def _header_names(line: str, delimiter: str) -> list[str]:
    try:
        return [
            clean_code(name).upper() for name in next(csv.reader([line], delimiter=delimiter), [])
        ]
    except csv.Error:
        return []


def _find_delimiter(text: str, known: frozenset[str]) -> str:
    header = next(line for line in io.StringIO(text, newline=None) if line.strip())
    scores = {}
    for delimiter in _DELIMITERS:
        names = _header_names(header, delimiter)
        scores[delimiter] = (sum(name in known for name in names), len(names))
    best = max(scores.values())
    winners = [delimiter for delimiter, score in scores.items() if score == best]
    if best[1] <= 1:
        return ","
    if len(winners) > 1:
        candidates = " and ".join(_DELIMITER_NAMES[d] for d in winners)
        raise DomainRefused(
            "delimiter", f"the delimiter could be {candidates}; send a file with one of them"
        )
    return winners[0]


def _quote_problem(text: str, delimiter: str) -> str:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    row = -1
    try:
        for _ in reader:
            row += 1
    except csv.Error:
        pass
    place = "the header" if row < 0 else f"row {row + 1}"
    return (
        f"{place}: a quotation mark is not closed or stands in the middle of a value; the file "
        "may be cut: send it again"
    )


def _same_length(
    header: list[str], body: list[list[str]], delimiter: str, ends_with_newline: bool
) -> None:
    expected = len(header)
    first = next((i for i, row in enumerate(body) if len(row) != expected), None)
    if first is None:
        return
    found, row = len(body[first]), first + 1
    if found > expected:
        hint = (
            " (a decimal comma outside quotation marks also looks so)" if delimiter == "," else ""
        )
        reason = (
            f"row {row}: {found} values for {expected} columns; an extra "
            f"{_DELIMITER_NAMES[delimiter]} shifts the row{hint}; correct it"
        )
        raise DomainRefused("extra_delimiter", reason)
    if row == len(body) and not ends_with_newline:
        raise DomainRefused(
            "cut",
            f"row {row}: the last line has {found} of {expected} values: the file was cut; "
            "send it again",
        )
    raise DomainRefused(
        "short_row",
        f"row {row}: {found} values for {expected} columns; the row or the file is cut; send "
        "it again",
    )


def _judge_last_cell(header: list[str], body: list[list[str]]) -> None:
    """Refuse a file whose last line has no line end unless the last value looks whole: seen
    elsewhere in its column, or as long as all others.

    Where it has no others to compare with, it is taken unless it is a date shorter than a whole
    one.
    """
    last = body[-1][-1].strip()
    others = {row[-1].strip() for row in body[:-1]} - {""}
    seen = {row[-1].strip() for row in body[:-1]}
    lengths = {len(value) for value in others}
    cut_date = clean_code(header[-1]).upper().endswith("DTC") and 0 < len(last) < len("2024-01-31")
    if last in seen or (not others and not cut_date) or (last and lengths == {len(last)}):
        return
    reason = (
        f"row {len(body)}: the last line has no line end and its last value looks cut; send the "
        "file again (a whole file ends with a line end)"
    )
    raise DomainRefused("cut", reason)
