"""Neighbouring classes (T and NK cells; monocytes, macrophages and dendritic cells) told apart by
their markers under the prior as it is, before it took the scale of a cohort.

A state that adapts to a cohort of few classes can take the genes of its neighbour, cell by cell;
markers of the studies themselves cannot. The adapted prior is in ``prior_fit``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from hcc_assets.cells.reference.prior_fit import damped, narrow_to
from hcc_assets.cells.reference.prior_view import PriorView
from hcc_assets.cells.reference.training import Profiles, TrainingCells, evidence
from hcc_assets.study.classes import CELL_CLASSES
from hcc_assets.study.markers import markers

Labels = npt.NDArray[np.intp]

NEIGHBOURS: Final = (("T", "NK"), ("monocyte", "macrophage", "dendritic"))
"""Classes whose states are likest to each other (benchmarks/left_out.py)."""
_CLEAR: Final = (1.0, 3.0)
"""Log-likelihood ratio of the markers from which a call that they contradict teaches nothing, and
from which it is theirs: own choice, 1 in 3 and 1 in 20."""


def panel_of(group: tuple[str, ...]) -> tuple[str, ...]:
    """Markers of some classes, those of their states among them."""
    names: set[str] = set()
    for name in group:
        panel = markers()[name]
        names |= {*panel.positive, *(g for genes in panel.subsets.values() for g in genes)}
    return tuple(sorted(names))


def by_markers(cells: TrainingCells, view: PriorView, call: Labels) -> Labels:
    """Calls in which neighbours keep to their markers.

    Parameters
    ----------
    cells, view
        Cells and the prior over their genes.
    call
        Class of each cell, -1 for none.

    Returns
    -------
    numpy.ndarray
        As ``call``; a cell whose markers speak clearly for a neighbour of its class is that, one
        whose markers speak for it less clearly has no class.
    """
    narrow = narrow_to(cells, view.at)
    weight = damped(view, view.shares, float(np.median(narrow.size)))
    out = call.copy()
    for group in NEIGHBOURS:
        places = np.array([CELL_CLASSES.index(c) for c in group])
        rows = np.flatnonzero(np.isin(call, places))
        states = np.flatnonzero(np.isin(view.owner, places))
        if not len(rows):
            continue
        seen = np.where(np.isin(narrow.symbols, panel_of(group)), weight, 0.0)
        profiles = Profiles(
            view.shares[states], view.owner[states], seen, np.zeros(len(states), dtype=np.intp)
        )
        likelihood = evidence(narrow, profiles, rows)
        score = np.stack([likelihood[:, profiles.owner == k].max(axis=1) for k in places], axis=1)
        score = np.round(score, 6)
        own = np.where(call[rows][:, None] == places, score, -np.inf).max(axis=1)
        lead = score.max(axis=1) - own
        best = places[score.argmax(axis=1)]
        out[rows] = np.where(lead > _CLEAR[1], best, np.where(lead > _CLEAR[0], -1, call[rows]))
    return out
