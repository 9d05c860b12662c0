"""Dates and numbers that a spreadsheet or a site spells otherwise, each beside good ones in
one export: what is published, and which check says what."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from hcc_assets.clinical.recist.responses import BLOCKED_REASON
from hcc_assets_tests.faults.homes import (
    THIRD,
    Seen,
    clinical,
)
from hcc_assets_tests.faults.spoilt_values import BringUp, Brought, Spoilt, brought, finding, texts

CELLS: dict[str, Spoilt] = {
    "25_ambiguous": Spoilt("ae", "AESTDTC", "03/04/2025", "RD06", "Q", "is not guessed"),
    "25_month_name": Spoilt("ae", "AESTDTC", "04MAR2025", "RD06", "Q", "is not guessed"),
    "25_spreadsheet_number": Spoilt("ae", "AESTDTC", "45720", "RD06", "Q", "is not guessed"),
    "25_impossible": Spoilt(
        "ae", "AESTDTC", "2025-02-31", "RD06", "Q", "does not exist in the calendar"
    ),
    "25_partial_month": Spoilt("ae", "AESTDTC", "2025-04", "RD12", "I", "imputed and flagged"),
    "25_impossible_dose": Spoilt(
        "ex", "EXSTDTC", "2025-04-31", "RD06", "E", "does not exist in the calendar"
    ),
    "25_ambiguous_scan": Spoilt("tr", "TRDTC", "05/06/2025", "RD06", "E", "is not guessed"),
    "27_below_detection": Spoilt(
        "tr", "TRORRES", "<LOD", "TR26", "E", "neither a number nor a known word"
    ),
    "27_number_with_unit": Spoilt(
        "tr", "TRORRES", "31.7mm", "TR26", "E", "neither a number nor a known word"
    ),
    "27_wrong_unit": Spoilt("tr", "TRORRESU", "inch", "TR14", "E", "not mm or cm"),
    "27_dose_in_grams": Spoilt("ex", "EXDOSU", "g", "EX02", "E", "EXDOSU is not mg"),
    "27_dose_below": Spoilt("ex", "EXDOSE", "<777", "RD05", "E", "EXDOSE is not a number"),
}
SUBJECTS = 12


@pytest.fixture(scope="module")
def cells(scratch: Path, bring_up_once: BringUp) -> Brought:
    """Each spoilt cell in a row of its own; what blocks a subject, in a subject of its own, so that
    good subjects remain."""
    tables = {
        d: f.reset_index(drop=True).astype(object)
        for d, f in clinical(THIRD, subjects=SUBJECTS).items()
    }
    clean = brought(
        scratch / f"good-values-{bring_up_once.__name__}",
        {d: f.copy() for d, f in tables.items()},
        bring_up_once,
    )
    free = [
        s for s in sorted(tables["ex"]["USUBJID"]) if s in set(clean.table("responses")["USUBJID"])
    ]
    places: dict[str, tuple[int, str]] = {}
    for name, cell in CELLS.items():
        frame = tables[cell.domain]
        usable = ~(frame.index + 1).isin(
            [n for k, (n, _) in places.items() if CELLS[k].domain == cell.domain]
        )
        if cell.severity == "E":
            usable &= (frame["USUBJID"] == free.pop(0)).to_numpy()
        if cell.domain == "tr":
            usable &= (
                (frame["TRTESTCD"] == "LDIAM") & (frame["VISITNUM"].astype(float) > 0)
            ).to_numpy()
        row = frame.index[usable][0]
        frame.loc[row, cell.column] = cell.value
        if cell.column == "TRORRES":
            frame.loc[row, ["TRSTRESC", "TRSTRESN"]] = None
        places[name] = (int(row) + 1, str(frame.loc[row, "USUBJID"]))
    assert len(free) >= 2, "good subjects remain"
    return Brought(
        brought(scratch / f"odd-values-{bring_up_once.__name__}", tables, bring_up_once),
        clean,
        places,
    )


@pytest.mark.parametrize("name", list(CELLS))
def test_fault_25_and_27_a_spoilt_cell_is_told_by_its_check_and_not_echoed(
    cells: Brought, name: str
) -> None:
    cell, (row, subject) = CELLS[name], cells.places[name]
    found = finding(cells.seen, cell.check, cell.domain, row)
    assert (
        found["severity"] == cell.severity
        and cell.words in found["message"]
        and f"{cell.domain} row {row}:" in found["message"]
    )
    assert found["subject_id"] == (subject if cell.check != "RD12" else None)
    if len(cell.value) > 4:
        assert cell.value not in texts(cells.seen)
    assert not cells.seen.troubled, "no table is stopped for it"


def recist(seen: Seen, name: str) -> pd.DataFrame:
    """Rows of the endpoint's criterion; the spoilt cells are its measurements or doses."""
    table = seen.table(name)
    return table[table["CRITERION"] == "RECIST 1.1"]


