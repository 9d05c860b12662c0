"""Kaplan-Meier figure with interval and numbers at risk.

The estimate is that of ``stats.kaplan_meier``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hcc_assets.figures import style
from hcc_assets.figures.clinical_common import month_ticks, months, titled
from hcc_assets.stats.kaplan_meier import Curve, MedianRule, curve_of, quantile
from hcc_assets.study.criteria import RECIST

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = {
    "PFS_TP": "Progression-free survival (protocol policy)",
    "PFS_FDA": "Progression-free survival (FDA-style censoring)",
    "TTP": "Time to progression",
    "OS": "Overall survival",
    "DOR": "Duration of response",
    "TTR": "Time to response",
}


def kaplan_meier(
    time_to_event: pd.DataFrame,
    paramcd: str,
    *,
    landmarks_months: tuple[float, ...] = (),
    median_rule: MedianRule = "midpoint",
    criterion: str = RECIST,
) -> Figure:
    """Kaplan-Meier curve with log-log 95 % band, censoring marks and a table of numbers at risk.

    Parameters
    ----------
    time_to_event
        ``schemas.endpoints.TimeToEvent`` of one criterion.
    paramcd
        Parameter to draw.
    landmarks_months
        Months to mark with a thin line.
    median_rule
        ``[pfs] median_rule``.
    criterion
        Of these rows; the title names it.
    """
    title = titled(NAMES.get(paramcd, paramcd), criterion)
    curve = curve_of(time_to_event, paramcd)
    if curve.n == 0:
        return style.no_data(title)
    figure = style.new_figure(7.5, 5.0, title=title)
    ax, table = figure.subplots(2, 1, height_ratios=[9, 1], sharex=True)
    x = months(np.concatenate([[0.0], curve.time]))
    ax.step(
        x,
        100 * np.concatenate([[1.0], curve.surv]),
        where="post",
        color=style.ACCENT,
        linewidth=1.6,
    )
    lower, upper = (
        pd.Series(np.concatenate([[1.0], v])).ffill().to_numpy() for v in (curve.lower, curve.upper)
    )
    ax.fill_between(
        x, 100 * lower, 100 * upper, step="post", color=style.ACCENT, alpha=0.15, linewidth=0
    )
    censored = curve.n_censor > 0
    ax.plot(
        months(curve.time[censored]),
        100 * curve.surv[censored],
        ls="",
        marker="|",
        ms=7,
        mew=1.2,
        color=style.ACCENT,
    )
    for landmark in landmarks_months:
        ax.axvline(landmark, color="#999999", linewidth=0.7, linestyle=(0, (2, 3)))
    ax.set_ylim(0, 103)
    ax.set_ylabel("Probability (%)")
    longest = float(x[-1])
    month_ticks(ax, longest)
    ax.set_xlim(0, longest * 1.03)
    style.tidy(ax)
    ax.tick_params(axis="x", labelbottom=True)
    ax.set_xlabel("Months")
    ax.set_title(_headline(curve, median_rule), loc="right", fontsize=style.FONT_SIZE)
    _risk_table(table, curve, [t for t in ax.get_xticks() if t <= longest])
    style.note(
        figure,
        f"n = {curve.n}, events = {curve.events}; band: 95 % interval, log-log; | censored",
    )
    return figure


def _headline(curve: Curve, rule: MedianRule) -> str:
    middle, lower, upper = (
        f"{months(v):.1f}" if np.isfinite(v) else "NE" for v in quantile(curve, rule=rule)
    )
    return (
        f"{curve.events} events of {curve.n}; median {middle} months (95 % CI {lower} to {upper})"
    )


def _risk_table(table: Axes, curve: Curve, ticks: list[float]) -> None:
    """Numbers at risk just before each tick of the month axis."""
    table.set_ylim(0, 1)
    table.set_yticks([])
    table.spines[:].set_visible(False)
    table.tick_params(axis="x", length=0, labelbottom=False)
    for tick in ticks:
        place = int(np.searchsorted(months(curve.time), tick - 1e-9))
        at_risk = int(curve.n_risk[place]) if place < len(curve.n_risk) else 0
        table.text(
            tick, 0.4, str(at_risk), ha="center", va="center", fontsize=style.FONT_SIZE - 0.5
        )
    table.set_title(
        "Number at risk", loc="left", fontsize=style.FONT_SIZE - 0.5, color=style.MUTED, pad=2
    )
