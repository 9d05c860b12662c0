"""Figures that the recipes of the clinical endpoints publish beside their tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hcc_assets.assets.recipes import Ask, Output

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def best_figures(ask: Ask, output: Output) -> Mapping[str, Figure]:
    """Waterfall of best changes by the headline response."""
    from hcc_assets.figures.clinical_response import waterfall

    assert output.table is not None
    return {"waterfall": waterfall(output.table, headline=ask.config.recist.headline)}


def response_figures(ask: Ask, output: Output) -> Mapping[str, Figure]:
    """Spider plot of the endpoint reader."""
    from hcc_assets.figures.clinical_response import spider

    assert output.table is not None
    return {
        "spider": spider(
            output.table, ask.table("subjects"), reader=ask.config.recist.endpoint_reader
        )
    }


def time_figures(ask: Ask, output: Output) -> Mapping[str, Figure]:
    """Kaplan-Meier curves of PFS by both policies and of OS; swimmer plot."""
    from hcc_assets.figures.clinical_course import swimmer
    from hcc_assets.figures.clinical_survival import kaplan_meier

    assert output.table is not None
    landmarks = tuple(ask.config.pfs.landmarks_months)
    figures = {
        f"kaplan_meier_{p.lower()}": kaplan_meier(output.table, p, landmarks_months=landmarks)
        for p in ("PFS_TP", "PFS_FDA", "OS")
    }
    reader = ask.table("responses").merge(
        ask.table("best_responses")[["USUBJID", "EVALUATOR"]], on=["USUBJID", "EVALUATOR"]
    )
    figures["swimmer"] = swimmer(
        ask.table("subjects"),
        ask.table("exposure"),
        reader,
        ask.table("best_responses"),
        output.table,
        cutoff=ask.cutoff,
    )
    return figures


def exposure_figures(ask: Ask, output: Output) -> Mapping[str, Figure]:
    """Exposure of every subject."""
    from hcc_assets.figures.clinical_safety import exposure_bars

    assert output.table is not None
    return {"exposure": exposure_bars(output.table)}


def ae_figures(ask: Ask, output: Output) -> Mapping[str, Figure]:
    """Adverse events by grade."""
    from hcc_assets.figures.clinical_safety import ae_bars

    assert output.table is not None
    return {"adverse_events_by_grade": ae_bars(output.table)}