@pytest.mark.parametrize(
    "name", [n for n, c in CELLS.items() if c.domain == "ex" and c.severity == "E"]
)
def test_fault_25_and_27_a_subject_with_doubtful_doses_is_left_out(
    cells: Brought, name: str
) -> None:
    _, subject = cells.places[name]
    now, before = recist(cells.seen, "responses"), recist(cells.clean, "responses")
    assert subject in set(before["USUBJID"])
    assert set(now.loc[now["USUBJID"] == subject, "REASON"]) == {BLOCKED_REASON}
    best = recist(cells.seen, "best_responses").set_index("USUBJID")
    assert subject not in best.index or (
        best.loc[subject, "BLOCKED"] and best.loc[subject, "BOR"] == "NE"
    )


@pytest.mark.parametrize("name", [n for n, c in CELLS.items() if c.domain == "tr"])
def test_fault_25_and_27_a_spoilt_scan_costs_its_lesion_at_its_visit(
    cells: Brought, name: str
) -> None:
    _, subject = cells.places[name]
    visit = cells.row("tumour_assessments", name, clean=True)["VISITNUM"]
    tables = (recist(s, "responses") for s in (cells.seen, cells.clean))
    now, before = (t[t["USUBJID"] == subject].set_index("VISITNUM") for t in tables)
    assert now.at[visit, "TRGRESP"] in ("NE", "PD") and pd.isna(now.at[visit, "SUMDIAM"])
    assert now.at[visit, "N_ASSESSED"] == before.at[visit, "N_ASSESSED"] - 1
    earlier = now.index[: list(now.index).index(visit)]
    pd.testing.assert_frame_equal(now.loc[earlier], before.loc[earlier])
    best = recist(cells.seen, "best_responses").set_index("USUBJID")
    assert not best.loc[subject, "BLOCKED"]


def test_fault_25_and_27_other_subjects_are_as_they_were(cells: Brought) -> None:
    in_doubt = {cells.places[n][1] for n, c in CELLS.items() if c.severity == "E"}
    for table in ("responses", "best_responses", "time_to_event"):
        found = [s.table(table) for s in (cells.seen, cells.clean)]
        good = [f[~f["USUBJID"].isin(in_doubt)].reset_index(drop=True) for f in found]
        assert len(good[0])
        pd.testing.assert_frame_equal(*good)


@pytest.mark.parametrize("name", [n for n, c in CELLS.items() if c.column == "AESTDTC"])
def test_fault_25_no_day_is_made_up_for_an_event(cells: Brought, name: str) -> None:
    row = cells.row("adverse_events", name)
    if CELLS[name].check == "RD12":
        assert row["AESTDTF"] == "D" and str(row["AESTDT"])[:7] == CELLS[name].value
    else:
        assert pd.isna(row["AESTDT"])
        assert row["AESTDTF"] is None


def test_fault_27_no_number_and_no_unit_is_made_up(cells: Brought) -> None:
    for name in ("27_below_detection", "27_number_with_unit"):
        assert pd.isna(cells.row("tumour_assessments", name)["TRSTRESN"]), name
    unit, was = (
        cells.row("tumour_assessments", "27_wrong_unit"),
        cells.row("tumour_assessments", "27_wrong_unit", clean=True),
    )
    assert unit["TRORRESU"].lower() == "inch" and unit["TRSTRESN"] == was["TRSTRESN"], (
        "nothing is converted"
    )
    assert pd.isna(cells.row("exposure", "27_dose_below")["EXDOSE"])
    grams, was = (
        cells.row("exposure", "27_dose_in_grams"),
        cells.row("exposure", "27_dose_in_grams", clean=True),
    )
    assert grams["EXDOSU"].lower() == "g" and grams["EXDOSE"] == was["EXDOSE"]


@pytest.mark.faults
def test_fault_27_decimal_commas_are_read_where_they_are_sure_and_the_result_is_the_same(
    place: Path, cells: Brought, bring_up_once: BringUp
) -> None:
    """The whole table with decimal commas gives the numbers of the table with points, and is
    told."""
    tables = {d: f.reset_index(drop=True) for d, f in clinical(THIRD, subjects=SUBJECTS).items()}
    for column in ("TRORRES", "TRSTRESC", "TRSTRESN"):
        tables["tr"][column] = tables["tr"][column].map(
            lambda v: str(v).replace(".", ",") if pd.notna(v) else v
        )
    assert tables["tr"]["TRORRES"].str.contains(",", regex=False).any()
    seen = brought(place / "home", tables, bring_up_once)
    assert not seen.troubled
    pd.testing.assert_frame_equal(seen.table("responses"), cells.clean.table("responses"))
    told = seen.table("data_issues").query("check_id == 'RD07'")
    assert list(told["domain"]) == ["TR"] and "decimal comma" in told["message"].iloc[0]
