"""What a reference knows of its own confidence: from other studies, and from its own held-out
cells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hcc_assets.cells.reference.model import Reference
from hcc_assets.cells.reference.reliability import HELD_OUT, LEFT_OUT, what_is_known
from hcc_assets.cells.reference.temperature import HeldOut
from hcc_assets.study.classes import CELL_CLASSES
from hcc_assets.study.confidence import shipped_confidence
from hcc_assets_tests.cells.calling.test_frozen_calls import stored

T, B = CELL_CLASSES.index("T"), CELL_CLASSES.index("B")


def held_out() -> HeldOut:
    called = np.repeat([T, B], 100)
    right = np.ones(200, dtype=bool)
    right[100:150] = False
    return HeldOut(np.full(200, 0.999), called, right)


def test_without_a_map_posteriors_are_the_confidence() -> None:
    error, curve = what_is_known(held_out(), np.zeros(9, dtype=np.intp), None)
    assert error == {"T": 0.001, "B": 0.499} and curve == ()


def test_a_class_has_the_larger_of_its_own_error_and_that_of_other_studies() -> None:
    shipped = shipped_confidence()
    own = np.full(len(CELL_CLASSES), 100, dtype=np.intp)
    error, curve = what_is_known(held_out(), own, shipped)
    assert error["B"] > 0.4 and error["NK"] == shipped.class_error["NK"]
    assert {b.source for b in curve} == {LEFT_OUT, HELD_OUT}
    assert sum(b.cells for b in curve if b.source == HELD_OUT) == 200


def test_the_map_and_the_curve_stay_with_the_reference() -> None:
    old = Reference.from_parquet_bytes(stored("2"))
    assert old.confidence is None and old.reliability == ()
    shipped = shipped_confidence()
    _, curve = what_is_known(held_out(), np.zeros(9, dtype=np.intp), shipped)
    new = replace(old, confidence=shipped.map, reliability=curve)
    again = Reference.from_parquet_bytes(new.to_parquet_bytes())
    assert again.confidence == shipped.map and again.reliability == curve
    assert again.version == new.version != old.version
