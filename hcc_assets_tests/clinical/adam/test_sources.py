"""Dates of the time-to-event dataset are traced to delivered rows."""

from __future__ import annotations

import pandas as pd

from hcc_assets.clinical.adam.sources import traced
from hcc_assets_tests.clinical.adam.adam_lesions import lesions
from hcc_assets_tests.clinical.safety_frames import (
    exposure,
)


def test_dates_are_traced_to_delivered_rows() -> None:
    day, cutoff = pd.Timestamp("2024-05-06"), pd.Timestamp("2024-12-31")
    times = pd.DataFrame(
        [
            ("S1", day, "DM", "DTHDTC"),  # of a DS record, since DM has no date
            ("S1", cutoff, "DS", "DSSTDTC"),
            ("S1", pd.Timestamp("2024-01-01"), "RESPONSES", "ADT"),  # moved to first dose
            ("S1", pd.Timestamp("2024-03-03"), "TR", "TRDTC"),  # no row has it
        ],
        columns=["USUBJID", "ADT", "SRCDOM", "SRCVAR"],
    )
    given = {
        "subjects": pd.DataFrame({"USUBJID": ["S1"], "DTHDT": [pd.NaT]}),
        "exposure": exposure(("S1", 300, "2024-01-01", "2024-05-31")),
        "tumour_assessments": lesions(),
        "best_responses": pd.DataFrame({"USUBJID": ["S1"], "EVALUATOR": ["INVESTIGATOR"]}),
        "disposition": pd.DataFrame(
            {"USUBJID": ["S1"], "DOMAIN": ["DS"], "DSSTDT": [day], "SRCROW": [7]}
        ),
    }
    found = traced(times, given, cutoff)
    assert found[["SRCDOM", "SRCVAR"]].agg(".".join, axis=1).tolist() == [
        "DS.DSSTDTC",
        "ADSL.DCUTDT",
        "EX.EXSTDTC",
        "TR.TRDTC",
    ]
    assert found["SRCSEQ"].isna().tolist() == [False, True, False, True]
