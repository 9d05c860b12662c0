"""Figures of cell composition: paired lines with the verdict of the test, log-ratio changes with
intervals. Stacked bars are in ``composition_bars``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hcc_assets.figures import style
from hcc_assets.figures.composition_names import NAMES, class_name, p_text
from hcc_assets.study.classes import CELL_CLASSES, DENOMINATORS, PRIMARY_CLASSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ALPHA = 0.05  # as the tables call it


def paired_composition(
    compositions: pd.DataFrame,
    changes: pd.DataFrame,
    *,
    denominator: str = "all",
    timepoints: Sequence[str] = ("pre", "post"),
) -> Figure:
    """Share of each primary class before and after, one line per patient and tissue, with the
    verdicts of both scales.

    Parameters
    ----------
    compositions, changes
        ``Compositions`` and ``CompositionChanges``.
    denominator
        ``all``, ``immune`` or ``non_parenchymal``.
    timepoints
        Before and after.
    """
    title = f"Composition before and after treatment, % of {NAMES[denominator]}"
    usable = compositions[
        (compositions["denominator"] == denominator)
        & compositions["in_tests"]
        & compositions["timepoint"].isin(timepoints)
    ]
    if usable.empty:
        return style.no_data(title)
    biopsies = usable.groupby(["cell_class", "subject_id", "tissue", "timepoint"])[
        ["n_cells", "n_total"]
    ].sum()
    share = (
        (100 * biopsies["n_cells"] / biopsies["n_total"])
        .unstack("timepoint")
        .reindex(columns=list(timepoints))
    )
    classes = [c for c in PRIMARY_CLASSES if c in DENOMINATORS[denominator]]
    columns = 3 if len(classes) > 4 else 2
    rows = -(-len(classes) // columns)
    figure = style.new_figure(3.0 * columns, 0.7 + 2.45 * rows, title=title)
    grid = figure.subplots(rows, columns, squeeze=False)
    verdicts = changes[changes["denominator"] == denominator].set_index("cell_class")
    for ax, cell_class in zip(grid.ravel(), classes, strict=False):
        values = (
            share.loc[cell_class]
            if cell_class in share.index.get_level_values(0)
            else share.iloc[:0]
        )
        _lines(ax, values.to_numpy(dtype=float), timepoints, cell_class)
        ax.set_title(f"{class_name(cell_class)}\n{_verdict(verdicts, cell_class)}", loc="left")
        style.tidy(ax)
        ax.title.set_fontsize(style.FONT_SIZE - 1)
    for ax in grid.ravel()[len(classes) :]:
        ax.set_axis_off()
    n = int(verdicts["n_subjects"].max()) if len(verdicts) else 0
    style.note(
        figure,
        f"{n} patients with a pair. share: change of the share in points, signed rank; "
        "log2: change against the unchanged classes, moderated t,\n"
        "adjusted over the primary classes. Grey dots: biopsy without a partner. "
        "Thick: median of the pairs.",
        smaller=2,
    )
    return figure


def _lines(ax: Axes, values: np.ndarray, timepoints: Sequence[str], cell_class: str) -> None:
    colours = style.timepoint_colours(timepoints)
    paired = np.isfinite(values).all(axis=1)
    width = 1.0 if paired.sum() <= 20 else 0.6
    for before, after in values[paired]:
        ax.plot(
            [0, 1],
            [before, after],
            color=style.CLASS_COLOURS[cell_class],
            linewidth=width,
            alpha=0.75 if paired.sum() <= 20 else 0.45,
            zorder=2,
        )
    for x, timepoint in enumerate(timepoints):
        ax.scatter(
            np.full(paired.sum(), x),
            values[paired, x],
            s=11,
            color=colours[timepoint],
            zorder=3,
            linewidths=0,
        )
        alone = ~paired & np.isfinite(values[:, x])
        ax.scatter(
            np.full(alone.sum(), x + (-0.12 if x == 0 else 0.12)),
            values[alone, x],
            s=9,
            color="#AAAAAA",
            zorder=2,
            linewidths=0,
        )
    if paired.any():
        ax.plot([0, 1], np.median(values[paired], axis=0), color="black", linewidth=2.2, zorder=4)
    ax.set_xlim(-0.3, 1.3)
    ax.set_xticks([0, 1], list(timepoints))
    ax.set_ylim(bottom=0)


def _verdict(verdicts: pd.DataFrame, cell_class: str) -> str:
    names = ("delta_median", "p_signed_rank", "log2_ratio", "p_adjusted")
    delta, p, log2, adjusted = (
        verdicts.loc[[cell_class], list(names)].to_numpy(dtype=float)[0]
        if cell_class in verdicts.index
        else np.full(4, np.nan)
    )
    if not np.isfinite(delta):
        return "NE (too few pairs)"
    ratio = f"log2 {log2:+.2f}, adj. p {p_text(adjusted)}" if np.isfinite(log2) else "log2 NE"
    return f"share {100 * delta:+.1f}, p {p_text(p)}\n{ratio}"


def composition_forest(changes: pd.DataFrame) -> Figure:
    """Log2 change of every class with its interval, one panel per denominator; filled where the
    adjusted p-value is below 0.05.

    Parameters
    ----------
    changes
        ``CompositionChanges``.
    """
    title = "Change relative to the classes that stayed (log2, 95 % interval)"
    if changes["log2_ratio"].notna().sum() == 0:
        return style.no_data(
            title, reason="not enough pairs yet" if len(changes) else style.NO_DATA
        )
    present = [d for d in DENOMINATORS if (changes["denominator"] == d).any()]
    classes = [
        c
        for c in CELL_CLASSES
        if changes.loc[changes["log2_ratio"].notna(), "cell_class"].eq(c).any()
    ]
    figure = style.new_figure(9.5, 1.3 + 0.24 * len(classes), title=title)
    axes = figure.subplots(1, len(present), sharey=True, sharex=True, squeeze=False)[0]
    for ax, denominator in zip(axes, present, strict=True):
        rows = changes[changes["denominator"] == denominator].set_index("cell_class")
        for y, cell_class in enumerate(classes):
            if cell_class not in rows.index:
                continue
            names = ["log2_ratio", "log2_ratio_ci_low", "log2_ratio_ci_high", "p_adjusted"]
            log2, low, high, adjusted = rows.loc[[cell_class], names].to_numpy(dtype=float)[0]
            if not np.isfinite(log2):
                continue
            colour = style.CLASS_COLOURS[cell_class]
            ax.plot([low, high], [y, y], color=colour, linewidth=1.6, solid_capstyle="butt")
            ax.plot(
                log2,
                y,
                marker="o",
                ms=6,
                mfc=colour if adjusted < _ALPHA else "white",
                mec=colour,
                mew=1.4,
            )
        ax.axvline(0, color="#666666", linewidth=0.8)
        ax.set_title(f"{NAMES[denominator]}\n{int(rows['n_subjects'].max())} patients", loc="left")
        style.tidy(ax, grid="both")
        ax.title.set_fontsize(style.FONT_SIZE)
    axes[0].set_yticks(range(len(classes)), [class_name(c) for c in classes])
    axes[0].set_ylim(len(classes) - 0.5, -0.5)
    figure.supxlabel(
        f"filled: adjusted p < {_ALPHA} among the primary classes",
        fontsize=style.FONT_SIZE - 1,
        color=style.MUTED,
    )
    return figure
