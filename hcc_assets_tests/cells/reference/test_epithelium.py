"""Epithelium of a cohort without labels: hepatocytes that share a cluster with the tumour of their
biopsy, tumours that look like fibroblasts or plasma cells, and tissue that is no liver."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from hcc_assets.cells.reference import clustering
from hcc_assets.cells.reference.bootstrap import bootstrap
from hcc_assets.cells.reference.cluster_names import of_the_liver
from hcc_assets.cells.reference.epithelium import epithelial_classes
from hcc_assets.cells.reference.prior_fit import adapt
from hcc_assets.cells.reference.prior_view import view_of
from hcc_assets.cells.reference.training import TrainingCells
from hcc_assets.simulate.real_cells import simulate_real_sample
from hcc_assets.simulate.real_settings import DEDIFFERENTIATED, EMT, PLAIN, RealSettings
from hcc_assets.simulate.real_world import make_real_world
from hcc_assets.study.classes import CELL_CLASSES
from hcc_assets.study.prior import prior


def biopsies(
    kind: str, seed: int, n: int = 600, patients: tuple[int, ...] = (0,), novel: str = ""
) -> tuple[TrainingCells, np.ndarray]:
    """Single cells of one biopsy of each patient with a tumour of that kind, and their classes."""
    world = make_real_world(seed, RealSettings(tumour_kinds=(kind,), ambient=0.05, novel=novel))
    every = [simulate_real_sample(world, p, "pre", n, 0) for p in patients]
    single = [np.flatnonzero(~(d.truth["doublet"] | d.truth["damaged"])) for d in every]
    counts = sp.vstack([d.counts[rows] for d, rows in zip(every, single, strict=True)]).tocsr()
    seen = np.flatnonzero(np.asarray(counts.sum(axis=0)).ravel() >= 10)
    counts = counts[:, seen].tocsr()
    sample = np.repeat(np.arange(len(every)), [len(rows) for rows in single])
    soup = np.stack([np.asarray(counts[sample == k].sum(axis=0)).ravel() for k in patients])
    size = np.asarray(counts.sum(axis=1), dtype=float).ravel()
    cells = TrainingCells(
        counts,
        every[0].genes["gene_id"].to_numpy(dtype=object)[seen],
        every[0].genes["gene"].to_numpy(dtype=object)[seen],
        sample,
        soup / soup.sum(axis=1, keepdims=True),
        0.08 * np.sqrt(size * np.median(size)),
        np.concatenate([d.barcodes[rows] for d, rows in zip(every, single, strict=True)]),
        tuple(f"s{k}" for k in patients),
        np.arange(len(every), dtype=np.intp),
    )
    truth = [
        d.truth["cell_class"].to_numpy(dtype=object)[r] for d, r in zip(every, single, strict=True)
    ]
    return cells, np.concatenate(truth)


def classes_of(cells: TrainingCells) -> np.ndarray:
    owner = bootstrap(cells, ~clustering.uninformative(cells.symbols), 0).owner
    return np.array([*CELL_CLASSES, ""], dtype=object)[owner]


@pytest.mark.parametrize(("kind", "seed"), [(PLAIN, 41), (EMT, 63), (DEDIFFERENTIATED, 63)])
def test_tumour_and_hepatocytes_of_one_biopsy_teach_their_own_class(kind: str, seed: int) -> None:
    cells, true = biopsies(kind, seed)
    taught = classes_of(cells)
    for name, others in (("hepatocyte", ("tumour",)), ("fibroblast", ("tumour",))):
        assert np.isin(taught[true == name], others).mean() <= 0.05, name
    tumour = true == "tumour"
    assert (taught[tumour] == "tumour").mean() >= 0.85
    assert (taught[true == "hepatocyte"] == "hepatocyte").mean() >= 0.85


@pytest.mark.parametrize("seed", [41, 42])
def test_epithelium_of_another_organ_is_no_duct(seed: int) -> None:
    cells, true = biopsies(PLAIN, seed, 500, (0, 1), "epithelium/ciliated")
    taught = classes_of(cells)
    ciliated = true == "novel"
    assert ciliated.sum() >= 30
    assert (taught[ciliated] == "unassigned").mean() >= 0.8
    assert not (taught[ciliated] == "cholangiocyte").any()
    for name in ("hepatocyte", "tumour"):
        assert (taught[true == name] == "unassigned").mean() <= 0.03, name


def test_a_tumour_likest_to_epithelium_in_one_subject_and_to_fibroblasts_in_the_next() -> None:
    cells, true = biopsies(EMT, 63, patients=(0, 1))
    view = view_of(prior(), cells.genes, ~clustering.uninformative(cells.symbols))
    found = adapt(cells, view)
    tumour, first = true == "tumour", cells.sample == 0
    state = found.state.copy()
    state[tumour & first] = view.names.index("epithelium/any")
    state[tumour & ~first] = view.names.index("fibroblast/fibroblast")
    call = np.where(tumour, view.owner[state], [CELL_CLASSES.index(c) for c in true])
    names, clusters = np.unique(true.astype(str), return_inverse=True)
    assert view.epithelial[state[tumour]].mean() < 0.5
    given = replace(found, state=state)
    taught = np.array([*CELL_CLASSES, ""], dtype=object)[
        epithelial_classes(cells, view, given, clusters, list(names), call, 0)
    ]
    for mine in (first, ~first):
        assert (taught[tumour & mine] == "tumour").mean() >= 0.85
    assert not (taught[true == "hepatocyte"] == "tumour").any()
    # ten fibroblasts beside 231 tumour cells of the next subject are not told apart
    assert not (taught[(true == "fibroblast") & first] == "tumour").any()


def test_hepatic_genes_in_the_ambient_rna_tell_a_liver() -> None:
    symbols = np.array(["ALB", "APOA1", "CD3E", "EPCAM"], dtype=object)
    assert of_the_liver(np.array([0.01, 0.01, 0.5, 0.48]), symbols)
    assert not of_the_liver(np.array([0.0, 1e-4, 0.5, 0.4999]), symbols)
