"""Ids, dates and numbers that a spreadsheet or a site spells otherwise, each beside good ones in
one export: what is published, and which check says what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hcc_assets.clinical.recist.responses import BLOCKED_REASON
from hcc_assets_tests.faults.homes import (
    SETTINGS,
    THIRD,
    Seen,
    Tables,
    attempt_all,
    clinical,
    deliver,
    quarantined,
    refresh,
    without_figures,
)

BringUp = Callable[[Path], Seen]

NBSP = "\u00a0"


@dataclass(frozen=True)
class Spoilt:
    """One cell of a delivery as it was sent, and what must come of it: check, severity and words of
    its sentence."""

    domain: str
    column: str
    value: str
    check: str
    severity: str
    words: str


@dataclass(frozen=True)
class Brought:
    """A delivery, the row and subject of each spoilt cell, and what stands after the refresh;
    ``clean`` is the same delivery without the cells."""

    seen: Seen
    clean: Seen
    places: dict[str, tuple[int, str]]

    def row(self, table: str, name: str, *, clean: bool = False) -> dict[str, Any]:
        """The published row of a spoilt cell."""
        frame = (self.clean if clean else self.seen).table(table)
        number, subject = self.places[name]
        return frame[(frame["SRCROW"] == number) & (frame["USUBJID"] == subject)].iloc[0].to_dict()


@pytest.fixture(
    scope="module", params=["engine", pytest.param("refresh", marks=pytest.mark.faults)]
)
def bring_up(request: pytest.FixtureRequest) -> BringUp:
    """Through the engine, and in the long form through Dagster as ``hcc refresh`` does."""
    return {"engine": attempt_all, "refresh": refresh}[request.param]


def brought(root: Path, tables: Tables, bring_up: BringUp) -> Seen:
    root.mkdir(parents=True)
    (root / "study.toml").write_text(SETTINGS)
    deliver(root, tables, THIRD.isoformat())
    with pytest.MonkeyPatch.context() as patch, without_figures():
        for name in ("DAGSTER_HOME", "HCC_HOME"):
            patch.setenv(name, "")
            patch.delenv(name)
        return bring_up(root)


def texts(seen: Seen) -> str:
    """Everything that is told of a home: findings, reasons, status, alerts, the report and the
    query letters."""
    pages = [p.read_text() for p in (seen.root / "published").glob("*.html")]
    return "\n".join(
        [
            seen.table("data_issues").to_csv(),
            str(quarantined(seen.root)),
            str(seen.status),
            str(seen.alerts),
            str(seen.troubled),
            *pages,
        ]
    )


def finding(seen: Seen, check: str, domain: str, row: int) -> dict[str, Any]:
    issues = seen.table("data_issues")
    found = issues[(issues["check_id"] == check) & (issues["row_key"] == f"{domain} row {row}")]
    there = sorted(zip(issues["check_id"], issues["row_key"].astype(str), strict=True))
    assert len(found) == 1, f"{check} at {domain} row {row}: {there}"
    return dict(found.iloc[0])


# --- 24: ids --------------------------------------------------------------------------------------

IDS = ("001", "1E5", "0010", "1.0", "TRUE", "NA-1")
"""Ids that a spreadsheet or a careless reader turns into 1, 100000, 10, 1, a boolean, nothing."""


@pytest.fixture(scope="module")
def ids(scratch: Path, bring_up: BringUp) -> tuple[Seen, dict[str, str], Tables]:
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
    return brought(scratch / f"odd-ids-{bring_up.__name__}", tables, bring_up), spelt, tables


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


@pytest.mark.parametrize(
    ("subject", "words"),
    [("S-0", "letter case differs"), ("001", "the subject is not in DM; correct USUBJID")],
)
def test_fault_24_another_case_or_a_lost_zero_is_never_mapped(
    ids: tuple[Seen, dict[str, str], Tables], subject: str, words: str
) -> None:
    """The rows stand under the id that was sent, an E finding each, and count for nobody."""
    seen, spelt, tables = ids
    rows = tables["ae"].index[tables["ae"]["USUBJID"] == spelt[subject]] + 1
    assert len(rows)
    for row in rows:
        found = finding(seen, "AE01", "ae", row)
        assert found["severity"] == "E" and words in found["message"]
    events = seen.table("adverse_events")
    assert subject not in set(events["USUBJID"])
    outside = {spelt[s] for s in ("S-0", "001")}
    summary = seen.table("ae_summary").query("table == 'OVERVIEW' and term == 'ANY TEAE'")
    counted = (
        events[~events["USUBJID"].isin(outside)].query("TRTEMFL == 'Y'")
        if "TRTEMFL" in events
        else None
    )
    treated = set(tables["ex"]["USUBJID"])
    assert summary["n"].iloc[0] == len(treated)
    most = (
        len(set(events["USUBJID"]) - outside) if counted is None else counted["USUBJID"].nunique()
    )
    assert 0 < summary["patients"].iloc[0] <= most


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


# --- 25 and 27: dates, numbers, units -------------------------------------------------------------

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
def cells(scratch: Path, bring_up: BringUp) -> Brought:
    """Each spoilt cell in a row of its own; what blocks a subject, in a subject of its own, so that
    good subjects remain."""
    tables = {
        d: f.reset_index(drop=True).astype(object)
        for d, f in clinical(THIRD, subjects=SUBJECTS).items()
    }
    clean = brought(
        scratch / f"good-values-{bring_up.__name__}",
        {d: f.copy() for d, f in tables.items()},
        bring_up,
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
        brought(scratch / f"odd-values-{bring_up.__name__}", tables, bring_up), clean, places
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


@pytest.mark.parametrize("name", [n for n, c in CELLS.items() if c.severity == "E"])
def test_fault_25_and_27_a_subject_in_doubt_is_left_out_and_the_others_are_as_they_were(
    cells: Brought, name: str
) -> None:
    _, subject = cells.places[name]
    now, before = cells.seen.table("responses"), cells.clean.table("responses")
    assert subject in set(before["USUBJID"])
    assert set(now.loc[now["USUBJID"] == subject, "REASON"]) == {BLOCKED_REASON}
    best = cells.seen.table("best_responses").set_index("USUBJID")
    assert subject not in best.index or (
        best.loc[subject, "BLOCKED"] and best.loc[subject, "BOR"] == "NE"
    )
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
    place: Path, cells: Brought, bring_up: BringUp
) -> None:
    """The whole table with decimal commas gives the numbers of the table with points, and is
    told."""
    tables = {d: f.reset_index(drop=True) for d, f in clinical(THIRD, subjects=SUBJECTS).items()}
    for column in ("TRORRES", "TRSTRESC", "TRSTRESN"):
        tables["tr"][column] = tables["tr"][column].map(
            lambda v: str(v).replace(".", ",") if pd.notna(v) else v
        )
    assert tables["tr"]["TRORRES"].str.contains(",", regex=False).any()
    seen = brought(place / "home", tables, bring_up)
    assert not seen.troubled
    pd.testing.assert_frame_equal(seen.table("responses"), cells.clean.table("responses"))
    told = seen.table("data_issues").query("check_id == 'RD07'")
    assert list(told["domain"]) == ["TR"] and "decimal comma" in told["message"].iloc[0]
