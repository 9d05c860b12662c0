"""Probes of what Dagster leaves on the disk: its databases, the daemon's signs of life, ticks. None
needs Dagster."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from hcc_assets.operate.watch.databases import Databases, Unanswered
from hcc_assets.operate.watch.heartbeat import heartbeat_age
from hcc_assets.operate.watch.probes import Probe

DAEMON_LIMIT_SECONDS = 50.0
"""The quickest loops of the daemon beat each 30 s, so that its death is seen within a minute, where
Dagster itself waits 30 minutes."""
LOOP_LIMIT_SECONDS = 300.0
"""A single loop that stands still: the scheduler beats once a minute, run monitoring as it is
configured (up to 120 s)."""
FAILED_TICKS = 3
"""Once may be a file that was being written; three times in a row is half a minute."""
LOOPS = frozenset(
    {
        "ASSET",
        "BACKFILL",
        "FRESHNESS_DAEMON",
        "MONITORING",
        "QUEUED_RUN_COORDINATOR",
        "SCHEDULER",
        "SENSOR",
    }
)
"""Loops of the daemon that the shipped ``dagster.yaml`` asks for."""
ASKED_LIMIT_SECONDS = 150.0
"""Five ticks of the alert sensor: a busy machine misses one or two."""
SHOWN = 2
"""Databases named in one sentence: own choice, it is to be read."""
NO_DAEMON = (
    "no daemon has ever run here: nothing happens by itself, only when somebody calls hcc refresh "
    "(with --require-daemon this is red)."
)


def databases(found: Databases) -> Probe:
    """SQLite files that are whole; a server that answers."""
    wrong = found.faults()
    if wrong:
        first = "; ".join(f"{f.path.name} {f.what}" for f in wrong[:SHOWN])
        more = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        damaged = all(f.damaged for f in wrong)
        return Probe(
            "database",
            False,
            f"{first}{more}.",
            "Run hcc refresh: what is damaged is set aside and made anew; nothing published is "
            "touched."
            if damaged
            else "Does the folder belong to another user?",
        )
    if found.url is None:
        return Probe("database", True, "every file is whole.")
    try:
        found.rows("", "SELECT 1")
    except Unanswered:
        return Probe(
            "database",
            False,
            "the server of HCC_DATABASE_URL does not answer.",
            "Start it; what is published stands, the next refresh goes on.",
        )
    return Probe("database", True, "the server answers.")


def daemon(found: Databases, now: dt.datetime, expected: bool | None) -> Probe:
    """The signs of life that Dagster's daemon writes into its table."""
    try:
        beats = heartbeats(found)
    except Unanswered:
        return Probe(
            "daemon", False, "its signs of life cannot be read.", "Mend what is red above."
        )
    if expected is False or (expected is None and not beats):
        return Probe(
            "daemon", True, NO_DAEMON if expected is None else "no daemon is expected here."
        )
    todo = "Start it again: hcc ui, or systemctl restart hcc-daemon."
    if not beats:
        return Probe("daemon", False, "no daemon has ever run here.", todo)
    ages = {name: now.timestamp() - beat["timestamp"] for name, beat in beats.items()}
    if min(ages.values()) > DAEMON_LIMIT_SECONDS:
        return Probe(
            "daemon", False, f"the daemon has been silent for {min(ages.values()):.0f} s.", todo
        )
    late = sorted(name for name, age in ages.items() if age > LOOP_LIMIT_SECONDS)
    if late:
        return Probe(
            "daemon",
            False,
            f"silent: {', '.join(n.lower().replace('_', ' ') for n in late)}.",
            todo,
        )
    errors = sorted(name for name, beat in beats.items() if beat.get("errors"))
    if errors:
        names = ", ".join(n.lower().replace("_", " ") for n in errors)
        return Probe(
            "daemon",
            False,
            f"runs, but reports errors: {names}.",
            "Look at Deployment > Daemons in the web UI.",
        )
    return Probe("daemon", True, f"alive, last heard of {max(min(ages.values()), 0):.0f} s ago.")


def heartbeats(found: Databases) -> dict[str, dict[str, Any]]:
    """Last beats of the daemon's loops, by loop."""
    rows = found.rows("history/runs.db", "SELECT body FROM daemon_heartbeats")
    beats = [json.loads(body) for (body,) in rows]
    return {b["daemon_type"]: b for b in beats if b.get("daemon_type") in LOOPS}


def asked(found: Databases, beat: Path, now: dt.datetime) -> Probe:
    """Whether the daemon, when it lives, reaches the code location: the alert sensor leaves a sign
    at each tick. Loading it here would need Dagster (`code_location`)."""
    try:
        last = max((b["timestamp"] for b in heartbeats(found).values()), default=None)
    except Unanswered:
        last = None
    lives = last is not None and now.timestamp() - last <= DAEMON_LIMIT_SECONDS
    age = heartbeat_age(beat, now)
    if lives and age is not None and age > ASKED_LIMIT_SECONDS:
        return Probe(
            "code location",
            False,
            f"the daemon lives, but no sensor was asked for {age:.0f} s."
            if age != float("inf")
            else "the sign of the alert sensor cannot be read.",
            "Run `hcc health --load`, which loads the code location and names the error.",
        )
    return Probe("code location", True, "its sensors are asked." if lives else "not asked now.")


def ticks(found: Databases) -> Probe:
    """Sensors and schedules whose last ticks all failed."""
    failing = []
    try:
        running = found.rows(
            "schedules/schedules.db",
            "SELECT selector_id FROM instigators WHERE status <> 'STOPPED'",
        )
        for (selector,) in running:
            last = found.rows(
                "schedules/schedules.db",
                "SELECT status, tick_body FROM job_ticks WHERE selector_id = ? AND status IN "
                "('FAILURE', 'SUCCESS', 'SKIPPED') ORDER BY timestamp DESC, id DESC "
                "LIMIT ?",
                (selector, FAILED_TICKS),
            )
            if len(last) == FAILED_TICKS and all(status == "FAILURE" for status, _ in last):
                body = json.loads(last[0][1])
                failing.append(str(body.get("instigator_name") or body.get("job_name")))
    except Unanswered:
        return Probe("sensors", False, "their ticks cannot be read.", "Mend what is red above.")
    if failing:
        names = ", ".join(sorted(failing))
        return Probe(
            "sensors",
            False,
            f"failed {FAILED_TICKS} times in a row: {names}.",
            "Look at Automation in the web UI; nothing is lost, the next good tick catches up.",
        )
    return Probe("sensors", True, f"none has failed {FAILED_TICKS} times in a row.")
