"""Classes without labels: found when they are there, not invented when they are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

from hcc_assets.cells.reference import clustering
from hcc_assets.cells.reference.bootstrap import bootstrap
from hcc_assets.cells.reference.teaching import pool
from hcc_assets.study.classes import CELL_CLASSES
from hcc_assets_tests.cells.cohort import cohort


def _truth(cells: object, samples: tuple) -> np.ndarray:
    known = {
        (s.sample_id, b): (c, d)
        for s in samples
        for b, c, d in zip(
            s.truth["barcode"], s.truth["cell_class"], s.truth["doublet"], strict=True
        )
    }
    return np.array(
        [known[cells.sample_ids[s], b] for s, b in zip(cells.sample, cells.barcodes, strict=True)],
        dtype=object,
    )


def test_sure_cells_have_their_true_class() -> None:
    samples = cohort()[:6]
    cells, _ = pool([s.input() for s in samples])
    found = bootstrap(cells, ~clustering.uninformative(cells.symbols))
    truth = _truth(cells, samples)
    single = (found.owner >= 0) & ~truth[:, 1].astype(bool)
    named = np.array(CELL_CLASSES, dtype=object)[found.owner]
    table = pd.crosstab(named[single], truth[single, 0])
    for name in (
        "mast",
        "neutrophil",
        "monocyte",
        "macrophage",
        "dendritic",
        "T",
        "tumour",
        "hepatocyte",
    ):
        if (truth[:, 0] == name).sum() >= 30:
            assert table.loc[name, name] / table.loc[name].sum() >= 0.9, name
    assert single.mean() > 0.8


def test_classes_that_are_not_there_are_not_invented() -> None:
    samples = cohort()[:3]
    blood = ("T", "NK", "B", "monocyte", "neutrophil", "platelet", "plasma")
    from hcc_assets.cells.quality.assessment import assess
    from hcc_assets.cells.reference.teaching import SampleInput
    from hcc_assets_tests.cells.cohort import CONFIG

    inputs = []
    for s in samples:
        part = s.counts[
            s.truth["cell_class"].isin(blood).to_numpy() & ~s.truth["doublet"].to_numpy()
        ].copy()
        inputs.append(SampleInput(s.sample_id, lambda c=part: (c, assess(c, CONFIG)), s.subject_id))
    cells, _ = pool(inputs)
    found = bootstrap(cells, ~clustering.uninformative(cells.symbols))
    names = {CELL_CLASSES[k] for k in np.unique(found.owner[found.owner >= 0])}
    assert not names & {
        "tumour",
        "hepatocyte",
        "cholangiocyte",
        "vascular_endothelial",
        "fibroblast",
        "mast",
    }


def test_kmeans_and_neighbours_are_exact_and_reproducible() -> None:
    rng = np.random.default_rng(1)
    centres = rng.normal(0, 10, (4, 5))
    points = np.repeat(centres, 30, axis=0) + rng.normal(0, 0.1, (120, 5))
    labels = clustering.kmeans(points, 4, 3)
    assert np.array_equal(labels, clustering.kmeans(points, 4, 3))
    assert len({tuple(np.unique(labels[i * 30 : i * 30 + 30])) for i in range(4)}) == 4
    near, lengths = clustering.nearest_neighbours(points, 6)
    distance = ((points[:, None] - points[None]) ** 2).sum(-1)
    np.fill_diagonal(distance, np.inf)
    assert np.array_equal(near, distance.argsort(axis=1, kind="stable")[:, :6])
    np.testing.assert_allclose(lengths**2, np.sort(distance, axis=1)[:, :6], rtol=1e-6)


def test_components_are_as_many_as_genes_allow_and_reproduce_the_cells() -> None:
    rng = np.random.default_rng(0)
    values = sp.csr_matrix(rng.poisson(1.0, (2500, 6)).astype(float))
    scores = clustering.principal_components(values, 40)
    assert scores.shape == (2500, 6)
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-9)
    standard = (values.toarray() - values.toarray().mean(axis=0)) / values.toarray().std(axis=0)
    np.testing.assert_allclose((scores**2).sum(axis=1), (standard**2).sum(axis=1), rtol=1e-9)
    assert (np.diff(scores.var(axis=0)) <= 1e-9).all(), "from the largest down"


def test_threads_change_no_byte() -> None:
    rng = np.random.default_rng(2)
    values = sp.csr_matrix(rng.poisson(0.5, (1500, 300)).astype(float))

    def digest(threads: int) -> bytes:
        with threadpool_limits(threads):
            scores = clustering.principal_components(values, 20)
            near, lengths = clustering.nearest_neighbours(scores, 10)
            labels = clustering.kmeans(scores, 30)
        return b"".join(
            a.tobytes() for a in (clustering.loadings(values, 20)[0], near, lengths, labels)
        )

    assert digest(1) == digest(2)
