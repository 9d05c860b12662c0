"""Building the reference: once from a delivered reference with labels, or from the cohort itself;
the states of each class, profiles, limits.

How profiles are trained is in ``training``, how a cohort without labels finds its classes
in ``bootstrap``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from hcc_assets.cells.reference import clustering
from hcc_assets.cells.reference.bootstrap import bootstrap
from hcc_assets.cells.reference.compartments import embed
from hcc_assets.cells.reference.freezing import freezing_prefix
from hcc_assets.cells.reference.labels import labelled_cells
from hcc_assets.cells.reference.likelihood import typical_log_size
from hcc_assets.cells.reference.marker_support import support_limits
from hcc_assets.cells.reference.model import Kind, Reference
from hcc_assets.cells.reference.outliers import OutlierLimits, fit_limits
from hcc_assets.cells.reference.prior_fit import MISFIT, classes_fit, with_prior
from hcc_assets.cells.reference.prior_view import PriorView, view_of
from hcc_assets.cells.reference.reliability import what_is_known
from hcc_assets.cells.reference.teaching import SampleInput, pool
from hcc_assets.cells.reference.temperature import calibrate
from hcc_assets.cells.reference.training import Profiles, TrainingCells, train_profiles
from hcc_assets.study.classes import CELL_CLASSES
from hcc_assets.study.confidence import shipped_confidence
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.prior import VERSION, prior

if TYPE_CHECKING:
    from anndata import AnnData

_STATES: Final = {
    "T": 8,
    "dendritic": 6,
    "tumour": 10,
    "macrophage": 6,
    "monocyte": 4,
    "NK": 4,
    "neutrophil": 4,
    "vascular_endothelial": 5,
    "fibroblast": 5,
}
"""States of a class, at most: own choice by how varied it is (sub-types of SINGLE_CELL.md, section
2.6); 3 for the others.
"""
_FEWEST: Final = 10
"""Cells from which a sample is looked at: own choice; below it not even the prior can tell whether
it describes them."""
_STATE_CELLS: Final = 60
"""Cells for a state, on average: own choice, above the 25 that a profile of a state needs."""


def _states(
    components: npt.NDArray[np.float64], owner: npt.NDArray[np.intp], seed: int
) -> npt.NDArray[np.intp]:
    """States within each class: k-means of its cells, as many as cells and class allow."""
    out = np.zeros(len(owner), dtype=np.intp)
    for k in np.unique(owner[owner >= 0]):
        mine = np.flatnonzero(owner == k)
        n = min(_STATES.get(CELL_CLASSES[k], 3), len(mine) // _STATE_CELLS)
        if n > 1:
            out[mine] = clustering.kmeans(components[mine], n, seed)
    return out


def _fit(
    kind: Kind,
    cells: TrainingCells,
    owner: npt.NDArray[np.intp],
    components: npt.NDArray[np.float64],
    seeds: dict[str, int],
    seed: int,
    known: PriorView | None,
) -> Reference:
    usable = ~clustering.uninformative(cells.symbols)
    n_classes = len(CELL_CLASSES)
    if not (owner >= 0).any():
        empty = Profiles(
            np.empty((0, len(cells.genes))),
            np.empty(0, dtype=np.intp),
            np.zeros(len(cells.genes)),
            np.empty(0, dtype=np.intp),
        )
        return Reference(
            kind,
            cells.genes,
            cells.symbols,
            empty.weight,
            empty.shares.astype(np.float32),
            empty.owner,
            empty.cells,
            (1.0, 0.0),
            OutlierLimits.none(),
            np.full(n_classes, np.nan),
            seeds,
            cells.sample_ids,
        )
    state = _states(components, owner, seed)
    profiles = train_profiles(cells, owner, state, n_classes, usable)
    n_own = len(profiles.owner)
    if known is not None:
        profiles = with_prior(cells, owner, profiles, known)
    temperature, held_out = calibrate(cells, owner, state, n_classes, usable)
    # delivered labels are the truth: their held-out cells say what a posterior is worth
    shipped = shipped_confidence() if known is not None and kind != "labels" else None
    calibration, curve = what_is_known(held_out, np.bincount(owner[owner >= 0]), shipped)
    if known is not None:
        # labels made by the likelihood itself cannot show how far the likelihood is off
        temperature = (max(temperature[0], MISFIT[0]), max(temperature[1], MISFIT[1]))
    kept = np.flatnonzero(profiles.weight > 0.003)
    narrow = Profiles(
        (profiles.shares[:, kept] / profiles.shares[:, kept].sum(axis=1, keepdims=True))
        .astype(np.float32)
        .astype(float),
        profiles.owner,
        profiles.weight[kept].astype(np.float32).astype(float),
        profiles.cells,
    )
    small = TrainingCells(
        cells.counts[:, kept],
        cells.genes[kept],
        cells.symbols[kept],
        cells.sample,
        cells.ambient[:, kept]
        / np.maximum(cells.ambient[:, kept].sum(axis=1, keepdims=True), 1e-12),
        cells.ambient_umi,
        cells.barcodes,
        cells.sample_ids,
        cells.subject,
    )
    limits = fit_limits(small, narrow, owner, n_own)
    made = Reference(
        kind,
        small.genes,
        small.symbols,
        narrow.weight,
        narrow.shares.astype(np.float32),
        narrow.owner,
        narrow.cells,
        temperature,
        limits,
        typical_log_size(small.size, owner, n_classes),
        seeds,
        cells.sample_ids,
        calibration,
        VERSION if known is not None else "",
        shipped.map if shipped is not None else None,
        curve,
    )
    # the prior's states have their own scale, and other means against unknown types
    return (
        made if known is not None else replace(made, unsupported=support_limits(small, owner, made))
    )


def build_reference(
    samples: Iterable[SampleInput],
    config: StudyConfig,
    *,
    labelled: AnnData | None = None,
    existing: Reference | None = None,
    seed: int = 0,
) -> Reference:
    """Build the reference of the study.

    Parameters
    ----------
    samples
        Samples to learn from, in any order; not read where ``labelled`` or a frozen ``existing`` is
        given.
    config
        ``single_cell.reference_min_samples``.
    labelled
        Raw counts with ``obs["cell_class"]`` in the classes of the contract; then no sample is
        needed.
    existing
        Returned unchanged when frozen: an added sample changes no earlier call.
    seed
        Of the clustering.

    Returns
    -------
    Reference
        ``labels``; else ``cohort`` when the samples allow freezing (see `freezing_prefix`; pass
        exactly that prefix), else ``provisional``.

    Raises
    ------
    LabelsRefused
        ``labelled`` has no classes, unknown class names or no raw counts.
    """
    from threadpoolctl import threadpool_limits

    if existing is not None and existing.frozen:
        return existing
    with threadpool_limits(1):
        if labelled is not None:
            cells, owner = labelled_cells(labelled)
            view = view_of(prior(), cells.genes, ~clustering.uninformative(cells.symbols))
            known = view if classes_fit(cells, owner, view) else None
            return _fit("labels", cells, owner, embed(cells, seed), {}, seed, known)
        cells, table = pool(samples)
        seeds = {str(k): int(v) for k, v in table.groupby("cell_class")["n_seed"].sum().items()}
        frozen = freezing_prefix(table, sorted(cells.sample_ids), config) is not None
        usable = ~clustering.uninformative(cells.symbols)
        if cells.counts.shape[0] < _FEWEST:
            return _fit(
                "provisional",
                cells,
                np.full(cells.counts.shape[0], -1),
                np.empty((0, 0)),
                seeds,
                seed,
                None,
            )
        found = bootstrap(cells, usable, seed)
        return _fit(
            "cohort" if frozen else "provisional",
            cells,
            found.owner,
            found.components,
            seeds,
            seed,
            found.prior,
        )
