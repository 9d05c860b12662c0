"""Lesion measurements, as delivered."""

from __future__ import annotations

from hcc_assets.assets.definition import Output, asset
from hcc_assets.assets.inputs import Version
from hcc_assets.catalogue.clinical._delivered import delivered, gate_of
from hcc_assets.schemas.clinical import TumourAssessments


@asset(
    model=TumourAssessments,
    gate=gate_of("tumour assessments"),
    owners=("team:data-management",),
    layer="validated",
)
def tumour_assessments(clinical_export: Version) -> Output:
    """Lesion measurements per reader, visit and test, with locations and the baseline marked. Texts
    are kept as delivered for exact arithmetic."""
    return delivered(clinical_export, "tumour_assessments", "tr")
