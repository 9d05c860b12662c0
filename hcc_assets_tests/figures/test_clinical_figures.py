"""Clinical figures: they draw nothing as well as one subject as well as 120, labels do not overlap,
and what they show is what the tables say."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from hcc_assets.figures import style
from hcc_assets.figures.clinical_common import short_ids
from hcc_assets.figures.clinical_course import swimmer
from hcc_assets.figures.clinical_response import spider, waterfall
from hcc_assets.figures.clinical_safety import ae_bars, exposure_bars
from hcc_assets.figures.clinical_survival import kaplan_meier
from hcc_assets.schemas.base import empty
from hcc_assets.schemas.clinical import Exposure, Subjects
from hcc_assets.schemas.endpoints import BestResponses, Responses, TimeToEvent
from hcc_assets.schemas.exposure import ExposureSummary, TreatmentCourse
from hcc_assets.schemas.safety import AeSummary
from hcc_assets_tests.figures.clinical_frames import CUTOFF, Trial, trial

FIGURES: dict[str, Callable[[Trial], Figure]] = {
    "waterfall": lambda t: waterfall(t.best),
    "spider": lambda t: spider(t.responses, t.subjects, best=t.best),
    "swimmer": lambda t: swimmer(
        t.subjects, t.exposure, t.course, t.responses, t.best, t.time_to_event, cutoff=CUTOFF
    ),
    "kaplan_meier": lambda t: kaplan_meier(t.time_to_event, "PFS_TP"),
    "ae_bars": lambda t: ae_bars(t.ae_summary),
    "exposure_bars": lambda t: exposure_bars(t.exposure_summary),
}
_TRIALS: dict[int, Trial] = {}


def _trial(n: int) -> Trial:
    if n not in _TRIALS:
        _TRIALS[n] = trial(n)
    return _TRIALS[n]


def _nothing() -> Trial:
    models: list[Any] = [
        Subjects,
        Exposure,
        Exposure,
        Responses,
        BestResponses,
        TimeToEvent,
        AeSummary,
        ExposureSummary,
        TreatmentCourse,
    ]
    return Trial(*(empty(m) for m in models))


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_yet_is_a_figure_that_says_so(name: str) -> None:
    figure = FIGURES[name](_nothing())
    texts = [t.get_text() for ax in figure.axes for t in ax.texts]
    assert style.NO_DATA in texts
    assert style.save_png(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize("n", [1, 2, 12])
@pytest.mark.parametrize("name", FIGURES)
def test_drawn_twice_is_the_same_and_row_order_does_not_matter(name: str, n: int) -> None:
    t = _trial(n)
    mixed = Trial(*(getattr(t, f).iloc[::-1] for f in t.__dataclass_fields__))
    if name == "ae_bars":
        mixed = t
    assert style.save_svg(FIGURES[name](t)) == style.save_svg(FIGURES[name](mixed))


@pytest.mark.parametrize("n", [12, 120])
@pytest.mark.parametrize("name", ["waterfall", "swimmer", "exposure_bars", "ae_bars"])
def test_every_subject_has_a_label_and_none_overlap(name: str, n: int) -> None:
    figure = FIGURES[name](_trial(n))
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)  # type: ignore[arg-type]
    ax = figure.axes[0]
    upright = name == "waterfall" and n == 12
    labels = [
        label
        for label in (ax.get_xticklabels() if upright else ax.get_yticklabels())
        if label.get_text()
    ]
    assert all(label.get_fontsize() >= 6.5 for label in labels)
    boxes = sorted(
        (label.get_window_extent(renderer) for label in labels),
        key=lambda b: b.x0 if upright else b.y0,
    )
    for one, two in itertools.pairwise(boxes):
        assert one.x1 <= two.x0 + 0.5 if upright else one.y1 <= two.y0 + 0.5
    size = figure.get_size_inches() * figure.dpi
    assert all(
        b.x0 >= -1 and b.y0 >= -1 and b.x1 <= size[0] + 1 and b.y1 <= size[1] + 1 for b in boxes
    )
    if name in ("swimmer", "exposure_bars"):
        assert len(labels) == n


@pytest.mark.parametrize("n", [12, 120])
def test_spider_labels_do_not_overlap(n: int) -> None:
    figure = spider(_trial(n).responses, _trial(n).subjects, best=_trial(n).best)
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)  # type: ignore[arg-type]
    boxes = [Text.get_window_extent(t, renderer) for t in figure.axes[0].texts if t.get_text()]
    assert len(boxes) == (12 if n == 12 else 10)
    assert not any(
        a.overlaps(b) and min(a.y1, b.y1) - max(a.y0, b.y0) > 4
        for a, b in itertools.combinations(boxes, 2)
    )


def test_waterfall_shows_each_measured_subject_once_at_its_change() -> None:
    best = _trial(12).best
    ax = waterfall(best).axes[0]
    heights = sorted(bar.get_height() for bar in ax.patches)  # type: ignore[attr-defined]
    measured = best["BEST_PCHG"].dropna().sort_values()
    assert len(heights) == len(measured)
    assert np.allclose([h for h in heights if abs(h) > 0.6], measured[measured.abs() >= 0.6])
    levels = {
        round(float(np.atleast_1d(line.get_ydata())[0]))
        for line in ax.lines
        if len(np.atleast_1d(line.get_ydata())) == 2
    }
    assert {20, -30, 0} <= levels
    capped = waterfall(best.assign(BEST_PCHG=best["BEST_PCHG"].fillna(0) + 300))
    bars = capped.axes[0].patches
    assert max(bar.get_height() for bar in bars) == 100  # type: ignore[attr-defined]


def test_kaplan_meier_says_what_the_estimate_says() -> None:
    rows = pd.DataFrame(
        {"PARAMCD": "OS", "AVAL": [30.4375, 60.875, 91.3125, 121.75], "CNSR": [0, 1, 0, 1]}
    )
    figure = kaplan_meier(rows, "OS")
    texts = [t.get_text() for ax in figure.axes for t in ax.texts]
    headline = figure.axes[0].get_title(loc="right")
    assert "2 events of 4" in headline and "median 3.0 months" in headline
    assert [t for t in texts if t.isdigit()] == ["4", "4", "3", "2", "1"]
    for censored in (0, 1):
        style.save_png(kaplan_meier(rows.assign(CNSR=censored), "OS"))


def test_ae_bars_shows_the_most_frequent_terms() -> None:
    summary = _trial(120).ae_summary
    ax = ae_bars(summary, top=5).axes[0]
    counts = (
        summary.loc[(summary["table"] == "SOC_PT") & (summary["term"] != "ALL")]
        .nlargest(5, "patients")["patients"]
        .tolist()
    )
    assert [int(t.get_text().split()[0]) for t in ax.texts] == counts


def test_another_criterion_is_named_and_recist_is_not() -> None:
    t = _trial(12)
    drawn = {
        criterion: [
            waterfall(t.best, criterion=criterion),
            spider(t.responses, t.subjects, best=t.best, criterion=criterion),
            swimmer(
                *(t.subjects, t.exposure, t.course, t.responses, t.best, t.time_to_event),
                cutoff=CUTOFF,
                criterion=criterion,
            ),
            kaplan_meier(t.time_to_event, "PFS_TP", criterion=criterion),
        ]
        for criterion in ("RECIST 1.1", "mRECIST")
    }
    for plain, named in zip(*drawn.values(), strict=True):
        title = plain.get_suptitle()
        assert title and "RECIST" not in title
        assert named.get_suptitle() == f"{title}, mRECIST"


def test_ids_keep_what_tells_subjects_apart() -> None:
    assert short_ids(["A-1-001", "A-1-002"]) == ["001", "002"]
    assert short_ids(["S1", "S2"]) == ["S1", "S2"]
    assert short_ids(["only-1"]) == ["only-1"] and short_ids([]) == []
