"""Bounds of endpoints: causes for which a random trial with spoilt cells once had its truth outside
them, each by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hcc_assets.catalogue.endpoints.responses_bounds import responses_bounds
from hcc_assets.clinical.endpoints import worlds
from hcc_assets.study.config import Pfs, StudyConfig
from hcc_assets_tests.clinical.delivered_trial import CUTOFF, Derived, delivered
from hcc_assets_tests.clinical.spoilt_truth import bounds_of


def _bounds(folder: Path, scans: str, policy: str = "PFS_TP", **more: str) -> dict[str, Any]:
    config = StudyConfig(pfs=Pfs(primary=policy))  # type: ignore[arg-type]
    delivered(folder, scans, **more)
    return {
        str(k): v
        for k, v in bounds_of(Derived(folder, config, CUTOFF), config, CUTOFF).iloc[0].items()
    }


def test_a_nameless_row_is_of_the_target_that_has_no_row_of_its_test(tmp_path: Path) -> None:
    """A perpendicular of the lesion at that visit does not make the row another lesion's."""
    row = _bounds(
        tmp_path,
        """
        S1,0,2023-12-20,T01,TARGET,LIVER,LDIAM,48,
        S1,1,2024-02-12,T01,TARGET,LIVER,LDIAM,48,
        S1,2,2024-03-25,,TARGET,LIVER,LDIAM,28.8,
        S1,2,2024-03-25,T01,TARGET,LIVER,LPERP,23,
        S1,3,2024-05-06,T01,TARGET,LIVER,LDIAM,32,""",
    )
    assert "TR30" in row["REASON"] and row["CBOR_BEST"] == "PR"


def test_an_undated_visit_can_lie_before_a_row_without_number(tmp_path: Path) -> None:
    """Visit 1 has no date, the row of visit 2 no number: 28.2 is progression against 23."""
    row = _bounds(
        tmp_path,
        """
        S1,0,2023-12-20,T01,TARGET,LYMPH NODE,SAXIS,29,
        S1,1,12.02.2024,T01,TARGET,LYMPH NODE,SAXIS,23,
        S1,two,2024-03-25,T01,TARGET,LYMPH NODE,SAXIS,28.2,
        S1,3,2024-05-06,T01,TARGET,LYMPH NODE,SAXIS,25,
        S1,4,2024-06-17,T01,TARGET,LYMPH NODE,SAXIS,4,""",
    )
    assert row["BOR"] == "CR" and row["BOR_WORST"] in ("SD", "PD")
    assert row["PFS_EVENT_MIN"] == row["PFS_DAYS_MIN"] == 85


def test_a_row_without_number_can_be_of_a_visit_without_date(tmp_path: Path) -> None:
    row = _bounds(
        tmp_path,
        """
        S1,0,2023-12-20,NT01,NON-TARGET,LIVER,TUMSTATE,PRESENT,
        S1,0,2023-12-20,T01,TARGET,LYMPH NODE,SAXIS,17,
        S1,1,2024-02-12,NT01,NON-TARGET,LIVER,TUMSTATE,PRESENT,
        S1,1,2024-02-12,T01,TARGET,LYMPH NODE,SAXIS,17,
        S1,x,2024-03-25,NT01,NON-TARGET,LIVER,TUMSTATE,ABSENT,
        S1,2,,T01,TARGET,LYMPH NODE,SAXIS,0,""",
    )
    assert row["BOR_BEST"] == "CR"


def test_the_rows_of_a_visit_without_any_date_are_dated_together(tmp_path: Path) -> None:
    row = _bounds(
        tmp_path,
        """
        S1,0,2023-12-20,T01,TARGET,LYMPH NODE,SAXIS,24,
        S1,0,2023-12-20,T02,TARGET,LYMPH NODE,SAXIS,15,
        S1,1,12.02.2024,T01,TARGET,LYMPH NODE,SAXIS,10,
        S1,1,2024-13-01,T02,TARGET,LYMPH NODE,SAXIS,4,""",
    )
    assert (row["BOR"], row["BOR_BEST"]) == ("NE", "PR")


def test_the_first_dose_is_tried_where_the_gap_turns(tmp_path: Path) -> None:
    """Progression 110 days after the earliest possible first dose is censored, 77 days after the
    latest is an event on day 78: the longest PFS is the event on day 99, at a gap of 98 days."""
    row = _bounds(
        tmp_path,
        """
        S1,0,2024-01-07,T01,TARGET,LIVER,LDIAM,40,
        S1,1,2024-04-26,T01,TARGET,LIVER,LDIAM,60,""",
        "PFS_FDA",
        dm="USUBJID,RFICDTC\nS1,2023-12-23\n",
        ex="USUBJID,EXDOSE,EXSTDTC,EXENDTC\n"
        "S1,300,2024-02-31,2024-02-09\nS1,300,2024-02-09,2024-12-01\n",
    )
    assert row["PFS_DAYS"] == 1 and row["PFS_DAYS_MIN"] == 1
    assert (row["PFS_DAYS_MAX"], row["PFS_CNSR_MAX"]) == (99, 0)


