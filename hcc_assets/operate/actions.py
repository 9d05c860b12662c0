"""What the commands that change something do: refresh, accept, rebuild, withdraw. Each is one function over a home."""

from __future__ import annotations

import datetime as dt
import getpass
import json
import os
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock

from hcc_assets.alerts.alerting import alert_store, tell
from hcc_assets.alerts.dagster_signals import dagster_signals
from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.plan import make_plan
from hcc_assets.audit.chain import without
from hcc_assets.audit.trail import keys_folder, trail_of
from hcc_assets.defs.catalogue import all_recipes
from hcc_assets.home import files as stores
from hcc_assets.home.mending import mend
from hcc_assets.home.paths import Home
from hcc_assets.home.people.consent import record_withdrawal
from hcc_assets.home.people.subject_keys import is_weak, key_for_home, subject_digest
from hcc_assets.home.versions import Versions
from hcc_assets.operate.refresh import Progress, Refresher, SampleWorkers, Summary
from hcc_assets.operate.retention import trim_runs
from hcc_assets.operate.watch.fencing import Leases
from hcc_assets.operate.watch.reaper import reap
from hcc_assets.operate.workers import Workers


def refresh_home(
    home: Home,
    *,
    jobs: int | None,
    memory_mb: int | None,
    progress: Progress,
    ray_address: str | None = None,
) -> Summary:
    """Reap dead runs, refresh, send what alerts are due. Two refreshes of one home go one after the other.

    Samples are worked on by processes of this machine, or by the Ray cluster at ``ray_address``.
    """
    from hcc_assets.operate.instance import instance_of

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
            for given_up in reap(
                instance,
                dt.datetime.now(dt.UTC),
                heartbeats=home.heartbeats,
                leases=Leases(home.leases),
            ):
                progress(f"run {given_up.run_id[:8]}", f"given up: {given_up.reason}")
            workers: SampleWorkers
            if ray_address is not None:
                from hcc_assets.operate.ray.engine import RayWorkers

                workers = RayWorkers(home, instance, address=ray_address, progress=progress)
            else:
                free = psutil.virtual_memory().available / 1e6
                workers = Workers(
                    home,
                    instance,
                    jobs=jobs or _cores(),
                    memory_mb=memory_mb or int(0.7 * free),
                    progress=progress,
                )
            summary = Refresher(home, recipes, instance, progress, workers).run()
            extra = dagster_signals(instance, dt.datetime.now(dt.UTC))
            bench = Workbench(home, recipes)
            for name in mend(bench):
                progress(name, "published table put back")
            plan = make_plan(bench)
            trim_runs(instance, plan, dt.datetime.now(dt.UTC))
        summary.alerts = tell(home, bench, plan, extra=extra, at_once=True)
        return summary
    finally:
        lock.release()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _free(lock: FileLock) -> bool:
    from filelock import Timeout

    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True


def _unnamed(home: Home, text: str) -> str:
    """An operator's sentence with digests for the ids in it: no line of the audit trail can be changed when one of them is to be erased."""
    from hcc_assets.privacy.erasing import known_names

    key = key_for_home(keys_folder(home))
    return str(
        without(
            text,
            {name: subject_digest(key, name) for name in known_names(home) if not is_weak(name)},
        )
    )


