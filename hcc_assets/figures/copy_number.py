"""Copy-number heatmap of one subject along the chromosomes: malignant, normal epithelial and
reference cells of each biopsy. Profiles are made in ``cells``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from hcc_assets.figures.style import FONT_SIZE, MUTED, new_figure, no_data
from hcc_assets.study.genes import CHROMOSOMES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GROUPS: Final = {
    "malignant": "malignant",
    "normal_epithelial": "normal epithelial",
    "reference": "immune and stromal",
}
_LOWERED: Final = ("19", "21")
"""Short chromosomes whose names stand one line lower, so that they do not touch."""

_LIMIT_QUANTILE: Final = 0.995  # of the colour scale: one extreme bin does not pale the rest


def _ordered(bins: pd.Index) -> pd.Index:
    parts = pd.DataFrame(
        {
            "bin": bins,
            "arm": [b.split(":")[0] for b in bins],
            "at": [float(b.split(":")[1]) for b in bins],
        }
    )
    parts["chromosome"] = parts["arm"].str[:-1].map({c: i for i, c in enumerate(CHROMOSOMES)})
    return pd.Index(parts.sort_values(["chromosome", "arm", "at"])["bin"])


def copy_number_heatmap(
    heats: Mapping[str, pd.DataFrame], *, title: str = "Copy-number profile"
) -> Figure:
    """Mean deviation of expression from normal cells, by place on the genome.

    Parameters
    ----------
    heats
        Sample (in the order to be shown) to ``MalignancyResult.heat``: rows ``malignant,
        normal_epithelial, reference``, columns bins such as ``8q:127.5``. Rows without cells are
        left out.
    title
        Of the figure; name the subject here.

    Returns
    -------
    matplotlib.figure.Figure
        Red is gain, blue is loss, on one scale for all rows; chromosome borders solid, centromeres
        dotted.
    """
    rows = [
        heat.loc[[group]].set_axis([f"{sample} · {label}"])
        for sample, heat in heats.items()
        for group, label in _GROUPS.items()
        if group in heat.index and heat.shape[1] and heat.loc[group].notna().any()
    ]
    if not rows:
        return no_data(title, reason="no biopsy with enough epithelial and normal cells")
    table = pd.concat(rows)
    table = table[_ordered(table.columns)]
    limit = max(float(np.nanquantile(np.abs(table.to_numpy()), _LIMIT_QUANTILE)), 1e-3)
    height = 1.7 + 0.34 * len(table)
    figure = new_figure(11.0, height, title=title)
    axes = figure.add_subplot()
    image = axes.imshow(
        table.to_numpy(dtype=float),
        aspect="auto",
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
        interpolation="none",
    )
    image.cmap.set_bad("#DDDDDD")
    arms = [b.split(":")[0] for b in table.columns]
    chromosomes = [a[:-1] for a in arms]
    edges = [i for i in range(1, len(arms)) if chromosomes[i] != chromosomes[i - 1]]
    for edge in edges:
        axes.axvline(edge - 0.5, color="#444444", linewidth=0.7)
    for i in range(1, len(arms)):
        if arms[i] != arms[i - 1] and chromosomes[i] == chromosomes[i - 1]:
            axes.axvline(i - 0.5, color="#888888", linewidth=0.6, linestyle=":")
    middles = [
        float(np.mean([i for i, c in enumerate(chromosomes) if c == name]))
        for name in dict.fromkeys(chromosomes)
    ]
    labels = [f"\n{c}" if c in _LOWERED else c for c in dict.fromkeys(chromosomes)]
    axes.set_xticks(middles, labels=labels, fontsize=FONT_SIZE - 2)
    axes.set_yticks(range(len(table)), labels=list(table.index), fontsize=FONT_SIZE - 1)
    per_sample = [name.split(" · ")[0] for name in table.index]
    for i in range(1, len(per_sample)):
        if per_sample[i] != per_sample[i - 1]:
            axes.axhline(i - 0.5, color="white", linewidth=3)
    axes.set_xlabel("chromosome", fontsize=FONT_SIZE, color=MUTED)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    bar = figure.colorbar(image, ax=axes, fraction=0.02, pad=0.01)
    bar.set_label("deviation, log", fontsize=FONT_SIZE - 1)
    bar.ax.tick_params(labelsize=FONT_SIZE - 2)
    return figure
