"""A child that reads as ``table_child`` does, but ends itself at files of certain names."""

from __future__ import annotations

import os

from hcc_assets.clinical.reading.files import table_child
from hcc_assets.confined import within

_read = table_child._read


def _read_or_end(table: dict[str, str]) -> object:
    if table["path"].endswith("-aborts.csv"):
        os.abort()
    if table["path"].endswith("-exits.csv"):
        os._exit(7)
    while table["path"].endswith("-works.csv"):
        pass
    return _read(table)


if __name__ == "__main__":
    table_child._read = _read_or_end  # type: ignore[assignment]
    within.leave(table_child.main())
