"""Backup of a home while it is at work, restoring it elsewhere, and the drill of both. What lies in
Dagster's databases is no part of it: that is written again from what stands (`operate.history`).
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "BackupDamaged": "listing",
        "Refusal": "listing",
        "drill": "drill",
        "restore_backup": "restoring",
        "take_backup": "taking",
    },
)
