"""The report: one self-contained HTML page with figures and tables of both halves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd

from hcc_assets.assets.definition import Gate, Output, asset
from hcc_assets.assets.inputs import Basis, Input, Node, Some, Version, View
from hcc_assets.assets.plan import nodes_of
from hcc_assets.catalogue._contrasts import CONTRAST_SETTINGS, first_contrast
from hcc_assets.home.manifests import Bundle
from hcc_assets.home.published import expected
from hcc_assets.study.config import StudyConfig, contrast_name
from hcc_assets.study.criteria import rows_of

if TYPE_CHECKING:
    from hcc_assets.home.manifests import Manifest

REPORTED = (
    "samples",
    "qc_summary",
    "compositions",
    "timepoint_compositions",
    "composition_changes",
    "composition_sensitivity",
    "design_confounding",
    "qc_kept",
    "biopsy_missingness",
    "deg_tables",
    "related_genes",
    "gene_programs",
    "identity_suspicions",
    "subjects",
    "subject_flow",
    "baseline_characteristics",
    "censoring_reasons",
    "data_issues",
    "queries",
    "responses",
    "best_responses",
    "response_rates",
    "best_response_counts",
    "response_concordance",
    "endpoint_bounds",
    "time_to_event",
    "pfs_summary",
    "follow_up",
    "simon_monitoring",
    "ae_summary",
    "aesi_summary",
    "ae_listings",
    "ae_onset",
    "treatment_course",
    "exposure_summary",
    "lab_shifts",
    "liver_safety",
    "associations",
    "endpoint_changes",
)
BY_CRITERION = ("best_responses", "response_rates", "pfs_summary")
"""Endpoints that the report shows by every criterion."""
ALSO = ("clinical_export", "annotation_reference", "atlas")


@dataclass(frozen=True)
class HeldBack(Input):
    """What is held for exactly what lies in landing now: the page says which version stands and
    why. What was taken back, or put right, is not among it."""

    def _found(self, view: View) -> dict[Node, str]:
        found = {}
        watched = (*REPORTED, "clinical_export")
        nodes: list[Node] = [(name, None) for name in watched if name in view.assets]
        nodes += [("raw_counts", k) for k in view.rows] if "raw_counts" in view.assets else []
        for node in nodes:
            held = view.versions.held(*node)
            if held is None or held.code == "ended":
                continue
            if view.fingerprint(view.assets[node[0]], node[1]) == held.fingerprint:
                found[node] = held.reason
        return found

    def basis(self, view: View, key: str | None) -> Basis | None:
        return Basis(
            deliveries={
                f"held: {'/'.join(filter(None, n))}": r for n, r in self._found(view).items()
            }
        )

    def value(self, view: View, key: str | None) -> dict[str, str]:
        people = view.people
        return {
            "/".join(filter(None, (n[0], people.sample(n[1]) if n[1] else None))): people.in_ids(r)
            for n, r in self._found(view).items()
        }


@dataclass(frozen=True)
class PublishedFigures(Input):
    """Every figure that stands, as SVG text by name."""

    def _manifests(self, view: View) -> list[Manifest]:
        drawn = {name for name, a in view.assets.items() if a.figures}
        nodes = (n for n in nodes_of(view) if n[0] in drawn)
        return [m for n in nodes if (m := view.versions.current(*n)) is not None]

    def basis(self, view: View, key: str | None) -> Basis | None:
        found = {}
        for manifest in self._manifests(view):
            name = "/".join(filter(None, (manifest.asset, manifest.partition)))
            found[f"figures of {name}"] = manifest.folder
        return Basis(deliveries=found)

    def nodes(self, view: View, key: str | None) -> list[Node]:
        drawn = {name for name, a in view.assets.items() if a.figures}
        return [n for n in nodes_of(view) if n[0] in drawn]

    def value(self, view: View, key: str | None) -> dict[str, str]:
        found = {}
        for name, (manifest, file) in sorted(expected(self._manifests(view)).items()):
            if name.startswith("figures/") and name.endswith(".svg"):
                drawn = view.versions.stored(manifest).blob(file).decode()
                found[name[len("figures/") : -len(".svg")]] = drawn
        return found


@asset(
    settings=(
        "study.id",
        "treatment.name",
        "recist",
        "pfs.primary",
        "pfs.median_rule",
        "labs",
        "single_cell.primary_denominator",
        *CONTRAST_SETTINGS,
    ),
    gate=Gate("page_written", "The page was written"),
    kinds=("python", "html"),
    layer="report",
)
def trial_report(
    versions: Annotated[dict[str, Version], Some((*REPORTED, *ALSO))],
    held: Annotated[dict[str, str], HeldBack()],
    figures: Annotated[dict[str, str], PublishedFigures()],
    cutoff: dt.date,
    config: StudyConfig,
) -> Output:
    """One self-contained HTML page with figures and tables of both halves. Says where every
    number came from."""
    from hcc_assets.report.trial import build_report

    reported = {name: v for name, v in versions.items() if name in REPORTED}
    export, reference = versions.get("clinical_export"), versions.get("annotation_reference")
    html = build_report(
        {name: _registered(version.table, config) for name, version in reported.items()},
        figures,
        [_source(name, version, held) for name, version in reported.items()],
        config,
        held=held,
        cutoff=cutoff,
        export_id=export.facts["export_id"] if export else None,
        reference_version=str(reference.notes["version"]) if reference else None,
        others=_by_others(reported, config),
    )
    page = html.encode()
    return Output(
        bundle=Bundle(blobs={"report.html": page}),
        published={"report.html": "report.html"},
        metadata={"bytes": len(page)},
    )


def _registered(table: pd.DataFrame, config: StudyConfig) -> pd.DataFrame:
    """Of a table of comparisons the rows of the first contrast, which is the registered one; of
    endpoints those by the first criterion."""
    if "CRITERION" in table:
        return rows_of(table, config.recist.criteria[0])
    if "contrast" not in table:
        return table
    name = contrast_name(first_contrast(config))
    return table[table["contrast"] == name].reset_index(drop=True)


def _by_others(
    reported: Mapping[str, Version], config: StudyConfig
) -> dict[str, dict[str, pd.DataFrame]]:
    """Endpoints by the criteria beside the first, of those that somebody was assessed by."""
    tables = {name: v.table for name, v in reported.items() if name in BY_CRITERION}
    found = {
        criterion: {name: rows_of(table, criterion) for name, table in tables.items()}
        for criterion in config.recist.criteria[1:]
    }
    return {c: own for c, own in found.items() if any(len(frame) for frame in own.values())}


def _source(name: str, version: Version, held: Mapping[str, str]) -> dict[str, Any]:
    """One line of the table of sources."""
    manifest = version.manifest
    return {
        "asset": name,
        "version": manifest.data_version,
        "since": manifest.since,
        "run_id": manifest.run_id,
        "rows": manifest.rows,
        "held": held.get(name, ""),
        "failing": [c.description for c in manifest.checks if not c.passed],
    }
