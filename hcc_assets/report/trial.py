"""The trial report: one self-contained HTML page.

Every number in it is copied from a published table; nothing is computed beyond counting rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import jinja2
import pandas as pd

from hcc_assets.report import clinical, laboratory, population, safety, words
from hcc_assets.report.biopsies import (
    associations,
    changes,
    confounded,
    denominators,
    design,
    programs,
    quality,
)
from hcc_assets.report.open_queries import AGES, open_queries
from hcc_assets.schemas.base import records
from hcc_assets.study.config import StudyConfig

Frames = Mapping[str, pd.DataFrame]
Rows = list[list[str]]

_SEVERITIES = {"E": "blocks", "Q": "query", "I": "information"}


def build_report(
    tables: Frames,
    figures: Mapping[str, str],
    sources: Sequence[Mapping[str, Any]],
    config: StudyConfig,
    *,
    held: Mapping[str, str],
    cutoff: dt.date,
    export_id: str | None,
    reference_version: str | None,
    others: Mapping[str, Frames] = MappingProxyType({}),
) -> str:
    """The page.

    Parameters
    ----------
    tables
        Published tables by name; a table that does not exist yet is left out and its section says
        so.
    figures
        SVG texts by name of the figure.
    sources
        One entry per table: ``asset, version, since, run_id, rows, held, failing``.
    held
        Assets whose newest input was refused, with the reason.
    others
        Tables by the criteria beside the endpoint's that have rows, by criterion.

    Returns
    -------
    str
        HTML without any reference to another file.
    """
    return _template("report.html.j2").render(
        study=config.study.id,
        treatment=config.treatment.name.title(),
        cutoff=words.date(cutoff),
        export_id=export_id,
        reference_version=reference_version,
        provisional=(reference_version or "").startswith("provisional"),
        held=held,
        tiles=_tiles(tables, config),
        enrolment=_enrolment(tables, config),
        changes={d: changes(tables, d) for d in denominators(config)},
        design=design(tables),
        confounded=confounded(tables),
        programs=programs(tables),
        flow=population.flow(tables),
        baseline=population.baseline(tables),
        censoring=population.censoring(tables, config),
        rates=clinical.rates(tables, config),
        responses=clinical.responses(tables, config),
        concordance=clinical.concordance(tables, config),
        criterion=config.recist.criteria[0],
        others=clinical.by_criterion(others, config),
        survival=clinical.survival(tables, config),
        open_rates=clinical.open_rates(tables, config),
        open_median=clinical.open_median(tables),
        overview=safety.overview(tables),
        preferred_terms=safety.preferred_terms(tables),
        related_terms=safety.related_terms(tables),
        serious_terms=safety.serious_terms(tables),
        outcomes=safety.outcomes(tables),
        onset=safety.onset(tables),
        aesi=safety.aesi(tables),
        lab_grades=laboratory.worst_grades(tables),
        liver=laboratory.liver(tables, config),
        lab_conventions=laboratory.conventions(tables, config),
        simon=clinical.simon(tables),
        blocked=clinical.blocked_line(tables),
        safety_note=safety.safety_note(tables, sources),
        short_sd=clinical.short_sd(tables, config),
        issues=_issues(tables),
        queries=open_queries(tables),
        query_ages=[name for name, _, _ in AGES],
        endpoint_changes=_endpoint_changes(tables),
        associations=associations(tables),
        quality=quality(tables),
        suspicions=[
            [r.check, r.sample_id, r.message] for r in records(tables["identity_suspicions"])
        ]
        if "identity_suspicions" in tables
        else [],
        figures={name: _inline(svg) for name, svg in figures.items()},
        sources=[{**s, "since": f"{s['since']:%Y-%m-%d %H:%M}"} for s in sources],
        has_cells="compositions" in tables,
        has_clinical="subjects" in tables,
        words=words,
    )


@lru_cache(maxsize=4)
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hcc_assets.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def _inline(svg: str) -> Any:
    """An SVG text as markup: from its root element on, scaling with the page."""
    from markupsafe import Markup

    start = svg.find("<svg")
    # our own figures, drawn from numbers and escaped by the SVG writer
    return Markup(svg[start:])  # noqa: S704


def _headline(tables: Frames, measure: str, config: StudyConfig) -> pd.Series | None:
    rates = tables.get("response_rates")
    if rates is None or rates.empty:
        return None
    chosen = rates[
        (rates["measure"] == measure)
        & (rates["source"] == config.recist.headline)
        & (rates["population"] == "TREATED")
    ]
    return chosen.iloc[0] if len(chosen) else None


def _tiles(tables: Frames, config: StudyConfig) -> list[dict[str, str]]:
    tiles = []
    if (subjects := tables.get("subjects")) is not None:
        treated = int(subjects["TRTSDT"].notna().sum())
        tiles.append(
            {"label": "Subjects", "value": str(len(subjects)), "note": f"{treated} treated"}
        )
    if (samples := tables.get("samples")) is not None:
        changes = tables.get("composition_changes")
        pairs = int(changes["n_subjects"].max()) if changes is not None and len(changes) else 0
        tiles.append(
            {
                "label": "Biopsies",
                "value": str(len(samples)),
                "note": f"{pairs} patients with a pair",
            }
        )
    for measure in ("ORR", "DCR"):
        row = _headline(tables, measure, config)
        if row is not None:
            note = f"{row['x']} of {row['n']}; 95 % CI {words.interval(row['lcl'], row['ucl'])}"
            tiles.append(
                {
                    "label": measure,
                    "value": words.number(row["pct"]) + (" %" if row["n"] else ""),
                    "note": note,
                }
            )
    if (summary := tables.get("pfs_summary")) is not None and len(
        main := summary[summary["PARAMCD"] == config.pfs.primary]
    ):
        row = main.iloc[0]
        value = words.number(row["median_months"]) + (
            "" if words.missing(row["median_months"]) else " mo"
        )
        note = (
            f"{row['events']} events of {row['n']}; 95 % CI "
            f"{words.interval(row['lcl_months'], row['ucl_months'])}"
        )
        tiles.append({"label": "Median PFS", "value": value, "note": note})
    return tiles


def _enrolment(tables: Frames, config: StudyConfig) -> Rows:
    rows: Rows = []
    subjects, samples = tables.get("subjects"), tables.get("samples")
    if subjects is not None:
        rows.append(["Subjects in the export", str(len(subjects))])
        rows.append(["Treated (at least one dose)", str(int(subjects["TRTSDT"].notna().sum()))])
        rows.append(
            ["Dosing ongoing", str(int((subjects["ONGOING"] & subjects["TRTSDT"].notna()).sum()))]
        )
        rows.append(
            ["Deaths", str(int((subjects["DTHDT"].notna() | (subjects["DTHFL"] == "Y")).sum()))]
        )
    if samples is not None:
        for timepoint in config.samples.timepoints:
            here = samples[samples["timepoint"] == timepoint]
            rows.append(
                [
                    f"Biopsies, {timepoint}",
                    f"{len(here)} of {here['subject_id'].nunique()} subjects",
                ]
            )
    return rows


def _issues(tables: Frames) -> Rows:
    table = tables.get("data_issues")
    if table is None:
        return []
    grouped = table.groupby(["severity", "check_id"], sort=True).agg(
        n=("message", "size"), subjects=("subject_id", "nunique"), example=("message", "first")
    )
    return [
        [r.check_id, _SEVERITIES[r.severity], str(r.n), str(r.subjects), str(r.example)]
        for r in records(grouped.reset_index())
    ]


def _endpoint_changes(tables: Frames) -> Rows:
    table = tables.get("endpoint_changes")
    if table is None:
        return []
    return [
        [
            r["asset"],
            r["subject_id"] or "–",
            r["key"],
            r["field"],
            r["from"] or "–",
            r["to"] or "–",
            r["why"],
        ]
        for _, r in table.head(40).iterrows()
    ]
