"""Figures of quality control: metrics per sample, what became of the barcodes, cells that QC keeps
by class and timepoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hcc_assets.figures import style
from hcc_assets.figures.clinical_common import label_size, short_ids
from hcc_assets.figures.composition_names import class_name, p_text
from hcc_assets.study.classes import CELL_CLASSES, QC_STATUSES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STATUS_COLOURS = dict(
    zip(
        QC_STATUSES,
        ("#117733", "#88CCEE", "#44AA99", "#CC6677", "#882255", "#DDCC77", "#AA4499", "#999933"),
        strict=True,
    )
)
_METRICS = (
    ("n_umi", "UMI", True),
    ("n_genes", "genes", True),
    ("pct_mt", "mitochondrial (%)", False),
)
_MOST = 2000  # barcodes of a sample; the shape of a violin no longer changes with more


def in_visit_order(
    sample_ids: Sequence[str], samples: pd.DataFrame | None, timepoints: Sequence[str]
) -> list[str]:
    """Samples by subject, then timepoint; by name where nothing is known of them."""
    if samples is None:
        return sorted(sample_ids)
    known = (
        samples.assign(sample_id=samples["sample_id"].astype(str))
        .drop_duplicates("sample_id")
        .set_index("sample_id")
    )
    rank = {t: i for i, t in enumerate(timepoints)}

    def key(sample: str) -> tuple[str, int, str]:
        if sample not in known.index:
            return (sample, 0, sample)
        return (
            str(known.loc[sample, "subject_id"]),
            rank.get(str(known.loc[sample, "timepoint"]), len(rank)),
            sample,
        )

    return sorted(sample_ids, key=key)


def qc_violins(
    cells: pd.DataFrame,
    samples: pd.DataFrame | None = None,
    *,
    timepoints: Sequence[str] = ("pre", "post"),
) -> Figure:
    """UMI, genes and mitochondrial share of the barcodes of each sample.

    Parameters
    ----------
    cells
        ``sample_id, n_umi, n_genes, pct_mt``, one row per barcode. At most 2,000 evenly chosen
        barcodes of a sample are drawn.
    samples
        ``sample_id, subject_id, timepoint``, for order and colour.
    """
    title = "Quality of the barcodes of each sample"
    if cells.empty:
        return style.no_data(title)
    groups = {str(k): g for k, g in cells.groupby("sample_id", sort=True)}
    names = in_visit_order(list(groups), samples, timepoints)
    when = (
        {}
        if samples is None
        else dict(
            zip(samples["sample_id"].astype(str), samples["timepoint"].astype(str), strict=True)
        )
    )
    figure = style.new_figure(max(6.0, 2.0 + 0.2 * len(names)), 6.2, title=title)
    axes = figure.subplots(len(_METRICS), 1, sharex=True)
    colours = style.timepoint_colours(timepoints)
    for ax, (metric, label, log) in zip(axes, _METRICS, strict=True):
        found = {
            i: np.sort(groups[sample][metric].dropna().to_numpy(dtype=float))
            for i, sample in enumerate(names)
        }
        found = {i: np.log10(np.maximum(v, 1.0)) if log else v for i, v in found.items() if v.size}
        drawn = {
            i: v[np.linspace(0, v.size - 1, min(v.size, _MOST)).astype(int)]
            for i, v in found.items()
            if np.ptp(v) > 0
        }
        bodies = (
            ax.violinplot(
                list(drawn.values()),
                positions=list(drawn),
                widths=0.85,
                showextrema=False,
                points=60,
            )["bodies"]
            if drawn
            else []
        )
        for i, body in zip(drawn, bodies, strict=True):
            body.set(
                facecolor=colours.get(when.get(names[i], ""), style.MUTED), alpha=0.65, linewidth=0
            )
        places = np.array(list(found), dtype=float)
        ax.hlines(
            [np.median(v) for v in found.values()],
            places - 0.28,
            places + 0.28,
            color="black",
            linewidth=1.2,
        )
        ax.set_ylabel(label)
        if log:
            ticks = np.arange(np.ceil(ax.get_ylim()[0]), np.floor(ax.get_ylim()[1]) + 1)
            ax.set_yticks(ticks, [f"{10**t:,.0f}" for t in ticks])
        style.tidy(ax)
    axes[-1].set_xticks(
        range(len(names)), short_ids(names), rotation=90, fontsize=label_size(len(names))
    )
    axes[-1].set_xlim(-0.8, len(names) - 0.2)
    _timepoint_legend(figure, timepoints)
    return figure


def _timepoint_legend(figure: Figure, timepoints: Sequence[str]) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(color=c, label=t) for t, c in style.timepoint_colours(timepoints).items()]
    figure.legend(
        handles=handles,
        loc="outside upper right",
        ncols=len(handles),
        fontsize=style.FONT_SIZE - 1,
        frameon=False,
    )


def qc_status_bars(
    counts: pd.DataFrame,
    samples: pd.DataFrame | None = None,
    *,
    timepoints: Sequence[str] = ("pre", "post"),
) -> Figure:
    """What became of the barcodes of each sample, in percent.

    Parameters
    ----------
    counts
        ``sample_id, cell_class, qc_status, n_cells``.
    samples
        ``sample_id, subject_id, timepoint``, for the order.
    """
    title = "Barcodes by QC status, % of each sample"
    total = (
        counts.groupby(["sample_id", "qc_status"], observed=True)["n_cells"]
        .sum()
        .unstack(fill_value=0)
        if len(counts)
        else pd.DataFrame()
    )
    if total.empty:
        return style.no_data(title)
    total.index = total.index.astype(str)
    names = in_visit_order(list(total.index), samples, timepoints)
    total = total.loc[names]
    share = 100 * total.div(total.sum(axis=1).replace(0, np.nan), axis=0).fillna(0.0)
    figure = style.new_figure(max(6.0, 2.4 + 0.2 * len(names)), 3.6, title=title)
    ax = figure.subplots()
    present = [s for s in QC_STATUSES if s in share.columns]
    style.stacked_bars(
        ax,
        range(len(names)),
        share[present],
        STATUS_COLOURS,
        width=0.9,
        names={s: s for s in present},
    )
    ax.set_xticks(range(len(names)), short_ids(names), rotation=90, fontsize=label_size(len(names)))
    ax.set_xlim(-0.7, len(names) - 0.3)
    ax.set_ylim(0, 100)
    ax.set_ylabel("%")
    style.tidy(ax)
    figure.legend(
        loc="outside right center", fontsize=style.FONT_SIZE - 2, frameon=False, reverse=True
    )
    return figure


def kept_fractions(kept: pd.DataFrame, *, timepoints: Sequence[str] = ("pre", "post")) -> Figure:
    """Share of the cells of each class that QC keeps, before and after, with the test of the
    difference.

    Parameters
    ----------
    kept
        ``QcKept``.
    """
    title = "Cells that QC keeps, by class"
    classes = [
        c
        for c in (*CELL_CLASSES, "ALL")
        if kept.loc[kept["cell_class"] == c, "kept_median"].notna().any()
    ]
    if not classes:
        return style.no_data(title)
    figure = style.new_figure(7.5, 1.4 + 0.27 * len(classes), title=title)
    ax = figure.subplots()
    colours = style.timepoint_colours(timepoints)
    for y, cell_class in enumerate(classes):
        rows = kept[kept["cell_class"] == cell_class].set_index("timepoint")
        for shift, timepoint in zip((-0.16, 0.16), timepoints, strict=False):
            if timepoint in rows.index:
                low, median, high = (
                    100
                    * rows.loc[[timepoint], ["kept_q1", "kept_median", "kept_q3"]].to_numpy(
                        dtype=float
                    )[0]
                )
                ax.plot([low, high], [y + shift] * 2, color=colours[timepoint], linewidth=2)
                ax.plot(median, y + shift, marker="o", ms=5, color=colours[timepoint])
        p = float(rows["p_adjusted"].iloc[0] if cell_class != "ALL" else rows["p_value"].iloc[0])
        warn = np.isfinite(p) and p < 0.05
        ax.text(
            1.01,
            y,
            f"p {p_text(p)}",
            transform=ax.get_yaxis_transform(),
            va="center",
            fontsize=style.FONT_SIZE - 2,
            color="#BB5566" if warn else style.MUTED,
            fontweight="bold" if warn else "normal",
        )
    ax.set_yticks(
        range(len(classes)), ["all barcodes" if c == "ALL" else class_name(c) for c in classes]
    )
    ax.set_ylim(len(classes) - 0.5, -0.5)
    ax.set_xlim(right=101)
    ax.set_xlabel("kept (%), median and quartiles over biopsies")
    style.tidy(ax, grid="both")
    _timepoint_legend(figure, timepoints)
    return figure
