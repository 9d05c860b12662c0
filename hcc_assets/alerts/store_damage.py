"""Damage of the store as signals: what is damaged now, and for a day what was made good."""

from __future__ import annotations

import datetime as dt

from hcc_assets.alerts.records import Severity, Signal
from hcc_assets.assets.healing import healed_since
from hcc_assets.assets.plan import Plan

TOLD_FOR = dt.timedelta(hours=24)
"""How long a damage that was made good is told: own choice, until the next daily digest."""

CHECK = "stored_files_whole"
OWNER = "operator"


def damage_signals(plan: Plan, now: dt.datetime) -> list[Signal]:
    """One signal for each asset (and sample) with a damaged file. Disks that lose one file lose
    more: somebody has to look at them although everything was made good."""
    view = plan.view
    found: dict[tuple[str, str | None], Signal] = {}
    for one in healed_since(view.home, now - TOLD_FOR):
        left = one.how == "left"
        found[one.asset, one.partition] = Signal(
            asset=one.asset,
            partition=one.partition,
            check=CHECK,
            severity=Severity.ERROR if left else Severity.WARN,
            title="A stored file was damaged" + ("" if left else f"; it was {one.how}"),
            owner=OWNER,
            what_to_do=f"Damaged: {one.file}. Look at the disk; hcc verify --read-data reads all.",
        )
    for node in plan.states:
        damages = view.versions.damages(*node)
        if damages:
            found[node] = Signal(
                asset=node[0],
                partition=node[1],
                check=CHECK,
                severity=Severity.ERROR,
                title="A stored file is damaged and not made good yet",
                n_affected=len(damages),
                owner=OWNER,
                what_to_do=f"Damaged: {damages[0].told}. Run hcc refresh; hcc status says why "
                "where that does not help.",
                held_back="what rests on it stays as it is published",
            )
    return list(found.values())
