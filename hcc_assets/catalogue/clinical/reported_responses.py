"""Responses, as the readers reported them."""

from __future__ import annotations

from hcc_assets.assets.definition import Output, asset
from hcc_assets.assets.inputs import Version
from hcc_assets.catalogue.clinical._delivered import delivered, gate_of
from hcc_assets.schemas.clinical import ReportedResponses


@asset(
    model=ReportedResponses,
    gate=gate_of("reported responses"),
    owners=("team:data-management",),
    layer="validated",
)
def reported_responses(clinical_export: Version) -> Output:
    """Responses as the readers reported them. Kept beside the derived ones, never in their
    place."""
    return delivered(clinical_export, "reported_responses", "rs")
