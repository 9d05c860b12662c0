"""Rows and columns in another order, block by block, as from the dense matrix."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from hcc_assets.cells.reading import reordering


@pytest.mark.parametrize("n", [0, 1, 23])
def test_cells_and_features_take_their_places(n, monkeypatch):
    monkeypatch.setattr(reordering, "_ROWS", 5)
    rng = np.random.default_rng(n)
    dense = rng.poisson(0.6, (n, 11)).astype(np.int32)
    cells, features = rng.permutation(n), rng.permutation(11)
    found = reordering.reordered(sp.csr_matrix(dense), cells, features)
    np.testing.assert_array_equal(found.toarray(), dense[cells][:, features])
    assert found.has_sorted_indices and found.dtype == np.int32
    assert found.nnz == (dense > 0).sum()
