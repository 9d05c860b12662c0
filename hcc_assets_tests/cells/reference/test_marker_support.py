"""From which support on the markers of a class are missing: learned from its own cells, kept in the
header of the reference, and one number for all in references made before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from hcc_assets.cells.calling.annotation import decide
from hcc_assets.cells.calling.class_posterior import ClassPosterior
from hcc_assets.cells.calling.marker_evidence import MarkerEvidence
from hcc_assets.cells.reference.marker_support import UNSUPPORTED, support_limits, support_of
from hcc_assets.cells.reference.model import Reference
from hcc_assets.cells.reference.training import TrainingCells
from hcc_assets.study.classes import CELL_CLASSES
from hcc_assets_tests.cells.calling.test_frozen_calls import stored

CLASS = CELL_CLASSES.index
NONE = CLASS("unassigned")


def _taught(reference: Reference, foreign: int = 0) -> tuple[TrainingCells, np.ndarray]:
    """Cells drawn from the profiles of a reference and their classes; behind them ``foreign`` cells
    of the mean profile that are called T."""
    rng = np.random.default_rng(3)
    each = 150
    owner = np.repeat(reference.owner, each)
    rate = np.repeat(reference.shares.astype(float), each, axis=0)
    if foreign:
        rate = np.concatenate([rate, np.tile(rate.mean(axis=0), (foreign, 1))])
        owner = np.concatenate([owner, np.full(foreign, CLASS("T"))])
    size = np.exp(rng.uniform(np.log(1000), np.log(4000), len(owner)))
    counts = sp.csr_matrix(rng.poisson(size[:, None] * rate).astype(np.int32))
    soup = rate.mean(axis=0)
    cells = TrainingCells(
        counts,
        reference.genes,
        reference.symbols,
        np.arange(len(owner)) % 2,
        np.stack([soup, soup]) / soup.sum(),
        0.02 * size,
        np.arange(len(owner)).astype(str).astype(object),
        ("a", "b"),
        np.arange(2),
    )
    return cells, owner


def test_limits_cost_their_class_next_to_nothing() -> None:
    reference = Reference.from_parquet_bytes(stored(""))
    cells, owner = _taught(reference)
    limits = support_limits(cells, owner, reference)
    assert {"monocyte", "dendritic"} <= set(limits)
    assert all(UNSUPPORTED < v <= -1 for v in limits.values())
    best, support = support_of(cells, reference, np.arange(len(owner)))
    for name, limit in limits.items():
        mine = (owner == CLASS(name)) & (reference.owner[best] == CLASS(name))
        assert (np.round(support[mine], 3) < limit).mean() <= 0.005


def test_a_class_whose_cells_lack_markers_keeps_a_wide_limit() -> None:
    reference = Reference.from_parquet_bytes(stored(""))
    clean = support_limits(*_taught(reference), reference)
    mixed = support_limits(*_taught(reference, foreign=100), reference)
    assert mixed.get("T", UNSUPPORTED) <= clean.get("T", UNSUPPORTED)
    assert {c: v for c, v in mixed.items() if c != "T"} == {
        c: v for c, v in clean.items() if c != "T"
    }


def test_few_cells_and_the_cells_of_no_class_have_no_limit() -> None:
    reference = Reference.from_parquet_bytes(stored(""))
    cells, owner = _taught(reference)
    few = np.where((owner == CLASS("NK")) & (np.cumsum(owner == CLASS("NK")) > 15), NONE, owner)
    assert not {"NK", "unassigned"} & set(support_limits(cells, few, reference))


def test_limits_are_of_the_header_and_old_references_have_none() -> None:
    data = stored("2")
    old = Reference.from_parquet_bytes(data)
    assert old.unsupported == {}
    new = replace(old, unsupported={"T": -1.25, "NK": -1.0})
    assert new.version != old.version
    again = Reference.from_parquet_bytes(new.to_parquet_bytes())
    assert again.unsupported == new.unsupported and again.version == new.version
    assert replace(new, unsupported={}).to_parquet_bytes() == old.to_parquet_bytes()


@pytest.mark.parametrize(("support", "old", "new"), [(-0.9, 0, 0), (-2.0, 0, 1), (-3.1, 1, 1)])
def test_a_cell_without_the_markers_of_its_class_is_none_of_these(
    support: float, old: int, new: int
) -> None:
    before = Reference.from_parquet_bytes(stored(""))
    after = replace(before, unsupported={"monocyte": -1.0})
    p = np.zeros((1, len(CELL_CLASSES)))
    p[0, CLASS("monocyte")] = 1.0
    found = ClassPosterior(p, np.zeros(1), np.array([support]))
    nothing = MarkerEvidence(np.array([-1]), np.zeros(1, dtype=bool))
    for reference, lost in ((before, old), (after, new)):
        called = decide(found, nothing, reference)[0][0]
        assert called == (NONE if lost else CLASS("monocyte"))
