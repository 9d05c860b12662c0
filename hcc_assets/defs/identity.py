"""Recipes of sample identity: is each sample whose and when it says. Comparing is in ``cells.identity``; nothing is ever corrected."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.recipes import Ask, Check, Output, Recipe
from hcc_assets.defs.cohort import pseudobulks
from hcc_assets.home.versions import Bundle, CheckRecord
from hcc_assets.schemas import identity as identity_models


def _sample_identity(ask: Ask) -> Output:
    from hcc_assets.cells.identity.comparison import sample_identity

    samples = ask.table("samples")
    names = [s for s in samples["sample_id"] if s in set(ask.samples("pseudobulk"))]
    table, suspicions = sample_identity(
        samples,
        {s: ask.frame("qc_cells", "fingerprint", s) for s in names},
        subjects=ask.table("subjects") if ask.has("subjects") else None,
        exposure=ask.table("exposure") if ask.has("exposure") else None,
        profiles={s: malignant_profile(ask, s) for s in names},
        pseudobulks=pseudobulks(ask, names),
        timepoints=(ask.config.samples.timepoints[0], ask.config.samples.timepoints[-1]),
    )
    told = "; ".join(suspicions["message"].head(5)) if len(suspicions) else "no suspicion"
    return Output(
        table=table,
        bundle=Bundle(frames={"suspicions": suspicions}),
        checks=[
            CheckRecord(
                name="no_suspicion",
                passed=suspicions.empty,
                severity="WARN",
                affected=len(suspicions),
                description=told,
            )
        ],
        metadata={"suspicions": len(suspicions)},
    )


def malignant_profile(ask: Ask, sample: str) -> pd.Series | None:
    """Copy-number profile of a sample's malignant cells, where it has one."""
    manifest = ask.bench.versions.require("annotated_cells", sample)
    if not any(f.endswith("/profile.parquet") for f in manifest.files):
        return None
    frame = ask.frame("annotated_cells", "profile", sample)
    return pd.Series(frame["value"].to_numpy(), index=frame["bin"].to_numpy(), name=sample)


def _identity_suspicions(ask: Ask) -> Output:
    return Output(table=ask.frame("sample_identity", "suspicions"))


_TAGS = {"layer": "cohort"}

IDENTITY_RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="sample_identity",
        compute=_sample_identity,
        group="cohort",
        inputs=("samples", "qc_cells", "annotated_cells", "pseudobulk"),
        optional=("subjects", "exposure"),
        model=identity_models.SampleIdentity,
        settings=("samples",),
        checks=(
            Check(
                "no_suspicion",
                "No sample looks swapped, repeated or mistimed",
                "WARN",
                todo="Ask the site and the core; nothing is changed.",
            ),
        ),
        description="Is each sample whose and when it says: sex, copy number, expression, shared cells, timing. Suspicions are told, never acted on.",
        owners=("team:data-management",),
        tags=_TAGS,
    ),
    Recipe(
        name="identity_suspicions",
        compute=_identity_suspicions,
        group="cohort",
        inputs=("sample_identity",),
        model=identity_models.IdentitySuspicions,
        description="Suspicions about sample identity, one row each with what was seen and what to do. Never fixed automatically.",
        owners=("team:data-management",),
        tags=_TAGS,
    ),
)
