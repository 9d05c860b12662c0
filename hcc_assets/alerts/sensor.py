"""The alert sensor: advances the alerts, gives up dead runs, sends what is due, keeps house."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

import dagster as dg

from hcc_assets.alerts.dagster_signals import tell_of
from hcc_assets.assets.definition import Asset
from hcc_assets.assets.plan import make_plan
from hcc_assets.assets.view import HomeView
from hcc_assets.audit.trail import head_of
from hcc_assets.home.paths import Home
from hcc_assets.operate.retention import trim_evaluations, trim_runs, trim_tick_logs
from hcc_assets.operate.watch.heartbeat import write_heartbeat
from hcc_assets.operate.watch.reaper import reap

TICK_SECONDS = 30
"""A message goes out, and a dead run is given up, within the minute that `watch.health`
promises."""
TRIMMED_A_TICK = 20
"""Old runs that one tick deletes at the most: a tick must stay short."""


def alert_sensor(home: Callable[[], Home], assets: Mapping[str, Asset]) -> dg.SensorDefinition:
    """Its state is the outbox, so a tick that fails loses nothing."""

    def look(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        place, now, instance = home(), dt.datetime.now(dt.UTC), context.instance
        dead = reap(instance, now, heartbeats=place.heartbeats)
        plan = make_plan(HomeView(place, assets))
        told = tell_of(plan, instance, at_once=False)
        trim_runs(instance, plan, now, limit=TRIMMED_A_TICK)
        trim_evaluations(instance, now)
        trim_tick_logs(place, now)
        write_heartbeat(
            place.dagster_home / "daemon.json", now, who="alert sensor", trail=head_of(place)
        )
        return dg.SkipReason(
            f"{len(told['open'])} alerts are open, {told['sent']} messages were sent, "
            f"{len(dead)} dead runs were given up"
        )

    return dg.SensorDefinition(
        name="alert_sensor",
        evaluation_fn=look,
        minimum_interval_seconds=TICK_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells what fails: into the outbox and out through the channels. "
        "Gives up runs whose process is gone.",
    )
