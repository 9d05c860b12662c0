"""Demographics, treatment dates and death of each subject."""

from __future__ import annotations

from hcc_assets.assets.definition import Output, asset
from hcc_assets.assets.inputs import Version
from hcc_assets.catalogue.clinical._delivered import delivered, gate_of
from hcc_assets.schemas.clinical import Subjects


@asset(
    model=Subjects,
    gate=gate_of("subjects"),
    owners=("team:data-management",),
    layer="validated",
)
def subjects(clinical_export: Version) -> Output:
    """One row per subject with demographics, consent, treatment dates and death. From DM and EX of
    the export that stands."""
    return delivered(clinical_export, "subjects", "dm")
