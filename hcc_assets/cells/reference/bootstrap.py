"""A reference without labels: pooled cells are clustered, clusters are named by marker panels, and
likelihood passes over all genes refine who is what.

Nothing is forced: a class without evidence gets no cell. Samples become training cells in
``teaching``; profiles are made in ``training``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hcc_assets.cells.reference import clustering
from hcc_assets.cells.reference.cluster_names import NOVEL, name_clusters
from hcc_assets.cells.reference.compartments import MIN_CLASS_CELLS, embed, rescue, sub_clusters
from hcc_assets.cells.reference.epithelium import (
    epithelial_classes,
    labels_of,
    malignant_cells,
    malignant_share,
)
from hcc_assets.cells.reference.likelihood import (
    class_scores,
    posterior,
    size_evidence,
    typical_log_size,
)
from hcc_assets.cells.reference.neighbours import by_markers
from hcc_assets.cells.reference.prior_fit import adapt, unlike
from hcc_assets.cells.reference.prior_view import FITS, PriorView, fit_of, view_of
from hcc_assets.cells.reference.training import (
    Profiles,
    TrainingCells,
    evidence,
    grouped_counts,
    train_profiles,
)
from hcc_assets.study.classes import CELL_CLASSES, UNASSIGNED
from hcc_assets.study.markers import panel_genes
from hcc_assets.study.prior import prior

Labels = npt.NDArray[np.intp]

CELLS_PER_CLUSTER: Final = 90
"""Own choice, finer than the 120 clusters for 18,000 cells of SINGLE_CELL.md, section 2.4: it is
the purity that counts.
"""
_PASS_TEMPERATURE: Final = 1.0
"""Own choice: likelihoods as they are; calibration comes with the profiles."""
_SURE: Final = 0.7
"""Posterior from which a cell teaches: own choice (benchmarks/annotation.py)."""
_MAX_PASSES: Final = 3
"""Own choice: SINGLE_CELL.md, section 2.4 found passes beyond the first to do harm; they stop when
markers contradict.
"""
_WITHOUT_PRIOR: Final = 50
"""Cells from which clusters alone are named: own choice, four for each of a dozen clusters."""
_DIRTY: Final = 0.25
"""Median ambient share of a cluster that says nothing of an unknown type: own choice, twice that of
the hard setting.
"""
_VETO: Final = -2.0
"""Log-likelihood ratio of the panel genes that takes a change back: own choice, 1 in 7."""


@dataclass(frozen=True)
class Bootstrap:
    """Class of each training cell (place in `CELL_CLASSES`, -1 for none), the components of all
    cells.

    Attributes
    ----------
    owner
        Per cell.
    components
        From `embed`.
    prior
        The prior over the genes of the cells; None where it does not fit them.
    """

    owner: Labels
    components: npt.NDArray[np.float64]
    prior: PriorView | None = None


def _panel_evidence(
    cells: TrainingCells, profiles: Profiles, n_classes: int
) -> npt.NDArray[np.float64]:
    """Log-likelihood of each cell by panel genes alone, under the best profile of each class of the
    first naming; minus infinity without a profile.
    """
    panel = np.isin(cells.symbols, sorted(panel_genes()))
    narrow = Profiles(
        profiles.shares,
        profiles.owner,
        np.where(panel, np.maximum(profiles.weight, 0.2), 0.0),
        profiles.cells,
    )
    likelihood = evidence(cells, narrow)
    out = np.full((len(likelihood), n_classes), -np.inf)
    for k in np.unique(profiles.owner):
        out[:, k] = likelihood[:, profiles.owner == k].max(axis=1)
    return out


def _clean(cells: TrainingCells, clusters: Labels, k: int) -> npt.NDArray[np.bool_]:
    """Clusters of cells with enough RNA of their own: small and ambient-rich ones (often
    neutrophils) say nothing of an unknown type.
    """
    out = np.zeros(k, dtype=bool)
    whole = float(np.median(cells.size))
    for c in range(k):
        mine = clusters == c
        if mine.any():
            out[c] = (
                np.median(cells.size[mine]) >= 0.4 * whole
                and np.median(cells.ambient_share[mine]) <= _DIRTY
            )
    return out


def bootstrap(cells: TrainingCells, usable: npt.NDArray[np.bool_], seed: int = 0) -> Bootstrap:
    """Find the classes of the training cells.

    Parameters
    ----------
    cells
        Pooled cells, doublets left out.
    usable
        Genes that may carry weight in a profile.
    seed
        Of the clustering.

    Notes
    -----
    Likelihood passes relabel all cells from the profiles of the sure ones. Panel genes alone judge
    every cell that changes class: a change they contradict is taken back, and passes stop when they
    contradict changes on average. A class that would lose half of its cells keeps them.
    """
    n_classes = len(CELL_CLASSES)
    components = embed(cells, seed)
    k = int(np.clip(len(components) / CELLS_PER_CLUSTER, min(12, len(components)), 220))
    clusters = clustering.kmeans(components, k, seed)
    counts, ambient = grouped_counts(cells, clusters, k)
    own = np.maximum(counts - 0.9 * ambient, 0.0)
    size, soup = np.bincount(clusters, minlength=k), cells.ambient.mean(axis=0)
    named = name_clusters(own, cells.symbols, size, ambient=soup)
    by_cell, _ = malignant_cells(cells, labels_of(named)[clusters])
    named = name_clusters(
        own, cells.symbols, size, ambient=soup, malignant=malignant_share(by_cell, clusters, k)
    )
    named = [
        "" if c == NOVEL and not clean else c
        for c, clean in zip(named, _clean(cells, clusters, k), strict=True)
    ]
    codes = np.array(
        [CELL_CLASSES.index(UNASSIGNED if c == NOVEL else c) if c else -1 for c in named],
        dtype=np.intp,
    )
    view = view_of(prior(), cells.genes, usable)
    if fit_of(own, view, cells.symbols) >= FITS:
        owner = _by_prior(cells, view, clusters, named, seed)
        large = _drop_small(owner, n_classes)
        return Bootstrap(large if (large >= 0).any() else owner, components, view)
    if len(components) < _WITHOUT_PRIOR:
        return Bootstrap(np.full(len(components), -1, dtype=np.intp), components)
    owner, clusters = sub_clusters(cells, codes[clusters], clusters, seed)
    owner = rescue(cells, owner)
    owner = _drop_small(owner, n_classes)
    if not (owner >= 0).any():
        return Bootstrap(owner, components)
    profiles = train_profiles(cells, owner, clusters, n_classes, usable)
    panel = _panel_evidence(cells, profiles, n_classes)
    for taken in range(_MAX_PASSES):
        scores = class_scores(
            evidence(cells, profiles), profiles.owner, n_classes, _PASS_TEMPERATURE
        )
        p = posterior(
            scores + size_evidence(cells.size, typical_log_size(cells.size, owner, n_classes))
        )
        top = p.argmax(axis=1)
        found = np.where(p.max(axis=1) >= _SURE, top, -1)
        moved = np.flatnonzero((owner >= 0) & (found >= 0) & (found != owner))
        gain = panel[moved, found[moved]] - panel[moved, owner[moved]]
        found[moved[gain < _VETO]] = -1
        found = _drop_small(found, n_classes)
        number, before = (
            np.bincount(found[found >= 0], minlength=n_classes),
            np.bincount(owner[owner >= 0], minlength=n_classes),
        )
        turned = len(moved) >= MIN_CLASS_CELLS and float(np.mean(np.clip(gain, -5, 5))) < 0
        if turned and taken:
            break
        collapsed = np.flatnonzero((number < 0.5 * before) & (before >= MIN_CLASS_CELLS))
        found = np.where(np.isin(owner, collapsed) & (found < 0), owner, found)
        changed = float(np.mean(found != owner))
        owner = found
        if changed < 0.003:
            break
        profiles = train_profiles(cells, owner, clusters, n_classes, usable)
    return Bootstrap(owner, components)


def _by_prior(
    cells: TrainingCells, view: PriorView, clusters: Labels, named: list[str], seed: int
) -> Labels:
    """Class of each cell where the prior describes the cohort: by its own counts under the adapted
    prior. The prior has no tumour and not every epithelium: epithelial cells of an epithelial
    cluster are told apart in ``epithelium``. Groups with much that no state explains are no class.
    """
    found = adapt(cells, view)
    call = np.where(found.probability.max(axis=1) >= _SURE, found.probability.argmax(axis=1), -1)
    call = by_markers(cells, view, call)
    out = epithelial_classes(cells, view, found, clusters, named, call, seed)
    # copy number goes first: a tumour in transition is unlike every state too
    strange = unlike(cells, view, found, clusters) & (out == call)
    return np.where(strange, CELL_CLASSES.index(UNASSIGNED), out)


def _drop_small(owner: Labels, n_classes: int) -> Labels:
    """Classes with too few cells for a profile lose them."""
    number = np.bincount(owner[owner >= 0], minlength=n_classes)
    return np.where((owner >= 0) & (number[np.maximum(owner, 0)] < MIN_CLASS_CELLS), -1, owner)
