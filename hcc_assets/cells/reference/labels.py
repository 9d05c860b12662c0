"""Training cells from a delivered reference with labels. Class names are those of the contract, or
mapped to them; anything else is left out and not guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from hcc_assets.cells.quality.metrics import as_csr
from hcc_assets.cells.reference.teaching import DEFAULT_AMBIENT, MAX_CELLS, align, hash_order
from hcc_assets.cells.reference.training import TrainingCells
from hcc_assets.study.classes import CELL_CLASSES, UNASSIGNED

if TYPE_CHECKING:
    from anndata import AnnData

MIN_CELLS: Final = 10
"""Cells of a class: own choice, as many as one sample needs (`training.MIN_SAMPLE_CELLS`)."""
_SUBJECT_COLUMNS: Final = ("subject_id", "patient", "donor", "subject", "patient_id", "donor_id")
BATCH_COLUMNS: Final = (
    "sample_id",
    "sample",
    "subject_id",
    "patient",
    "donor",
    "batch",
    "orig.ident",
)


class LabelsRefused(ValueError):
    """A labelled reference cannot be used; the text says why and names class names (which are
    vocabulary, not data).
    """


def with_gene_names(labelled: AnnData) -> AnnData:
    """The same with ``var["gene"]`` and ``var["gene_id"]``, from ``var_names`` that are symbols or
    Ensembl ids where they are not delivered."""
    if {"gene", "gene_id"} <= set(labelled.var.columns):
        return labelled
    from hcc_assets.study.genes import symbol_of

    view = labelled.copy()
    index = view.var_names.astype(str)
    view.var["gene_id"] = view.var.get("gene_id", index)
    by_id = symbol_of()
    view.var["gene"] = (
        view.var["gene"] if "gene" in view.var else [by_id.get(i.split(".")[0], i) for i in index]
    )
    return view


def with_our_classes(
    labelled: AnnData, classes: Mapping[str, str]
) -> tuple[AnnData, dict[str, int]]:
    """The same with our classes in ``obs["cell_class"]``.

    Parameters
    ----------
    labelled
        As for `labelled_cells`, with anybody's labels.
    classes
        Labels of others to classes of ours. A label that is a class of ours stays.

    Returns
    -------
    tuple
        The cells, those of a label that is neither ours nor mapped without one; and cells left
        out by label.

    Raises
    ------
    LabelsRefused
        No ``cell_class``.
    """
    labels = _labels(labelled)
    ours = {n: n if n in CELL_CLASSES else classes.get(n) for n in labels.dropna().unique()}
    named = np.array([ours.get(label) for label in labels], dtype=object)
    lost = labels[labels.notna() & pd.isna(named)].value_counts().sort_index()
    view = labelled.copy()
    view.obs["cell_class"] = named
    return view, {str(label): int(n) for label, n in lost.items()}


def _labels(labelled: AnnData) -> pd.Series:
    if "cell_class" not in labelled.obs:
        raise LabelsRefused("the reference has no obs column cell_class")
    labels = labelled.obs["cell_class"].astype(object)
    return labels.map(lambda v: str(v).strip() or None if isinstance(v, str) else None)


def labelled_cells(labelled: AnnData) -> tuple[TrainingCells, npt.NDArray[np.intp]]:
    """Cells of a delivered reference and their classes.

    Parameters
    ----------
    labelled
        Raw counts, ``obs["cell_class"]``; ``var["gene"]`` and ``var["gene_id"]``, or ``var_names``
        that are symbols or Ensembl ids. A column of ``obs`` that names samples (`sample_id`,
        `sample`, `patient`, …) makes the training balanced over them.

    Returns
    -------
    tuple
        At most 18,000 cells (classes drawn evenly) and the place of each one's class in
        `CELL_CLASSES`; ``unassigned`` teaches what belongs to no class, and a cell without a
        class of ours teaches nothing (`with_our_classes`).

    Raises
    ------
    LabelsRefused
        No ``cell_class``, values that are no counts, or fewer than two classes with 10 cells.
    """
    labels = _labels(labelled)
    matrix = as_csr(labelled)
    if matrix.nnz and (
        (matrix.data < 0).any() or not np.array_equal(matrix.data, np.round(matrix.data))
    ):
        raise LabelsRefused(
            "the reference needs raw counts: X has values that are negative or not whole"
        )
    view = with_gene_names(labelled)
    codes = np.array(
        [CELL_CLASSES.index(v) if v in CELL_CLASSES else -1 for v in labels], dtype=np.intp
    )
    batch_column = next((c for c in BATCH_COLUMNS if c in labelled.obs), None)
    batch = (
        labelled.obs[batch_column].astype(str).to_numpy()
        if batch_column
        else np.full(labelled.n_obs, "reference")
    )
    size = np.asarray(matrix.sum(axis=1)).ravel()
    order = hash_order(
        "reference",
        np.array(
            [f"{b}\t{n}" for b, n in zip(batch, labelled.obs_names, strict=True)], dtype=object
        ),
    )
    order = order[(codes[order] >= 0) & (size[order] >= 100)]
    present = np.unique(codes[order])
    limit = max(MAX_CELLS // max(len(present), 1), MIN_CELLS)
    spare = sum(max(limit - int((codes[order] == k).sum()), 0) for k in present)
    large = [k for k in present if (codes[order] == k).sum() > limit]
    limit += spare // max(len(large), 1)
    kept = (
        np.sort(np.concatenate([order[codes[order] == k][:limit] for k in present]))
        if len(present)
        else np.empty(0, dtype=np.intp)
    )
    number = (
        np.bincount(codes[kept], minlength=len(CELL_CLASSES))
        if len(kept)
        else np.zeros(len(CELL_CLASSES))
    )
    if (number[: CELL_CLASSES.index(UNASSIGNED)] >= MIN_CELLS).sum() < 2:
        raise LabelsRefused(
            f"the reference needs at least two classes with {MIN_CELLS} cells of 100 molecules"
        )
    kept = kept[number[codes[kept]] >= MIN_CELLS]
    kept = kept[np.lexsort((labelled.obs_names.to_numpy().astype(str)[kept], batch[kept]))]
    counts, keys, symbols = align(view)
    inside = sp.csr_matrix(counts[kept])
    seen = np.flatnonzero(np.asarray(inside.sum(axis=0)).ravel() >= 5)
    inside = sp.csr_matrix(inside[:, seen])
    sample_names, sample = np.unique(batch[kept], return_inverse=True)
    ambient = np.zeros((len(sample_names), len(seen)))
    total = np.asarray(inside.sum(axis=1), dtype=float).ravel()
    foreign = np.zeros(len(kept))
    for s in range(len(sample_names)):
        rows = np.flatnonzero(sample == s)
        ambient[s] = np.asarray(inside[rows].sum(axis=0)).ravel()
        ambient[s] /= max(ambient[s].sum(), 1.0)
        foreign[rows] = np.minimum(
            DEFAULT_AMBIENT * np.sqrt(total[rows] * np.median(total[rows])), total[rows] / 2
        )
    barcodes = labelled.obs_names.to_numpy().astype(object)[kept]
    cells = TrainingCells(
        inside,
        keys[seen],
        symbols[seen],
        sample,
        ambient,
        foreign,
        barcodes,
        tuple(str(s) for s in sample_names),
        _subjects(labelled, kept, sample),
    )
    return cells, codes[kept]


def _subjects(
    labelled: AnnData, kept: npt.NDArray[np.intp], sample: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    """Number of the subject of each sample: from the first subject column, else each sample its
    own.
    """
    column = next((c for c in _SUBJECT_COLUMNS if c in labelled.obs), None)
    n = int(sample.max()) + 1 if len(sample) else 0
    if column is None:
        return np.arange(n, dtype=np.intp)
    _, codes = np.unique(labelled.obs[column].astype(str).to_numpy()[kept], return_inverse=True)
    return np.array([codes[sample == s][0] for s in range(n)], dtype=np.intp)
