"""Laboratory results, as delivered."""

from __future__ import annotations

from hcc_assets.assets.definition import Output, asset
from hcc_assets.assets.inputs import Version
from hcc_assets.catalogue.clinical._delivered import delivered, gate_of
from hcc_assets.schemas.clinical import LabResults


@asset(
    model=LabResults,
    gate=gate_of("laboratory results"),
    owners=("team:data-management",),
    layer="validated",
)
def lab_results(clinical_export: Version) -> Output:
    """Laboratory results as delivered, with dates and imputation flags. Empty where the export has
    no LB; nothing is converted or graded here."""
    return delivered(clinical_export, "lab_results", "lb")
