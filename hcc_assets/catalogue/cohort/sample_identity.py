"""Is each sample whose and when it says; nothing is ever corrected."""

from __future__ import annotations

import pandas as pd

from hcc_assets.assets.definition import Output, Verdict, asset
from hcc_assets.assets.inputs import BySample, Version
from hcc_assets.catalogue.cohort._pseudobulks import pseudobulks
from hcc_assets.home.manifests import Bundle
from hcc_assets.schemas.identity import SampleIdentity
from hcc_assets.study.config import StudyConfig

TOLD = 5
"""Suspicions that the check quotes: what a line in the UI holds; all are in
``identity_suspicions``."""


@asset(
    model=SampleIdentity,
    settings=("samples.timepoints",),
    owners=("team:data-management",),
)
def sample_identity(
    samples: pd.DataFrame,
    qc_cells: BySample,
    annotated_cells: BySample,
    pseudobulk: BySample,
    config: StudyConfig,
    subjects: pd.DataFrame | None = None,
    exposure: pd.DataFrame | None = None,
) -> Output:
    """Is each sample whose and when it says: sex, copy number, expression, shared cells, timing.
    Suspicions are told, never acted on."""
    from hcc_assets.cells.identity.comparison import sample_identity as compared

    names = [s for s in samples["sample_id"] if s in pseudobulk]
    timepoints = config.samples.timepoints
    table, suspicions = compared(
        samples,
        {s: qc_cells[s].frame("fingerprint") for s in names},
        subjects=subjects,
        exposure=exposure,
        profiles={s: _malignant_profile(annotated_cells[s], s) for s in names},
        pseudobulks=pseudobulks(pseudobulk, names),
        timepoints=(timepoints[0], timepoints[-1]),
    )
    return Output(
        table=table,
        bundle=Bundle(frames={"suspicions": suspicions}),
        metadata={"suspicions": len(suspicions)},
    )


@sample_identity.check(severity="WARN", todo="Ask the site and the core; nothing is changed.")
def no_suspicion(output: Output) -> Verdict:
    """No sample looks swapped, repeated or mistimed"""
    messages = output.bundle.frames["suspicions"]["message"]
    text = "; ".join(messages.head(TOLD)) if len(messages) else "no suspicion"
    return Verdict(messages.empty, text, len(messages))


def _malignant_profile(calls: Version, sample: str) -> pd.Series | None:
    """Copy-number profile of a sample's malignant cells, where it has one."""
    if not calls.has("profile"):
        return None
    frame = calls.frame("profile")
    return pd.Series(frame["value"].to_numpy(), index=frame["bin"].to_numpy(), name=sample)
