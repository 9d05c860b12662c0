"""A batch that goes with the timepoint is seen, declared or not; a balanced one is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from benchmarks.confounding import compare
from hcc_assets.stats.design_confounding import confounded_contrasts, design_confounding
from hcc_assets.study.config import StudyConfig

CLASSES = ("T", "macrophage", "tumour", "fibroblast")
GENES = 1500
CONFIG = StudyConfig()


def sheet(n: int, **factors: list[str]) -> pd.DataFrame:
    rows = [
        {"sample_id": f"P{i}-{t}", "subject_id": f"P{i}", "timepoint": t}
        for i in range(n)
        for t in ("pre", "post")
    ]
    return pd.DataFrame(rows).assign(**factors)


def sums(samples: pd.DataFrame, *, batch: float, seed: int = 0) -> dict[str, AnnData]:
    """Class sums of each sample: every gene of every class moves by ``batch`` (log sd) after
    treatment, in the same way in all of them, and by .3 in a way of its own."""
    rng = np.random.default_rng(seed)
    base = rng.lognormal(0, 1.2, (len(CLASSES), GENES))
    shared = rng.normal(0, batch, GENES)
    own = rng.normal(0, 0.3, (len(CLASSES), GENES))
    var = pd.DataFrame(
        {"gene_id": [f"G{i:04d}" for i in range(GENES)], "gene": [f"g{i}" for i in range(GENES)]},
        index=[f"G{i:04d}" for i in range(GENES)],
    )
    found = {}
    for row in samples.itertuples():
        after = row.timepoint == "post"
        patient = rng.normal(0, 0.3, (len(CLASSES), GENES))
        rate = base * np.exp(patient + after * (shared[None, :] + own))
        rate = rate / rate.sum(axis=1, keepdims=True) * 400_000
        obs = pd.DataFrame({"cell_class": CLASSES, "n_cells": 200}, index=list(CLASSES))
        found[str(row.sample_id)] = AnnData(rng.poisson(rate).astype(float), obs=obs, var=var)
    return found


def verdicts(samples: pd.DataFrame, batch: float, seed: int = 0) -> dict[str, str]:
    table = design_confounding(samples, sums(samples, batch=batch, seed=seed), CONFIG)
    return dict(zip(table["factor"], table["verdict"], strict=True))


def test_a_chemistry_that_changed_with_treatment_is_confounded_whatever_the_number() -> None:
    for n in (3, 8):
        samples = sheet(n, chemistry=["v2", "v3"] * n)
        table = design_confounding(samples, sums(samples, batch=0.0), CONFIG)
        row = table.set_index("factor").loc["chemistry"]
        assert row["verdict"] == "CONFOUNDED" and row["statistic"] == 1.0
        assert row["p_value"] == pytest.approx(2 / 2**n)
        assert confounded_contrasts(table) == {"pre>post"}


def test_a_second_chemistry_for_whole_patients_or_half_of_each_timepoint_is_clear() -> None:
    whole = sheet(8, chemistry=["v2", "v2", "v3", "v3"] * 4)
    crossed = sheet(8, chemistry=["v2", "v3", "v3", "v2"] * 4)
    for samples in (whole, crossed):
        table = design_confounding(samples, sums(samples, batch=0.0), CONFIG)
        assert set(table["verdict"]) == {"CLEAR"}
        assert confounded_contrasts(table) == frozenset()


def test_a_run_for_each_sample_says_nothing() -> None:
    samples = sheet(6, sequencing_run=[f"R{i}" for i in range(12)])
    assert verdicts(samples, 0.0)["sequencing_run"] == "CLEAR"


def test_a_batch_that_nobody_declared_is_seen_in_what_all_classes_share() -> None:
    samples = sheet(8)
    seen = [verdicts(samples, 0.8, seed)["expression"] for seed in range(5)]
    assert set(seen) <= {"WARN", "CONFOUNDED"}
    clean = [verdicts(samples, 0.0, seed)["expression"] for seed in range(5)]
    assert set(clean) == {"CLEAR"}


def test_the_rows_of_samples_may_come_in_any_order() -> None:
    samples = sheet(5, chemistry=["v2", "v3"] * 5)
    data = sums(samples, batch=0.3)
    there = design_confounding(samples, data, CONFIG)
    back = design_confounding(samples[::-1].reset_index(drop=True), data, CONFIG)
    pd.testing.assert_frame_equal(there, back)


def test_what_cannot_be_compared_has_a_statement_and_no_verdict() -> None:
    samples = sheet(4, operator=["A", None] * 4, chemistry=["v3"] * 8)
    table = design_confounding(samples, {}, CONFIG).set_index("factor")
    for factor in ("operator", "expression"):
        assert table.loc[factor, ["statistic", "p_value", "verdict"]].isna().all()
        assert table.loc[factor, "statement"].startswith("not judged: ")
    assert table.loc["chemistry", "verdict"] == "CLEAR"
    assert confounded_contrasts(table.reset_index()) == frozenset()


def test_an_operator_that_changed_with_treatment_is_confounded() -> None:
    samples = sheet(5, operator=["A", "B"] * 5)
    table = design_confounding(samples, {}, CONFIG).set_index("factor")
    assert table.loc["operator", "verdict"] == "CONFOUNDED"
    assert table.loc["operator", "statement"] == "changes with the timepoint in 5 of 5 patients"


def test_confounded_designs_are_flagged_and_clean_ones_are_not() -> None:
    table = compare(designs=8, patients=(5, 8)).set_index(["design", "factor"])
    assert (table.loc["confounded", "flagged"] == 1).all()
    assert (table.loc["clean", "flagged"] == 0).all()
