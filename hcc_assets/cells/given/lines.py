"""Lines of a small CSV file that people write, each with its number; what they mean is not known
here."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping


def lines_of(data: bytes) -> Iterator[tuple[int, Mapping[str, str] | str]]:
    """Every line that is not empty.

    Parameters
    ----------
    data
        UTF-8 text with a header line; of another encoding single lines are told, not the file.

    Yields
    ------
    tuple
        Number of the line, and its cells by column without blanks around them, or why it cannot
        be read.
    """
    text = data.decode("utf-8-sig", errors="replace")
    reader = csv.reader(io.StringIO(text, newline=""))
    header: list[str] | None = None
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield reader.line_num, "is no line of a CSV file"
            continue
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if header is None:
            header = cells
        elif any("\ufffd" in cell for cell in cells):
            yield reader.line_num, "is not UTF-8 text"
        elif len(cells) != len(header):
            yield (
                reader.line_num,
                f"has {len(cells)} fields where the header has {len(header)}",
            )
        else:
            yield reader.line_num, dict(zip(header, cells, strict=True))
