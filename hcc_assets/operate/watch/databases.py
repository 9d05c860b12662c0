"""The databases of a home looked at from outside: is each SQLite file whole, and what is asked of
Dagster's tables and the outbox in plain SQL. Nothing here needs Dagster, writes, or waits long.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

CHECK_SECONDS = 0.3
"""What one look at one database may take: a hundred megabytes, or as much of them as can be read.
Own choice: four of them, and health still answers within about a second."""
WAIT_SECONDS = 1.0
"""For a writer that holds the file; longer waiting is told, not done."""
SERVER_SECONDS = 3
"""For a database server to answer: several round trips, even to another building."""
_HEADER = b"SQLite format 3\0"
"""Magic of the file format, sqlite.org/fileformat2.html, 1.3.1."""
_HEADER_BYTES, _PAGE_SIZE, _PAGES = 100, 16, 28
"""Length of the header, offsets of page size and number of pages in it: same document, 1.3."""
_LARGEST_PAGE = 65536
"""Written as 1, which is what two bytes can hold: same document, 1.3.2."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a database file; ``damaged`` when its content is (and not the way to
    it)."""

    path: Path
    damaged: bool
    what: str


def files_of(dagster_home: Path) -> list[Path]:
    """SQLite files below ``DAGSTER_HOME``: those of all runs first, then one for each run."""
    main = [
        dagster_home / "history" / "runs.db",
        dagster_home / "history" / "runs" / "index.db",
        dagster_home / "schedules" / "schedules.db",
        *sorted(dagster_home.glob("*.db")),
    ]
    of_runs = sorted((dagster_home / "history" / "runs").glob("*.db"))
    return [p for p in dict.fromkeys([*main, *of_runs]) if p.is_file()]


def faults(dagster_home: Path) -> list[Fault]:
    """Database files that are damaged or cannot be read. Files of single runs, of which there may
    be thousands, are judged by header and size."""
    one_run = dagster_home / "history" / "runs"
    found = []
    for path in files_of(dagster_home):
        whole = path.parent != one_run or path.name == "index.db"
        fault = fault_of(path, seconds=CHECK_SECONDS if whole else None)
        if fault is not None:
            found.append(fault)
    return found


def fault_of(path: Path, *, seconds: float | None = CHECK_SECONDS) -> Fault | None:
    """What is wrong with one file; None when nothing was found in ``seconds`` (None: header and
    size only)."""
    try:
        short = _short(path)
        if short is not None or seconds is None:
            return Fault(path, True, short) if short else None
        with reading(path) as connection:
            until = time.monotonic() + seconds
            connection.set_progress_handler(lambda: int(time.monotonic() > until), 1000)
            said = connection.execute("PRAGMA quick_check(1)").fetchone()
    except FileNotFoundError:
        return None
    except sqlite3.OperationalError as error:
        text = str(error)
        if "interrupted" in text or "locked" in text:  # large, or at work: no fault was found
            return None
        return Fault(path, False, "cannot be opened")
    except sqlite3.DatabaseError:
        return Fault(path, True, "is damaged")
    except OSError as error:
        return Fault(path, False, f"cannot be read ({os.strerror(error.errno or 0)})")
    return None if said and said[0] == "ok" else Fault(path, True, "is damaged")


def _short(path: Path) -> str | None:
    with path.open("rb") as handle:
        head = handle.read(_HEADER_BYTES)
    size = path.stat().st_size
    if not head:
        # made by a process that has not written it yet, or cut to nothing
        return "is empty" if time.time() - path.stat().st_mtime > WAIT_SECONDS else None
    if not head.startswith(_HEADER) or len(head) < _HEADER_BYTES:
        return "is not a database any more"
    page = int.from_bytes(head[_PAGE_SIZE : _PAGE_SIZE + 2], "big")
    page = _LARGEST_PAGE if page == 1 else page
    pages = int.from_bytes(head[_PAGES : _PAGES + 4], "big")
    log = path.with_name(f"{path.name}-wal")
    at_work = log.exists() and log.stat().st_size > 0
    if size < page * pages and not at_work:
        return "was cut off"
    return None


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that reads only; on a disk that takes no more, or is mounted read-only, where
    SQLite cannot make its index of the log, it reads the file as it lies."""
    connection = _opened(path, "mode=ro") or _opened(path, "mode=ro&immutable=1", last=True)
    if connection is None:
        raise sqlite3.OperationalError("unable to open database file")
    with contextlib.closing(connection):
        yield connection


def _opened(path: Path, mode: str, *, last: bool = False) -> sqlite3.Connection | None:
    """A connection that answers; None where it cannot be had this way."""
    connection = sqlite3.connect(f"file:{quote(str(path))}?{mode}", uri=True, timeout=WAIT_SECONDS)
    try:
        connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.DatabaseError as error:
        connection.close()
        opening = isinstance(error, sqlite3.OperationalError) and "locked" not in str(error)
        if last or not opening:
            raise
        return None
    return connection


class Unanswered(RuntimeError):
    """A database cannot be asked; the text says which, and no more."""


class Databases:
    """What can be asked of the databases of a home: SQLite files below ``DAGSTER_HOME``, or those
    of a server.

    Parameters
    ----------
    dagster_home
        Folder of Dagster's state.
    url
        ``postgresql+psycopg2://…`` of the server; None for SQLite.
    """

    def __init__(self, dagster_home: Path, url: str | None = None):
        self.dagster_home, self.url = dagster_home, url or None

    def faults(self) -> list[Fault]:
        """As `faults` of the module."""
        return faults(self.dagster_home)

    def rows(
        self, file: str, question: str, values: Sequence[object] = ()
    ) -> list[tuple[Any, ...]]:
        """Rows of a question (``?`` for each value) to ``file`` below ``DAGSTER_HOME``, or to the
        server; none where file or table is not there yet.

        Raises
        ------
        Unanswered
            Damaged, gone away, or not allowed.
        """
        if self.url is not None:
            return self._of_server(question.replace("?", "%s"), values)
        path = self.dagster_home / file
        if not path.exists():
            return []
        try:
            with reading(path) as connection:
                return connection.execute(question, tuple(values)).fetchall()
        except sqlite3.Error as error:
            if "no such table" in str(error):
                return []
            raise Unanswered(path.name) from None

    def _of_server(self, question: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        import psycopg2

        address = str(self.url).replace("postgresql+psycopg2://", "postgresql://", 1)
        try:
            with contextlib.closing(
                psycopg2.connect(
                    address,
                    connect_timeout=SERVER_SECONDS,
                    options=f"-c statement_timeout={SERVER_SECONDS * 1000}",
                )
            ) as connection:
                cursor = connection.cursor()
                cursor.execute(question, tuple(values))
                return list(cursor.fetchall())
        except psycopg2.errors.UndefinedTable:
            return []
        except psycopg2.Error:
            raise Unanswered("the database server") from None


def set_aside(dagster_home: Path, now: dt.datetime) -> list[str]:
    """Rename every damaged database file, with its log, to ``<name>.damaged-<UTC>``; whoever opens
    it next makes a new one.

    Returns
    -------
    list of str
        Names of the files, as they are now.
    """
    stamp = now.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    done = []
    for fault in faults(dagster_home):
        if not fault.damaged:
            continue
        for ending in ("", "-wal", "-shm", "-journal"):
            path = fault.path.with_name(fault.path.name + ending)
            with contextlib.suppress(FileNotFoundError):
                path.rename(path.with_name(f"{path.name}.damaged-{stamp}"))
        done.append(f"{fault.path.name}.damaged-{stamp}")
    return done