def test_a_partial_first_dose_is_between_the_baseline_and_the_next_dose(tmp_path: Path) -> None:
    """Also where a row of the baseline has no number and is a visit of its own."""
    row = _bounds(
        tmp_path,
        """
        S1,0,2024-02-02,T01,TARGET,LIVER,LDIAM,52,
        S1,x,2024-02-02,NT01,NON-TARGET,LIVER,TUMSTATE,PRESENT,
        S1,1,2024-04-06,T01,TARGET,LIVER,LDIAM,57,
        S1,1,2024-04-06,NT01,NON-TARGET,LIVER,TUMSTATE,PRESENT,""",
        dm="USUBJID,RFICDTC\nS1,2024-01-21\n",
        ex="USUBJID,EXDOSE,EXSTDTC,EXENDTC\nS1,300,2024,2024-03-09\nS1,300,2024-03-10,2024-06-01\n",
    )
    assert "EX12" in row["REASON"]
    assert (row["BOR_BEST"], row["BOR_WORST"]) == ("SD", "NE")  # day 41 is no stable disease
    assert (row["PFS_DAYS_MIN"], row["PFS_DAYS_MAX"]) == (28, 65)


LENGTHS = """
    S1,0,2023-12-20,T01,TARGET,LIVER,LDIAM,60,
    S1,0,2023-12-20,T02,TARGET,LIVER,LDIAM,37,
    S1,1,2024-02-12,T01,TARGET,LIVER,LDIAM,42?,
    S1,1,2024-02-12,T02,TARGET,LIVER,LDIAM,2x,
    S1,2,2024-03-25,T01,TARGET,LIVER,LDIAM,42,
    S1,2,2024-03-25,T02,TARGET,LIVER,LDIAM,24,"""


@pytest.mark.parametrize("most", [512, 10])
def test_values_that_do_not_fit_into_the_grid_are_tried_at_the_extremes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Each of two unknown lengths has its threshold where the other one puts it: a confirmed PR
    needs both near what they are later."""
    monkeypatch.setattr(worlds, "MAX_RESOLUTIONS", most)
    row = _bounds(tmp_path, LENGTHS)
    assert not row["WIDEST"]
    assert (row["CBOR_BEST"], row["BOR_WORST"]) == ("PR", "PD")
    assert (row["PFS_DAYS_MIN"], row["PFS_DAYS_MAX"]) == (43, 85)


SMALL = """
    S1,0,2023-12-20,T01,TARGET,LIVER,LDIAM,50,
    S1,1,2024-02-12,T01,TARGET,LIVER,LDIAM,48,
    S1,2,2024-03-25,T01,TARGET,LIVER,LDIAM,30,"""


def test_a_result_beside_not_done_counts_or_does_not(tmp_path: Path) -> None:
    delivered(tmp_path, SMALL)
    lines = (tmp_path / "tr.csv").read_text().splitlines()
    marked = [f"{line},{'NOT DONE' if '03-25' in line else ''}" for line in lines[1:]]
    (tmp_path / "tr.csv").write_text("\n".join([f"{lines[0]},TRSTAT", *marked]) + "\n")
    config = StudyConfig()
    row = bounds_of(Derived(tmp_path, config, CUTOFF), config, CUTOFF).iloc[0]
    assert row["REASON"] == "TR34"
    assert (row["BOR"], row["BOR_BEST"], row["BOR_WORST"]) == ("SD", "PR", "SD")


def test_a_result_of_a_test_that_is_not_read_is_unknown(tmp_path: Path) -> None:
    row = _bounds(tmp_path, SMALL.replace("LDIAM,30", "DIAMETER,30"))
    assert row["REASON"] == "TR35"
    assert (row["BOR_BEST"], row["PFS_EVENT_MIN"]) == ("CR", 85)  # any length, as without a result


def test_a_record_that_ends_before_it_starts_can_be_the_first_dose(tmp_path: Path) -> None:
    ex = (
        "USUBJID,EXDOSE,EXSTDTC,EXENDTC\n"
        "S1,300,2025-01-01,2024-01-14\nS1,300,2024-01-15,2024-12-01\n"
    )
    row = _bounds(tmp_path, SMALL, ex=ex)
    assert "EX01" in row["REASON"]
    assert row["PFS_DAYS_MAX"] >= 85  # 2024-03-25 from 2024-01-01


def test_a_first_dose_without_day_consent_or_baseline_leaves_everything_open(
    tmp_path: Path,
) -> None:
    row = _bounds(
        tmp_path,
        "S1,1,2024-02-12,T01,TARGET,LIVER,LDIAM,48,",
        dm="USUBJID,RFICDTC\nS1,x\n",
        ex="USUBJID,EXDOSE,EXSTDTC,EXENDTC\nS1,300,,2024-01-14\nS1,300,2024-01-15,2024-12-01\n",
    )
    assert row["WIDEST"] and "EX10" in row["REASON"]


def test_bounds_do_not_look_at_the_state_of_a_query() -> None:
    """A confirmation stops the question and narrows no bound (ADR 0053)."""
    assert not {"queries", "confirmations"} & set(responses_bounds.reads)
    assert "clinical_checks" in responses_bounds.reads
