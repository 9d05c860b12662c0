"""The findings of every export before the one that stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import pandas as pd

from hcc_assets.assets.definition import Gate, Output, asset
from hcc_assets.assets.inputs import Standing, Version, View, values_of
from hcc_assets.catalogue.landing._exports import ClinicalExports, Exports
from hcc_assets.catalogue.sources import CtcaeTerms
from hcc_assets.clinical.queries.past_exports import SETTINGS
from hcc_assets.home.landing.deliveries import Delivery, export_date
from hcc_assets.home.manifests import Bundle, digest
from hcc_assets.study.config import StudyConfig


@dataclass(frozen=True)
class _Delivered:
    """The exports, and a hash of all else that their findings rest on but for the terms."""

    exports: Exports
    rests_on: str

    def before(self, standing: str) -> Iterator[tuple[Delivery, dt.date]]:
        """Settled exports with a date in their name that are older than the one that stands,
        oldest first. Whether one was held does not count: that depends on what stood then."""
        for delivery in sorted(self.exports.candidates, key=lambda d: d.id):
            day = export_date(delivery.id)
            if delivery.state == "ready" and delivery.id < standing and day is not None:
                yield delivery, day


@dataclass(frozen=True)
class DeliveredExports(ClinicalExports):
    """Every export, with what reading and checking it rests on."""

    def value(self, view: View, key: str | None) -> Any:
        rests_on = digest(values_of(view.config, SETTINGS), view.consent)
        return _Delivered(super().value(view, key), rests_on)


@asset(
    settings=SETTINGS,
    gate=Gate("exports_checked", "Every earlier export was checked"),
    owners=("team:data-management",),
    layer="validated",
)
def past_findings(
    delivered: Annotated[Any, DeliveredExports()],
    clinical_export: Version,
    ctcae: Annotated[pd.DataFrame | None, CtcaeTerms()],
    stands: Annotated[Version | None, Standing("past_findings")],
    config: StudyConfig,
) -> Output:
    """Findings of every delivered export before the one that stands, as queries are known. An
    export is checked once; what a query has become is told from these."""
    from hcc_assets.clinical.queries.natural_keys import known_queries
    from hcc_assets.clinical.queries.past_exports import export_findings

    known = {} if stands is None else dict(stands.facts.get("exports", {}))
    terms = "" if ctcae is None else ctcae.to_csv(index=False)
    rests_on = digest(past_findings.code_version, delivered.rests_on, terms)
    frames: dict[str, pd.DataFrame] = {}
    exports: dict[str, dict[str, str]] = {}
    read = 0
    for delivery, day in delivered.before(str(clinical_export.facts["export_id"])):
        basis = digest(delivery.content, rests_on)
        name = f"export_{digest(delivery.id)}"
        if stands is not None and known.get(delivery.id, {}).get("basis") == basis:
            frames[name] = stands.frame(name)
        else:
            export = delivered.exports.read(delivery, config)
            cutoff = config.study.data_cutoff or day
            issues = export_findings(export, config, cutoff=cutoff, ctcae=ctcae)
            frames[name] = known_queries(issues, export.tables)
            read += 1
        exports[delivery.id] = {"date": day.isoformat(), "frame": name, "basis": basis}
    facts = {"exports": exports}
    return Output(
        bundle=Bundle(frames=frames, facts=facts),
        metadata={"exports": len(exports), "exports_read": read},
    )
