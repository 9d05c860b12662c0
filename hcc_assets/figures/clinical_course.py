"""Swimmer plot: treatment and course of every treated subject. It derives nothing."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hcc_assets.clinical.treatment.doses import dose_days
from hcc_assets.figures import style
from hcc_assets.figures.clinical_common import (
    days_between,
    label_size,
    list_height,
    month_ticks,
    months,
    row_labels,
    short_ids,
    titled,
)
from hcc_assets.study.criteria import RECIST

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def swimmer(
    subjects: pd.DataFrame,
    exposure: pd.DataFrame,
    course: pd.DataFrame,
    responses: pd.DataFrame,
    best: pd.DataFrame,
    time_to_event: pd.DataFrame,
    *,
    cutoff: dt.date,
    criterion: str = RECIST,
) -> Figure:
    """Treatment and course of every treated subject: dosing, responses, progression, death, ongoing
    treatment.

    Parameters
    ----------
    subjects, exposure
        ``schemas.clinical`` frames.
    course
        ``schemas.exposure.TreatmentCourse``.
    responses, best, time_to_event
        ``schemas.endpoints`` frames; any may be empty. Responses are of one criterion, and of
        times OS alone is used, which has none.
    cutoff
        Last day drawn.
    criterion
        Of the responses; the title names it.

    Notes
    -----
    Longest treatment on top. The bar is treatment from first to last dose in the colour of the
    confirmed response, days at dose 0 are white; the thin line is follow-up to death or last known
    alive (OS).
    """
    title = titled("Course of each subject", criterion)
    limit: Any = pd.Timestamp(cutoff)
    lanes = course.assign(ongoing=course["STATUS"] == "ONGOING")
    if lanes.empty:
        return style.no_data(title)
    lanes["length"] = days_between(lanes["TRTEDT"], lanes["TRTSDT"]) + 1
    lanes = lanes.sort_values(["length", "USUBJID"], ascending=[False, True]).reset_index(drop=True)
    lanes["lane"] = np.arange(len(lanes))
    lanes["response"] = (
        lanes["USUBJID"].map(dict(zip(best["USUBJID"], best["CBOR"], strict=True))).fillna("NE")
    )
    os_end = time_to_event.loc[time_to_event["PARAMCD"] == "OS"].set_index("USUBJID")["ADT"]
    lanes["end"] = lanes["USUBJID"].map(os_end)
    lanes["end"] = (
        lanes["end"].where(lanes["end"] > lanes["TRTEDT"], lanes["TRTEDT"]).clip(upper=limit)
    )
    died = subjects.loc[subjects["DTHDT"] <= limit].set_index("USUBJID")["DTHDT"].sort_index()
    n = len(lanes)
    figure = style.new_figure(8.5, list_height(n, frame=1.9), title=title)
    ax = figure.subplots()
    followed = months(days_between(lanes["end"], lanes["TRTSDT"]) + 1)
    ax.hlines(
        lanes["lane"], months(lanes["length"]), followed, color="#999999", linewidth=0.9, zorder=1
    )
    tones = {word: style.lighter(colour) for word, colour in style.RESPONSE_COLOURS.items()}
    ax.barh(
        lanes["lane"],
        months(lanes["length"]),
        0.66,
        color=lanes["response"].map(tones).tolist(),
        zorder=2,
    )
    start = lanes.set_index("USUBJID")
    _pauses(ax, dose_days(course, exposure, cutoff=cutoff), start)
    seen = responses.merge(best[["USUBJID", "EVALUATOR"]], on=["USUBJID", "EVALUATOR"], how="inner")
    seen = seen.loc[seen["USUBJID"].isin(start.index) & (seen["ADT"] <= limit)].sort_values(
        ["USUBJID", "ADT", "VISITNUM"]
    )
    for word in ("CR", "PR", "PD"):
        rows = (
            seen.loc[seen["OVRLRESP"] == word].drop_duplicates("USUBJID")
            if word == "PD"
            else seen.loc[seen["OVRLRESP"] == word]
        )
        _marks(
            ax,
            rows["USUBJID"],
            rows["ADT"],
            start,
            style.RESPONSE_MARKERS[word],
            style.RESPONSE_COLOURS[word],
            f"first {word}" if word == "PD" else f"{word} at visit",
        )
    gone = died.loc[died.index.isin(start.index)]
    _marks(ax, gone.index.to_series(), gone, start, "X", "#000000", "death")
    going = lanes.loc[lanes["ongoing"]]
    if len(going):
        ax.plot(
            months(going["length"]) + 0.25,
            going["lane"],
            ls="",
            marker=">",
            ms=5,
            color="#117733",
            label="on treatment",
            zorder=4,
        )
    row_labels(ax, short_ids(lanes["USUBJID"].tolist()))
    longest = float(months(days_between(lanes["end"], lanes["TRTSDT"]).max() + 1))
    month_ticks(ax, longest)
    ax.set_xlim(0, longest * 1.04 + 0.3)
    ax.set_xlabel("Months since first dose")
    style.tidy(ax, grid="x")
    ax.tick_params(axis="y", labelsize=label_size(n))
    counts = lanes["response"].value_counts().to_dict()
    handles, labels = ax.get_legend_handles_labels()
    from matplotlib.patches import Patch

    bars = [Patch(facecolor=tones[r], label=f"{r} (n={counts[r]})") for r in tones if r in counts]
    figure.legend(
        handles=[*bars, *handles],
        labels=[*(b.get_label() for b in bars), *labels],
        loc="outside right upper",
        fontsize=style.FONT_SIZE - 1,
        frameon=False,
    )
    style.note(
        figure,
        (
            f"n = {n} treated; bar: treatment in the colour of the confirmed response, white: dose "
            f"0; line: follow-up; cutoff {cutoff.isoformat()}"
        ),
    )
    return figure


def _marks(
    ax: Axes,
    subjects: pd.Series,
    dates: pd.Series,
    start: pd.DataFrame,
    marker: str,
    colour: str,
    label: str,
) -> None:
    if len(subjects) == 0:
        return
    x = months(
        days_between(
            dates.reset_index(drop=True), subjects.map(start["TRTSDT"]).reset_index(drop=True)
        )
        + 1
    )
    size = 8 if marker == "*" else 5.5
    ax.plot(
        x,
        subjects.map(start["lane"]).to_numpy(),
        ls="",
        marker=marker,
        ms=size,
        mfc=colour,
        mec="#222222",
        mew=0.5,
        label=label,
        zorder=5,
    )


def _pauses(ax: Axes, days: pd.DataFrame, start: pd.DataFrame) -> None:
    off = days.loc[~days["dosed"] & days["USUBJID"].isin(start.index)].copy()
    off["day_no"] = days_between(off["day"], off["USUBJID"].map(start["TRTSDT"]))
    off = off.loc[(off["day_no"] >= 0) & (off["day_no"] < off["USUBJID"].map(start["length"]))]
    off["run"] = (off["day_no"].diff().ne(1) | off["USUBJID"].ne(off["USUBJID"].shift())).cumsum()
    runs = off.groupby(["USUBJID", "run"])["day_no"].agg(["min", "size"]).reset_index()
    ax.barh(
        runs["USUBJID"].map(start["lane"]),
        months(runs["size"]),
        0.5,
        left=months(runs["min"]),
        color="white",
        zorder=3,
    )
