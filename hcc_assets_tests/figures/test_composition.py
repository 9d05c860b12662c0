"""Composition and QC figures are drawn at any number of samples, say what was decided, and never
fail on an empty home."""

import pandas as pd
import pytest

from hcc_assets.figures import style
from hcc_assets.figures.composition import paired_composition
from hcc_assets.figures.composition_bars import stacked_composition
from hcc_assets.figures.composition_intervals import composition_forest
from hcc_assets.figures.composition_names import p_text
from hcc_assets.figures.embedding import embedding
from hcc_assets.figures.qc import in_visit_order, kept_fractions, qc_status_bars, qc_violins
from hcc_assets.stats.composition import compositions
from hcc_assets.stats.composition_changes import composition_changes
from hcc_assets.stats.composition_confounders import qc_kept
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.stats.trial import make_counts, make_samples

CONFIG = StudyConfig()


def words(figure) -> str:  # type: ignore[no-untyped-def]
    from matplotlib.text import Text

    return " | ".join(t.get_text() for t in figure.findobj(Text))


@pytest.mark.parametrize(("subjects", "denominator"), [(3, "immune"), (22, "all")])
def test_composition_figures(subjects, denominator):
    samples = make_samples(subjects, unpaired=1)
    counts = make_counts(samples, effects={"T": 1.5}, cells=150)
    table, changes = (
        compositions(samples, counts, CONFIG),
        composition_changes(samples, counts, CONFIG),
    )
    lines = paired_composition(table, changes, denominator=denominator)
    assert ("NE (too few pairs)" in words(lines)) == (subjects == 3)
    for figure in (
        lines,
        stacked_composition(table, denominator=denominator),
        composition_forest(changes),
    ):
        assert style.save_png(figure, dpi=40).startswith(b"\x89PNG")


def test_the_forest_has_a_row_for_a_primary_class_without_an_estimate_and_tells_the_verdicts():
    samples = make_samples(9)
    counts = make_counts(samples)
    counts.loc[counts["cell_class"] == "mast", "n_cells"] = 0
    changes = composition_changes(samples, counts, CONFIG)
    changes.loc[changes["cell_class"] == "T", "verdict"] = "DEPENDS ON REFERENCE"
    changes.loc[changes["cell_class"] == "B", "verdict"] = "CONFOUNDED"
    figure = composition_forest(changes)
    seen = words(figure)
    assert seen.count("no estimate: seen in fewer than 5 patients") == 3, "mast, in each panel"
    assert "9 patients; design confounded" in seen
    assert "| mast |" in seen
    assert "all cells: primary" in seen
    assert "immune cells: sensitivity" in seen
    assert "depends on reference" in words(
        paired_composition(compositions(samples, counts, CONFIG), changes)
    )
    markers = {line.get_marker() for line in figure.axes[0].get_lines()}
    assert {"o", "D", "X"} <= markers
    assert style.save_png(figure, dpi=40).startswith(b"\x89PNG")


def test_order_of_rows_changes_no_byte():
    samples = make_samples(3)
    table = compositions(samples, make_counts(samples), CONFIG)
    first, second = (
        style.save_png(stacked_composition(t, denominator="immune"), dpi=40)
        for t in (table, table.iloc[::-1])
    )
    assert first == second


def test_small_biopsies_are_marked():
    samples = make_samples(2)
    counts = make_counts(samples)
    counts.loc[counts["sample_id"] == "S001-post", "n_cells"] //= 60
    assert "too few cells" in words(stacked_composition(compositions(samples, counts, CONFIG)))


def test_empty_tables_give_a_placeholder():
    samples = make_samples(1).iloc[:0]
    counts = pd.DataFrame({"sample_id": [], "cell_class": [], "qc_status": [], "n_cells": []})
    table, changes = (
        compositions(samples, counts, CONFIG),
        composition_changes(samples, counts, CONFIG),
    )
    cells = pd.DataFrame({"sample_id": [], "n_umi": [], "n_genes": [], "pct_mt": []})
    figures = [
        paired_composition(table, changes),
        stacked_composition(table),
        composition_forest(changes),
        qc_violins(cells),
        qc_status_bars(counts),
    ]
    figures += [
        kept_fractions(qc_kept(samples, counts, CONFIG)),
        embedding(pd.DataFrame({"x": [], "y": [], "cell_class": []})),
    ]
    assert all(style.NO_DATA in words(f) for f in figures)


def test_qc_and_embedding_figures():
    samples = make_samples(6)
    counts = make_counts(samples)
    cells = counts.sample(800, replace=True, random_state=0).assign(
        n_umi=lambda f: 300 + 10 * f["n_cells"], n_genes=lambda f: 200 + f["n_cells"], pct_mt=5.0
    )
    cells = cells.merge(samples).assign(x=range(800), y=range(800))
    figures = [
        qc_violins(cells, samples),
        qc_status_bars(counts, samples),
        kept_fractions(qc_kept(samples, counts, CONFIG)),
    ]
    figures += [embedding(cells, colour_by=c) for c in ("cell_class", "subject_id", "timepoint")]
    for figure in figures:
        assert style.save_png(figure, dpi=40).startswith(b"\x89PNG")
    assert in_visit_order(["S001-post", "S000-pre", "S000-post"], samples, ["pre", "post"]) == [
        "S000-pre",
        "S000-post",
        "S001-post",
    ]


def test_p_values_are_written_as_people_read_them():
    assert [p_text(p) for p in (0.0001, 0.0123, 0.5, float("nan"))] == [
        "< 0.001",
        "= 0.012",
        "= 0.50",
        "NE",
    ]
