"""The drill: a backup is worth what its last restore was. Taken, restored into a folder of its own
and compared byte by byte, for cron."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from hcc_assets.audit.trail import trail_of
from hcc_assets.home.paths import Home
from hcc_assets.home.people.subject_keys import keys_folder
from hcc_assets.operate.backup.restoring import differences, restore_backup
from hcc_assets.operate.backup.taking import Progress, take_backup
from hcc_assets.operate.verification import verify


def drill(
    home: Home, *, scratch: Path | None = None, progress: Progress = lambda _: None
) -> dict[str, Any]:
    """Back a home up, restore it elsewhere, compare; nothing is left behind.

    Parameters
    ----------
    scratch
        Folder with room for the home twice; None: that for temporary files.

    Returns
    -------
    dict
        ``files``, ``bytes``, ``backup_seconds``, ``restore_seconds``, ``verify_seconds``,
        ``wrong``: names of files that differ, faults of the trail.

    Raises
    ------
    Refusal, BackupDamaged
        As `take_backup` and `restore_backup`.
    """
    with tempfile.TemporaryDirectory(prefix="hcc-drill-", dir=scratch) as folder:
        begun = time.monotonic()
        take_backup(home, Path(folder) / "backup", progress=progress)
        taken = time.monotonic()
        # not home.dagster_home: DAGSTER_HOME of the environment is that of the home at work
        there = Home.at(Path(folder) / "restored")
        listing = restore_backup(there, Path(folder) / "backup", own_dagster_home=False)
        restored = time.monotonic()
        root = Path(str(there.root))
        wrong = differences(listing, root, keys_folder(there))
        wrong += [str(problem) for problem in trail_of(there).verify()]
        wrong += [str(one) for part in verify(there).values() for one in part]
        done = time.monotonic()
    return {
        "files": len(listing.files) + len(listing.keys),
        "bytes": listing.size,
        "backup_seconds": round(taken - begun, 1),
        "restore_seconds": round(restored - taken, 1),
        "verify_seconds": round(done - restored, 1),
        "wrong": wrong,
    }
