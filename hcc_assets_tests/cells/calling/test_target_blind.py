"""Shares without the genes that the drug acts on: taking their part off is leaving them out, and
where they alone tell two classes apart the posterior becomes open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from hcc_assets.cells.calling.annotation import annotate
from hcc_assets.cells.calling.class_posterior import class_posterior
from hcc_assets.study.classes import CELL_CLASSES
from hcc_assets.study.programs import target_genes
from hcc_assets_tests.cells.cohort import CONFIG, cohort, reference


def test_the_genes_of_the_three_receptor_axes_are_left_out() -> None:
    assert {"KDR", "FLT1", "FLT4", "FGFR1", "CSF1R", "CD163"} <= target_genes()
    assert "CD3E" not in target_genes()


def test_taking_their_part_off_is_leaving_them_out() -> None:
    known, rng = reference(), np.random.default_rng(0)
    counts = sp.csr_matrix(rng.poisson(known.shares[:12].astype(float) * 900))
    genes = len(known.genes)
    ambient, foreign = np.full(genes, 1 / genes), np.full(counts.shape[0], 20.0)
    out = np.isin(known.symbols, sorted(target_genes()))
    assert out.sum() > 10
    found = class_posterior(counts, ambient, foreign, known, out)
    without = replace(known, weight=np.where(out, 0.0, known.weight))
    expected = class_posterior(counts, ambient, foreign, without)
    assert found.blind is not None
    assert np.allclose(found.blind, expected.probability, atol=1e-9)
    plain = class_posterior(counts, ambient, foreign, known)
    assert np.array_equal(found.probability, plain.probability)
    assert np.array_equal(found.support, plain.support)
    assert plain.blind is None and plain.without() is plain


def test_shares_without_them_keep_every_cell_and_differ_where_they_matter() -> None:
    sample = cohort()[0]
    found = annotate(sample.counts, sample.qc, reference(), CONFIG)
    assert found.blind_shares.shape == found.shares.shape
    assert np.allclose(found.blind_shares.sum(axis=1), 1)
    same = found.shares.argmax(axis=1) == found.blind_shares.argmax(axis=1)
    assert same.mean() > 0.95
    assert found.blind_shares.shape[1] == len(CELL_CLASSES)
