"""One probe per way of going silent, each with a sentence and what to do. Which are asked is in
`health`."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hcc_assets.audit.log import AuditTrail
from hcc_assets.operate.watch.heartbeat import heartbeat_age

PROBE_BYTES = 65536
"""Written and synced to see whether a disk takes anything: more than a file system keeps beside."""
MIN_FREE_BYTES = 1 << 30
"""A gibibyte: a version of the largest tables and the history of a month."""
UNDELIVERED_SECONDS = 60.0
"""Two ticks of the alert sensor: the second attempt has failed too."""
CODE_SECONDS = 50.0
"""To load the code location in: several times what a slow machine takes, and below a minute."""


@dataclass(frozen=True)
class Probe:
    """One finding: ``ok``, a sentence, and what to do when it is not."""

    name: str
    ok: bool
    sentence: str
    what_to_do: str = ""


class Backlog(Protocol):
    """What waits in the outbox (`alerts.letters.Backlog`)."""

    @property
    def waiting(self) -> int: ...
    @property
    def failing(self) -> Mapping[str, str]: ...
    @property
    def oldest(self) -> dt.datetime | None: ...
    @property
    def dead(self) -> Mapping[str, int]: ...


class Outbox(Protocol):
    """The outbox of the alerts, which are a room above this one."""

    def backlog(self, channels: Collection[str] | None = None) -> Backlog:
        """Messages that wait and dead letters; of ``channels`` only, when given."""


def disk(folder: Path, least: int) -> Probe:
    name = f"disk {folder.name}"
    if not folder.exists():
        return Probe(
            name,
            False,
            f"the folder {folder.name} is not there.",
            "Mount the disk, or set HCC_HOME.",
        )
    todo = "Free space, mount the disk writable, or give the folder to this user."
    if not os.access(folder, os.W_OK):
        return Probe(name, False, "cannot be written: read-only, or not of this user.", todo)
    try:
        with tempfile.TemporaryFile(dir=folder) as handle:
            handle.write(b"\0" * PROBE_BYTES)
            handle.flush()
            os.fsync(handle.fileno())
    except OSError as error:
        return Probe(name, False, f"cannot be written: {os.strerror(error.errno or 0)}.", todo)
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


def code_location(module: str, timeout_s: float = CODE_SECONDS) -> Probe:
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


def alerts(store: Outbox, now: dt.datetime, channels: Sequence[str] | None) -> Probe:
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


def audit(trail: AuditTrail) -> Probe:
    problems = trail.look(signatures=False, still=False)[1]
    if problems:  # or a line that was just being written
        time.sleep(0.05)
        problems = trail.look(signatures=False, still=False)[1]
    if problems:
        return Probe(
            "audit trail",
            False,
            f"{len(problems)} faults, the first: {problems[0].message}.",
            "Run `hcc audit verify`; keep the file as it is.",
        )
    head = trail.head()
    return Probe("audit trail", True, f"whole, {head.seq if head else 0} entries.")


def stale(names: Sequence[str]) -> Probe:
    if names:
        return Probe(
            "published",
            False,
            f"older than it should be: {', '.join(sorted(names))}.",
            "See `hcc status` for the reason.",
        )
    return Probe("published", True, "as new as its inputs.")


def heartbeat(path: Path, now: dt.datetime, limit_s: float) -> Probe:
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
