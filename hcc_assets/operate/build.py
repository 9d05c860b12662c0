"""Definitions built by a pure function with overrides: tests give another home or other recipes and patch nothing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import dagster as dg

from hcc_assets.assets.factory import HomeResource, to_asset
from hcc_assets.assets.recipes import Recipe
from hcc_assets.defs.catalogue import all_recipes
from hcc_assets.home.paths import Home
from hcc_assets.operate.jobs import CONFIRMATORY_JOB, SAMPLE_JOB, TABLES_JOB
from hcc_assets.operate.sensors import schedules, sensors
from hcc_assets.privacy.jobs import erase_job, withdraw_job


def build_definitions(
    home: Home | None = None, recipes: Mapping[str, Recipe] | None = None
) -> dg.Definitions:
    """Definitions over a home.

    Parameters
    ----------
    home
        The data home; ``HCC_HOME`` at run time where not given.
    recipes
        Assets by name; all of the project where not given.
    """
    return _build(
        str(home.root) if home is not None else "",
        None if recipes is None else tuple(recipes.values()),
    )


@lru_cache(maxsize=4)
def _build(root: str, given: tuple[Recipe, ...] | None) -> dg.Definitions:
    recipes = {r.name: r for r in given} if given is not None else all_recipes()
    assets = {name: to_asset(recipe, recipes) for name, recipe in recipes.items()}
    jobs = {}
    for name, partitioned, text in (
        (SAMPLE_JOB, True, "From one delivered matrix to its calls, counts and pseudobulk."),
        (TABLES_JOB, False, "Tables across samples and the clinical half."),
    ):
        chosen = [assets[r.name] for r in recipes.values() if r.partitioned is partitioned]
        if chosen:
            selection = dg.AssetSelection.assets(*chosen)
            jobs[name] = dg.define_asset_job(
                name, selection=selection, description=text, executor_def=dg.in_process_executor
            )
    slow = [assets[r.name] for r in recipes.values() if not r.automatic]
    if slow:
        jobs[CONFIRMATORY_JOB] = dg.define_asset_job(
            CONFIRMATORY_JOB,
            selection=dg.AssetSelection.assets(*slow),
            description="The slow confirmatory engine.",
            executor_def=dg.in_process_executor,
        )
    return dg.Definitions(
        assets=list(assets.values()),
        jobs=[*jobs.values(), withdraw_job, erase_job],
        sensors=sensors(jobs),
        schedules=schedules(jobs),
        resources={"home": HomeResource(root=root)},
        executor=dg.in_process_executor,
    )
