"""Palettes cover the vocabularies, and the same figure gives the same bytes."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from matplotlib.colors import to_rgb

from hcc_assets.figures import style
from hcc_assets.study.classes import CELL_CLASSES


def _figure():  # type: ignore[no-untyped-def]
    figure = style.new_figure(title="A title")
    ax = figure.subplots()
    ax.plot([1, 2], [-3, 4], label="line")
    ax.legend()
    style.tidy(ax)
    return figure


def test_palettes_name_every_class_and_response_once() -> None:
    assert tuple(style.CLASS_COLOURS) == CELL_CLASSES
    for palette in (
        style.CLASS_COLOURS,
        style.RESPONSE_COLOURS,
        style.RESPONSE_MARKERS,
        style.GRADE_COLOURS,
    ):
        assert len(set(palette.values())) == len(palette)
    assert {"CR", "PR", "SD", "PD", "NE"} <= set(style.RESPONSE_COLOURS)
    assert len(set(style.timepoint_colours(["pre", "post", "c2", "eot"]).values())) == 4


def test_grades_get_darker() -> None:
    light = [
        sum(
            w * c
            for w, c in zip((0.2126, 0.7152, 0.0722), to_rgb(style.GRADE_COLOURS[g]), strict=True)
        )
        for g in "12345"
    ]
    assert light == sorted(light, reverse=True)


def test_same_figure_same_bytes_also_from_threads() -> None:
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda _: style.save_svg(_figure()), range(6)))) == 1
        assert len(set(pool.map(lambda _: style.save_png(_figure()), range(6)))) == 1
    svg = style.save_svg(_figure())
    assert b"<dc:date>" not in svg and b"A title" in svg
    assert style.save_png(style.no_data("Waterfall")).startswith(b"\x89PNG")


def test_a_very_tall_figure_is_drawn_coarser_and_not_refused() -> None:
    tall = style.save_png(style.new_figure(2, 900))
    assert int.from_bytes(tall[20:24], "big") <= style.LARGEST_PNG


def test_importing_the_style_does_not_load_matplotlib() -> None:
    code = "import sys, hcc_assets.figures.style; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
