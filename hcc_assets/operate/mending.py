"""Dagster's databases and the outbox where they were damaged: set aside, told, written into the
audit trail, and made anew by whoever opens them next. The history of what stands is written again
by `history`."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable

from hcc_assets.audit.trail import trail_of
from hcc_assets.home.paths import Home
from hcc_assets.operate.watch.databases import set_aside

SHOWN = 3
"""Names in one sentence: own choice, it is to be read."""


def mend_databases(home: Home, tell: Callable[[str], None]) -> list[str]:
    """Set aside every damaged SQLite file of a home.

    Parameters
    ----------
    tell
        Takes one sentence when there was something to do.

    Returns
    -------
    list of str
        What the files are called now.
    """
    if not home.dagster_home.is_dir():
        return []
    names = set_aside(home.dagster_home, dt.datetime.now(dt.UTC))
    if names:
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        what = f"{', '.join(names[:SHOWN])}{more}"
        tell(
            f"a database was damaged and is set aside as {what}; it is made anew, the history of "
            "runs begins again from what stands, and open alerts are found again"
        )
        trail_of(home).append(
            "database set aside", why="it was damaged", details={"files": names[:100]}
        )
    return names


def is_damage(error: BaseException) -> bool:
    """True when the error, or one behind it, is that of a damaged SQLite file."""
    return any(
        isinstance(one, sqlite3.DatabaseError)
        and any(word in str(one) for word in ("malformed", "not a database"))
        for one in _chain(error)
    )


def is_locked(error: BaseException) -> bool:
    """True when the error, or one behind it, is that of a SQLite file that somebody else holds."""
    return any(
        isinstance(one, sqlite3.OperationalError) and "locked" in str(one) for one in _chain(error)
    )


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in found:
        found.append(following)
        original = getattr(following, "orig", None)
        if isinstance(original, BaseException):
            found.append(original)
        following = following.__cause__ or following.__context__
    return found
