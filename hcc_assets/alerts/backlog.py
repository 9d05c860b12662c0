"""What waits in the outbox, for health: read in plain SQL, from a file that may be read-only or
damaged. Writing into the outbox is in `letters`."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hcc_assets.operate.watch.databases import Databases


@dataclass(frozen=True)
class Backlog:
    """What health asks: messages waiting and failing, the oldest of them, dead letters per
    channel."""

    waiting: int
    failing: Mapping[str, str]
    """Channel to its last error, of channels that have refused a message that still waits."""
    oldest: dt.datetime | None
    dead: Mapping[str, int]


class Waiting:
    """The outbox of a home as it lies, without opening it for writing."""

    def __init__(self, databases: Databases):
        self._databases = databases

    def backlog(self, channels: Collection[str] | None = None) -> Backlog:
        """Messages that wait and dead letters; of ``channels`` only, when given.

        Raises
        ------
        Unanswered
            The outbox cannot be read.
        """
        rows = self._databases.rows(
            "alerts.db",
            "SELECT channel, created_at, last_error FROM hcc_outbox WHERE sent_at IS NULL "
            "ORDER BY id",
        )
        dead = self._databases.rows("alerts.db", "SELECT channel FROM hcc_dead_letters")
        mine = [row for row in rows if channels is None or row[0] in channels]
        gone = Counter(c for (c,) in dead if channels is None or c in channels)
        return Backlog(
            len(mine),
            {channel: error for channel, _, error in mine if error},
            min((dt.datetime.fromisoformat(at) for _, at, _ in mine), default=None),
            dict(gone),
        )
