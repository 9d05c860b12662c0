"""From what fails in a home to alerts: signals of the plan, into the outbox, out through the
channels. States and sending are in `state` and `delivery`."""

from __future__ import annotations

import datetime as dt
import json
import os
from typing import TYPE_CHECKING, Any

from hcc_assets.alerts.channels import channels_from_environment
from hcc_assets.alerts.records import Severity, Signal, Silence
from hcc_assets.assets.definition import Asset
from hcc_assets.assets.inputs import Node
from hcc_assets.assets.plan import Plan
from hcc_assets.assets.view import HomeView
from hcc_assets.audit.trail import head_of
from hcc_assets.home.manifests import CheckRecord
from hcc_assets.home.paths import Home
from hcc_assets.home.people.register import read_people
from hcc_assets.home.people.subject_keys import key_for_home, keys_folder

if TYPE_CHECKING:
    from hcc_assets.alerts.outbox import AlertStore

STALE_AFTER_HOURS = 26.0
"""A table that has been waiting longer than a day and a tick is an alert of its own."""


def alert_store(home: Home, study: str = "HCC") -> AlertStore:
    """The outbox of a home: SQLite beside Dagster's state, or the database of
    ``HCC_DATABASE_URL``."""
    from hcc_assets.alerts.outbox import AlertStore

    home.dagster_home.mkdir(parents=True, exist_ok=True)
    store = AlertStore(
        os.environ.get("HCC_DATABASE_URL") or f"sqlite:///{home.dagster_home / 'alerts.db'}", study
    )
    head = head_of(home)
    store.footer = f"Audit trail: {json.dumps(head)}" if head else ""
    return store


def signals(view: HomeView, plan: Plan) -> list[Signal]:
    """Everything that fails now: checks of what stands, gates of what was refused, what is stale
    for too long, problems of the sample sheet."""
    found: list[Signal] = []
    for node, state in plan.states.items():
        asset = view.assets[node[0]]
        manifest = view.versions.current(*node)
        if manifest is not None:
            found += [
                _of_check(asset, node, c, None, manifest.run_id, manifest.fingerprint)
                for c in manifest.checks
                if not c.passed
            ]
        held = view.versions.held(*node)
        if held is not None and (
            state.state == "held" or (state.state != "fresh" and not held.permanent)
        ):
            stands = (
                f"the version of {manifest.since:%-d %B %Y} stays"
                if manifest
                else "there is no earlier version"
            )
            found += [
                _of_check(asset, node, c, stands, held.run_id, held.fingerprint)
                for c in held.checks
                if not c.passed
            ]
        elif (
            state.state == "stale"
            and manifest is not None
            and (view.now - manifest.at).total_seconds() > 3600 * STALE_AFTER_HOURS
        ):
            found.append(
                Signal(
                    asset=node[0],
                    partition=node[1],
                    check="fresh",
                    severity=Severity.WARN,
                    title="Newer input is waiting and has not been taken",
                    threshold=STALE_AFTER_HOURS,
                    owner=asset.owners[0],
                    what_to_do="See hcc status and hcc health; run hcc refresh.",
                )
            )
    return found + _refused_references(view)


def _refused_references(view: HomeView) -> list[Signal]:
    """Files of ``landing/reference/`` and ``landing/annotations/`` that nobody reads because they
    were refused: no asset has a check that could tell it."""
    refused = [d for d in view.landing.beside if d.state == "refused"]
    if not refused:
        return []
    return [
        Signal(
            asset="landing",
            check="reference_files_taken",
            title="A file in landing/reference or landing/annotations is refused and is not used",
            n_affected=len(refused),
            row_keys=tuple(view.people.in_keys(d.id) for d in refused),
            owner="team:data-management",
            what_to_do="hcc status names the file and the reason; correct it or take it away.",
            held_back="what rests on the earlier files stays",
        )
    ]


