"""The prior describes real cells and no invented ones, and takes the scale of a cohort."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from hcc_assets.cells.reference.prior_fit import adapt, gene_effect, unlike, with_prior
from hcc_assets.cells.reference.prior_view import FITS, fit_of, view_of
from hcc_assets.cells.reference.training import Profiles, TrainingCells, grouped_counts
from hcc_assets.study.classes import CELL_CLASSES
from hcc_assets.study.prior import prior, read_prior

PER_STATE = 12


def drawn(factor_sd: float, *, shuffled: bool = False, seed: int = 0) -> tuple[TrainingCells, ...]:
    """Cells drawn from states of the prior, 2,000 molecules each, every gene caught by a factor of
    its own (the assay); ``shuffled`` gives each state genes of no meaning."""
    rng = np.random.default_rng(seed)
    known = prior()
    rows = [i for i, c in enumerate(known.classes) if c in CELL_CLASSES]
    factor = np.exp(rng.normal(0, factor_sd, len(known.genes)))
    counts, truth = [], []
    for i in rows:
        share = known.shares[i] * factor
        if shuffled:
            share = rng.permutation(share)
        counts.append(rng.poisson(2000 * share / share.sum(), (PER_STATE, len(share))))
        truth += [known.classes[i]] * PER_STATE
    matrix = sp.csr_matrix(np.concatenate(counts))
    n = matrix.shape[0]
    cells = TrainingCells(
        matrix,
        known.genes,
        known.symbols,
        np.zeros(n, dtype=np.intp),
        np.asarray(matrix.sum(axis=0)).reshape(1, -1) / matrix.sum(),
        np.zeros(n),
        np.array([f"c{i}" for i in range(n)], dtype=object),
        ("s",),
        np.zeros(1, dtype=np.intp),
    )
    return cells, np.array(truth)


def own_of(cells: TrainingCells) -> np.ndarray:
    groups = np.arange(cells.counts.shape[0]) // PER_STATE
    return grouped_counts(cells, groups, int(groups.max()) + 1)[0]


def test_the_file_reads_as_shares_of_known_genes() -> None:
    known = prior()
    assert np.allclose(known.shares.sum(axis=1), 1)
    assert list(known.genes) == sorted(set(known.genes))
    present = {c for c in known.classes if c in CELL_CLASSES}
    assert present == set(CELL_CLASSES) - {"tumour", "unassigned"}
    with pytest.raises(Exception, match=r"(?i)parquet"):
        read_prior(b"no prior")


def test_cells_of_another_assay_find_their_class_and_invented_ones_do_not_fit() -> None:
    cells, truth = drawn(0.7)
    usable = np.ones(len(cells.genes), dtype=bool)
    view = view_of(prior(), cells.genes, usable)
    assert fit_of(own_of(cells), view, cells.symbols) > FITS
    called = np.array(CELL_CLASSES)[adapt(cells, view).probability.argmax(axis=1)]
    assert (called == truth).mean() > 0.9
    invented, _ = drawn(0.7, shuffled=True)
    assert fit_of(own_of(invented), view, invented.symbols) < FITS


def test_the_factor_of_each_gene_is_found_where_there_are_molecules() -> None:
    known = prior()
    rng = np.random.default_rng(3)
    factor = rng.normal(0, 0.8, len(known.genes))
    rate = known.shares * np.exp(factor)
    own = rng.poisson(2e6 * rate / rate.sum(axis=1, keepdims=True)).astype(float)
    found = gene_effect(own, known.shares)
    seen = own.sum(axis=0) > 500
    assert np.corrcoef(found[seen], factor[seen])[0, 1] > 0.97


def test_every_class_but_tumour_gets_a_profile_and_those_of_the_cohort_stay() -> None:
    cells, truth = drawn(0.3)
    owner = np.where(np.isin(truth, ["T", "B"]), [CELL_CLASSES.index(c) for c in truth], -1)
    view = view_of(prior(), cells.genes, np.ones(len(cells.genes), dtype=bool))
    own = grouped_counts(cells, np.where(owner == CELL_CLASSES.index("T"), 0, -1), 1)[0]
    mine = Profiles(
        own / own.sum(), np.array([CELL_CLASSES.index("T")]), np.ones(own.shape[1]), np.array([9])
    )
    both = with_prior(cells, owner, mine, view)
    assert np.array_equal(both.shares[0], mine.shares[0]) and both.cells[0] == 9
    assert set(both.owner) == set(range(len(CELL_CLASSES))) - {CELL_CLASSES.index("tumour")}
    assert np.allclose(both.shares.sum(axis=1), 1) and (both.cells[1:] == 0).all()


def test_one_class_alone_and_few_cells_fit_as_well() -> None:
    cells, truth = drawn(0.7)
    view = view_of(prior(), cells.genes, np.ones(len(cells.genes), dtype=bool))
    alone = own_of(cells.rows(np.flatnonzero(truth == "dendritic")))
    assert fit_of(alone, view, cells.symbols) > FITS
    shallow = np.random.default_rng(1).binomial(own_of(cells).astype(int), 0.1).astype(float)
    assert fit_of(shallow, view, cells.symbols) > FITS


def test_genes_of_dividing_cells_tell_no_class() -> None:
    known = prior()
    view = view_of(known, known.genes, np.ones(len(known.genes), dtype=bool))
    dividing = np.isin(known.symbols, ["MKI67", "TOP2A", "TYMS", "MCM2"])
    assert dividing.sum() == 4 and (view.weight[dividing] == 0).all()
    assert (view.weight[np.isin(known.symbols, ["CD3D", "C1QA", "CD1C"])] > 0).all()


def test_a_type_with_genes_of_no_state_is_found_and_known_types_are_not() -> None:
    cells, truth = drawn(0.3)
    rng = np.random.default_rng(5)
    strange = np.flatnonzero(truth == "plasma")
    counts = cells.counts.toarray()
    mean = counts.mean(axis=0)
    chosen = np.argsort(-mean)[30:4000]
    swapped = mean.copy()
    swapped[chosen] = swapped[rng.permutation(chosen)]
    counts[strange] = rng.poisson(2000 * swapped / swapped.sum(), (len(strange), len(mean)))
    mixed = replace(cells, counts=sp.csr_matrix(counts))
    view = view_of(prior(), mixed.genes, np.ones(len(mixed.genes), dtype=bool))
    clusters = np.arange(len(truth)) // PER_STATE
    found = unlike(mixed, view, adapt(mixed, view), clusters)
    assert found[strange].mean() >= 0.8
    assert np.delete(found, strange).mean() <= 0.03


def test_a_cohort_of_one_class_weighs_genes_that_tell_the_others_apart() -> None:
    cells, truth = drawn(0.3)
    owner = np.where(truth == "dendritic", CELL_CLASSES.index("dendritic"), -1)
    view = view_of(prior(), cells.genes, np.ones(len(cells.genes), dtype=bool))
    own = grouped_counts(cells, np.where(owner >= 0, 0, -1), 1)[0]
    mine = Profiles(
        own / own.sum(), np.array([owner.max()]), np.zeros(own.shape[1]), np.array([48])
    )
    both = with_prior(cells, owner, mine, view)
    assert (both.weight[np.isin(cells.symbols, ["CD3D", "CD79A", "MS4A1"])] > 0.02).all()
