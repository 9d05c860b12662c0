"""Response figures: waterfall and spider. They draw derived tables and derive nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

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
    titled,
)
from hcc_assets.study.criteria import RECIST

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UPRIGHT_LIMIT = 45
"""Subjects up to which the waterfall stands upright; beyond, it lies on its side so that every
label stays readable."""
CHANGE_CAP = 100.0  # per cent; shrinkage ends at -100, so both directions have the same room
_LABELLED = 30  # lines whose labels still fit beside the spider


def waterfall(best: pd.DataFrame, *, headline: str = "CBOR", criterion: str = RECIST) -> Figure:
    """Best percent change of the target sum per subject, coloured by confirmed response.

    Parameters
    ----------
    best
        ``schemas.endpoints.BestResponses`` of one criterion.
    headline
        Column that colours the bars, ``CBOR`` or ``BOR``.
    criterion
        Of these rows; the title names it.

    Notes
    -----
    Bars above +100 % are cut and marked. Subjects without a measured change have no bar and are
    counted in the note. An open circle is a response that was seen and not confirmed.
    """
    title = titled("Best change of target lesions from baseline", criterion)
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
    words = f"n = {n} of {len(best)} treated with a measured change; lines at +20 % and −30 %"
    if unconfirmed.any():
        words += f"; ○ response not confirmed (n={int(unconfirmed.sum())})"
    style.note(figure, words)
    return figure


def spider(
    responses: pd.DataFrame,
    subjects: pd.DataFrame,
    *,
    best: pd.DataFrame | None = None,
    reader: str = "INVESTIGATOR",
    criterion: str = RECIST,
) -> Figure:
    """Percent change of the target sum over time, one line per subject from baseline.

    Parameters
    ----------
    responses
        ``schemas.endpoints.Responses`` of one criterion; rows without a complete sum are left out.
    subjects
        ``schemas.clinical.Subjects``: time runs from first dose; subjects never dosed are left out.
    best
        ``schemas.endpoints.BestResponses``: gives the reader of each subject and the colour
        (confirmed response).
    reader
        Without ``best``: reader to show; where a subject lacks this reader, the first by name.
    criterion
        Of these rows; the title names it.

    Notes
    -----
    Up to 30 subjects each line is labelled, beyond that the five greatest increases and decreases.
    A triangle is progression at that visit.
    """
    title = titled("Change of target lesions over time", criterion)
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
    style.note(
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
