"""Changes of all cell classes with interval, verdict and smallest detectable change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hcc_assets.figures import style
from hcc_assets.figures.composition_names import NAMES, class_name
from hcc_assets.schemas.composition import VERDICTS
from hcc_assets.study.classes import CELL_CLASSES, DENOMINATORS, PRIMARY_CLASSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ALPHA = 0.05  # as the tables call it
_BLIND = "#E9ECEF"
_IDENTIFIABLE, _DEPENDS, _CONFOUNDED = VERDICTS[:3]
_MARKERS = {_IDENTIFIABLE: "o", _DEPENDS: "D", _CONFOUNDED: "X"}
_LINES = {_IDENTIFIABLE: "-", _DEPENDS: (0, (2, 1)), _CONFOUNDED: (0, (1, 1))}
"""Marker and line of each verdict (matplotlib's dash patterns): told apart in print too."""


def composition_forest(changes: pd.DataFrame) -> Figure:
    """Log2 change of every class with its interval, one panel per denominator, the primary one
    first; filled where the adjusted p-value is below 0.05.

    The marker is the verdict, the grey band behind a row what so many pairs would miss. A primary
    class without an estimate has its row too, with the reason.

    Parameters
    ----------
    changes
        ``CompositionChanges`` of one contrast.
    """
    title = "Change relative to the classes that stayed (log2, 95 % interval)"
    estimated = changes["log2_ratio"].notna()
    if not estimated.any():
        return style.no_data(
            title, reason="not enough pairs yet" if len(changes) else style.NO_DATA
        )
    shown = {*PRIMARY_CLASSES, *changes.loc[estimated, "cell_class"]}
    classes = [c for c in CELL_CLASSES if c in shown]
    primary = set(changes.loc[changes["role"] == "primary", "denominator"])
    present = [d for d in DENOMINATORS if (changes["denominator"] == d).any()]
    present.sort(key=lambda d: d not in primary)
    figure = style.new_figure(10.5, 1.7 + 0.27 * len(classes), title=title)
    axes = figure.subplots(1, len(present), sharey=True, sharex=True, squeeze=False)[0]
    for ax, denominator in zip(axes, present, strict=True):
        rows = changes[changes["denominator"] == denominator].set_index("cell_class")
        for y, cell_class in enumerate(classes):
            if cell_class in rows.index:
                _row(ax, y, cell_class, rows.loc[[cell_class]].iloc[0])
        ax.axvline(0, color="#666666", linewidth=0.8)
        role = "primary" if denominator in primary else "sensitivity"
        design = "; design confounded" if (rows["verdict"] == _CONFOUNDED).any() else ""
        patients = int(rows["n_subjects"].max())
        ax.set_title(f"{NAMES[denominator]}: {role}\n{patients} patients{design}", loc="left")
        style.tidy(ax, grid="both")
        ax.title.set_fontsize(style.FONT_SIZE)
    axes[0].set_yticks(range(len(classes)), [class_name(c) for c in classes])
    axes[0].set_ylim(len(classes) - 0.5, -0.5)
    _keep_in_view(axes[0], changes[estimated])
    _key(figure)
    return figure


def _row(ax: Axes, y: int, cell_class: str, row: pd.Series) -> None:
    names = ["log2_ratio", "log2_ratio_ci_low", "log2_ratio_ci_high", "p_adjusted", "mde_log2"]
    log2, low, high, adjusted, smallest = row[names].to_numpy(dtype=float)
    if not np.isfinite(log2):
        if cell_class in PRIMARY_CLASSES:
            ax.text(
                0.5,
                y,
                _why(row),
                transform=ax.get_yaxis_transform(),
                ha="center",
                va="center",
                fontsize=style.FONT_SIZE - 2,
                color=style.MUTED,
                backgroundcolor="white",
            )
        return
    verdict = str(row["verdict"])
    colour = style.CLASS_COLOURS[cell_class]
    ax.barh(y, 2 * smallest, left=-smallest, height=0.72, color=_BLIND, zorder=1)
    ax.plot([low, high], [y, y], color=colour, linewidth=1.6, ls=_LINES[verdict], zorder=3)
    ax.plot(
        log2,
        y,
        marker=_MARKERS[verdict],
        ms=6,
        mfc=colour if adjusted < _ALPHA else "white",
        mec=colour,
        mew=1.4,
        zorder=4,
    )


def _why(row: pd.Series) -> str:
    """Why there is no estimate, short enough for one panel."""
    why = row.get("no_estimate")
    if not isinstance(why, str):
        return "no estimate"
    return f"no estimate: {why.split(', or ')[0]}"


def _keep_in_view(ax: Axes, rows: pd.DataFrame) -> None:
    """Limits from the intervals: the band of a class that could show nothing may leave them."""
    bounds = rows[["log2_ratio_ci_low", "log2_ratio_ci_high"]].abs().to_numpy(dtype=float)
    finite = bounds[np.isfinite(bounds)]
    edge = 1.05 * float(finite.max()) if finite.size else 1.0
    ax.set_xlim(-edge, edge)


def _key(figure: Figure) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    def mark(verdict: str, fill: str, label: str) -> Line2D:
        return Line2D(
            [],
            [],
            color="#555555",
            ls=_LINES[verdict],
            marker=_MARKERS[verdict],
            mfc=fill,
            mec="#555555",
            label=label,
        )

    handles = [
        mark(_IDENTIFIABLE, "white", "every reference says the same"),
        mark(_IDENTIFIABLE, "#555555", f"adjusted p < {_ALPHA}, primary classes"),
        mark(_DEPENDS, "white", "depends on reference"),
        mark(_CONFOUNDED, "white", "confounded"),
        Patch(color=_BLIND, label="too small for this n (power < 0.8)"),
    ]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        frameon=False,
        fontsize=style.FONT_SIZE - 2,
        handlelength=2.2,
        columnspacing=1.2,
    )
