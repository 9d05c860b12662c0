"""What the commands that change something do: refresh, accept, rebuild, withdraw. Each is one
function over a home."""

from __future__ import annotations

import datetime as dt
import difflib
import json
import os
from collections.abc import Callable, Collection
from typing import Any

import dagster as dg
import psutil

from hcc_assets.assets.healing import healed_since
from hcc_assets.assets.inputs import Node
from hcc_assets.assets.plan import Plan, make_plan
from hcc_assets.assets.view import HomeView
from hcc_assets.audit.reconcile import ACCEPT
from hcc_assets.audit.trail import REBUILD, trail_of
from hcc_assets.audit.who import real_user
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.home import files, leases
from hcc_assets.home.paths import Home
from hcc_assets.home.people.consent import record_withdrawal
from hcc_assets.home.published import figures_there, put_back, sweep_figures
from hcc_assets.home.versions import Versions
from hcc_assets.operate.four_eyes import seconded
from hcc_assets.operate.history import restore
from hcc_assets.operate.instance import instance_of
from hcc_assets.operate.refresh import Progress, Refresher, SampleWorkers, Summary
from hcc_assets.operate.retention import trim_runs
from hcc_assets.operate.status import manifests_of
from hcc_assets.operate.trail_check import trail_problems
from hcc_assets.operate.watch.reaper import reap
from hcc_assets.operate.workers import Workers


def refresh_home(
    home: Home,
    *,
    progress: Progress,
    jobs: int | None = None,
    memory_mb: int | None = None,
    ray_address: str | None = None,
    force: Collection[str] = (),
    then: Callable[[Plan, dg.DagsterInstance], dict[str, Any]] | None = None,
) -> Summary:
    """Reap dead runs and refresh. Two refreshes of one home go one after the other.

    Samples are worked on by processes of this machine, or by the Ray cluster at ``ray_address``.

    Parameters
    ----------
    force
        ``ASSET`` or ``ASSET@SAMPLE``: computed although it is fresh.
    then
        What follows while the history is open: alerts (`alerts.dagster_signals.tell_of`).

    Raises
    ------
    LookupError
        ``force`` names no asset, or no sample.
    """
    assets = all_assets()

    def waiting(what: str) -> None:
        progress("refresh", f"another refresh: {what}")

    with leases.hold(home.locks / "refresh.lock", beats=True, waiting=waiting):
        for folder in (home.store, home.published, home.quarantine):
            files.sweep(folder)
        with instance_of(home, lambda what: progress("history", what)) as instance:
            now = dt.datetime.now(dt.UTC)
            for dead in reap(instance, now, heartbeats=home.heartbeats):
                progress(f"run {dead.run_id[:8]}", f"given up: {dead.reason}")
            faults = trail_problems(home, signatures=False)
            for fault in faults:  # told, and never healed
                progress("audit trail", fault)
            nodes = forced_nodes(HomeView(home, assets), force)
            workers = _workers(home, instance, progress, jobs, memory_mb, ray_address)
            summary = Refresher(home, assets, instance, progress, workers, nodes).run()
            summary.trail = faults
            figures = figures_there(home)
            plan = make_plan(HomeView(home, assets))
            for name in put_back(plan.view.versions, manifests_of(plan)):
                progress(name, "published file put back")
            summary.healed = healed_since(home, now)
            sweep_figures(home, figures, manifests_of(plan))
            restore(instance, plan, seconds=RESTORE_SECONDS)
            trim_runs(instance, plan, dt.datetime.now(dt.UTC))
            summary.alerts = then(plan, instance) if then is not None else {}
        return summary


RESTORE_SECONDS = 60.0
"""What one refresh may give to writing a lost history: own choice, what a person waits for."""


def _workers(
    home: Home,
    instance: dg.DagsterInstance,
    progress: Progress,
    jobs: int | None,
    memory_mb: int | None,
    ray_address: str | None,
) -> SampleWorkers:
    if ray_address is not None:
        from hcc_assets.operate.ray.engine import RayWorkers

        return RayWorkers(home, instance, address=ray_address, progress=progress)
    free = psutil.virtual_memory().available / 1e6
    # a third of what is free stays for the tables and for other people
    memory = memory_mb or int(0.7 * free)
    return Workers(home, instance, jobs=jobs or _cores(), memory_mb=memory, progress=progress)


