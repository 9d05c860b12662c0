"""Where cells lie in the display atlas: UMAP of the sketch, and the place of new cells among it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hcc_assets.cells.reference.clustering import nearest_neighbours, unit_rows

Matrix = npt.NDArray[np.float64]

NEIGHBOURS: Final = 10
"""Nearest cells that place a new cell: own choice, fewer than the 15 of UMAP, so that borders stay
sharp.
"""
_SHARPNESS: Final = 10.0
"""How sharply cells belong to clusters: Harmony's sigma of 0.1 (Korsunsky 2019)."""
_HALFWAY: Final = 20.0
"""Cells at which a cluster is moved half of the way: own choice, the 20 cells from which a class
counts elsewhere (SINGLE_CELL.md, section 4).
"""
_ROUNDS: Final = 3
"""Belonging and moving in turn: own choice."""
_EPOCHS: Final = 200
"""Own choice: umap-learn's default for more than 10,000 cells."""


def umap_layout(components: Matrix, seed: int) -> Matrix:
    """UMAP over exact neighbours: its own search for them is approximate."""
    import warnings

    k = min(15, len(components) - 1)
    others, distance = nearest_neighbours(components, k - 1)
    near = np.column_stack([np.arange(len(components)), others])
    distance = np.column_stack([np.zeros(len(components)), distance])
    with warnings.catch_warnings(), _compiled_once():
        import umap

        fitter = umap.UMAP(
            n_neighbors=k,
            min_dist=0.4,
            random_state=seed,
            n_jobs=1,
            n_epochs=_EPOCHS,
            precomputed_knn=(near, distance, None),
        )
        warnings.filterwarnings("ignore", message="n_jobs value")
        warnings.filterwarnings("ignore", message="precomputed_knn")
        warnings.filterwarnings(
            "ignore", message="Graph is not fully connected"
        )  # classes that lie apart are no defect
        return np.asarray(fitter.fit_transform(components), dtype=float)


@contextlib.contextmanager
def _compiled_once() -> Iterator[None]:
    """Within it numba compiles what is called, when it is called, and keeps it on the disk.

    umap-learn imports pynndescent, which compiles its distances for twelve seconds whether or not
    they are used, and compiles its own layout for nine, in every process that draws an atlas.
    """
    import numba

    compiled = numba.njit

    def njit(*given: Any, **options: Any) -> Any:
        functions = [item for item in given if callable(item)]  # and no signatures
        return compiled(*functions, **{**options, "cache": True})

    numba.njit = njit
    try:
        yield
    finally:
        numba.njit = compiled


def on_the_clusters(components: Matrix, sketch: Matrix, centres: Matrix) -> Matrix:
    """Cells of one sample brought onto the sketch: within each cluster of the sketch, what their
    mean differs by is taken off, by n / (n + 20) of it where the cluster has n of them.

    Parameters
    ----------
    components, sketch
        (cells, c) components of the sample and of the sketch.
    centres
        (clusters, c) directions of the sketch's clusters, each of length 1.
    """
    theirs = _belonging(sketch, centres)
    means = theirs.T @ sketch / np.maximum(theirs.sum(axis=0), 1e-12)[:, None]
    out = components
    for _ in range(_ROUNDS):
        mine = _belonging(out, centres)
        n = mine.sum(axis=0)
        shift = mine.T @ components / np.maximum(n, 1e-12)[:, None] - means
        out = components - mine @ (shift * (n / (n + _HALFWAY))[:, None])
    return out


def _belonging(components: Matrix, centres: Matrix) -> Matrix:
    """(cells, clusters) soft membership by direction; rows sum to 1."""
    likeness = 2 * _SHARPNESS * (unit_rows(components) @ centres.T)
    weight = np.exp(likeness - likeness.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def place(components: Matrix, sketch: Matrix, sketch_xy: Matrix, chunk: int = 1024) -> Matrix:
    """Mean place of the nearest cells of the sketch, weights exp(-2 (d / d_k)²); cells x 2.

    Own code: where the import of scikit-learn costs more than it saves (ADR 0028).
    """
    square = np.einsum("ij,ij->i", sketch, sketch)
    k = min(NEIGHBOURS, len(sketch))
    out = np.empty((len(components), 2))
    for start in range(0, len(components), chunk):
        mine = components[start : start + chunk]
        distance = (
            square[None, :] - 2 * mine @ sketch.T + np.einsum("ij,ij->i", mine, mine)[:, None]
        )
        near = np.argpartition(distance, k - 1, axis=1)[:, :k]
        found = np.maximum(np.take_along_axis(distance, near, axis=1), 0.0)
        weights = np.exp(-found / np.maximum(found.max(axis=1, keepdims=True), 1e-12) * 2)
        weights /= weights.sum(axis=1, keepdims=True)
        out[start : start + chunk] = np.einsum("ij,ijd->id", weights, sketch_xy[near])
    return out.round(4)
