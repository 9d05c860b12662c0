"""Figures of the display embedding. It is for looking: no number of the study comes from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hcc_assets.figures import style
from hcc_assets.figures.clinical_common import short_ids
from hcc_assets.figures.composition_names import class_name
from hcc_assets.study.classes import CELL_CLASSES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST = 60_000  # cells; more only cover each other at this size


def embedding(
    cells: pd.DataFrame,
    *,
    colour_by: str = "cell_class",
    timepoints: Sequence[str] = ("pre", "post"),
) -> Figure:
    """Display embedding, coloured by class, subject or timepoint.

    Parameters
    ----------
    cells
        ``x, y`` and the column named by ``colour_by``; at most 60,000 evenly chosen cells are
        drawn, in an order that no group rules.
    colour_by
        ``cell_class``, ``subject_id`` or ``timepoint``.
    """
    words = {"cell_class": "class", "subject_id": "patient", "timepoint": "timepoint"}[colour_by]
    title = f"Display embedding by {words}"
    shown = cells[np.isfinite(cells["x"]) & np.isfinite(cells["y"])]
    if shown.empty:
        return style.no_data(title)
    order = np.random.default_rng(0).permutation(len(shown))[:_MOST]
    shown = shown.sort_values(["x", "y"], kind="stable").iloc[order]
    colours, labels = _colours(shown[colour_by].astype(str), colour_by, timepoints)
    figure = style.new_figure(8.2, 6.0, title=title)
    ax = figure.subplots()
    size = float(np.clip(60_000 / len(shown), 0.6, 14))
    ax.scatter(
        shown["x"],
        shown["y"],
        s=size,
        c=[colours[v] for v in shown[colour_by].astype(str)],
        linewidths=0,
        alpha=0.7,
        rasterized=True,
    )
    if colour_by == "cell_class":
        for name, group in shown.groupby("cell_class"):
            if len(group) >= 20 and name != "unassigned":
                centre = group[["x", "y"]].median()
                text = ax.text(
                    centre["x"],
                    centre["y"],
                    class_name(str(name)),
                    ha="center",
                    va="center",
                    fontsize=style.FONT_SIZE - 1,
                    fontweight="bold",
                )
                text.set_path_effects(_halo())
    ax.set_aspect("equal", adjustable="datalim")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    handles = [
        ax.scatter([], [], s=26, color=colours[v], label=labels[v]) for v in colours if v in labels
    ]
    columns = 1 if len(handles) <= 24 else 2 if len(handles) <= 48 else 3
    figure.legend(
        handles=handles,
        loc="outside right center",
        fontsize=style.FONT_SIZE - (2 if len(handles) <= 24 else 3),
        frameon=False,
        ncols=columns,
    )
    style.note(
        figure,
        (
            f"{len(shown):,} of {len(cells):,} cells. "
            "For display only: distances and areas carry no statistics."
        ),
        smaller=2,
    )
    return figure


def _halo() -> list:  # type: ignore[type-arg]
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2.5, foreground="white")]


def _colours(
    values: pd.Series, colour_by: str, timepoints: Sequence[str]
) -> tuple[dict[str, str], dict[str, str]]:
    present = set(values)
    if colour_by == "cell_class":
        colours = {c: style.CLASS_COLOURS[c] for c in CELL_CLASSES if c in present}
        return colours, {c: class_name(c) for c in colours}
    if colour_by == "timepoint":
        names = [*[t for t in timepoints if t in present], *sorted(present - set(timepoints))]
        colours = style.timepoint_colours(names)
        return colours, {t: t for t in names}
    from matplotlib.colors import hsv_to_rgb, to_hex

    names = sorted(present)
    golden = 0.61803398875
    palette = []
    for i in range(len(names)):
        red, green, blue = hsv_to_rgb(
            ((i * golden) % 1.0, (0.75, 0.5, 0.95)[i % 3], (0.85, 0.7, 0.6)[(i // 3) % 3])
        )
        palette.append(to_hex((float(red), float(green), float(blue))))
    return dict(zip(names, palette, strict=True)), dict(zip(names, short_ids(names), strict=True))
