"""What the commands that change something do: refresh, accept, rebuild, withdraw. Each is one function over a home."""

from __future__ import annotations

import datetime as dt
import getpass
import json
import os
from typing import Any

import psutil
from filelock import FileLock

from hcc_assets.defs.alerting import tell
from hcc_assets.defs.catalogue import all_recipes
from hcc_assets.defs.refresh import Progress, Refresher, Summary
from hcc_assets.platform import stores
from hcc_assets.platform.engine import Workbench
from hcc_assets.platform.fencing import Leases
from hcc_assets.platform.home import Home
from hcc_assets.platform.plan import make_plan
from hcc_assets.platform.reaper import reap
from hcc_assets.platform.trail import trail_of


def refresh_home(home: Home, *, jobs: int | None, memory_mb: int | None, progress: Progress) -> Summary:
    """Reap dead runs, refresh, send what alerts are due. Two refreshes of one home go one after the other."""
    from hcc_assets.defs.instance import instance_of

    home.locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(str(home.locks / "refresh.lock"))
    if not _free(lock):
        progress("refresh", "another refresh is at work on this home; waiting for it")
        lock.acquire()
    try:
        for folder in (home.store, home.published, home.quarantine):
            stores.sweep(folder)
        recipes = all_recipes()
        with instance_of(home) as instance:
            for given_up in reap(instance, dt.datetime.now(dt.UTC), heartbeats=home.heartbeats, leases=Leases(home.leases)):
                progress(f"run {given_up.run_id[:8]}", f"given up: {given_up.reason}")
            free = psutil.virtual_memory().available / 1e6
            summary = Refresher(
                home, recipes, instance, progress, jobs=jobs or len(os.sched_getaffinity(0)), memory_mb=memory_mb or int(0.7 * free)
            ).run()
        bench = Workbench(home, recipes)
        summary.alerts = tell(home, bench, make_plan(bench))
        return summary
    finally:
        lock.release()


def _free(lock: FileLock) -> bool:
    from filelock import Timeout

    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True


def accept_export(home: Home, export: str, reason: str) -> dict[str, Any]:
    """Release a held export.

    Raises
    ------
    LookupError
        There is no such export, or it is not settled.
    """
    bench = Workbench(home, all_recipes())
    deliveries = {d.id: d for d in bench.landing.exports}
    if export not in deliveries:
        raise LookupError(f"there is no export {export}; landing/clinical has {', '.join(sorted(deliveries)) or 'nothing'}")
    if deliveries[export].state != "ready":
        raise LookupError(f"export {export} is not ready: {deliveries[export].reason}")
    entry = {
        "export": export,
        "content": deliveries[export].content,
        "reason": reason,
        "who": getpass.getuser(),
        "at": dt.datetime.now(dt.UTC).isoformat(),
    }
    stores.write_bytes(home.store / "acceptances.json", json.dumps([*bench.acceptances, entry], indent=1).encode())
    trail_of(home).append("accept", why=reason, to_hash=entry["content"], details={"export": export})
    return entry
