"""Rows of the report on the subjects."""

from __future__ import annotations

import pandas as pd

from hcc_assets.report.population import baseline, censoring, flow
from hcc_assets.study.config import StudyConfig


def test_characteristics_are_written_as_in_a_paper_and_named_once() -> None:
    rows = [
        ("AGE", None, 2, None, 60.0),
        ("AGE", "MISSING", 1, 100 / 3, None),
        ("CHILD-PUGH CLASS", "A", 2, 200 / 3, None),
        ("CHILD-PUGH CLASS", "B", 0, 0.0, None),
        ("CHILD-PUGH CLASS", "MISSING", 1, 100 / 3, None),
        ("ALBI GRADE", "1", 3, 100.0, None),
    ]
    table = pd.DataFrame(rows, columns=["characteristic", "level", "n", "pct", "mean"])
    table = table.assign(n_subjects=3, sd=1.0, median=60.0, minimum=59.0, maximum=61.0, unit=None)
    shown = baseline({"baseline_characteristics": table})
    assert [r[:3] for r in shown] == [
        ["Age", "", "n 2"],
        ["", "missing", "1 of 3"],
        ["Child-Pugh class", "A", "2 of 3"],
        ["", "missing", "1 of 3"],
        ["ALBI grade", "1", "3 of 3"],
    ]
    assert shown[0][3] == "mean 60.0 (sd 1.0); median 60.0 (59.0 to 61.0)"


def test_before_a_delivery_there_are_no_rows() -> None:
    assert baseline({}) == flow({}) == censoring({}, StudyConfig()) == []


def test_reasons_stand_below_their_step() -> None:
    table = pd.DataFrame(
        {
            "step": ["TREATMENT ENDED", "TREATMENT ENDED"],
            "reason": [None, "ADVERSE EVENT"],
            "n": [2, 1],
            "of_step": ["TREATED", "TREATMENT ENDED"],
        }
    )
    assert flow({"subject_flow": table}) == [
        ["Treatment ended", "2", "Treated"],
        ["– Adverse event", "1", "Treatment ended"],
    ]
