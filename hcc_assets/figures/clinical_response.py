"""Response figures: waterfall, spider, swimmer. They draw derived tables and derive nothing."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hcc_assets.clinical.safety.exposure import dose_days, treatment_period
from hcc_assets.figures import style
from hcc_assets.figures.clinical_common import (
    days_between,
    label_size,
    list_height,
    month_ticks,
    months,
    response_legend,
    row_labels,
    short_ids,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UPRIGHT_LIMIT = 45
"""Subjects up to which the waterfall stands upright; beyond, it lies on its side so that every
label stays readable."""
CHANGE_CAP = 100.0  # per cent; shrinkage ends at -100, so both directions have the same room
_LABELLED = 30  # lines whose labels still fit beside the spider


def waterfall(best: pd.DataFrame, *, headline: str = "CBOR") -> Figure:
    """Best percent change of the target sum per subject, coloured by confirmed response.

    Parameters
    ----------
    best
        ``schemas.endpoints.BestResponses``.
    headline
        Column that colours the bars, ``CBOR`` or ``BOR``.

    Notes
    -----
    Bars above +100 % are cut and marked. Subjects without a measured change have no bar and are
    counted in the note. An open circle is a response that was seen and not confirmed.
    """
    title = "Best change of target lesions from baseline"
    measured = (
        best.loc[best["BEST_PCHG"].notna()]
        .sort_values(["BEST_PCHG", "USUBJID"], ascending=[False, True])
        .reset_index(drop=True)
    )
    if measured.empty:
        return style.no_data(
            title,
            reason=style.NO_DATA
            if best.empty
            else f"no subject with a measured change yet (n = {len(best)})",
        )
    n = len(measured)
    upright = n <= UPRIGHT_LIMIT
    figure = style.new_figure(
        max(6.5, 2.0 + 0.2 * n) if upright else 8.0, 4.6 if upright else list_height(n), title=title
    )
    ax = figure.subplots()
    change = measured["BEST_PCHG"].clip(upper=CHANGE_CAP)
    drawn = change.where(change.abs() >= 0.6, (change > 0).map({True: 0.6, False: -0.6}))
    colours = measured[headline].map(style.RESPONSE_COLOURS).fillna(style.MUTED).tolist()
    (ax.bar if upright else ax.barh)(range(n), drawn.tolist(), 0.82, color=colours)
    for limit in (20, -30):
        (ax.axhline if upright else ax.axvline)(
            limit, color="#333333", linestyle=(0, (4, 3)), linewidth=0.9
        )
    (ax.axhline if upright else ax.axvline)(0, color="#333333", linewidth=0.8)
    unconfirmed = (
        measured["BOR"].isin(["CR", "PR"]) & ~measured["CBOR"].isin(["CR", "PR"])
        if headline == "CBOR"
        else pd.Series(False, index=measured.index)
    )
    for i in measured.index:
        value = float(drawn[i])
        away = value + (4 if value >= 0 else -4)
        if measured.loc[i, "BEST_PCHG"] > CHANGE_CAP:
            text = f"{measured.loc[i, 'BEST_PCHG']:+.0f}"
            ax.annotate(
                text,
                (i, CHANGE_CAP) if upright else (CHANGE_CAP, i),
                fontsize=label_size(n) - 1,
                ha="center" if upright else "left",
                va="bottom" if upright else "center",
            )
        if unconfirmed[i]:
            ax.plot(*((i, away) if upright else (away, i)), "o", mfc="white", mec="#333333", ms=3.5)
    low = min(-40.0, float(change.min()) - 10)
    high = max(30.0, float(change.max()) + 12)
    labels = short_ids(measured["USUBJID"].tolist())
    if upright:
        ax.set_xticks(range(n), labels, rotation=90, fontsize=label_size(n), parse_math=False)
        ax.tick_params(axis="x", length=0)
        ax.set_xlim(-0.7, n - 0.3)
        ax.set_ylim(low, high)
        ax.set_ylabel("Best change (%)")
    else:
        row_labels(ax, labels)
        ax.set_xlim(low, high)
        ax.set_xlabel("Best change (%)")
    style.tidy(ax, grid="y" if upright else "x")
    (
        ax.tick_params(axis="x", labelsize=label_size(n))
        if upright
        else ax.tick_params(axis="y", labelsize=label_size(n))
    )
    counts = {str(k): int(v) for k, v in measured[headline].value_counts().items()}
    kind = "confirmed response" if headline == "CBOR" else "best response, unconfirmed"
    response_legend(
        ax,
        counts,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        title=kind,
        title_fontsize=style.FONT_SIZE - 1,
    )
    note = f"n = {n} of {len(best)} treated with a measured change; lines at +20 % and −30 %"
    if unconfirmed.any():
        note += f"; ○ response not confirmed (n={int(unconfirmed.sum())})"
    _note(figure, note)
    return figure


def spider(
    responses: pd.DataFrame,
    subjects: pd.DataFrame,
    *,
    best: pd.DataFrame | None = None,
    reader: str = "INVESTIGATOR",
) -> Figure:
    """Percent change of the target sum over time, one line per subject from baseline.

    Parameters
    ----------
    responses
        ``schemas.endpoints.Responses``; rows without a complete sum are left out.
    subjects
        ``schemas.clinical.Subjects``: time runs from first dose; subjects never dosed are left out.
    best
        ``schemas.endpoints.BestResponses``: gives the reader of each subject and the colour
        (confirmed response).
    reader
        Without ``best``: reader to show; where a subject lacks this reader, the first by name.

    Notes
    -----
    Up to 30 subjects each line is labelled, beyond that the five greatest increases and decreases.
    A triangle is progression at that visit.
    """
    title = "Change of target lesions over time"
    rows = responses.merge(subjects[["USUBJID", "TRTSDT"]], on="USUBJID", how="inner")
    rows = rows.loc[rows["TRTSDT"].notna() & rows["ADT"].notna()]
    rows = rows.loc[rows["EVALUATOR"] == rows["USUBJID"].map(_reader_of(rows, best, reader))]
    rows = rows.loc[rows["PCHG_BASE"].notna()].sort_values(["USUBJID", "ADT", "VISITNUM"])
    if rows.empty:
        return style.no_data(title)
    rows = rows.assign(
        month=months(days_between(rows["ADT"], rows["TRTSDT"])),
        change=rows["PCHG_BASE"].clip(upper=2 * CHANGE_CAP),
    )
    colour = (
        dict(zip(best["USUBJID"], best["CBOR"], strict=True))
        if best is not None
        else rows.groupby("USUBJID")["OVRLRESP"].last().to_dict()
    )
    figure = style.new_figure(8.0, 5.0, title=title)
    ax = figure.subplots()
    ends: list[tuple[str, float, float]] = []  # subject, month, change
    for subject, own in rows.groupby("USUBJID", sort=True):
        tone = style.RESPONSE_COLOURS.get(str(colour.get(subject)), style.MUTED)
        ax.plot(
            [0, *own["month"]],
            [0, *own["change"]],
            "-",
            color=tone,
            linewidth=1.1,
            marker="o",
            markersize=2.5,
            alpha=0.9,
        )
        worse = own.loc[own["OVRLRESP"] == "PD"]
        ax.plot(
            worse["month"], worse["change"], "v", color=style.RESPONSE_COLOURS["PD"], markersize=5
        )
        ends.append((str(subject), float(own["month"].iloc[-1]), float(own["change"].iloc[-1])))
    for limit in (20, -30):
        ax.axhline(limit, color="#333333", linestyle=(0, (4, 3)), linewidth=0.9)
    ax.axhline(0, color="#333333", linewidth=0.8)
    longest = max(end[1] for end in ends)
    low, high = (
        min(-40.0, float(rows["change"].min()) - 8),
        max(40.0, float(rows["change"].max()) + 8),
    )
    ax.set_ylim(low, high)
    _end_labels(ax, ends, longest, (high - low))
    month_ticks(ax, longest)
    ax.set_xlim(0, longest * 1.14)
    ax.set_xlabel("Months since first dose")
    ax.set_ylabel("Change from baseline (%)")
    style.tidy(ax)
    shown = [str(colour.get(s)) for s, *_ in ends]
    name = "confirmed response" if best is not None else "last response"
    numbers = {name: shown.count(name) for name in style.RESPONSE_COLOURS if name in shown}
    response_legend(
        ax,
        numbers,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        title=name,
        title_fontsize=style.FONT_SIZE - 1,
    )
    _note(
        figure,
        (
            f"n = {len(ends)} subjects with a complete target sum after baseline; ▼ progression; "
            "lines at +20 % and −30 %"
        ),
    )
    return figure


def _reader_of(rows: pd.DataFrame, best: pd.DataFrame | None, reader: str) -> dict[str, str]:
    if best is not None:
        return dict(zip(best["USUBJID"], best["EVALUATOR"], strict=True))
    readers = rows.groupby("USUBJID")["EVALUATOR"].agg(set)
    return {str(s): reader if reader in found else min(found) for s, found in readers.items()}


def _end_labels(
    ax: Axes, ends: list[tuple[str, float, float]], width: float, height: float
) -> None:
    """Subject ids beside the ends of their lines, moved up or down until no two overlap."""
    ids = dict(zip([e[0] for e in ends], short_ids([e[0] for e in ends]), strict=True))
    picked = sorted(ends, key=lambda e: (e[2], e[0]))
    if len(picked) > _LABELLED:
        picked = picked[:5] + picked[-5:]
    line, letter, indent = height / 34, width / 75, width / 120
    taken: list[tuple[float, float, float]] = []
    for subject, x, y in picked:
        left, right = x + indent, x + indent + letter * len(ids[subject])
        steps = (k * sign * line / 2 for k in range(80) for sign in (1, -1))
        place = next(
            (
                y + s
                for s in steps
                if not any(a < right and left < b and abs(c - y - s) < line for a, b, c in taken)
            ),
            y,
        )
        taken.append((left, right, place))
        ax.annotate(
            ids[subject],
            (x, y),
            (left, place),
            fontsize=style.FONT_SIZE - 2,
            va="center",
            parse_math=False,
            zorder=6,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": "#BBBBBB", "linewidth": 0.4}
            if abs(place - y) > line
            else None,
        )


def swimmer(
    subjects: pd.DataFrame,
    exposure: pd.DataFrame,
    responses: pd.DataFrame,
    best: pd.DataFrame,
    time_to_event: pd.DataFrame,
    *,
    cutoff: dt.date,
) -> Figure:
    """Treatment and course of every treated subject: dosing, responses, progression, death, ongoing
    treatment.

    Parameters
    ----------
    subjects, exposure
        ``schemas.clinical`` frames.
    responses, best, time_to_event
        ``schemas.endpoints`` frames; any may be empty.
    cutoff
        Last day drawn.

    Notes
    -----
    Longest treatment on top. The bar is treatment from first to last dose in the colour of the
    confirmed response, days at dose 0 are white; the thin line is follow-up to death or last known
    alive (OS).
    """
    title = "Course of each subject"
    limit: Any = pd.Timestamp(cutoff)
    lanes = treatment_period(subjects, exposure, cutoff=cutoff)
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
    _pauses(ax, dose_days(subjects, exposure, cutoff=cutoff), start)
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
    _note(
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


def _note(figure: Figure, text: str) -> None:
    figure.supxlabel(
        text, fontsize=style.FONT_SIZE - 1.5, color=style.MUTED, x=0.01, ha="left", parse_math=False
    )
