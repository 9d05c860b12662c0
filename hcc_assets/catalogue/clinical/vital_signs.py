"""Vital signs, as delivered."""

from __future__ import annotations

from hcc_assets.assets.definition import Output, asset
from hcc_assets.assets.inputs import Version
from hcc_assets.catalogue.clinical._delivered import delivered, gate_of
from hcc_assets.schemas.clinical import VitalSigns


@asset(
    model=VitalSigns,
    gate=gate_of("vital signs"),
    owners=("team:data-management",),
    layer="validated",
)
def vital_signs(clinical_export: Version) -> Output:
    """Vital signs as delivered, with dates and imputation flags. Empty where the export has no
    VS."""
    return delivered(clinical_export, "vital_signs", "vs")
