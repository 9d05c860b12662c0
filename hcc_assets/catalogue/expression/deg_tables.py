"""Paired differential expression of each class: the fast engine of every refresh."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from hcc_assets.assets.definition import Output, Verdict, asset
from hcc_assets.assets.inputs import BySample
from hcc_assets.catalogue._contrasts import drawn
from hcc_assets.catalogue.expression._fits import FIT_SETTINGS, each_fitted
from hcc_assets.schemas.expression import DegTables
from hcc_assets.study.classes import PRIMARY_CLASSES
from hcc_assets.study.config import StudyConfig


@asset(model=DegTables, settings=FIT_SETTINGS)
def deg_tables(
    samples: pd.DataFrame,
    qc_cells: BySample,
    annotated_cells: BySample,
    pseudobulk: BySample,
    config: StudyConfig,
) -> Output:
    """Differential expression after against before treatment within patients, class by class, on
    pseudobulk. Fast moderated paired engine."""
    from hcc_assets.stats.differential_expression import deg_tables as tables

    table = each_fitted(tables, samples, qc_cells, annotated_cells, pseudobulk, config)
    metadata = {
        "classes_tested": len(_tested(table)),
        "genes_flagged_ambient": int(table["ambient_flag"].sum()),
    }
    return Output(table=table, metadata=metadata)


@deg_tables.check(severity="WARN", todo="Wait for second biopsies.")
def classes_tested(table: pd.DataFrame) -> Verdict:
    """At least one class has enough pairs to test"""
    tested = len(_tested(table))
    return Verdict(tested > 0, f"{tested} classes have enough pairs", tested)


@deg_tables.figure
def volcano_figures(table: pd.DataFrame, config: StudyConfig) -> Mapping[str, Any]:
    """A volcano plot of each primary class that was tested."""
    from hcc_assets.figures.expression import volcano

    def draw(own: pd.DataFrame, _: StudyConfig) -> Mapping[str, Any]:
        tested = _tested(own)
        return {f"volcano_{c}": volcano(own, c) for c in PRIMARY_CLASSES if c in tested}

    return drawn(table, config, draw)


def _tested(table: pd.DataFrame) -> set[str]:
    """Classes with enough pairs to test."""
    return set(table.loc[table["p_value"].notna(), "cell_class"])
