"""Sums and log-normalised values of some cells are those of the whole matrix, block by block."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from hcc_assets.cells.malignancy import molecules
from hcc_assets.cells.malignancy.molecules import cells_with, log_values, molecules_of, sizes_of


@pytest.fixture
def counts(monkeypatch) -> sp.csr_matrix:
    monkeypatch.setattr(molecules, "_CHUNK", 7)
    drawn = np.random.default_rng(3).poisson(0.4, (40, 25)).astype(np.int32)
    drawn[11] = 0
    return sp.csr_matrix(drawn)


@pytest.mark.parametrize("rows", [np.arange(40), np.array([3, 11, 39, 0]), np.arange(0)])
def test_some_cells_are_read_as_from_the_dense_matrix(counts, rows):
    dense = counts.toarray()[rows].astype(float)
    size = sizes_of(counts, rows)
    np.testing.assert_array_equal(molecules_of(counts, rows), dense.sum(axis=0))
    np.testing.assert_array_equal(cells_with(counts, rows), (dense > 0).sum(axis=0))
    np.testing.assert_array_equal(size, dense.sum(axis=1))
    columns = np.array([2, 5, 24])
    expected = np.log1p(1e4 * dense[:, columns] / np.maximum(size, 1)[:, None])
    found = log_values(counts, rows, columns, size, 1e4)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-6)


def test_a_count_of_zero_that_is_stored_is_no_molecule(counts):
    stored = counts.copy()
    stored.data[:9] = 0
    np.testing.assert_array_equal(
        cells_with(stored, np.arange(40)), (stored.toarray() > 0).sum(axis=0)
    )