def accept_export(home: Home, export: str, reason: str) -> dict[str, Any]:
    """Release a held export.

    Raises
    ------
    LookupError
        There is no such export, or it is not settled.

    Returns
    -------
    dict
        The entry of the acceptance, and whether any export is ``held`` now: one that is not may be accepted before it is looked at.
    """
    bench = Workbench(home, all_recipes())
    reason = _unnamed(home, reason)
    standing = bench.versions.current("clinical_export")
    waits = standing is not None and any(
        c.name == "newest_export_taken" and not c.passed for c in standing.checks
    )
    deliveries = {d.id: d for d in bench.landing.exports}
    if export not in deliveries:
        raise LookupError(
            f"there is no export {export}; landing/clinical has {', '.join(sorted(deliveries)) or 'nothing'}"
        )
    if deliveries[export].state != "ready":
        raise LookupError(f"export {export} is not ready: {deliveries[export].reason}")
    entry = {
        "export": export,
        "content": deliveries[export].content,
        "reason": reason,
        "who": getpass.getuser(),
        "at": dt.datetime.now(dt.UTC).isoformat(),
    }
    home.locks.mkdir(parents=True, exist_ok=True)
    with FileLock(str(home.locks / "acceptances.lock")):
        stores.amend(
            home.store / "acceptances.json",
            lambda data: json.dumps([*json.loads(data or b"[]"), entry], indent=1).encode(),
        )
    trail_of(home).append(
        "accept", why=reason, to_hash=entry["content"], details={"export": export}
    )
    return entry | {"held": waits or bench.versions.held("clinical_export") is not None}


def withdraw_subject(home: Home, subject: str, from_date: dt.date, reason: str) -> None:
    """Record that data of ``subject`` from ``from_date`` on are no longer used; the next refresh leaves them out."""
    record_withdrawal(home.withdrawals_csv, subject, from_date, reason, dt.datetime.now(dt.UTC))
    trail_of(home).append(
        "withdraw",
        why=_unnamed(home, reason),
        subject_id=subject,
        details={"from": from_date.isoformat()},
    )


def rebuild_reference(
    home: Home, *, progress: Progress, reason: str = "asked for by the operator"
) -> dict[str, Any]:
    """Give up the reference that stands, build a new one from all samples, label every cell anew.

    Returns
    -------
    dict
        ``before`` and ``after`` (versions), ``changed_calls``, ``held``.
    """
    versions = Versions(home)
    current = versions.current("annotation_reference")
    before = str(current.notes["version"]) if current else None
    if current is not None:
        stores.write_bytes(
            home.store / "reference_rebuild.json",
            json.dumps({"given_up": before, "at": dt.datetime.now(dt.UTC).isoformat()}).encode(),
        )
        trail_of(home).append(
            "reference rebuild", why=_unnamed(home, reason), from_hash=current.data_version
        )
    summary = refresh_home(home, jobs=None, memory_mb=None, progress=progress)
    after = versions.current("annotation_reference")
    changes = versions.current("reference_changes")
    return {
        "before": before,
        "after": str(after.notes["version"]) if after else None,
        "changed_calls": changes.rows if changes else 0,
        "held": [vars(c) for c in summary.troubled],
    }


def home_health(home: Home, *, require_daemon: bool = False) -> dict[str, Any]:
    """Probe everything that can go silent; red within the minute.

    Parameters
    ----------
    require_daemon
        Red also where no daemon has ever run.

    Returns
    -------
    dict
        ``healthy``, ``probes`` and ``lines``.
    """
    from hcc_assets.alerts.channels import channels_from_environment
    from hcc_assets.operate.instance import instance_of
    from hcc_assets.operate.watch.health import check_health
    from hcc_assets.operate.watch.heartbeat import ping, write_heartbeat

    now = dt.datetime.now(dt.UTC)
    config = home.config()
    channels = (
        [c.label for c in channels_from_environment(key_for_home(keys_folder(home)))]
        if config.alerts.enabled
        else None
    )
    folders = [home.dagster_home] + ([Path(str(home.root))] if home.is_local else [])
    with instance_of(home) as instance:
        report = check_health(
            now,
            folders=folders,
            instance=instance,
            expect_daemon=True if require_daemon else None,
            definitions_module="hcc_assets.definitions",
            alerts=alert_store(home, config.study.id),
            channels=channels,
            audit=trail_of(home),
        )
    write_heartbeat(
        home.dagster_home / "health.json", now, who="hcc health", healthy=report.healthy
    )
    ping(report.healthy)
    return {**json.loads(report.to_json()), "lines": report.to_text().splitlines()}
