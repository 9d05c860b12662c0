"""Adverse events, as collected."""

from __future__ import annotations

from hcc_assets.assets.definition import Output, asset
from hcc_assets.assets.inputs import Version
from hcc_assets.catalogue.clinical._delivered import delivered, gate_of
from hcc_assets.schemas.clinical import AdverseEvents


@asset(
    model=AdverseEvents,
    gate=gate_of("adverse events"),
    owners=("team:data-management",),
    layer="validated",
)
def adverse_events(clinical_export: Version) -> Output:
    """Adverse events as collected, with dates and imputation flags. Nothing is graded or judged
    here."""
    return delivered(clinical_export, "adverse_events", "ae")
