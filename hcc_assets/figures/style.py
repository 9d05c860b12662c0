"""Look of every figure: palettes, figure creation and byte-stable PNG and SVG.

What a figure shows belongs to the module of that figure. Colours are those of Paul Tol's
colour-blind safe schemes (technical note SRON/EPS/TN/09-002, issue 3.2: muted, light,
medium-contrast, vibrant). Matplotlib is imported when it is used, never pyplot: figures carry no
global state and may be drawn in threads.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hcc_assets.study.classes import OTHER_CLASSES, PRIMARY_CLASSES, UNASSIGNED

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MUTED = (
    "#CC6677",
    "#332288",
    "#DDCC77",
    "#117733",
    "#88CCEE",
    "#882255",
    "#44AA99",
    "#999933",
    "#AA4499",
)
_LIGHT = ("#77AADD", "#EE8866", "#EEDD88", "#FFAABB", "#99DDFF", "#44BB99", "#BBCC33", "#AAAA00")

CLASS_COLOURS: Final[dict[str, str]] = {
    **dict(zip(PRIMARY_CLASSES, _MUTED, strict=True)),
    **dict(zip(OTHER_CLASSES, _LIGHT, strict=True)),
    UNASSIGNED: "#BBBBBB",
}
"""One colour per cell class."""

RESPONSE_COLOURS: Final[dict[str, str]] = {
    "CR": "#004488",
    "PR": "#6699CC",
    "SD": "#EECC66",
    "NON-CR/NON-PD": "#997700",
    "PD": "#994455",
    "NE": "#BBBBBB",
}
"""RECIST categories in reporting order; lightness differs too, so that they survive a grey print.
"""

RESPONSE_MARKERS: Final[dict[str, str]] = {
    "CR": "*",
    "PR": "^",
    "SD": "s",
    "NON-CR/NON-PD": "D",
    "PD": "v",
    "NE": "o",
}

TIMEPOINT_COLOURS: Final[dict[str, str]] = {"pre": "#0077BB", "post": "#EE7733"}

GRADE_COLOURS: Final[dict[str, str]] = {
    "1": "#FEE391",
    "2": "#FEC44F",
    "3": "#EC7014",
    "4": "#AA3B02",
    "5": "#4A1504",
    "MISSING": "#CCCCCC",
}
"""CTCAE grades, light to dark."""

ACCENT: Final = "#004488"
MUTED: Final = "#666666"
LINE_COLOURS: Final = ("#004488", "#BB5566", "#117733", "#997700", "#882255", "#0077BB")
FONT_SIZE: Final = 9.0  # points; readable at the width of a printed page
NO_DATA: Final = "no data yet"
LARGEST_PNG: Final = 30_000
"""Pixels of the longer side of a PNG at the most; the drawing library refuses 65,536."""

_HASH_SALT = "hcc-assets"
_DRAWING = threading.Lock()
_CJK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "WenQuanYi Micro Hei",
    "Microsoft YaHei",
    "PingFang SC",
    "SimHei",
)


def timepoint_colours(timepoints: Sequence[str]) -> dict[str, str]:
    """Colour of each time point in study order; ``pre`` and ``post`` have theirs, others take the
    next free one."""
    spare = [
        c
        for c in ("#0077BB", "#EE7733", "#009988", "#CC3311", "#33BBEE", "#EE3377")
        if c not in TIMEPOINT_COLOURS.values()
    ]
    others = [t for t in timepoints if t not in TIMEPOINT_COLOURS]
    return {
        t: TIMEPOINT_COLOURS[t] if t in TIMEPOINT_COLOURS else spare[others.index(t) % len(spare)]
        for t in timepoints
    }


def lighter(colour: str, amount: float = 0.4) -> str:
    """A colour mixed with white; ``amount`` 0 keeps it, 1 is white."""
    channels = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(c + (255 - c) * amount):02X}" for c in channels)


def new_figure(width: float = 8.0, height: float = 4.5, *, title: str | None = None) -> Figure:
    """An empty figure of the house style, outside of pyplot.

    Parameters
    ----------
    width, height
        Size in inches.
    title
        Figure title, left aligned; also the accessible title of the SVG.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=150, layout="constrained", facecolor="white")
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=FONT_SIZE + 2, fontweight="bold")
    return figure


def note(figure: Figure, text: str, *, smaller: float = 1.5) -> None:
    """Words below the figure, in points smaller than other text; never read as mathematics."""
    figure.supxlabel(
        text, fontsize=FONT_SIZE - smaller, color=MUTED, x=0.01, ha="left", parse_math=False
    )


