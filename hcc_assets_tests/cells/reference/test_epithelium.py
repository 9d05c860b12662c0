"""Epithelium of a cohort without labels: hepatocytes that share a cluster with the tumour of their
biopsy, tumours that look like fibroblasts or plasma cells, and tissue that is no liver."""

from __future__ import annotations

import numpy as np
import pytest

from hcc_assets.cells.reference import clustering
from hcc_assets.cells.reference.bootstrap import bootstrap
from hcc_assets.cells.reference.cluster_names import of_the_liver
from hcc_assets.cells.reference.training import TrainingCells
from hcc_assets.simulate.real_cells import simulate_real_sample
from hcc_assets.simulate.real_settings import DEDIFFERENTIATED, EMT, PLAIN, RealSettings
from hcc_assets.simulate.real_world import make_real_world
from hcc_assets.study.classes import CELL_CLASSES


def biopsy(kind: str, seed: int, n: int = 600) -> tuple[TrainingCells, np.ndarray]:
    """Single cells of one biopsy with a tumour of that kind, and their classes."""
    world = make_real_world(seed, RealSettings(tumour_kinds=(kind,), ambient=0.05))
    drawn = simulate_real_sample(world, 0, "pre", n, 0)
    single = np.flatnonzero(~(drawn.truth["doublet"] | drawn.truth["damaged"]).to_numpy())
    counts = drawn.counts[single]
    seen = np.flatnonzero(np.asarray(counts.sum(axis=0)).ravel() >= 10)
    counts = counts[:, seen].tocsr()
    soup = np.asarray(counts.sum(axis=0), dtype=float)
    size = np.asarray(counts.sum(axis=1), dtype=float).ravel()
    cells = TrainingCells(
        counts,
        drawn.genes["gene_id"].to_numpy(dtype=object)[seen],
        drawn.genes["gene"].to_numpy(dtype=object)[seen],
        np.zeros(len(single), dtype=np.intp),
        soup / soup.sum(),
        0.08 * np.sqrt(size * np.median(size)),
        drawn.barcodes[single],
        ("s",),
        np.zeros(1, dtype=np.intp),
    )
    return cells, drawn.truth["cell_class"].to_numpy(dtype=object)[single]


def classes_of(cells: TrainingCells) -> np.ndarray:
    owner = bootstrap(cells, ~clustering.uninformative(cells.symbols), 0).owner
    return np.array([*CELL_CLASSES, ""], dtype=object)[owner]


@pytest.mark.parametrize(("kind", "seed"), [(PLAIN, 41), (EMT, 63), (DEDIFFERENTIATED, 63)])
def test_tumour_and_hepatocytes_of_one_biopsy_teach_their_own_class(kind: str, seed: int) -> None:
    cells, true = biopsy(kind, seed)
    taught = classes_of(cells)
    for name, others in (("hepatocyte", ("tumour",)), ("fibroblast", ("tumour",))):
        assert np.isin(taught[true == name], others).mean() <= 0.05, name
    tumour = true == "tumour"
    assert (taught[tumour] == "tumour").mean() >= 0.85
    assert (taught[true == "hepatocyte"] == "hepatocyte").mean() >= 0.85


def test_hepatic_genes_in_the_ambient_rna_tell_a_liver() -> None:
    symbols = np.array(["ALB", "APOA1", "CD3E", "EPCAM"], dtype=object)
    assert of_the_liver(np.array([0.01, 0.01, 0.5, 0.48]), symbols)
    assert not of_the_liver(np.array([0.0, 1e-4, 0.5, 0.4999]), symbols)
