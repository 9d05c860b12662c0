"""The copy-number heatmap shows every group that has cells, in genomic order, and says so where
there is nothing to show."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hcc_assets.figures.copy_number import copy_number_heatmap
from hcc_assets.figures.style import save_png


def heat(seed: int) -> pd.DataFrame:
    bins = [f"{arm}:{at}" for arm in ("10p", "2q", "1p", "1q") for at in ("2.5", "102.5", "12.5")]
    return pd.DataFrame(
        np.random.default_rng(seed).normal(0, 0.05, (3, len(bins))),
        index=["malignant", "normal_epithelial", "reference"],
        columns=bins,
    )


def test_rows_and_order() -> None:
    one, other = heat(0), heat(1)
    other.loc["malignant"] = np.nan
    figure = copy_number_heatmap(
        {"S1-pre": one, "S1-post": other.drop(columns="2q:2.5")}, title="S1"
    )
    axes = figure.axes[0]
    rows = [t.get_text() for t in axes.get_yticklabels()]
    assert rows[0] == "S1-pre · malignant" and len(rows) == 5 and "S1-post · malignant" not in rows
    assert [t.get_text().strip() for t in axes.get_xticklabels()] == ["1", "2", "10"]
    shown = np.ma.filled(axes.images[0].get_array(), np.nan)
    expected = one.loc["malignant", ["1p:2.5", "1p:12.5", "1p:102.5", "1q:2.5"]].to_numpy()
    np.testing.assert_allclose(shown[0, :4], expected)
    assert save_png(figure) == save_png(
        copy_number_heatmap({"S1-pre": one, "S1-post": other.drop(columns="2q:2.5")}, title="S1")
    )


def test_nothing_to_show() -> None:
    empty = pd.DataFrame(index=["malignant", "normal_epithelial", "reference"])
    for heats in ({}, {"S1": empty}, {"S1": heat(0) * np.nan}):
        assert save_png(copy_number_heatmap(heats)).startswith(b"\x89PNG")
