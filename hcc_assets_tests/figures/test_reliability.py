"""The reliability curve has a line per source of labels, and says so where nothing is known."""

from __future__ import annotations

import pandas as pd

from hcc_assets.figures.reliability import reliability_curve
from hcc_assets.figures.style import save_png

BINS = pd.DataFrame(
    {
        "source": ["other studies", "other studies", "this cohort"],
        "confidence": [0.9, 0.97, 0.96],
        "right": [0.8, 0.98, 0.99],
        "cells": [100, 3000, 400],
    }
)


def test_a_line_for_each_source_and_the_diagonal() -> None:
    axes = reliability_curve(BINS).axes[0]
    assert len(axes.lines) == 3
    shown = [t.get_text() for t in axes.get_legend().get_texts()]
    assert shown == ["other studies (3,100 cells)", "this cohort (400 cells)"]
    assert save_png(reliability_curve(BINS)) == save_png(reliability_curve(BINS))


def test_nothing_known_is_said() -> None:
    assert save_png(reliability_curve(BINS.iloc[:0]))
