"""Every night a thirtieth of the store is read and compared with its hashes, so that a bit that
turned on the disk is found within a month although nobody reads the file.

What is found damaged is put back where it can be; else it is stale from then on, and whoever asks
the plan next computes it again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from collections.abc import Mapping

from hcc_assets.assets.definition import Asset
from hcc_assets.assets.healing import Healing
from hcc_assets.assets.plan import make_plan
from hcc_assets.home.damage import Damage, damages_of
from hcc_assets.home.manifests import Manifest
from hcc_assets.home.paths import Home

NIGHTS = 30
"""Nights in which the whole store is read: own choice, a month, as disk arrays scrub."""

SCRUB_SECONDS = 40.0
"""What one tick may take: Dagster ends a tick after a minute (DAGSTER_GRPC_TIMEOUT_SECONDS)."""


def share_of(manifest: Manifest, day: dt.date) -> Manifest:
    """The same manifest with those files alone that are due on a day."""
    where = f"{manifest.asset}/{manifest.partition or ''}"
    due = {f: sha for f, sha in manifest.files.items() if _turn(f"{where}/{f}") == _night(day)}
    return manifest.model_copy(update={"files": due})


def _night(day: dt.date) -> int:
    return day.toordinal() % NIGHTS


def _turn(path: str) -> int:
    return int(hashlib.sha256(path.encode()).hexdigest()[:8], 16) % NIGHTS


def scrub(
    home: Home,
    assets: Mapping[str, Asset],
    day: dt.date,
    *,
    seconds: float = SCRUB_SECONDS,
) -> tuple[int, list[Damage]]:
    """Read the share of a day of what stands, and make good what is damaged.

    Parameters
    ----------
    seconds
        When it stops; what it does not come to, in an order that changes every night, is read
        another month.

    Returns
    -------
    int
        Files read.
    list of Damage
        What was damaged; what of it could not be put back is stale now.
    """
    view, until = Healing(home, assets), time.monotonic() + seconds
    nodes = sorted(make_plan(view).states, key=lambda n: _order(n, day))
    read, found = 0, []
    for node in nodes:
        manifest = view.versions.current(*node)
        if manifest is None:
            continue
        due = share_of(manifest, day)
        damages = list(damages_of(view.versions.folder(*node), due, every_byte=True))
        read += len(due.files)
        if damages:
            found += damages
            for damage in damages:
                view.versions.note(damage)
            view.mend(*node)
            view.versions.glance()
        if time.monotonic() >= until:
            break
    return read, found


def _order(node: tuple[str, str | None], day: dt.date) -> str:
    return hashlib.sha256(f"{day} {node}".encode()).hexdigest()
