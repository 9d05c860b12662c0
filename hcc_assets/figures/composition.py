"""Cell composition before and after: lines of the patients with the result of the test. The changes
of all classes are in ``composition_intervals``, stacked bars in ``composition_bars``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hcc_assets.figures import style
from hcc_assets.figures.composition_names import NAMES, class_name, p_text
from hcc_assets.schemas.composition import VERDICTS
from hcc_assets.study.classes import DENOMINATORS, PRIMARY_CLASSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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
    names = ["subject_id", "tissue", "timepoint"]
    biopsies = usable.groupby(["cell_class", *names])["n_expected"].sum()
    share = (
        (100 * biopsies / biopsies.groupby(names).transform("sum"))
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
        "log2: change against the unchanged classes, paired t,\n"
        "adjusted over the primary classes of the primary denominator. "
        "Grey dots: biopsy without a partner. Thick: median of the pairs.",
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
    names = ("delta_median", "p_signed_rank", "log2_ratio", "p_value", "p_adjusted")
    delta, p, log2, raw, adjusted = (
        verdicts.loc[[cell_class], list(names)].to_numpy(dtype=float)[0]
        if cell_class in verdicts.index
        else np.full(5, np.nan)
    )
    if not np.isfinite(delta):
        return "NE (too few pairs)"
    share = f"share {100 * delta:+.1f}, p {p_text(p)}"
    if not np.isfinite(log2):
        return f"{share}\nlog2 NE"
    test = f"adj. p {p_text(adjusted)}" if np.isfinite(adjusted) else f"p {p_text(raw)}"
    said = str(verdicts.at[cell_class, "verdict"])
    end = "" if said == VERDICTS[0] else f"\n{said.lower()}"
    return f"{share}\nlog2 {log2:+.2f}, {test}{end}"
