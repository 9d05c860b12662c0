"""Differences of endpoint tables and their causes."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from hcc_assets.clinical.endpoints import changes
from hcc_assets.clinical.endpoints.best_response import derive_best_responses, response_rates
from hcc_assets.clinical.endpoints.time_to_event import derive_time_to_event
from hcc_assets.clinical.recist.responses import derive_responses
from hcc_assets.stats.kaplan_meier import summarise
from hcc_assets.study.config import Recist, StudyConfig
from hcc_assets_tests.clinical.endpoint_frames import assessments, disposition, subjects, visit


def version(
    rows: list[dict[str, Any]], config: StudyConfig | None = None
) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    config = config or StudyConfig()
    flat = assessments(rows)
    people = subjects([{"USUBJID": s, "TRTSDT": pd.Timestamp("2024-01-01")} for s in ("S1", "S2")])
    inputs = {"subjects": people, "tumour_assessments": flat, "disposition": disposition([])}
    responses = derive_responses(people, flat, config)
    best = derive_best_responses(people, flat, responses, inputs["disposition"], config)
    times = derive_time_to_event(people, flat, responses, inputs["disposition"], config)
    tables = {
        "responses": responses,
        "best_responses": best,
        "time_to_event": times,
        "response_rates": response_rates(best),
        "pfs_summary": summarise(times, config),
    }
    return inputs, tables


def compare(before: Any, after: Any) -> pd.DataFrame:
    return changes.endpoint_changes(before[1], after[1], changes.input_causes(before[0], after[0]))


FIRST = [
    *visit(0, -10, T01=100),
    *visit(1, 42, T01=60),
    *visit(0, -10, "S2", T01=50),
    *visit(1, 42, "S2", T01=50),
]


def test_no_change_and_first_version_have_no_rows() -> None:
    one = version(FIRST)
    assert compare(one, version(list(reversed(FIRST)))).empty
    assert changes.endpoint_changes({}, one[1], changes.Causes()).empty


def test_new_visit_is_new_data_for_its_subject_only() -> None:
    found = compare(version(FIRST), version([*FIRST, *visit(2, 84, T01=60)]))
    assert set(found["why"]) == {"new data"}
    assert set(found["subject_id"].dropna()) == {"S1"}
    cbor = found[(found["asset"] == "best_responses") & (found["field"] == "CBOR")].iloc[0]
    assert (cbor["from"], cbor["to"], cbor["key"]) == ("SD", "PR", "CRITERION=RECIST 1.1")
    visit_row = found[found["asset"] == "responses"].iloc[0]
    assert (visit_row["field"], visit_row["from"], visit_row["to"]) == ("OVRLRESP", None, "PR")
    assert visit_row["key"] == "EVALUATOR=INVESTIGATOR, CRITERION=RECIST 1.1, VISITNUM=2"
    assert "response_rates" in set(found["asset"])


def test_corrected_value_and_removed_record_are_corrections() -> None:
    corrected = [*visit(0, -10, T01=100), *visit(1, 42, T01=80), *FIRST[2:]]
    found = compare(version(FIRST), version(corrected))
    assert set(found["why"]) == {"corrected data"}
    row = found[(found["asset"] == "responses") & (found["field"] == "OVRLRESP")].iloc[0]
    assert (row["subject_id"], row["from"], row["to"]) == ("S1", "PR", "SD")
    removed = compare(version(FIRST), version([FIRST[0], *FIRST[2:]]))
    row = removed[(removed["asset"] == "responses")].iloc[0]
    assert (row["from"], row["to"], row["why"]) == ("PR", None, "corrected data")


def test_equivocal_lesion_confirmed_later_changes_a_past_visit_as_new_data() -> None:
    base = [*visit(0, -10, T01=50), *visit(1, 42, T01=50, NEW01="EQUIVOCAL")]
    found = compare(version(base), version([*base, *visit(2, 84, T01=50, NEW01="UNEQUIVOCAL")]))
    past = found[
        (found["asset"] == "responses")
        & found["key"].str.endswith("VISITNUM=1")
        & (found["field"] == "OVRLRESP")
    ].iloc[0]
    assert (past["from"], past["to"], past["why"]) == ("SD", "PD", "new data")


def test_another_setting_is_a_re_derivation() -> None:
    rows = [*FIRST, *visit(2, 84, T01=71), *visit(3, 126, T01=60)]
    found = compare(version(rows), version(rows, StudyConfig(recist=Recist(max_sd_between=1))))
    assert set(found["why"]) == {"re-derivation"}
    assert "CBOR" in set(found["field"])


def test_causes_tell_filled_values_from_changed_ones() -> None:
    before, after = version(FIRST)[0], version(FIRST)[0]
    filled = after | {"subjects": after["subjects"].assign(DTHDTC=["2024-05-01", None])}
    assert changes.input_causes(before, filled) == changes.Causes(new=frozenset({"S1"}))
    assert changes.input_causes(filled, before) == changes.Causes(corrected=frozenset({"S1"}))
    contact = {
        "USUBJID": "S2",
        "DOMAIN": "SS",
        "DSDECOD": "ALIVE",
        "DSSTDTC": "2024-03-01",
        "DSSTDT": pd.Timestamp("2024-03-01"),
    }
    early = before | {"disposition": disposition([contact])}
    moved = before | {
        "disposition": disposition(
            [contact | {"DSSTDTC": "2024-04-01", "DSSTDT": pd.Timestamp("2024-04-01")}]
        )
    }
    assert changes.input_causes(early, moved) == changes.Causes(new=frozenset({"S2"}))
    assert changes.input_causes({}, before).new == {"S1", "S2"}
    assert changes.input_causes(before, {}).corrected == {"S1", "S2"}


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
def test_repeated_records_are_paired_whatever_their_order(order: list[int]) -> None:
    repeats = [*FIRST, *visit(1, 42, T01=60)]
    before = version(repeats)[0]
    shuffled = before["tumour_assessments"].iloc[[*order, 3, 4]].reset_index(drop=True)
    assert (
        changes.input_causes(before, before | {"tumour_assessments": shuffled}) == changes.Causes()
    )