def _of_check(
    asset: Asset,
    node: Node,
    record: CheckRecord,
    held_back: str | None,
    run_id: str,
    input_hash: str,
) -> Signal:
    checks = {c.name: c for c in (asset.gate, *asset.checks)}
    check = checks.get(record.name, asset.gate)
    return Signal(
        asset=node[0],
        partition=node[1],
        check=record.name,
        severity=Severity(record.severity),
        title=f"Not met: {check.title}",
        n_affected=max(record.affected, 0),
        owner=asset.owners[0],
        what_to_do=check.todo,
        held_back=held_back or "",
        run_id=run_id or None,
        input_hash=input_hash,
    )


def _ancestors(plan: Plan) -> dict[str, set[str]]:
    assets = plan.view.assets
    found: dict[str, set[str]] = {}
    for name in {n[0]: None for n in plan.states}:
        direct = tuple(a for a in assets[name].reads if a != name)
        found[name] = set(direct).union(*(found.get(d, set()) for d in direct))
    return found


def tell(
    home: Home,
    view: HomeView,
    plan: Plan,
    *,
    extra: list[Signal] | None = None,
    now: dt.datetime | None = None,
    at_once: bool = False,
) -> dict[str, Any]:
    """Advance the alerts of a home and send what is due (``at_once``: also what waits for a second
    try).

    Returns
    -------
    dict
        ``open``: alerts that are open; ``sent``: messages delivered; ``enabled``.
    """
    now = now or dt.datetime.now(dt.UTC)
    config = view.config
    store = alert_store(home, config.study.id)
    channels = (
        channels_from_environment(key_for_home(keys_folder(home))) if config.alerts.enabled else []
    )
    store.observe(
        [*signals(view, plan), *(extra or [])],
        now,
        channels=[c.label for c in channels],
        repeat_hours=config.alerts.repeat_hours,
        upstream_of=_ancestors(plan),
    )
    sent = 0
    if channels:
        from hcc_assets.alerts.delivery import TICK_SECONDS, deliver_due

        sent = deliver_due(
            store, channels, now, at_once=at_once, budget_s=None if at_once else TICK_SECONDS
        ).sent
    return {
        "open": [_summary(a.record) for a in store.open_alerts()],
        "sent": sent,
        "enabled": config.alerts.enabled,
    }


def _summary(record: Any) -> dict[str, Any]:
    keep = ("asset", "partition", "check", "severity", "title", "state", "first_seen")
    return {"id": record.id, **{k: getattr(record, k) for k in keep}}


def open_alerts(home: Home) -> list[dict[str, Any]]:
    """Alerts that are open, without a look at the home."""
    if not (home.dagster_home / "alerts.db").exists() and not os.environ.get("HCC_DATABASE_URL"):
        return []
    return [_summary(a.record) for a in alert_store(home).open_alerts()]


def test_channels_of(home: Home) -> list[dict[str, Any]]:
    """Send one test message per channel."""
    from hcc_assets.alerts.delivery import test_channels

    channels = channels_from_environment(key_for_home(keys_folder(home)))
    answers = test_channels(channels, home.config().study.id, dt.datetime.now(dt.UTC))
    return [
        {"channel": label, "delivered": a.ok, "detail": a.reason} for label, a in answers.items()
    ]


def silence(home: Home, alert: str, until: dt.datetime, reason: str) -> None:
    """Keep one open alert quiet until a date; names in the reason are kept as keys."""
    found = next((a.record for a in alert_store(home).open_alerts() if a.record.id == alert), None)
    if found is None:
        raise LookupError(f"no open alert has the id {alert}; hcc status lists them")
    alert_store(home).silence(
        Silence(
            asset=found.asset,
            partition=found.partition or "",
            check=found.check,
            until=until,
            reason=read_people(home).in_keys(reason),
        )
    )


def retry(home: Home) -> int:
    """Send dead letters again; returns how many."""
    channels = channels_from_environment(key_for_home(keys_folder(home)))
    return alert_store(home).revive(dt.datetime.now(dt.UTC), [c.label for c in channels])
