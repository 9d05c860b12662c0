"""Delivered tables, read in a child process with limits on memory, time and network (`confined`).
What is read belongs to the readers, which ``formats`` chooses between.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hcc_assets.clinical.reading.files.cells import Cells
from hcc_assets.clinical.reading.files.formats import read_cells
from hcc_assets.clinical.reading.raw_table import RawTable, as_table
from hcc_assets.clinical.reading.refusal import DomainRefused
from hcc_assets.confined.child import Reason, run, why_ended

MEMORY_MB = 1024
"""Memory of the child (`RELIABILITY.md`, G17: at most 1 GB)."""

CPU_S = 60
"""Seconds of processor time for one table (`RELIABILITY.md`, G17: at most 60 s)."""

WALL_S = 300.0
"""Seconds after which a child is ended that has read no further table. Ours: five times `CPU_S`,
since a refusal stays and a busy machine is no fault of a file."""

_CHILD = "hcc_assets.clinical.reading.files.table_child"


@dataclass(frozen=True)
class Asked:
    """One file to read; see `formats.read_cells`."""

    path: Path
    known: frozenset[str] = frozenset()
    whole: bool = False


Found = RawTable | DomainRefused
Reader = Callable[[Sequence[Asked]], list[Found]]
"""What gives the raw table of each file, or why it is refused."""


def read_here(files: Sequence[Asked]) -> list[Found]:
    """Read in this process: for files of our own making, and tests of rules."""
    return [_table(partial(read_cells, f.path, f.known, whole=f.whole)) for f in files]


def read_apart(
    files: Sequence[Asked],
    *,
    memory_mb: int = MEMORY_MB,
    cpu_s: int = CPU_S,
    wall_s: float = WALL_S,
) -> list[Found]:
    """Read in one child process, which may take no more than its share.

    Where the child ends itself, the table that it was reading is tried in a child of its own, so
    that no table is refused for the memory of those before it; the others go on in a third.

    Parameters
    ----------
    files
        Files of one export.
    memory_mb
        Limit on the child's data segment.
    cpu_s
        Seconds of processor time for each table.
    wall_s
        Seconds without a finished table.

    Returns
    -------
    list
        Per file its table, or the refusal: as `formats.read_cells`, and ``timeout, too_large,
        reader_crashed`` where the child was ended or ended itself.
    """
    found: dict[int, Found] = {}
    suspect: int | None = None
    with tempfile.TemporaryDirectory(prefix="hcc-tables-") as folder:
        while left := [i for i in range(len(files)) if i not in found]:
            turn = [suspect] if suspect is not None else left
            suspect = None
            code = _child({i: files[i] for i in turn}, folder, memory_mb, cpu_s, wall_s)
            found |= {i: f for i in turn if (f := _handed_back(Path(folder, f"{i}.json")))}
            stuck = next((i for i in turn if i not in found), None)
            if stuck is None:
                continue
            why = why_ended(code)
            if len(turn) == 1 or why == "timeout":
                found[stuck] = _ended(why)
            else:
                suspect = stuck
    return [found[i] for i in range(len(files))]


def read_file_apart(path: Path) -> RawTable:
    """One file, as `read_apart`.

    Raises
    ------
    DomainRefused
        As `formats.read_cells` and `read_apart`.
    """
    (found,) = read_apart([Asked(path)])
    if isinstance(found, DomainRefused):
        raise found
    return found


def _child(
    files: dict[int, Asked], folder: str, memory_mb: int, cpu_s: int, wall_s: float
) -> int | None:
    job = {
        "tables": {
            str(i): {"path": str(f.path.resolve()), "known": sorted(f.known), "whole": f.whole}
            for i, f in files.items()
        },
        "out": folder,
        "memory_mb": memory_mb,
        "table_cpu_s": cpu_s,
        "cpu_s": (cpu_s + 1) * (len(files) + 1),
    }
    return run(
        _CHILD,
        job,
        folder=folder,
        timeout_s=wall_s,
        done=lambda: sum(Path(folder, f"{i}.json").exists() for i in files),
    )


def _handed_back(path: Path) -> Found | None:
    if not path.exists():
        return None
    try:
        result = json.loads(path.read_bytes())
        path.unlink()
        if "refused" in result:
            code, reason = result["refused"]
            return DomainRefused(str(code), str(reason))
        return _table(lambda: _cells(*result["cells"]))
    except (ValueError, TypeError, KeyError):
        return _ended("crashed")


def _cells(names: list[str], columns: list[list[str | None]], *said: str) -> Cells:
    if len(names) != len(columns) or len({len(column) for column in columns}) > 1:
        raise ValueError("the child gave an inconsistent table")
    return Cells(names, columns, *said)


def _table(read: Callable[[], Cells]) -> Found:
    try:
        return as_table(read())
    except DomainRefused as refusal:
        return refusal


def _ended(why: Reason) -> DomainRefused:
    if why == "timeout":
        return DomainRefused(
            "timeout", "the file takes longer to read than one table may; send a smaller one"
        )
    if why == "too_large":
        return DomainRefused(
            "too_large", "the file needs more memory than one table may take; send a smaller one"
        )
    return DomainRefused(
        "reader_crashed",
        "the reader ended without a result; the file may be damaged: send it again",
    )
