"""Agreement of samples in expression: the form in which the sums are kept is no part of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from hcc_assets.cells.identity.agreement import expression_agreement


def bulk(subject: int, sample: int, *, kept_sparse: bool) -> AnnData:
    """Two classes of a sample; what marks its subject is in every third gene."""
    rng, mark = np.random.default_rng(sample), np.random.default_rng(1000 + subject)
    level = 200 * np.where(np.arange(90) % 3, 1.0, mark.lognormal(0, 1, 90))
    sums = rng.poisson(level, (2, 90))
    obs = pd.DataFrame({"cell_class": ["T", "B"], "n_cells": [50, 40]}, index=["T", "B"])
    return AnnData(
        sparse.csr_matrix(sums) if kept_sparse else sums,
        obs=obs,
        var=pd.DataFrame(index=[f"g{i}" for i in range(90)]),
    )


def test_sparse_and_dense_sums_agree_and_own_samples_are_most_alike() -> None:
    found = []
    for kept_sparse in (False, True):
        bulks = {
            f"{s}-{t}": bulk(s, 2 * s + (t == "post"), kept_sparse=kept_sparse)
            for s in range(3)
            for t in ("pre", "post")
        }
        found.append(expression_agreement(bulks, {name: name.split("-")[1] for name in bulks}))
    pd.testing.assert_frame_equal(*found)
    table = found[0]
    for name in table.index:
        assert str(table.loc[name].drop(name).idxmax()).split("-")[0] == name.split("-")[0]
