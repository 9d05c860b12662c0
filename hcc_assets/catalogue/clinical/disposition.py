"""Disposition, new therapy and survival status."""

from __future__ import annotations

from hcc_assets.assets.definition import Output, asset
from hcc_assets.assets.inputs import Version
from hcc_assets.catalogue.clinical._delivered import delivered, gate_of
from hcc_assets.schemas.clinical import Disposition


@asset(
    model=Disposition,
    gate=gate_of("disposition"),
    owners=("team:data-management",),
    layer="validated",
)
def disposition(clinical_export: Version) -> Output:
    """Disposition, new anticancer therapy and last known survival status. From DS, CM and SS."""
    return delivered(clinical_export, "disposition", "ds")
