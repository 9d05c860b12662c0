"""``hcc health``: probe everything that can go silent in a home, needing nothing of what it looks
at: no Dagster, no database that is opened for writing, no key that is made. The probes are in
`operate.watch`."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
from functools import partial
from pathlib import Path
from typing import Any

from hcc_assets.alerts.backlog import Waiting
from hcc_assets.alerts.channels import channels_from_environment
from hcc_assets.audit.log import AuditTrail
from hcc_assets.audit.signing import STATE_FILE
from hcc_assets.audit.trail import audit_path
from hcc_assets.home.paths import Home
from hcc_assets.home.people.subject_keys import KEY_FILE, KeyDamaged, key_for_home, keys_folder
from hcc_assets.operate.dagster_yaml import DATABASE_VARIABLE
from hcc_assets.operate.watch import home_probes
from hcc_assets.operate.watch.databases import Databases
from hcc_assets.operate.watch.health import check_health
from hcc_assets.operate.watch.heartbeat import ping, write_heartbeat
from hcc_assets.operate.watch.probes import Probe
from hcc_assets.study.config import ConfigError, StudyConfig


def home_health(home: Home, *, require_daemon: bool = False, load: bool = False) -> dict[str, Any]:
    """Probe everything that can go silent; red within the minute, answered within a second or so.

    Parameters
    ----------
    require_daemon
        Red also where no daemon has ever run.
    load
        Load the code location too, in a process of its own: half a minute, and needs Dagster.

    Returns
    -------
    dict
        ``healthy``, ``probes`` and ``lines``.
    """
    now = dt.datetime.now(dt.UTC)
    config, settings = _settings(home)
    key = _key(home)
    channels = None
    if config.alerts.enabled:
        channels = [c.label for c in channels_from_environment(key or b"")]
    databases = Databases(home.dagster_home, os.environ.get(DATABASE_VARIABLE))
    place = [Path(str(home.root))] if home.is_local else []
    folders = place + [f for f in (home.dagster_home,) if f.exists() or f not in place]
    trail = None
    if key and audit_path(home).exists():
        trail = AuditTrail(audit_path(home), key, keys_folder(home) / STATE_FILE)
    head = trail.head() if trail is not None else None
    of_home = (
        home_probes.key,
        home_probes.trail_is_there,
        home_probes.standing_files,
        home_probes.published_files,
    )
    report = check_health(
        now,
        folders=[f for f in folders if f.exists() or f in place],
        databases=databases,
        expect_daemon=True if require_daemon else None,
        asked=home.dagster_home / "daemon.json",
        definitions_module="hcc_assets.definitions" if load else None,
        alerts=Waiting(databases),
        channels=channels,
        audit=trail,
        extra=[
            settings,
            *(_named(probe.__name__, partial(probe, home)) for probe in of_home),
            _named("clock", partial(home_probes.clock, home, now)),
        ],
    )
    with contextlib.suppress(OSError):  # a disk that takes nothing is red already
        write_heartbeat(
            home.dagster_home / "health.json",
            now,
            who="hcc health",
            healthy=report.healthy,
            trail={"seq": head.seq, "hash": head.hash} if head is not None else None,
        )
    ping(report.healthy)
    return {**json.loads(report.to_json()), "lines": report.to_text().splitlines()}


def _settings(home: Home) -> tuple[StudyConfig, Any]:
    """The settings of the study, the defaults where they cannot be read, and the probe of that."""
    try:
        config, wrong = home.config(), ""
    except (ConfigError, OSError) as error:
        config, wrong = StudyConfig(), str(error).splitlines()[0][:200]

    def settings() -> Probe:
        if wrong:
            return Probe("settings", False, f"study.toml: {wrong}.", "Correct it.")
        return Probe("settings", True, "study.toml can be read.")

    return config, settings


def _key(home: Home) -> bytes | None:
    """The key where there is one; health makes none."""
    folder = keys_folder(home)
    if not (folder / KEY_FILE).exists():
        return None
    try:
        return key_for_home(folder)
    except (KeyDamaged, OSError):
        return None


def _named(name: str, probe: Any) -> Any:
    """A probe that is called by its name should it break."""
    probe.__name__ = name.replace("_", " ")
    return probe
