"""The child process of ``apart``: limited by ``confined``, reads delivered tables one after
another, writes each as plain cells. Nothing is typed here, and pandas stays out.

Run as ``python -m`` this module with a JSON job on standard input.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hcc_assets.clinical.reading.files.formats import read_cells
from hcc_assets.clinical.reading.refusal import DomainRefused
from hcc_assets.confined import within


def main() -> int:
    """Read the job, write ``<number>.json`` for each of its tables; exit code 0 when all are
    written, read or refused."""
    job = within.job()
    out = Path(job["out"])
    for number, table in job["tables"].items():
        within.allow_cpu(job["table_cpu_s"])
        try:
            result = _read(table)
        except MemoryError:
            return within.OUT_OF_MEMORY
        within.hand_back(out / f"{number}.json", result)
    return 0


def _read(table: dict[str, Any]) -> dict[str, Any]:
    try:
        cells = read_cells(Path(table["path"]), frozenset(table["known"]), whole=table["whole"])
    except DomainRefused as refusal:
        return {"refused": [refusal.code, refusal.reason]}
    return {"cells": [cells.names, cells.columns, cells.encoding, cells.delimiter]}


if __name__ == "__main__":
    within.leave(main())
