"""What lies in the catalogue beside our own assets: stock Dagster assets, checks, sensors,
schedules, jobs and Components, and those that installed packages add."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import dagster as dg

from hcc_assets.catalogue.loading import FOLDER, installed, modules


@lru_cache(maxsize=1)
def native_definitions() -> dg.Definitions:
    """Everything of Dagster's own that the catalogue's modules define, and its Components."""
    found = [_of_module(module) for module in (*modules(), *installed())]
    components = [dg.Definitions.merge(*c) for c in [list(_components())] if c]
    return dg.Definitions.merge(*(d for d in found if d is not None), *components)


def native_checks() -> frozenset[dg.AssetCheckKey]:
    """Checks of stock assets."""
    found = native_definitions()
    return frozenset(
        key
        for made in (*(found.assets or ()), *(found.asset_checks or ()))
        if isinstance(made, dg.AssetsDefinition)
        for key in made.check_keys
    )


def _of_module(module: ModuleType) -> dg.Definitions | None:
    own = [v for v in vars(module).values() if getattr(v, "__module__", None) != "typing"]
    assets = _unique(own, (dg.AssetsDefinition, dg.AssetSpec), without=dg.AssetChecksDefinition)
    checks = _unique(own, (dg.AssetChecksDefinition,))
    sensors = _unique(own, (dg.SensorDefinition,))
    schedules = _unique(own, (dg.ScheduleDefinition,))
    jobs = _unique(own, (dg.JobDefinition,))
    whole = _unique(own, (dg.Definitions,))
    if not (assets or checks or sensors or schedules or jobs or whole):
        return None
    parts = dg.Definitions(
        assets=assets, asset_checks=checks, sensors=sensors, schedules=schedules, jobs=jobs
    )
    return dg.Definitions.merge(parts, *whole)


def _unique(values: list[Any], kinds: tuple[type, ...], without: type | None = None) -> list[Any]:
    chosen = [v for v in values if isinstance(v, kinds)]
    chosen = [v for v in chosen if without is None or not isinstance(v, without)]
    return list({id(v): v for v in chosen}.values())


def _components() -> Iterator[dg.Definitions]:
    """Definitions of every folder with a ``defs.yaml``; Dagster's loader is asked only then, since
    it costs half a second."""
    folders = sorted({p.parent for p in FOLDER.rglob("defs.yaml")})
    if not folders:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = dg.ComponentTree.for_project(_project(FOLDER))
        for folder in folders:
            yield tree.build_defs_at_path(folder.relative_to(FOLDER))


def _project(folder: Path) -> Path:
    return next(p for p in folder.parents if (p / "pyproject.toml").exists())
