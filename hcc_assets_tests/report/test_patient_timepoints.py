"""The joint table of biopsies and outcome."""

from __future__ import annotations

import pandas as pd
import pytest

from hcc_assets.report.patient_timepoints import patient_timepoints
from hcc_assets.schemas.base import columns, empty
from hcc_assets.schemas.composition import Compositions
from hcc_assets.schemas.landing import Samples
from hcc_assets.schemas.patient_timepoints import PatientTimepoints
from hcc_assets.study.classes import PRIMARY_CLASSES
from hcc_assets.study.programs import programs

SHEET = pd.DataFrame(
    {
        "sample_id": ["b", "a", "c"],
        "subject_id": ["S1", "S1", "S1"],
        "timepoint": ["pre", "pre", "post"],
        "tissue": "liver",
        "lesion_id": ["T01", None, None],
        "collection_date": pd.to_datetime(["2024-01-02", "2024-01-01", "2024-03-01"]),
    }
)
CELLS = pd.DataFrame(
    [
        {
            "sample_id": sample,
            "subject_id": "S1",
            "timepoint": "pre" if sample in "ab" else "post",
            "denominator": denominator,
            "cell_class": name,
            "n_expected": cells,
            "n_total": 100,
        }
        for sample, share in (("a", 30.0), ("b", 50.0), ("c", 10.0))
        for denominator in ("all", "immune")
        for name, cells in (("T", share), ("unassigned", 100 - share))
    ]
)


def test_a_row_holds_biopsy_composition_programs_and_outcome() -> None:
    scores = pd.DataFrame(
        {
            "sample_id": ["a", "b", "b"],
            "subject_id": "S1",
            "timepoint": "pre",
            "cell_class": ["T", "T", "tumour"],
            "program": "hypoxia",
            "n_cells": [10, 10, 20],
            "score": [1.0, 3.0, None],
        }
    )
    timing = SHEET[["sample_id", "subject_id", "timepoint"]].assign(
        days_from_first_dose=[-4.0, -5.0, 50.0], days_from_last_dose=0.0
    )
    best = pd.DataFrame({"USUBJID": ["S1"], "BOR": ["PR"], "CBOR": ["SD"], "BEST_PCHG": [-31.0]})
    times = pd.DataFrame(
        {"USUBJID": "S1", "PARAMCD": ["PFS_TP", "OS"], "AVAL": [90.0, 200.0], "CNSR": [0, 1]}
    )
    out = patient_timepoints(
        SHEET,
        CELLS,
        denominator="all",
        pfs="PFS_TP",
        program_scores=scores,
        timing=timing,
        best_responses=best,
        time_to_event=times,
    ).set_index("timepoint")
    pre, post = out.loc["pre"], out.loc["post"]
    assert (pre["samples"], pre["lesion_id"], pre["n_cells"]) == ("a b", "T01", 200)
    assert pre["prop_T"] == pytest.approx(0.4) and post["prop_T"] == pytest.approx(0.1)
    assert pre["program_hypoxia"] == pytest.approx(2.0) and pd.isna(post["program_hypoxia"])
    assert (pre["days_from_first_dose"], post["days_from_first_dose"]) == (-5, 50)
    assert (post["BOR"], post["CBOR"], post["BEST_PCHG"]) == ("PR", "SD", -31)
    assert (post["PFS_AVAL"], post["PFS_CNSR"]) == (90, 0)


def test_what_has_not_come_yet_is_null_and_every_class_and_program_has_its_column() -> None:
    out = patient_timepoints(SHEET, CELLS, denominator="all", pfs="PFS_TP")
    assert out["BOR"].isna().all() and out["PFS_AVAL"].isna().all() and len(out) == 2
    wanted = {f"prop_{c}" for c in PRIMARY_CLASSES} | {f"program_{p}" for p in programs()}
    assert wanted <= set(columns(PatientTimepoints))
    nothing = patient_timepoints(
        empty(Samples), empty(Compositions), denominator="all", pfs="PFS_TP"
    )
    assert nothing.empty
