"""Is the platform well? One probe per way of going silent, each with a sentence and what to do.
Telling is in `alerts`, mending elsewhere.

A stopped daemon process is red after 50 s: its quickest loops beat each 30 s, so death is seen
within a minute, where Dagster itself waits 30 minutes. A single loop that stands still is red after
five minutes: the scheduler beats once a minute, run monitoring as it is configured (up to 120 s).
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hcc_assets.operate.watch.heartbeat import heartbeat_age

if TYPE_CHECKING:
    import dagster as dg

    from hcc_assets.alerts.outbox import AlertStore
    from hcc_assets.audit.log import AuditTrail

DAEMON_LIMIT_SECONDS = 50.0
LOOP_LIMIT_SECONDS = 300.0
FAILED_TICKS = 3
NO_DAEMON = (
    "no daemon has ever run here: nothing happens by itself, only when somebody calls hcc refresh "
    "(with --require-daemon this is red)."
)
MIN_FREE_BYTES = 1 << 30
UNDELIVERED_SECONDS = 60.0


@dataclass(frozen=True)
class Probe:
    """One finding: ``ok``, a sentence, and what to do when it is not."""

    name: str
    ok: bool
    sentence: str
    what_to_do: str = ""


@dataclass(frozen=True)
class HealthReport:
    """All findings of one moment."""

    at: dt.datetime
    probes: tuple[Probe, ...]

    @property
    def healthy(self) -> bool:
        """True when every probe is."""
        return all(p.ok for p in self.probes)

    def to_json(self) -> str:
        """``{healthy, at, probes: [{name, ok, sentence, what_to_do}]}``."""
        content = {
            "healthy": self.healthy,
            "at": self.at.astimezone(dt.UTC).isoformat(timespec="seconds"),
            "probes": [asdict(p) for p in self.probes],
        }
        return json.dumps(content, indent=2)

    def to_text(self) -> str:
        """One line per probe, red ones first."""
        lines = []
        for probe in sorted(self.probes, key=lambda p: p.ok):
            lines.append(
                f"{'ok ' if probe.ok else 'RED'}  {probe.name}: {probe.sentence}"
                + (f" {probe.what_to_do}" if not probe.ok else "")
            )
        return "\n".join(lines)


def check_health(
    now: dt.datetime,
    *,
    folders: Collection[Path] = (),
    instance: dg.DagsterInstance | None = None,
    expect_daemon: bool | None = None,
    definitions_module: str | None = None,
    alerts: AlertStore | None = None,
    channels: Sequence[str] | None = None,
    audit: AuditTrail | None = None,
    stale: Callable[[], Sequence[str]] | None = None,
    heartbeat: Path | None = None,
    heartbeat_limit_s: float = 26 * 3600,
    min_free_bytes: int = MIN_FREE_BYTES,
    extra: Sequence[Callable[[], Probe]] = (),
) -> HealthReport:
    """Run every probe for which there is something to look at. A probe that itself breaks is red.

    Parameters
    ----------
    now
        Aware time.
    folders
        Where the platform writes: free space and writability.
    instance
        Dagster's instance: daemons and ticks.
    expect_daemon
        Whether a daemon is to run here; None: once one has run, it is to go on.
    definitions_module
        Module of the code location, loaded in a child process.
    alerts, channels
        Outbox, and labels of the channels that are set up (None: alerts are off).
    audit
        The trail to verify.
    stale
        Names of published assets that are older than they should be.
    heartbeat, heartbeat_limit_s
        File that refresh or the daemon renews, and its greatest age (seconds) before it is red.
    min_free_bytes
        Least free space per folder.
    extra
        Further probes.
    """
    probes: list[tuple[str, Callable[[], Probe]]] = [
        (f"disk {f.name}", partial(_disk, f, min_free_bytes)) for f in folders
    ]
    if instance is not None:
        probes += [
            ("daemon", partial(_daemon, instance, now, expect_daemon)),
            ("sensors", partial(_ticks, instance)),
        ]
    if definitions_module is not None:
        probes.append(("code location", partial(_code_location, definitions_module)))
    if alerts is not None:
        probes.append(("alerts", partial(_alerts, alerts, now, channels)))
    if audit is not None:
        probes.append(("audit trail", partial(_audit, audit)))
    if stale is not None:
        probes.append(("published", lambda: _stale(stale())))
    if heartbeat is not None:
        probes.append(("heartbeat", partial(_heartbeat, heartbeat, now, heartbeat_limit_s)))
    probes += [(getattr(probe, "__name__", "extra"), probe) for probe in extra]
    return HealthReport(now, tuple(_guarded(name, probe) for name, probe in probes))


def _guarded(name: str, probe: Callable[[], Probe]) -> Probe:
    try:
        return probe()
    # a probe that breaks is a finding; the text may hold data, the class does not
    except Exception as error:  # noqa: BLE001
        return Probe(
            name,
            False,
            f"could not be looked at ({type(error).__name__}).",
            "Read the log of the daemon; is the database there?",
        )


def _disk(folder: Path, least: int) -> Probe:
    name = f"disk {folder.name}"
    if not folder.exists():
        return Probe(
            name,
            False,
            f"the folder {folder.name} is not there.",
            "Mount the disk, or set HCC_HOME.",
        )
    if not os.access(folder, os.W_OK):
        return Probe(
            name,
            False,
            f"the folder {folder.name} cannot be written.",
            "Is the disk mounted read-only, or does the folder belong to another user?",
        )
    free = shutil.disk_usage(folder).free
    sentence = f"{free / 2**30:.1f} GiB free."
    if free < least:
        return Probe(
            name,
            False,
            sentence,
            f"Free at least {least / 2**30:.1f} GiB; until then new versions may not be written, "
            "and the ones that stand stay.",
        )
    return Probe(name, True, sentence)


def _daemon(instance: dg.DagsterInstance, now: dt.datetime, expected: bool | None) -> Probe:
    beats = instance.get_daemon_heartbeats()
    required = set(instance.get_required_daemon_types())
    if expected is False or (expected is None and not beats):
        return Probe(
            "daemon", True, NO_DAEMON if expected is None else "no daemon is expected here."
        )
    ages = {
        name: now.timestamp() - beat.timestamp for name, beat in beats.items() if name in required
    }
    todo = "Start it again: hcc ui, or systemctl restart hcc-daemon."
    if not ages:
        return Probe("daemon", False, "no daemon has ever run here.", todo)
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
    errors = sorted(name for name, beat in beats.items() if name in required and beat.errors)
    if errors:
        names = ", ".join(n.lower().replace("_", " ") for n in errors)
        return Probe(
            "daemon",
            False,
            f"runs, but reports errors: {names}.",
            "Look at Deployment > Daemons in the web UI.",
        )
    return Probe("daemon", True, f"alive, last heard of {max(min(ages.values()), 0):.0f} s ago.")


def _ticks(instance: dg.DagsterInstance) -> Probe:
    from dagster._core.scheduler.instigation import InstigatorStatus, TickStatus

    failing = []
    for state in instance.all_instigator_state():
        if state.status is InstigatorStatus.STOPPED:
            continue
        done = [TickStatus.FAILURE, TickStatus.SUCCESS, TickStatus.SKIPPED]
        ticks = instance.get_ticks(
            state.instigator_origin_id, state.selector_id, limit=FAILED_TICKS, statuses=done
        )
        if len(ticks) == FAILED_TICKS and all(tick.status is TickStatus.FAILURE for tick in ticks):
            failing.append(state.instigator_name)
    if failing:
        names = ", ".join(sorted(failing))
        return Probe(
            "sensors",
            False,
            f"failed {FAILED_TICKS} times in a row: {names}.",
            "Look at Automation in the web UI; nothing is lost, the next good tick catches up.",
        )
    return Probe("sensors", True, f"none has failed {FAILED_TICKS} times in a row.")


def _code_location(module: str, timeout_s: float = 50) -> Probe:
    program = (
        "import importlib, sys, dagster as dg; m = importlib.import_module(sys.argv[1]);"
        "d = [v for v in vars(m).values() if isinstance(v, dg.Definitions)];"
        "dg.Definitions.validate_loadable(d[0]); print('loaded')"
    )
    todo = (
        "Run `dagster definitions validate` in the checkout; the published files are not touched."
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", program, module],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Probe("code location", False, f"did not load within {timeout_s:.0f} s.", todo)
    if done.returncode != 0 or "loaded" not in done.stdout:
        last = next(
            (
                line.partition(":")[0]
                for line in reversed(done.stderr.splitlines())
                if line and not line.startswith(" ")
            ),
            "no error text",
        )
        return Probe(
            "code location",
            False,
            f"{module} does not load ({last.rpartition('.')[2][:60]}).",
            todo,
        )
    return Probe("code location", True, f"{module} loads.")


def _alerts(store: AlertStore, now: dt.datetime, channels: Sequence[str] | None) -> Probe:
    backlog = store.backlog(channels)
    dead = store.backlog().dead
    if dead:
        text = ", ".join(f"{n} for {channel}" for channel, n in sorted(dead.items()))
        return Probe(
            "alerts",
            False,
            f"messages were given up: {text}.",
            "Mend the address in HCC_ALERT_URLS, try `hcc alerts test`, then `hcc alerts retry`.",
        )
    if channels is None:
        return Probe("alerts", True, "alerts are off.")
    if not channels:
        return Probe(
            "alerts", False, "alerts are on, but no channel is set up.", "Set HCC_ALERT_URLS."
        )
    waited = (now - backlog.oldest).total_seconds() if backlog.oldest is not None else 0.0
    if backlog.failing and waited > UNDELIVERED_SECONDS:
        text = ", ".join(
            f"{channel} ({error})" for channel, error in sorted(backlog.failing.items())
        )
        return Probe(
            "alerts",
            False,
            f"not taken for {waited:.0f} s: {text}.",
            "Is the server up? Try `hcc alerts test`; messages are kept and tried again.",
        )
    if waited > 10 * UNDELIVERED_SECONDS:
        return Probe(
            "alerts",
            False,
            f"{backlog.waiting} messages wait, nobody sends them.",
            "Start the daemon (hcc ui), or run hcc refresh.",
        )
    return Probe(
        "alerts",
        True,
        f"{backlog.waiting} messages wait." if backlog.waiting else "all messages were taken.",
    )


def _audit(trail: AuditTrail) -> Probe:
    problems = trail.verify()
    if problems:
        return Probe(
            "audit trail",
            False,
            f"{len(problems)} faults, the first: {problems[0].message}.",
            "Run `hcc audit verify`; keep the file as it is.",
        )
    head = trail.head()
    return Probe("audit trail", True, f"whole, {head.seq if head else 0} entries.")


def _stale(names: Sequence[str]) -> Probe:
    if names:
        return Probe(
            "published",
            False,
            f"older than it should be: {', '.join(sorted(names))}.",
            "See `hcc status` for the reason.",
        )
    return Probe("published", True, "as new as its inputs.")


def _heartbeat(path: Path, now: dt.datetime, limit_s: float) -> Probe:
    age = heartbeat_age(path, now)
    if age is None:
        return Probe("heartbeat", True, "none yet.")
    if age > limit_s:
        return Probe(
            "heartbeat",
            False,
            f"the last one is {age / 3600:.1f} h old."
            if age != float("inf")
            else "the file cannot be read.",
            "Is the schedule running?",
        )
    return Probe("heartbeat", True, f"{max(age, 0):.0f} s old.")
