"""Figures of the liver: nothing is said to be nothing, points are where the table says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hcc_assets.figures import style
from hcc_assets.figures.clinical_liver import afp_course, hys_law
from hcc_assets.schemas.base import empty
from hcc_assets.schemas.labs import Labs, LiverSafety


def liver(n: int) -> pd.DataFrame:
    rows = empty(LiverSafety).reindex(range(n))
    peaks = np.linspace(0.5, 12, n)
    rows = rows.assign(USUBJID=[f"SURU-{i:03d}" for i in range(n)], PEAK_ALT_AST=peaks)
    rows["PEAK_BILI"] = peaks[::-1] / 3
    return rows.assign(HYS_LAW=["Y" if i % 5 == 0 else "N" for i in range(n)])


def course(n: int) -> pd.DataFrame:
    days = [-2, 15, 43]
    rows = empty(Labs).reindex(range(3 * n))
    return rows.assign(
        USUBJID=[f"SURU-{i:03d}" for i in range(n) for _ in days],
        LBTESTCD="AFP",
        VISITNUM=[0.0, 1.0, 2.0] * n,
        ADT=pd.to_datetime(["2024-01-01", "2024-01-18", "2024-02-15"] * n),
        ADY=[float(d) for d in days] * n,
        BASE=100.0,
        AVAL=[100.0, 80.0, 40.0] * n,
        ABLFL=["Y", None, None] * n,
        ONTRTFL=["N", "Y", "Y"] * n,
    )


@pytest.mark.parametrize("n", [1, 12, 90])
def test_row_order_does_not_matter_and_everybody_is_drawn(n: int) -> None:
    for draw, table in ((hys_law, liver(n)), (afp_course, course(n))):
        assert style.save_svg(draw(table)) == style.save_svg(draw(table.iloc[::-1]))
    points = [line for line in hys_law(liver(n)).axes[0].lines if line.get_marker() != "None"]
    assert sum(len(np.atleast_1d(line.get_xdata())) for line in points) == n
    lines = [line for line in afp_course(course(n)).axes[0].lines if len(line.get_xdata()) == 3]
    assert len(lines) == n and all(line.get_ydata()[-1] == 40 for line in lines)


def test_nothing_yet_is_a_figure_that_says_so() -> None:
    for figure in (hys_law(empty(LiverSafety)), afp_course(empty(Labs))):
        assert style.NO_DATA in [t.get_text() for ax in figure.axes for t in ax.texts]


def test_cases_of_hys_law_are_named() -> None:
    text = hys_law(liver(12))._supxlabel.get_text()  # type: ignore[attr-defined]
    assert "Hy's law: 000, 005, 010" in text
