"""Figures of expression across samples: volcano per class, dot plot of genes by class, heatmap of
programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hcc_assets.figures import style
from hcc_assets.figures.composition_names import class_name
from hcc_assets.study.classes import CELL_CLASSES
from hcc_assets.study.programs import programs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UP, DOWN, FLAGGED, OTHER = "#BB5566", "#004488", "#DDAA33", "#BBBBBB"
_ALPHA = 0.05  # as the tables call it


def volcano(deg: pd.DataFrame, cell_class: str, *, n_labels: int = 15) -> Figure:
    """Change against evidence of every tested gene of a class; the strongest genes are named.

    Parameters
    ----------
    deg
        ``DegTables`` or ``DegConfirmatory``.
    cell_class
        Class to draw.
    n_labels
        Genes to name on either side.
    """
    rows = deg[(deg["cell_class"] == cell_class) & deg["p_value"].notna()]
    title = f"Differential expression in {class_name(cell_class)}, after against before"
    if rows.empty:
        n = (
            int(deg.loc[deg["cell_class"] == cell_class, "n_pairs"].max())
            if (deg["cell_class"] == cell_class).any()
            else 0
        )
        return style.no_data(title, reason=f"NE: {n} pairs")
    figure = style.new_figure(7.0, 5.2, title=title)
    ax = figure.subplots()
    evidence = -np.log10(np.maximum(rows["p_value"], 1e-300))
    called = rows["p_adjusted"] < _ALPHA
    up, down, flagged = (
        called & (rows["log2_fold_change"] > 0),
        called & (rows["log2_fold_change"] < 0),
        rows["ambient_flag"],
    )
    groups = (
        (~(called | flagged), OTHER, ".", "not called"),
        (up, UP, "^", "higher after"),
        (down, DOWN, "v", "lower after"),
        (flagged, FLAGGED, "x", "explained by ambient RNA"),
    )
    for chosen, colour, marker, label in groups:
        if chosen.any():
            size = 8 if marker == "." else 16
            ax.scatter(
                rows.loc[chosen, "log2_fold_change"],
                evidence[chosen],
                s=size,
                c=colour,
                marker=marker,
                linewidths=0.8 if marker == "x" else 0,
                alpha=0.5 if marker == "." else 0.9,
                label=f"{label} ({int(chosen.sum())})",
                rasterized=len(rows) > 2000,
            )
    reach = float(np.abs(rows["log2_fold_change"]).max()) * 1.6
    ax.set_xlim(-reach, reach)
    ax.set_ylim(0, float(evidence.max()) * 1.08)
    for chosen, side in ((up, 1.0), (down, -1.0)):
        _labels(
            ax,
            rows.loc[chosen].assign(evidence=evidence[chosen]).nlargest(n_labels, "evidence"),
            side,
        )
    ax.axvline(0, color="#999999", linewidth=0.7)
    ax.set_xlabel("log2 fold change")
    ax.set_ylabel("-log10 p")
    style.tidy(ax, grid="both")
    ax.legend(
        loc="upper center",
        ncols=4,
        fontsize=style.FONT_SIZE - 2,
        frameon=False,
        bbox_to_anchor=(0.5, 1.08),
    )
    style.note(
        figure,
        (
            f"{int(rows['n_pairs'].max())} pairs, {len(rows)} genes tested; called: adjusted p < "
            f"{_ALPHA} within the class"
        ),
        smaller=2,
    )
    return figure


def _labels(ax: Axes, top: pd.DataFrame, side: float) -> None:
    """Names in a column at the outer edge, highest first, each with a thin line to its point, so
    that none covers another.

    Lines and texts instead of annotations: those measure every text again to find where its arrow
    ends.
    """
    from matplotlib.collections import LineCollection

    low, high = ax.get_ylim()
    gap = (high - low) * 0.036
    edge = side * 0.8 * ax.get_xlim()[1]
    free = high - gap / 2
    top = top.sort_values("evidence", ascending=False)
    lines = []
    for gene, change, evidence in zip(
        top["gene"], top["log2_fold_change"].to_numpy(), top["evidence"].to_numpy(), strict=True
    ):
        y = min(float(evidence), free)
        free = y - gap
        lines.append([(change, evidence), (edge, y)])
        text = ax.text(
            edge * 1.01,
            y,
            str(gene),
            ha="left" if side > 0 else "right",
            va="center",
            fontsize=style.FONT_SIZE - 2,
            parse_math=False,
        )
        text.set_in_layout(False)
    ax.add_collection(
        LineCollection(lines, colors="#BBBBBB", linewidths=0.4, zorder=0.9), autolim=False
    )


def dot_plot(
    related: pd.DataFrame, program: str, *, classes: Sequence[str] = CELL_CLASSES
) -> Figure:
    """Genes of a program by class: colour is the change, size the evidence, a ring marks what is
    called within the program.

    Parameters
    ----------
    related
        ``RelatedGenes``.
    program
        Program to draw.
    """
    words = programs()[program].title if program in programs() else program
    rows = related[(related["program"] == program)]
    title = f"{words}: change by gene and class"
    shown = [
        c for c in classes if rows.loc[rows["cell_class"] == c, "log2_fold_change"].notna().any()
    ]
    if not shown:
        return style.no_data(
            title, reason="NE: not enough pairs yet" if len(rows) else style.NO_DATA
        )
    genes = list(dict.fromkeys(rows["gene"]))
    figure = style.new_figure(max(5.5, 2.6 + 0.3 * len(genes)), 1.9 + 0.3 * len(shown), title=title)
    ax = figure.subplots()
    rows = rows[rows["cell_class"].isin(shown)]
    x = rows["gene"].map({g: i for i, g in enumerate(genes)}).to_numpy()
    y = rows["cell_class"].map({c: i for i, c in enumerate(shown)}).to_numpy()
    tested = rows["log2_fold_change"].notna().to_numpy()
    size = (
        12 + 32 * np.clip(-np.log10(rows["p_value"].fillna(1.0).clip(lower=1e-6)), 0, 4).to_numpy()
    )
    limit = max(1.0, float(np.nanquantile(np.abs(rows["log2_fold_change"]), 0.98)))
    called = (rows["p_adjusted"] < _ALPHA).to_numpy()
    ax.scatter(x[~tested], y[~tested], s=8, marker="x", color="#CCCCCC", linewidths=0.7)
    dots = ax.scatter(
        x[tested],
        y[tested],
        s=size[tested],
        c=rows["log2_fold_change"].to_numpy()[tested],
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
    )
    dots.set_edgecolor(["black" if c else "#BBBBBB" for c in called[tested]])
    dots.set_linewidth([1.3 if c else 0.4 for c in called[tested]])
    ax.set_xticks(range(len(genes)), genes, rotation=90, parse_math=False)
    ax.set_yticks(range(len(shown)), [class_name(c) for c in shown])
    ax.set_ylim(len(shown) - 0.5, -0.5)
    ax.set_xlim(-0.7, len(genes) - 0.3)
    style.tidy(ax, grid="both")
    bar = figure.colorbar(dots, ax=ax, shrink=0.8, pad=0.01, aspect=12)
    bar.set_label("log2 fold change", fontsize=style.FONT_SIZE - 1)
    bar.ax.tick_params(labelsize=style.FONT_SIZE - 2)
    figure.supxlabel(
        "larger: smaller p; black ring: adjusted p < 0.05 within the program; x: too few counts",
        fontsize=style.FONT_SIZE - 2,
        color=style.MUTED,
    )
    return figure


def program_heatmap(table: pd.DataFrame) -> Figure:
    """Change of every program in every class: colour is the change in standard deviations, a dot
    marks adjusted p < 0.05.

    Parameters
    ----------
    table
        ``GenePrograms``.
    """
    title = "Gene programs, change after treatment"
    wide = (
        table.pivot(index="program", columns="cell_class", values="delta")
        if len(table)
        else pd.DataFrame()
    )
    classes = [c for c in CELL_CLASSES if c in wide.columns and wide[c].notna().any()]
    if not classes:
        return style.no_data(
            title, reason="NE: not enough pairs yet" if len(table) else style.NO_DATA
        )
    names = [p for p in programs() if p in wide.index]
    values = wide.loc[names, classes].to_numpy(dtype=float)
    adjusted = (
        table.pivot(index="program", columns="cell_class", values="p_adjusted")
        .loc[names, classes]
        .to_numpy(dtype=float)
    )
    figure = style.new_figure(
        max(6.5, 4.2 + 0.42 * len(classes)), 1.8 + 0.24 * len(names), title=title
    )
    ax = figure.subplots()
    limit = max(0.5, float(np.nanquantile(np.abs(values), 0.99)))
    ax.set_facecolor("#EEEEEE")
    image = ax.imshow(
        np.ma.masked_invalid(values),
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
        aspect="auto",
        interpolation="nearest",
    )
    for y, x in zip(*np.where(adjusted < _ALPHA), strict=True):
        ax.plot(x, y, marker="o", ms=4, mfc="black", mec="white", mew=0.6)
    patients = table.groupby("cell_class")["n_pairs"].max()
    ax.set_xticks(
        range(len(classes)), [f"{class_name(c)} ({int(patients[c])})" for c in classes], rotation=90
    )
    arrows = {"up": " ↑", "down": " ↓", None: ""}
    ax.set_yticks(
        range(len(names)), [programs()[p].title + arrows[programs()[p].expected] for p in names]
    )
    style.tidy(ax, grid=None)
    ax.tick_params(length=0)
    bar = figure.colorbar(image, ax=ax, shrink=0.6, pad=0.01)
    bar.set_label("change (SD of the score)", fontsize=style.FONT_SIZE - 1)
    bar.ax.tick_params(labelsize=style.FONT_SIZE - 2)
    figure.supxlabel(
        (
            "dot: adjusted p < 0.05 over all; grey: not estimable; arrow: direction the drug's "
            "targets suggest; in brackets: pairs"
        ),
        fontsize=style.FONT_SIZE - 2,
        color=style.MUTED,
    )
    return figure