def forced_nodes(view: HomeView, names: Collection[str]) -> list[Node]:
    """Nodes of ``ASSET`` (of a per-sample asset: of every sample) and ``ASSET@SAMPLE``.

    Raises
    ------
    LookupError
        There is no such asset or sample; the text names the nearest.
    """
    found: list[Node] = []
    for name in names:
        asset, _, sample = name.partition("@")
        if asset not in view.assets:
            near = difflib.get_close_matches(asset, view.assets, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise LookupError(f"there is no asset {asset}{hint}")
        if not view.assets[asset].per_sample:
            found.append((asset, None))
            continue
        keys = [k for k in view.keys if not sample or sample in (view.people.sample(k), k)]
        if not keys:
            raise LookupError(
                f"there is no sample {sample}" if sample else "there is no sample yet"
            )
        found += [(asset, key) for key in keys]
    return found


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def accept_export(home: Home, export: str, reason: str, who: str | None = None) -> dict[str, Any]:
    """Release a held export; where two people are asked for, the first one only asks.

    Parameters
    ----------
    who
        Who accepts, where that is not the user of the system.

    Raises
    ------
    LookupError
        There is no such export, or it is not settled.

    Returns
    -------
    dict
        The entry of the acceptance, whether any export is ``held`` now (one that is not may be
        accepted before it is looked at), and whether the word of a second person is ``awaited``.
    """
    view = HomeView(home, all_assets())
    reason = _in_keys(view, reason)
    standing = view.versions.current("clinical_export")
    waits = standing is not None and any(
        c.name == "newest_export_taken" and not c.passed for c in standing.checks
    )
    deliveries = {d.id: d for d in view.landing.exports}
    if export not in deliveries:
        raise LookupError(
            f"there is no export {export}; "
            f"landing/clinical has {', '.join(sorted(deliveries)) or 'nothing'}"
        )
    if deliveries[export].state != "ready":
        raise LookupError(f"export {export} is not ready: {deliveries[export].reason}")
    entry = {
        "export": export,
        "content": deliveries[export].content,
        "reason": reason,
        "who": who or real_user(),
        "at": dt.datetime.now(dt.UTC).isoformat(),
    }
    held = waits or view.versions.held("clinical_export") is not None
    details = {"export": export}
    if view.config.governance.four_eyes:
        first = seconded(home, ACCEPT, why=reason, who=who, content=entry["content"])
        if first is None:
            return entry | {"held": held, "awaited": True}
        details["asked_by"] = first
    if not home.is_local:  # each machine has a trail of its own
        files.amend(
            home.store / "acceptances.json",
            lambda data: json.dumps([*json.loads(data or b"[]"), entry], indent=1).encode(),
        )
    trail_of(home).append(ACCEPT, why=reason, who=who, to_hash=entry["content"], details=details)
    return entry | {"held": held, "awaited": False}


def _in_keys(view: HomeView, text: str) -> str:
    """What a person wrote, with keys for the names of everybody who has arrived."""
    view.register()
    return view.people.in_keys(text)


def withdraw_subject(home: Home, subject: str, from_date: dt.date, reason: str) -> None:
    """Record that data of ``subject`` (its id or key) from ``from_date`` on are no longer used; the
    next refresh leaves them out."""
    view = HomeView(home, all_assets())
    told = _in_keys(view, reason)
    subject = view.people.in_ids(subject)
    record_withdrawal(home.withdrawals_csv, subject, from_date, reason, dt.datetime.now(dt.UTC))
    trail_of(home).append(
        "withdraw",
        why=told,
        subject_id=subject,
        details={"from": from_date.isoformat()},
    )


def rebuild_reference(
    home: Home, *, reason: str, refresh: Callable[[], Summary] | None
) -> dict[str, Any]:
    """Give up the reference that stands, build a new one from all samples, label every cell anew.

    Parameters
    ----------
    refresh
        Brings the home up to date; None leaves that to the driver.

    Returns
    -------
    dict
        ``before`` and ``after`` (versions), ``changed_calls``, ``held``.
    """
    versions = Versions(home)
    current = versions.current("annotation_reference")
    before = str(current.notes["version"]) if current else None
    if current is not None:
        if not home.is_local:
            asked = {"given_up": before, "at": dt.datetime.now(dt.UTC).isoformat()}
            files.write_bytes(home.store / "reference_rebuild.json", json.dumps(asked).encode())
        trail_of(home).append(
            REBUILD,
            why=_in_keys(HomeView(home, all_assets()), reason),
            from_hash=current.data_version,
            details={"given_up": before},
        )
    summary = refresh() if refresh is not None else Summary()
    after = versions.current("annotation_reference")
    changes = versions.current("reference_changes")
    return {
        "before": before,
        "after": str(after.notes["version"]) if after else None,
        "changed_calls": changes.rows if changes else 0,
        "held": [vars(c) for c in summary.troubled],
    }
