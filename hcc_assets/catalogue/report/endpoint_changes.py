"""What differs from the last version of each endpoint. A past visit may change; nobody should
miss it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import pandas as pd

from hcc_assets.assets.definition import Output, asset
from hcc_assets.assets.inputs import Previous, Some, Version
from hcc_assets.clinical.endpoints.changes import ENDPOINTS
from hcc_assets.schemas.base import empty
from hcc_assets.schemas.endpoints import EndpointChanges

if TYPE_CHECKING:
    from hcc_assets.clinical.endpoints.changes import Causes


@asset(model=EndpointChanges, layer="report")
def endpoint_changes(
    clinical_export: Annotated[Version, Previous("clinical_export")],
    endpoints: Annotated[dict[str, Version], Some(tuple(ENDPOINTS), previous=True)],
) -> Output:
    """What differs from the last version of each endpoint: subject, field, from, to, why. A past
    visit may change; nobody should miss it."""
    from hcc_assets.clinical.endpoints.changes import difference

    causes = _causes(clinical_export)
    parts = []
    for asset_name, (keys, fields) in ENDPOINTS.items():
        version = endpoints.get(asset_name)
        before = version.previous if version else None
        if version is None or before is None:
            continue
        if version.manifest.since < clinical_export.manifest.since:
            continue  # it last changed under an earlier export, and was told then
        parts.append(
            difference(before.table, version.table, keys, fields, asset=asset_name, causes=causes)
        )
    parts = [p for p in parts if len(p)]
    table = pd.concat(parts, ignore_index=True) if parts else empty(EndpointChanges)
    return Output(table=table, metadata={"export": clinical_export.facts["export_id"]})


def _causes(export: Version) -> Causes:
    """What the newest export brought against the one before: new data and corrections by
    subject."""
    from hcc_assets.clinical.endpoints.changes import Causes, input_causes

    before = export.previous
    if before is None:
        return Causes()
    return input_causes(_tables(before), _tables(export))


def _tables(export: Version) -> dict[str, pd.DataFrame]:
    return {name: export.frame(name) for name in export.facts["tables"]}
