"""Neighbouring classes keep to the markers of the prior as it is."""

from __future__ import annotations

import numpy as np

from hcc_assets.cells.reference.neighbours import NEIGHBOURS, by_markers, panel_of
from hcc_assets.cells.reference.prior_view import view_of
from hcc_assets.study.classes import CELL_CLASSES
from hcc_assets.study.prior import prior
from hcc_assets_tests.cells.reference.test_prior_fit import drawn


def test_a_call_that_its_markers_contradict_goes_to_the_neighbour() -> None:
    cells, truth = drawn(0.5)
    view = view_of(prior(), cells.genes, np.ones(len(cells.genes), dtype=bool))
    true = np.array([CELL_CLASSES.index(c) for c in truth])
    assert (by_markers(cells, view, true) == true).all()
    for group in NEIGHBOURS:
        places = [CELL_CLASSES.index(c) for c in group]
        inside = np.isin(true, places)
        wrong = np.where(inside, np.roll(places, 1)[0], true)
        found = by_markers(cells, view, wrong)
        assert (found[inside] == true[inside]).mean() >= 0.85, group
        turned = inside & (wrong != true)
        assert (found[turned] == wrong[turned]).mean() <= 0.05, group
        assert np.isin(panel_of(group), cells.symbols).mean() >= 0.8


def test_cells_without_a_class_stay_without() -> None:
    cells, truth = drawn(0.5)
    view = view_of(prior(), cells.genes, np.ones(len(cells.genes), dtype=bool))
    assert (by_markers(cells, view, np.full(len(truth), -1)) == -1).all()
