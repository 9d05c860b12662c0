"""Subject characteristics and questionnaires, as delivered."""

from __future__ import annotations

from hcc_assets.assets.definition import Output, asset
from hcc_assets.assets.inputs import Version
from hcc_assets.catalogue.clinical._delivered import delivered, gate_of
from hcc_assets.schemas.baseline import SubjectCharacteristics


@asset(
    model=SubjectCharacteristics,
    gate=gate_of("subject characteristics"),
    owners=("team:data-management",),
    layer="validated",
)
def subject_characteristics(clinical_export: Version) -> Output:
    """Subject characteristics and questionnaires as delivered, under one set of names. From SC and
    QS, empty where the export has neither."""
    return delivered(clinical_export, "subject_characteristics", "sc")
