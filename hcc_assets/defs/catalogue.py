"""All recipes of the project, in one place. Each lives in the module of its group."""

from __future__ import annotations

from functools import lru_cache

from hcc_assets.assets.recipes import Recipe


@lru_cache(maxsize=1)
def all_recipes() -> dict[str, Recipe]:
    """Every asset of the project by name."""
    from hcc_assets.defs.atlas import ATLAS_RECIPES
    from hcc_assets.defs.clinical import CLINICAL_RECIPES
    from hcc_assets.defs.cohort import COHORT_RECIPES
    from hcc_assets.defs.endpoints import ENDPOINT_RECIPES
    from hcc_assets.defs.expression import EXPRESSION_RECIPES
    from hcc_assets.defs.identity import IDENTITY_RECIPES
    from hcc_assets.defs.landing import LANDING_RECIPES
    from hcc_assets.defs.quality import QUALITY_RECIPES
    from hcc_assets.defs.reporting import REPORT_RECIPES
    from hcc_assets.defs.single_cell import SAMPLE_RECIPES

    recipes: dict[str, Recipe] = {}
    groups = (
        LANDING_RECIPES,
        SAMPLE_RECIPES,
        QUALITY_RECIPES,
        IDENTITY_RECIPES,
        COHORT_RECIPES,
        ATLAS_RECIPES,
        EXPRESSION_RECIPES,
        CLINICAL_RECIPES,
        ENDPOINT_RECIPES,
        REPORT_RECIPES,
    )
    for recipe in (r for group in groups for r in group):
        if recipe.name in recipes:
            raise ValueError(f"two recipes are named {recipe.name}")
        recipes[recipe.name] = recipe
    return recipes
