"""Dosing records."""

from __future__ import annotations

from hcc_assets.assets.definition import Output, asset
from hcc_assets.assets.inputs import Version
from hcc_assets.catalogue.clinical._delivered import delivered, gate_of
from hcc_assets.schemas.clinical import Exposure


@asset(
    model=Exposure,
    gate=gate_of("exposure"),
    owners=("team:data-management",),
    layer="validated",
)
def exposure(clinical_export: Version) -> Output:
    """Dosing records with dates and dose. An EXDOSE of 0 is an interruption."""
    return delivered(clinical_export, "exposure", "ex")
