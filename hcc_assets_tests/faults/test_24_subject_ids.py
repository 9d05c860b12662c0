"""Ids that a spreadsheet or a site spells otherwise, beside good ones in one export: what is
published, and which check says what."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from hcc_assets.clinical.recist.responses import BLOCKED_REASON
from hcc_assets_tests.faults.homes import (
    THIRD,
    Seen,
    Tables,
    clinical,
    refresh,
)
from hcc_assets_tests.faults.spoilt_values import BringUp, brought, finding, texts

NBSP = "\u00a0"

IDS = ("001", "1E5", "0010", "1.0", "TRUE", "NA-1")
"""Ids that a spreadsheet or a careless reader turns into 1, 100000, 10, 1, a boolean, nothing."""


@pytest.fixture(scope="module")
def ids(scratch: Path, bring_up_once: BringUp) -> tuple[Seen, dict[str, str], Tables]:
    """Odd ids in every domain alike; then, in AE alone: one full-width, one with a non-breaking
    blank, one in lower case, one as its number."""
    tables = {d: f.reset_index(drop=True) for d, f in clinical(THIRD).items()}
    subjects = sorted(tables["dm"]["USUBJID"])
    assert len(subjects) >= len(IDS) + 2
    new = dict(
        zip(subjects, (*IDS, *(f"S-{i}" for i in range(len(subjects) - len(IDS)))), strict=True)
    )
    tables = {d: f.assign(USUBJID=f["USUBJID"].map(new)) for d, f in tables.items()}
    ae = tables["ae"]
    spelt = {"1E5": "１Ｅ５", "0010": f"0010{NBSP}", "S-0": "s-0", "001": "1"}
    ae["USUBJID"] = ae["USUBJID"].replace(spelt)
    return (
        brought(scratch / f"odd-ids-{bring_up_once.__name__}", tables, bring_up_once),
        spelt,
        tables,
    )


def test_fault_24_ids_are_published_as_they_were_sent(
    ids: tuple[Seen, dict[str, str], Tables],
) -> None:
    seen, _, tables = ids
    assert not seen.troubled
    expected = set(tables["dm"]["USUBJID"])
    assert set(IDS) <= expected
    assert set(seen.table("subjects")["USUBJID"]) == expected
    text = pd.read_csv(seen.root / "published" / "subjects.csv", dtype=str, keep_default_na=False)
    assert {value.strip("'=\"") for value in text["USUBJID"]} == expected
    assert set(seen.table("best_responses")["USUBJID"]) == set(tables["ex"]["USUBJID"])


@pytest.mark.parametrize("subject", ["1E5", "0010"])
def test_fault_24_full_width_and_non_breaking_blanks_are_folded_and_told(
    ids: tuple[Seen, dict[str, str], Tables], subject: str
) -> None:
    seen, spelt, tables = ids
    rows = tables["ae"].index[tables["ae"]["USUBJID"] == spelt[subject]] + 1
    assert len(rows)
    events = seen.table("adverse_events")
    assert set(events.loc[events["SRCROW"].isin(rows), "USUBJID"]) == {subject}
    told = seen.table("data_issues").query("check_id == 'RD03' and domain == 'AE'")
    assert (
        len(told) == 1
        and "full-width, non-breaking or invisible characters" in told["message"].iloc[0]
    )
    assert told["severity"].iloc[0] == "I"
    assert spelt[subject] not in texts(seen)


def test_fault_24_another_letter_case_is_the_subject_of_dm_and_is_asked(
    ids: tuple[Seen, dict[str, str], Tables],
) -> None:
    seen, spelt, tables = ids
    rows = tables["ae"].index[tables["ae"]["USUBJID"] == spelt["S-0"]] + 1
    assert len(rows)
    events = seen.table("adverse_events")
    assert set(events.loc[events["SRCROW"].isin(rows), "USUBJID"]) == {"S-0"}
    asked = seen.table("data_issues").query("check_id == 'RD13'")
    assert list(asked["subject_id"]) == ["S-0"] and list(asked["severity"]) == ["Q"]


def test_fault_24_a_lost_zero_is_never_mapped(
    ids: tuple[Seen, dict[str, str], Tables],
) -> None:
    """The rows stand under the id that was sent, an E finding each, and count for nobody."""
    seen, spelt, tables = ids
    rows = tables["ae"].index[tables["ae"]["USUBJID"] == spelt["001"]] + 1
    assert len(rows)
    for row in rows:
        found = finding(seen, "AE01", "ae", row)
        assert found["severity"] == "E"
        assert "the subject is not in DM; correct USUBJID" in found["message"]
    events = seen.table("adverse_events")
    assert "001" not in set(events["USUBJID"])
    summary = seen.table("ae_summary").query("table == 'OVERVIEW' and term == 'ANY TEAE'")
    treated = set(tables["ex"]["USUBJID"])
    assert summary["n"].iloc[0] == len(treated)
    assert 0 < summary["patients"].iloc[0] <= len(set(events["USUBJID"]) & treated)


@pytest.mark.faults
def test_fault_24_one_subject_in_two_cases_is_two_and_both_are_questioned(place: Path) -> None:
    tables = {d: f.reset_index(drop=True) for d, f in clinical(THIRD).items()}
    first = tables["dm"]["USUBJID"].iloc[0]
    tables["dm"] = pd.concat(
        [tables["dm"], tables["dm"].head(1).assign(USUBJID=first.lower())], ignore_index=True
    )
    seen = brought(place / "home", tables, refresh)
    assert {
        (i["check_id"], i["subject_id"]) for i in seen.table("data_issues").to_dict("records")
    } >= {("RD09", first), ("RD09", first.lower())}
    responses = seen.table("responses")
    assert set(responses.loc[responses["USUBJID"] == first, "REASON"]) == {BLOCKED_REASON}
    assert BLOCKED_REASON not in set(responses.loc[responses["USUBJID"] != first, "REASON"])
