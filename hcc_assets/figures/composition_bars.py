"""Stacked bars of composition, one per biopsy, grouped by patient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hcc_assets.figures import style
from hcc_assets.figures.clinical_common import label_size, short_ids
from hcc_assets.figures.composition_names import NAMES, class_name
from hcc_assets.study.classes import CELL_CLASSES

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def stacked_composition(
    compositions: pd.DataFrame,
    *,
    denominator: str = "all",
    timepoints: Sequence[str] = ("pre", "post"),
) -> Figure:
    """Composition of every sample as stacked bars, samples of a patient side by side.

    Parameters
    ----------
    compositions
        ``Compositions``.
    """
    title = f"Composition of each sample, % of {NAMES[denominator]}"
    mine = compositions[compositions["denominator"] == denominator]
    if mine.empty:
        return style.no_data(title)
    rank = {t: i for i, t in enumerate(timepoints)}
    order = mine.drop_duplicates("sample_id").assign(
        rank=lambda f: f["timepoint"].map(lambda t: rank.get(t, len(rank)))
    )
    order = order.sort_values(["subject_id", "tissue", "rank", "sample_id"], kind="stable")
    share = (100 * mine.pivot(index="sample_id", columns="cell_class", values="proportion")).fillna(
        0.0
    )
    classes = [c for c in CELL_CLASSES if c in share.columns]
    position, ticks, labels = _bar_positions(order)
    per_row = 32
    subjects = list(dict.fromkeys(order["subject_id"]))
    chunks = [subjects[i : i + per_row // 2] for i in range(0, len(subjects), per_row // 2)]
    figure = style.new_figure(10.5, 0.9 + 2.3 * len(chunks), title=title)
    axes = figure.subplots(len(chunks), 1, squeeze=False)[:, 0]
    for ax, chunk in zip(axes, chunks, strict=True):
        here = order[order["subject_id"].isin(chunk)]
        x = np.array([position[s] for s in here["sample_id"]])
        heights = share.loc[here["sample_id"], classes]
        style.stacked_bars(
            ax,
            x,
            heights,
            style.CLASS_COLOURS,
            width=0.92,
            names={c: class_name(c) for c in classes},
        )
        few = ~here["in_tests"].to_numpy(dtype=bool)
        if few.any():  # an empty unclipped line would still claim room in the layout
            ax.plot(
                x[few],
                np.full(few.sum(), 103.0),
                ls="",
                marker="v",
                ms=4,
                color="black",
                clip_on=False,
            )
        crowded = len(order) > 12
        ax.xaxis.remove_overlapping_locs = (
            False  # a patient with one sample has the label of both at one place
        )
        ax.set_xticks(x, [str(t) for t in here["timepoint"]], minor=True)
        ax.tick_params(
            axis="x",
            which="minor",
            length=0,
            pad=1,
            labelsize=style.FONT_SIZE - 3,
            rotation=90 if crowded else 0,
        )
        ax.set_xticks([ticks[s] for s in chunk], [labels[s] for s in chunk])
        start = position[here["sample_id"].iloc[0]]
        ax.set_xlim(
            start - 0.7, start + max(x[-1] - start, min(len(order) * 1.3, per_row * 1.3)) + 0.7
        )
        ax.set_ylim(0, 100)
        ax.set_ylabel("%")
        style.tidy(ax, grid=None)
        ax.tick_params(
            axis="x",
            which="major",
            length=0,
            pad=22 if crowded else 12,
            labelsize=min(
                label_size(len(subjects)), style.FONT_SIZE - 3.5 if crowded else style.FONT_SIZE
            ),
        )
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(
        handles[::-1],
        names[::-1],
        loc="outside right center",
        fontsize=style.FONT_SIZE - 2,
        frameon=False,
    )
    if (~order["in_tests"]).any():
        style.note(
            figure,
            "▼ too few cells: not part of tests",
            smaller=2,
        )
    return figure


def _bar_positions(
    order: pd.DataFrame,
) -> tuple[dict[str, float], dict[str, float], dict[str, str]]:
    """Place of each bar, of each patient's label, and the labels; a gap between patients."""
    position: dict[str, float] = {}
    at = 0.0
    centres: dict[str, list[float]] = {}
    for subject, group in order.groupby("subject_id", sort=False):
        for sample in group["sample_id"]:
            position[sample] = at
            centres.setdefault(str(subject), []).append(at)
            at += 1.0
        at += 0.6
    subjects = list(centres)
    return (
        position,
        {s: float(np.mean(c)) for s, c in centres.items()},
        dict(zip(subjects, short_ids(subjects), strict=True)),
    )
