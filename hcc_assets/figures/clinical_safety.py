"""Safety figures: adverse events by grade, exposure. They draw summary tables and count nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hcc_assets.figures import style
from hcc_assets.figures.clinical_common import (
    label_size,
    list_height,
    month_ticks,
    months,
    row_labels,
    short_ids,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LONGEST_TERM = 44  # letters that fit the left margin


def ae_bars(ae_summary: pd.DataFrame, *, top: int = 25) -> Figure:
    """Most frequent preferred terms as bars of patients in percent, stacked by maximum grade.

    Parameters
    ----------
    ae_summary
        ``schemas.safety.AeSummary``; its table MAX_GRADE is drawn.
    top
        Preferred terms shown at the most.
    """
    title = "Treatment-emergent adverse events by maximum grade"
    rows = ae_summary.loc[(ae_summary["table"] == "MAX_GRADE") & (ae_summary["term"] != "ALL")]
    any_grade = rows.loc[(rows["level"] == "ANY") & (rows["patients"] > 0)]
    treated = int(ae_summary["n"].max()) if len(ae_summary) else 0
    if any_grade.empty:
        return style.no_data(
            title,
            reason=f"no treatment-emergent adverse event (n = {treated})"
            if treated
            else style.NO_DATA,
        )
    any_grade = any_grade.sort_values(
        ["patients", "events", "term", "soc"], ascending=[False, False, True, True]
    ).head(top)
    levels = rows.loc[rows["level"].isin(style.GRADE_COLOURS)].set_index(["soc", "term", "level"])[
        "pct"
    ]
    n_rows = len(any_grade)
    figure = style.new_figure(8.5, list_height(n_rows, frame=1.7), title=title)
    ax = figure.subplots()
    keys = list(zip(any_grade["soc"], any_grade["term"], strict=True))
    left = np.zeros(n_rows)
    for level, colour in style.GRADE_COLOURS.items():
        width = np.array([float(levels.get((*key, level), 0.0)) for key in keys])
        if width.sum() > 0:
            name = "grade missing" if level == "MISSING" else f"grade {level}"
            ax.barh(
                range(n_rows),
                width,
                0.74,
                left=left,
                color=colour,
                edgecolor="white",
                linewidth=0.4,
                label=name,
                hatch="///" if level == "MISSING" else None,
            )
        left += width
    for i, (patients, pct) in enumerate(zip(any_grade["patients"], any_grade["pct"], strict=True)):
        ax.text(
            pct + 0.6,
            i,
            f"{patients} ({pct:.0f} %)",
            va="center",
            fontsize=label_size(n_rows) - 0.5,
        )
    row_labels(
        ax,
        [t if len(t) <= _LONGEST_TERM else t[: _LONGEST_TERM - 1] + "…" for t in any_grade["term"]],
    )
    ax.set_xlim(0, min(118.0, float(left.max()) * 1.18 + 2))
    ax.set_xticks([t for t in ax.get_xticks() if 0 <= t <= 100 and t <= ax.get_xlim()[1]])
    ax.set_xlabel("Patients (%)")
    style.tidy(ax, grid="x")
    ax.tick_params(axis="y", labelsize=label_size(n_rows))
    ax.legend(loc="lower right", fontsize=style.FONT_SIZE - 1, frameon=False)
    hidden = int((rows["level"] == "ANY").sum()) - n_rows
    note = f"n = {treated} treated; each patient once per term, at the maximum grade" + (
        f"; {hidden} less frequent terms not shown" if hidden else ""
    )
    style.note(figure, note)
    return figure


def exposure_bars(exposure_summary: pd.DataFrame) -> Figure:
    """Treatment duration per subject (days dosed, at dose 0, without record) beside the relative
    dose intensity.

    Parameters
    ----------
    exposure_summary
        ``schemas.safety.ExposureSummary``.
    """
    title = "Exposure of each subject"
    rows = exposure_summary.sort_values(
        ["duration_days", "USUBJID"], ascending=[False, True]
    ).reset_index(drop=True)
    if rows.empty:
        return style.no_data(title)
    n = len(rows)
    figure = style.new_figure(8.5, list_height(n, frame=1.9), title=title)
    left_ax, right_ax = figure.subplots(1, 2, width_ratios=[2.2, 1], sharey=True)
    left = np.zeros(n)
    inside_off = np.minimum(
        rows["interruption_days"], (rows["duration_days"] - rows["days_on_drug"]).clip(lower=0)
    )
    for values, colour, name in (
        (rows["days_on_drug"], style.ACCENT, "dosed"),
        (inside_off, "#EECC66", "dose 0"),
        (rows["gap_days"], "#DDDDDD", "no record"),
    ):
        width = months(np.asarray(values, dtype=float))
        if width.sum() > 0:
            left_ax.barh(range(n), width, 0.7, left=left, color=colour, label=name)
        left += width
    going = rows.index[rows["ongoing"]]
    if len(going):
        left_ax.plot(
            left[going] + 0.2,
            going,
            ls="",
            marker=">",
            ms=4.5,
            color="#117733",
            label="on treatment",
        )
    month_ticks(left_ax, float(left.max()))
    left_ax.set_xlim(0, float(left.max()) * 1.05 + 0.3)
    left_ax.set_xlabel("Months since first dose")
    right_ax.axvline(100, color="#333333", linewidth=0.8, linestyle=(0, (4, 3)))
    reduced, kept = rows.index[rows["reductions"] > 0], rows.index[rows["reductions"] == 0]
    right_ax.plot(
        rows.loc[kept, "relative_dose_intensity"], kept, ls="", marker="o", ms=4, color=style.ACCENT
    )
    if len(reduced):
        right_ax.plot(
            rows.loc[reduced, "relative_dose_intensity"],
            reduced,
            ls="",
            marker="v",
            ms=6,
            color="#BB5566",
            label="dose reduced",
        )
    right_ax.set_xlim(
        0, max(110.0, float(np.nanmax([0.0, *rows["relative_dose_intensity"]])) * 1.05)
    )
    right_ax.set_xlabel("Relative dose intensity (%)")
    row_labels(left_ax, short_ids(rows["USUBJID"].tolist()))
    style.tidy([left_ax, right_ax], grid="x")
    left_ax.tick_params(axis="y", labelsize=label_size(n))
    right_ax.tick_params(axis="y", length=0, labelleft=False)
    figure.legend(loc="outside right upper", fontsize=style.FONT_SIZE - 1, frameon=False)
    middle = rows["relative_dose_intensity"].median()
    note = (
        f"n = {n} treated; bars are totals of days, not their order; median duration "
        f"{months(rows['duration_days'].median()):.1f} months"
    )
    note += (
        f", median relative dose intensity {middle:.0f} %"
        if np.isfinite(middle)
        else ", relative dose intensity NE"
    )
    style.note(figure, note)
    return figure
