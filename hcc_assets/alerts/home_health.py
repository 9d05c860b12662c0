"""``hcc health``: probe everything that can go silent in a home. The probes are in
`operate.watch.health`."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from hcc_assets.alerts.alerting import alert_store
from hcc_assets.alerts.channels import channels_from_environment
from hcc_assets.audit.trail import head_of, trail_of
from hcc_assets.home.paths import Home
from hcc_assets.home.people.subject_keys import key_for_home, keys_folder
from hcc_assets.operate.instance import instance_of
from hcc_assets.operate.watch.health import check_health
from hcc_assets.operate.watch.heartbeat import ping, write_heartbeat


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
        home.dagster_home / "health.json",
        now,
        who="hcc health",
        healthy=report.healthy,
        trail=head_of(home),
    )
    ping(report.healthy)
    return {**json.loads(report.to_json()), "lines": report.to_text().splitlines()}
