"""Rows of the trial report about the biopsies: composition, programs, associations, quality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from hcc_assets.report import words
from hcc_assets.schemas.base import records
from hcc_assets.stats.design_confounding import confounded_contrasts
from hcc_assets.study.classes import DENOMINATORS, PRIMARY_CLASSES
from hcc_assets.study.config import StudyConfig

Frames = Mapping[str, pd.DataFrame]


Rows = list[list[str]]


def denominators(config: StudyConfig) -> list[str]:
    """The primary denominator, then the others."""
    first = config.single_cell.primary_denominator
    return sorted(DENOMINATORS, key=lambda d: d != first)


def changes(tables: Frames, denominator: str) -> Rows:
    """Change of the primary classes in one denominator; a class without an estimate has its row."""
    table = tables.get("composition_changes")
    if table is None:
        return []
    here = table[(table["denominator"] == denominator) & table["cell_class"].isin(PRIMARY_CLASSES)]
    order = {c: i for i, c in enumerate(PRIMARY_CLASSES)}
    here = here.sort_values("cell_class", key=lambda s: s.map(order))
    return [
        [
            words.plain(r.cell_class),
            str(r.n_subjects),
            words.number(words.percent(r.mean_before)),
            words.number(words.percent(r.mean_after)),
            words.estimate(
                words.percent(r.delta_median),
                words.percent(r.delta_ci_low),
                words.percent(r.delta_ci_high),
            ),
            words.p_value(r.p_signed_rank),
            words.estimate(r.log2_ratio, r.log2_ratio_ci_low, r.log2_ratio_ci_high, 2),
            words.p_value(r.p_value),
            words.p_value(r.p_adjusted),
            words.number(r.mde_log2, 2),
            words.number(r.target_blind_log2_ratio, 2),
            r.verdict.lower() + (f": {r.no_estimate}" if pd.notna(r.no_estimate) else ""),
        ]
        for r in records(here)
    ]


def design(tables: Frames) -> Rows:
    """What goes with the timepoint, a row per contrast and factor."""
    table = tables.get("design_confounding")
    if table is None:
        return []
    return [
        [
            r.factor.replace("_", " "),
            r.contrast,
            words.number(r.statistic, 2),
            words.p_value(r.p_value),
            r.verdict.lower() if pd.notna(r.verdict) else "NE",
            r.statement,
        ]
        for r in records(table)
    ]


def confounded(tables: Frames) -> list[str]:
    """What takes the verdict of a contrast, in sentences."""
    table = tables.get("design_confounding")
    if table is None:
        return []
    held = table[table["contrast"].isin(confounded_contrasts(table))]
    bad = held[held["verdict"].isin(["WARN", "CONFOUNDED"])]
    return [f"{r.contrast}, {r.factor.replace('_', ' ')}: {r.statement}" for r in records(bad)]


def programs(tables: Frames) -> Rows:
    return [
        [r.program, words.plain(r.cell_class), str(r.n_pairs), *_judged(r, r.delta)]
        for r in _smallest_p(tables, "gene_programs", ["cell_class", "program"], 15)
    ]


def associations(tables: Frames) -> Rows:
    return [
        [r.feature, r.outcome, str(r.n), *_judged(r, r.effect)]
        for r in _smallest_p(tables, "associations", ["feature", "outcome"], 10)
    ]


def _smallest_p(tables: Frames, name: str, then: list[str], most: int) -> list[Any]:
    """Rows of a table that were tested, smallest p-value first, ``most`` of them."""
    table = tables.get(name)
    if table is None:
        return []
    return list(records(table[table["p_value"].notna()].sort_values(["p_value", *then]).head(most)))


def _judged(row: Any, effect: float) -> list[str]:
    """Effect with its interval, p-value and adjusted p-value, in words."""
    return [
        words.estimate(effect, row.ci_low, row.ci_high, 2),
        words.p_value(row.p_value),
        words.p_value(row.p_adjusted),
    ]


def quality(tables: Frames) -> Rows:
    table = tables.get("qc_summary")
    if table is None:
        return []
    return [
        [
            r.sample_id,
            str(r.n_barcodes),
            str(r.n_pass),
            words.number(r.median_umi, 0),
            words.number(r.median_genes, 0),
            words.number(r.median_pct_mt),
            words.number(100 * r.doublet_rate),
            words.number(100 * r.ambient_fraction),
        ]
        for r in records(table)
    ]