def tidy(axes: Axes | Iterable[Axes], *, grid: str | None = "y") -> None:
    """House style of axes: no top and right frame, light grid behind the data (``grid`` is ``x``,
    ``y``, ``both`` or None), one text size."""
    from matplotlib.axes import Axes

    for ax in [axes] if isinstance(axes, Axes) else axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=FONT_SIZE - 1, colors="#333333")
        ax.xaxis.label.set_fontsize(FONT_SIZE)
        ax.yaxis.label.set_fontsize(FONT_SIZE)
        ax.title.set_fontsize(FONT_SIZE + 1)
        if grid:
            ax.grid(True, axis=grid, color="#E5E5E5", linewidth=0.6)  # type: ignore[arg-type]
            ax.set_axisbelow(True)


def stacked_bars(
    ax: Axes,
    x: npt.ArrayLike,
    heights: pd.DataFrame,
    colours: Mapping[str, str],
    *,
    width: float,
    names: Mapping[str, str],
) -> None:
    """Stacked bars, one column of ``heights`` upon the other; each column is one artist, since one
    for every bar takes seconds for a hundred samples.

    Parameters
    ----------
    x
        (rows,) centres of the bars.
    heights
        Rows x parts, from the lowest part up.
    colours, names
        Colour and legend entry of each part.
    """
    from matplotlib.collections import PolyCollection

    left, values = np.asarray(x, dtype=float) - width / 2, heights.to_numpy(dtype=float)
    top = np.cumsum(values, axis=1)
    for part, low, high in zip(heights.columns, (top - values).T, top.T, strict=True):
        corners = np.stack(
            [(left, low), (left + width, low), (left + width, high), (left, high)]
        ).transpose(2, 0, 1)
        bars = PolyCollection(
            list(corners), facecolors=colours[part], linewidths=0, label=names[part]
        )
        bars.set_snap(True)
        ax.add_collection(bars, autolim=False)


def no_data(
    title: str, *, reason: str = NO_DATA, width: float = 8.0, height: float = 2.5
) -> Figure:
    """The figure that stands in while there is nothing to show: its title and one line of text."""
    figure = new_figure(width, height, title=title)
    ax = figure.subplots()
    ax.set_axis_off()
    ax.text(
        0.5,
        0.5,
        reason,
        ha="center",
        va="center",
        fontsize=FONT_SIZE + 3,
        color=MUTED,
        transform=ax.transAxes,
    )
    return figure


@cache
def _font_stack() -> tuple[str, ...]:
    from matplotlib import font_manager

    present = {font.name for font in font_manager.fontManager.ttflist}
    return ("DejaVu Sans", *(name for name in _CJK_FONTS if name in present))


@contextmanager
def _house_settings() -> Iterator[None]:
    import matplotlib

    settings: Any = {
        "svg.hashsalt": _HASH_SALT,
        "svg.fonttype": "path",
        "font.sans-serif": list(_font_stack()),
        "axes.unicode_minus": True,
    }
    with _DRAWING, matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        warnings.filterwarnings("ignore", message="constrained_layout not applied")
        yield


def _lay_out(figure: Figure) -> None:
    """Place the axes once for all formats: ``savefig`` would find the places again, and draw once
    more without output, for each of them."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    engine = figure.get_layout_engine()
    FigureCanvasAgg(figure)
    if engine is not None and figure.axes:
        engine.execute(figure)
    figure.set_layout_engine("none")


def save_png(figure: Figure, *, dpi: int = 150) -> bytes:
    """PNG of a figure; the same figure gives the same bytes (no software or time stamp in it).

    Very tall figures are drawn coarser, not refused.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer, own = io.BytesIO(), figure.dpi
    with _house_settings():
        _lay_out(figure)
        figure.dpi = min(dpi, int(LARGEST_PNG / max(figure.get_size_inches())))
        FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
        figure.dpi = own
    return buffer.getvalue()


def save_svg(figure: Figure) -> bytes:
    """SVG of a figure; the same figure gives the same bytes: no date, fixed identifiers, text as
    outlines so that no font is needed to read it."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    title, buffer = figure.get_suptitle(), io.BytesIO()
    with _house_settings():
        _lay_out(figure)
        FigureCanvasSVG(figure).print_svg(
            buffer, metadata={"Date": None, "Creator": None, **({"Title": title} if title else {})}
        )
    return buffer.getvalue()
