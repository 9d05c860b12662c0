"""What the clinical figures share: short labels, months, sizes that keep labels readable.

No figure belongs here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from hcc_assets.figures import style
from hcc_assets.stats.kaplan_meier import DAYS_PER_MONTH
from hcc_assets.study.criteria import RECIST

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW_HEIGHT: Final = 0.17
"""Inches per labelled row; text of `label_size` fits without overlap (held by a test)."""


def short_ids(subjects: Sequence[str]) -> list[str]:
    """Subject ids without the part that all share up to its last separator, so that the label keeps
    what tells subjects apart."""
    ids = [str(s) for s in subjects]
    least, most = min(ids, default=""), max(ids, default="")
    shared = next(
        (i for i, (a, b) in enumerate(zip(least, most, strict=False)) if a != b),
        min(len(least), len(most)),
    )
    prefix = least[:shared] if least != most else ""
    cut = max(prefix.rfind(c) for c in "-_./ ") + 1 if prefix else 0
    return [i[cut:] for i in ids]


def label_size(rows: int) -> float:
    """Text size of row labels: the normal one up to 30 rows, a little smaller beyond."""
    return style.FONT_SIZE - 1 if rows <= 30 else style.FONT_SIZE - 2


def list_height(rows: int, *, frame: float = 1.6, least: float = 2.6) -> float:
    """Height in inches of a figure with one labelled row per subject."""
    return max(least, frame + ROW_HEIGHT * (1.25 if rows <= 30 else 1.0) * rows)


def titled(title: str, criterion: str) -> str:
    """A title that names the response criterion where it is not RECIST 1.1."""
    return title if criterion == RECIST else f"{title}, {criterion}"


def months(days: Any) -> Any:
    """Days to months of 30.4375 days."""
    return days / DAYS_PER_MONTH


def month_ticks(ax: Axes, longest: float) -> None:
    """Ticks of a month axis every 1, 3, 6, 12 or 24 months, whichever gives at most ten."""
    step = next((s for s in (1, 3, 6, 12, 24) if longest / s <= 9), 60)
    ax.set_xticks(np.arange(0, longest + step * 0.999, step))


def row_labels(ax: Axes, labels: Sequence[str]) -> None:
    """One label per row on the y axis, first row on top."""
    ax.set_yticks(range(len(labels)))
    ax.set_yticklabels(labels, fontsize=label_size(len(labels)), parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(labels) - 0.4, -0.6)


def response_legend(ax: Axes, counts: Mapping[str, int], **options: Any) -> None:
    """Legend of the response colours that occur, in reporting order, with their numbers."""
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=colour, label=f"{name} (n={counts[name]})")
        for name, colour in style.RESPONSE_COLOURS.items()
        if name in counts
    ]
    ax.legend(handles=handles, fontsize=style.FONT_SIZE - 1, frameon=False, **options)


def days_between(dates: pd.Series, start: pd.Series) -> pd.Series:
    """Whole days from ``start``, as numbers."""
    return (dates - start).dt.days.astype("float64")
