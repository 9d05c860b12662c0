"""Counts of best response and agreement of two criteria."""

from __future__ import annotations

import pandas as pd
import pytest

from hcc_assets.clinical.endpoints.response_counts import (
    best_response_counts,
    response_concordance,
)
from hcc_assets.schemas.base import empty
from hcc_assets.schemas.endpoints import OVERALL_WORDS, BestResponses

CRITERIA = ["RECIST 1.1", "mRECIST"]


def _best(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """Rows ``(subject, criterion, BOR, CBOR)``."""
    return pd.DataFrame(rows, columns=["USUBJID", "CRITERION", "BOR", "CBOR"])


def test_every_word_has_its_row_and_its_exact_interval() -> None:
    best = _best(*((f"S{i}", "RECIST 1.1", "PR" if i < 2 else "SD", "SD") for i in range(10)))
    out = best_response_counts(best).set_index(["source", "response"])
    assert len(out) == 2 * len(OVERALL_WORDS) and (out["n"] == 10).all()
    assert (out.at[("BOR", "PR"), "x"], out.at[("CBOR", "PR"), "x"]) == (2, 0)
    assert out.groupby("source")["x"].sum().tolist() == [10, 10]
    # Clopper-Pearson of 2 in 10: binom.test of R
    assert out.at[("BOR", "PR"), "lcl"] == pytest.approx(2.521073, abs=1e-5)
    assert out.at[("BOR", "PR"), "ucl"] == pytest.approx(55.60955, abs=1e-5)
    assert best_response_counts(empty(BestResponses)).empty


def test_two_criteria_are_compared_in_the_same_subjects() -> None:
    best = _best(
        ("S1", "RECIST 1.1", "SD", "SD"),
        ("S1", "mRECIST", "PR", "SD"),
        ("S2", "RECIST 1.1", "PD", "PD"),
        ("S2", "mRECIST", "PD", "PD"),
        ("S3", "RECIST 1.1", "SD", "SD"),
    )
    out = response_concordance(best, CRITERIA)
    pairs = out.set_index(["source", "response", "other_response"])["subjects"]
    assert (out["n"] == 2).all() and out.groupby("source")["subjects"].sum().tolist() == [2, 2]
    assert pairs[("BOR", "SD", "PR")] == pairs[("CBOR", "SD", "SD")] == 1
    alone = best[best["CRITERION"] == "RECIST 1.1"]
    assert response_concordance(alone, CRITERIA).empty
