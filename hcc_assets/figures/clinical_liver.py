"""Figures of the liver: Hy's law plot, course of AFP. They draw published tables and derive
nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from hcc_assets.figures import style
from hcc_assets.figures.clinical_common import month_ticks, months, short_ids

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ALT, _BILI = 3.0, 2.0  # lines of Hy's law [FDA guidance on drug-induced liver injury, 2009]
_CORNERS: Final = (
    ("Cholestasis", 0.02, 0.98, "left", "top"),
    ("Hy's law range", 0.98, 0.98, "right", "top"),
    ("Normal", 0.02, 0.02, "left", "bottom"),
    ("Temple's corollary", 0.98, 0.02, "right", "bottom"),
)
_NAMED: Final = 12
"""Subjects that are named in a figure; more would overlap (our choice)."""


def hys_law(liver_safety: pd.DataFrame) -> Figure:
    """Highest bilirubin against highest ALT or AST of each subject, as multiples of the upper limit
    on logarithmic axes.

    Parameters
    ----------
    liver_safety
        ``schemas.labs.LiverSafety``.
    """
    title = "Liver enzymes and bilirubin (Hy's law plot)"
    rows = liver_safety.dropna(subset=["PEAK_ALT_AST", "PEAK_BILI"])
    rows = rows[(rows["PEAK_ALT_AST"] > 0) & (rows["PEAK_BILI"] > 0)]
    rows = rows.sort_values("USUBJID", ignore_index=True)
    if rows.empty:
        return style.no_data(title)
    figure = style.new_figure(6.5, 5.2, title=title)
    ax = figure.subplots()
    ax.set_xscale("log")
    ax.set_yscale("log")
    cases = (rows["HYS_LAW"] == "Y").to_numpy()
    for mask, colour, marker, name in (
        (~cases, style.ACCENT, "o", "subject"),
        (cases, "#BB5566", "D", "meets Hy's law"),
    ):
        if mask.any():
            some = rows[mask]
            ax.plot(
                *(some["PEAK_ALT_AST"], some["PEAK_BILI"], marker),
                color=colour,
                ms=5,
                alpha=0.75,
                label=f"{name} (n={int(mask.sum())})",
            )
    ax.set_xlim(min(0.1, rows["PEAK_ALT_AST"].min() / 1.5), max(30, rows["PEAK_ALT_AST"].max() * 2))
    ax.set_ylim(min(0.1, rows["PEAK_BILI"].min() / 1.5), max(20, rows["PEAK_BILI"].max() * 2))
    ax.axvline(_ALT, color=style.MUTED, lw=0.9, ls="--")
    ax.axhline(_BILI, color=style.MUTED, lw=0.9, ls="--")
    for text, x, y, ha, va in _CORNERS:
        ax.text(
            *(x, y, text),
            transform=ax.transAxes,
            ha=ha,
            va=va,
            fontsize=style.FONT_SIZE - 1,
            color=style.MUTED,
        )
    plain = "{x:g}"
    ax.xaxis.set_major_formatter(plain)
    ax.yaxis.set_major_formatter(plain)
    ax.set_xlabel("Highest ALT or AST, x upper limit (x baseline where that was above it)")
    ax.set_ylabel("Highest bilirubin, x upper limit")
    style.tidy(ax, grid="both")
    figure.legend(loc="outside upper right", ncols=2, fontsize=style.FONT_SIZE - 1, frameon=False)
    words = f"n = {len(rows)} with both under treatment; peaks may be of different days"
    ids = short_ids(rows["USUBJID"].tolist())
    named = [ids[i] for i in np.flatnonzero(cases)]
    if named:
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        words += f"\nHy's law: {', '.join(named[:_NAMED])}{more}"
    style.note(figure, words)
    return figure


def afp_course(labs: pd.DataFrame) -> Figure:
    """AFP of each subject over time in percent of baseline, on a logarithmic axis.

    Parameters
    ----------
    labs
        ``schemas.labs.Labs``.
    """
    title = "Course of AFP"
    rows = labs[(labs["LBTESTCD"] == "AFP") & (labs["BASE"] > 0) & (labs["AVAL"] > 0)]
    rows = rows[((rows["ONTRTFL"] == "Y") | (rows["ABLFL"] == "Y")) & rows["ADY"].notna()]
    rows = rows.sort_values(["USUBJID", "ADT", "VISITNUM"])
    followed = rows.loc[rows["ONTRTFL"] == "Y", "USUBJID"].unique()
    rows = rows[rows["USUBJID"].isin(followed)]
    if rows.empty:
        return style.no_data(title)
    figure = style.new_figure(7.5, 4.6, title=title)
    ax = figure.subplots()
    ax.set_yscale("log")
    lines = list(rows.groupby("USUBJID", sort=True))
    ids = short_ids([str(subject) for subject, _ in lines])
    for name, (_, mine) in zip(ids, lines, strict=True):
        share = (100 * mine["AVAL"] / mine["BASE"]).to_numpy()
        when = months(mine["ADY"].to_numpy().clip(min=0))
        fell = share.min() <= 50  # the line of the figure, not a setting
        ax.plot(when, share, color="#117733" if fell else style.MUTED, lw=1, alpha=0.8)
        if len(lines) <= _NAMED:
            ax.annotate(
                name,
                (when[-1], share[-1]),
                xytext=(3, 0),
                textcoords="offset points",
                fontsize=style.FONT_SIZE - 2,
                va="center",
                parse_math=False,
            )
    ax.axhline(100, color="#333333", lw=0.8)
    ax.axhline(50, color="#117733", lw=0.8, ls="--")
    month_ticks(ax, float(months(rows["ADY"].max())))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.set_xlabel("Months since first dose")
    ax.set_ylabel("AFP, % of baseline")
    style.tidy(ax)
    style.note(figure, f"n = {len(lines)} with AFP at baseline and under treatment; green: -50 %")
    return figure
