"""Definitions built by pure functions with overrides: tests give another home or other assets and
patch nothing. Sensors, schedules and the jobs of people are added in `hcc_assets.definitions`."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import dagster as dg

from hcc_assets.assets.definition import Asset
from hcc_assets.assets.factory import to_dagster
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.catalogue.native import native_definitions
from hcc_assets.home.migration import require_today
from hcc_assets.home.paths import Home
from hcc_assets.operate.driver import Behind, Stale
from hcc_assets.operate.io_manager import StoreIOManager
from hcc_assets.operate.watch.life import living

SAMPLE_JOB = "sample_chain"
TABLES_JOB = "tables"
CONFIRMATORY_JOB = "confirmatory"
JOB_TEXTS = {
    SAMPLE_JOB: "From one delivered matrix to its calls, counts and pseudobulk.",
    TABLES_JOB: "Tables across samples and the clinical half.",
    CONFIRMATORY_JOB: "The slow confirmatory engine.",
}
FRESH_FOR = dg.FreshnessPolicy.time_window(
    fail_window=dt.timedelta(hours=30), warn_window=dt.timedelta(hours=26)
)
"""What people read is looked at every day by the daily schedule: a day, and what a slow night or
a tick takes."""


def build_assets(
    home: Home | None = None, assets: Mapping[str, Asset] | None = None
) -> dg.Definitions:
    """Assets and their jobs over a home, without anything that acts by itself.

    Parameters
    ----------
    home
        The data home; ``HCC_HOME`` at run time where not given.
    assets
        Assets by name; all of the catalogue, and what lies beside them, where not given.
    """
    given = None if assets is None else tuple(assets.values())
    return _build(str(home.root) if home is not None else "", given)


def home_of(root: str) -> Callable[[], Home]:
    """Which home a run works on: the one the definitions were built for, else ``HCC_HOME``. A
    daemon that is started over a home of 0.1 leaves it alone."""
    return lambda: require_today(Home.at(root or None))


@lru_cache(maxsize=4)
def _build(root: str, given: tuple[Asset, ...] | None) -> dg.Definitions:
    known = {a.name: a for a in given} if given is not None else all_assets()
    place = home_of(root)
    stale = Stale(place, tuple(known.values()))
    made = {
        name: to_dagster(
            asset,
            known,
            home=place,
            living=living,
            condition=stale,
            freshness=FRESH_FOR if name == "trial_report" else None,
        )
        for name, asset in known.items()
    }
    groups = {
        SAMPLE_JOB: [made[a.name] for a in known.values() if a.per_sample],
        TABLES_JOB: [made[a.name] for a in known.values() if not a.per_sample],
        CONFIRMATORY_JOB: [made[a.name] for a in known.values() if not a.automatic],
    }
    own = dg.Definitions(
        assets=list(made.values()),
        jobs=[_job(name, chosen) for name, chosen in groups.items() if chosen],
        resources={"io_manager": StoreIOManager(place, known)},
        executor=dg.in_process_executor,
    )
    return dg.Definitions.merge(own, _scheduled(native_definitions())) if given is None else own


def _scheduled(native: dg.Definitions) -> dg.Definitions:
    """Stock assets without a condition of their own follow their inputs, like ours."""

    def follow(spec: dg.AssetSpec) -> dg.AssetSpec:
        if spec.automation_condition:
            return spec
        return spec.replace_attributes(automation_condition=Behind())

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return native.map_asset_specs(func=follow)


def _job(name: str, chosen: Iterable[dg.AssetsDefinition]) -> Any:
    selection = dg.AssetSelection.assets(*chosen)
    return dg.define_asset_job(
        name,
        selection=selection,
        description=JOB_TEXTS[name],
        executor_def=dg.in_process_executor,
    )
