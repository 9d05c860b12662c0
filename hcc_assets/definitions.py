"""The Dagster code location ``hcc_assets``: assets, the driver, sensors, schedules and the jobs of
people. Nothing heavy is imported here."""

from __future__ import annotations

import dagster as dg

from hcc_assets.alerts.sensor import alert_sensor
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.home.private import private_process
from hcc_assets.operate.build import build_assets, home_of
from hcc_assets.operate.people_jobs import people_jobs
from hcc_assets.operate.ray.job import ray_definitions
from hcc_assets.operate.sensors import driver_sensor, landing_sensor, schedules
from hcc_assets.privacy.jobs import erase_job


def code_location(root: str = "") -> dg.Definitions:
    """Everything of the code location, over the home at ``root`` (``HCC_HOME`` where empty)."""
    home, assets = home_of(root), all_assets()
    own = build_assets()
    jobs = {job.name: job for job in own.jobs or []}
    acting = dg.Definitions(
        sensors=[
            landing_sensor(home, assets),
            driver_sensor(home, assets),
            alert_sensor(home, assets),
        ],
        schedules=schedules(home, assets, jobs),
        jobs=[*people_jobs(home), erase_job(home)],
    )
    return dg.Definitions.merge(own, acting, ray_definitions(home, assets))


# code servers and runs of Dagster's own begin here
private_process()
defs = code_location()
