"""Reliability curve of the annotation: share of calls that are right by their confidence.

What is known of a reference is made in ``cells.reference.reliability``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from hcc_assets.figures import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_LEAST_SIZE: Final = 12.0
"""Area of the smallest point, in square points: own choice, still visible in print."""
_PER_ROOT: Final = 2.0
"""Area of a point for each square root of a cell: own choice, 5,000 cells are 150."""


def reliability_curve(bins: pd.DataFrame) -> Figure:
    """Share right against mean confidence; on the diagonal confidence is what it says.

    Parameters
    ----------
    bins
        ``source, confidence, right, cells``, a row per bin. Bins without cells have no row.
    """
    title = "Confidence of the calls, and how many are right"
    if bins.empty:
        return style.no_data(title)
    figure = style.new_figure(5.5, 5.0, title=title)
    axes = figure.subplots()
    low = float(min(bins["confidence"].min(), bins["right"].min()))
    axes.plot([low, 1], [low, 1], color=style.MUTED, linewidth=1)
    for i, (source, mine) in enumerate(bins.groupby("source", sort=False)):
        mine = mine.sort_values("confidence")
        colour = tuple(style.CLASS_COLOURS.values())[i]
        axes.plot(mine["confidence"], mine["right"], color=colour, linewidth=1)
        size = _LEAST_SIZE + _PER_ROOT * np.sqrt(mine["cells"].to_numpy(dtype=float))
        axes.scatter(
            mine["confidence"],
            mine["right"],
            s=size,
            color=colour,
            label=f"{source} ({int(mine['cells'].sum()):,} cells)",
        )
    axes.set_xlabel("confidence")
    axes.set_ylabel("share of calls that are right")
    axes.legend(loc="upper left")
    style.tidy(axes)
    return figure
