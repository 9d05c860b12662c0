"""Recipes that bring the halves together: associations, what changed, the trial report. Writing and statistics are in the pure rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from hcc_assets.assets.recipes import Ask, Output, Recipe
from hcc_assets.clinical.endpoints.changes import ENDPOINTS
from hcc_assets.defs.cohort import class_counts, standing_samples
from hcc_assets.home.versions import Bundle
from hcc_assets.schemas import associations as association_models
from hcc_assets.schemas import endpoints as endpoint_models
from hcc_assets.schemas.base import empty

if TYPE_CHECKING:
    from hcc_assets.assets.view import HomeView
    from hcc_assets.clinical.endpoints.changes import Causes

REPORTED = (
    "samples",
    "qc_summary",
    "compositions",
    "timepoint_compositions",
    "composition_changes",
    "composition_sensitivity",
    "qc_kept",
    "biopsy_missingness",
    "deg_tables",
    "related_genes",
    "gene_programs",
    "identity_suspicions",
    "subjects",
    "data_issues",
    "responses",
    "best_responses",
    "response_rates",
    "time_to_event",
    "pfs_summary",
    "follow_up",
    "simon_monitoring",
    "ae_summary",
    "aesi_summary",
    "ae_listings",
    "exposure_summary",
    "associations",
    "endpoint_changes",
)


def _endpoint_changes(ask: Ask) -> Output:
    from hcc_assets.clinical.endpoints.changes import difference

    versions = ask.bench.versions
    export = versions.current("clinical_export")
    causes = _causes(ask)
    parts = []
    for asset, (keys, fields) in ENDPOINTS.items():
        manifest = versions.current(asset)
        if (
            manifest is None
            or manifest.previous is None
            or (export is not None and manifest.since < export.since)
        ):
            continue
        before = versions.frame(asset, "table", version=manifest.previous)
        parts.append(difference(before, ask.table(asset), keys, fields, asset=asset, causes=causes))
    parts = [p for p in parts if len(p)]
    table = pd.concat(parts, ignore_index=True) if parts else empty(endpoint_models.EndpointChanges)
    return Output(
        table=table,
        metadata={"export": ask.facts("clinical_export")["export_id"] if export else ""},
    )


def _causes(ask: Ask) -> Causes:
    """What the newest export brought against the one before: new data and corrections by subject."""
    from hcc_assets.clinical.endpoints.changes import Causes, input_causes

    versions = ask.bench.versions
    manifest = versions.require("clinical_export")
    if manifest.previous is None:
        return Causes()
    before = {
        t: versions.frame("clinical_export", t, version=manifest.previous)
        for t in _tables_of(ask, manifest.previous)
    }
    return input_causes(
        before, {t: ask.frame("clinical_export", t) for t in _tables_of(ask, manifest.data_version)}
    )


def _tables_of(ask: Ask, version: str) -> list[str]:
    return list(ask.bench.versions.facts("clinical_export", version=version)["tables"])


def _associations(ask: Ask) -> Output:
    from hcc_assets.stats.associations import associations

    return Output(
        table=associations(
            standing_samples(ask),
            class_counts(ask),
            ask.config,
            program_scores=ask.table("program_scores"),
            program_changes=ask.table("program_changes"),
            best_responses=ask.table("best_responses"),
            time_to_event=ask.table("time_to_event"),
        )
    )


def _held_content(bench: HomeView, _: str | None) -> dict[str, str]:
    """What is held: the report says which version stands and since when."""
    found = {}
    for name in (
        *REPORTED,
        "clinical_export",
        *(f"raw_counts/{s}" for s in sorted(bench.registered)),
    ):
        asset, _, sample = name.partition("/")
        held = bench.versions.held(asset, sample or None)
        if held is not None:
            found[name] = held.reason
    return found


def _trial_report(ask: Ask) -> Output:
    from hcc_assets.home import files as stores
    from hcc_assets.report.trial import build_report

    held_back = _held_content(ask.bench, None)
    tables = {name: ask.table(name) for name in REPORTED if ask.has(name)}
    figures = {}
    if ask.bench.home.figures.exists():
        figures = {
            p.name.removesuffix(".svg"): p.read_text()
            for p in sorted(ask.bench.home.figures.iterdir(), key=lambda p: p.name)
            if p.suffix == ".svg"
        }
    sources = []
    for name in REPORTED:
        manifest = ask.bench.versions.current(name)
        if manifest is not None:
            sources.append(
                {
                    "asset": name,
                    "version": manifest.data_version,
                    "since": manifest.since,
                    "run_id": manifest.run_id,
                    "rows": manifest.rows,
                    "held": held_back.get(name, ""),
                    "failing": [c.description for c in manifest.checks if not c.passed],
                }
            )
    facts = dict(ask.facts("clinical_export")) if ask.has("clinical_export") else {}
    reference = ask.bench.versions.current("annotation_reference")
    html = build_report(
        tables,
        figures,
        sources,
        ask.config,
        held=held_back,
        cutoff=ask.cutoff,
        export_id=facts.get("export_id"),
        reference_version=str(reference.notes["version"]) if reference else None,
    )
    stores.write_bytes(ask.bench.home.published / "report.html", html.encode())
    return Output(
        bundle=Bundle(blobs={"report.html": html.encode()}), metadata={"bytes": len(html)}
    )


REPORT_RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="endpoint_changes",
        compute=_endpoint_changes,
        group="report",
        inputs=("clinical_export",),
        optional=tuple(ENDPOINTS),
        model=endpoint_models.EndpointChanges,
        description="What differs from the last version of each endpoint: subject, field, from, to, why. A past visit may change; nobody should miss it.",
        tags={"layer": "report"},
    ),
    Recipe(
        name="associations",
        compute=_associations,
        group="report",
        inputs=(
            "samples",
            "annotated_cells",
            "program_scores",
            "program_changes",
            "best_responses",
            "time_to_event",
        ),
        model=association_models.Associations,
        settings=("single_cell", "samples", "recist", "pfs"),
        description="Composition and programs against response and PFS. Exploratory; PFS counts from the second biopsy on.",
        tags={"layer": "report", "status": "exploratory"},
    ),
    Recipe(
        name="trial_report",
        compute=_trial_report,
        group="report",
        optional=(*REPORTED, "clinical_export", "annotation_reference", "atlas"),
        external=_held_content,
        settings=("study", "recist", "pfs"),
        description="One self-contained HTML page with figures and tables of both halves. Says where every number came from.",
        kinds=("python", "html"),
        tags={"layer": "report"},
    ),
)
