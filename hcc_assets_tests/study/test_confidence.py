"""The map from posterior to confidence: monotone, keeps every cell on its side of the limit, and
was judged on studies that it had not seen."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from benchmarks.confidence import by_set, class_error, fit, judged, reliability
from hcc_assets.study.confidence import (
    CONFIDENCE_FILE,
    LEAST,
    ConfidenceMap,
    shipped_confidence,
)
from hcc_assets.study.prior import VERSION


def test_more_posterior_and_more_training_cells_never_mean_less_confidence() -> None:
    known = shipped_confidence().map
    p = np.concatenate([np.linspace(0.01, 0.999, 200), [0.9999, 1.0]])
    for own in (0.0, 20.0, 5000.0):
        found = known(p, np.full(len(p), own), np.full(len(p), "T", dtype=object))
        assert (np.diff(found) >= 0).all()
        np.testing.assert_array_equal(found[p < LEAST], p[p < LEAST])
        assert (found[p >= LEAST] >= LEAST).all() and found.max() < 1
    own = np.arange(0.0, 400.0)
    sure = known(np.full(len(own), 1.0), own, np.full(len(own), "NK", dtype=object))
    assert (np.diff(sure) >= 0).all() and sure[-1] > sure[0]


def test_a_class_without_labelled_cells_has_the_mean_of_the_others() -> None:
    known = ConfidenceMap("x", 2.0, 1.0, 1.0, {"T": 1.0})
    one, full = np.ones(1), np.full(1, 500.0)
    tumour = known(one, full, np.array(["tumour"], dtype=object))
    assert tumour == pytest.approx(LEAST + (1 - LEAST) / (1 + np.exp(-2.0)))
    assert known(one, full, np.array(["T"], dtype=object)) > tumour
    assert ConfidenceMap.from_dict(known.to_dict()) == known


def test_the_shipped_table_names_its_sources_and_its_misses() -> None:
    found = json.loads(CONFIDENCE_FILE.read_text(encoding="utf-8"))
    assert found["prior"] == VERSION and len(found["sources"]) >= 3
    sets = pd.DataFrame(found["sets"])
    judged_sets = sets[sets["accuracy"].between(0.75, 1.0)]
    missed = set(judged_sets.loc[judged_sets["error"] > 0.05, "set"].str.split(",").str[0])
    assert len(judged_sets) == 42 and missed == {"Liver_HCA", "dendritic", "blood"}
    assert (judged_sets["error"] > 0.05).sum() == 5
    assert shipped_confidence().reliability and shipped_confidence().class_error["T"] < 0.05


def made(study: str, right: float, n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(len(study))
    named = np.where(rng.random(n) < 0.5, "T", "B")
    return pd.DataFrame(
        {
            "set": f"{study} set",
            "study": study,
            "named": named,
            "confidence": rng.uniform(0.95, 1.0, n),
            "own": 500.0,
            "right": (rng.random(n) < right).astype(float),
        }
    )


def test_the_fit_finds_how_often_calls_are_right_in_studies_left_out() -> None:
    cells = pd.concat([made("a", 0.92), made("bb", 0.9), made("ccc", 0.94)], ignore_index=True)
    found = judged(cells)
    assert found["believed"].mean() == pytest.approx(cells["right"].mean(), abs=0.02)
    sets = by_set(found)
    assert (sets["error"] < 0.05).all() and (sets["error_before"] > sets["error"]).all()
    assert sum(b["cells"] for b in reliability(found)) == len(cells)
    assert set(class_error(found)) == {"T", "B"}
    assert fit(cells).to_dict() == fit(cells).to_dict()
