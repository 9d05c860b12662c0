"""Treatment course: a closed record ends nothing, and dosing entry that lags loses no event."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest

from hcc_assets.clinical.checks.run import rows_left_out, run_checks
from hcc_assets.clinical.treatment.course import treatment_course
from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.clinical import Disposition
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.clinical.safety_frames import (
    adverse_events,
    ae_summary,
    exposure,
    exposure_summary,
    line,
    subjects,
)

CONFIG = StudyConfig()
CUTOFF = dt.date(2026, 6, 30)
DAY = pd.Timestamp


def _ds(*rows: tuple[str, str, str | None, str | None]) -> pd.DataFrame:
    """Rows ``(USUBJID, DSDECOD, DSSCAT, date)``."""
    if not rows:
        return empty(Disposition)
    frame = pd.DataFrame(
        [
            {
                "USUBJID": who,
                "DOMAIN": "DS",
                "DSDECOD": word,
                "DSSCAT": category,
                "DSSTDTC": date,
                "DSSTDT": pd.Timestamp(date) if date else pd.NaT,
                "DSSTDTF": None,
                "SRCROW": i + 1,
            }
            for i, (who, word, category, date) in enumerate(rows)
        ]
    )
    return conform(Disposition, frame)


OTHER = ("S9", "INFORMED CONSENT OBTAINED", None, "2025-12-01")
"""A DS row of somebody else: the domain is delivered."""


def _course(
    ex: pd.DataFrame, ds: pd.DataFrame, *extra: dict[str, Any], cutoff: dt.date = CUTOFF
) -> pd.Series:
    out = treatment_course(subjects(ex, *extra), ex, ds, CONFIG, cutoff=cutoff)
    return out.set_index("USUBJID").loc["S1"]


CLOSED = exposure(("S1", 300, "2026-01-01", "2026-02-11"))


@pytest.mark.parametrize(
    ("ds", "extra", "status", "last", "end"),
    [
        (_ds(OTHER), {}, "ONGOING", "2026-06-30", None),
        (_ds(), {}, "UNKNOWN", "2026-02-11", None),
        (
            _ds(("S1", "PROGRESSIVE DISEASE", None, "2026-02-15")),
            {},
            "ENDED",
            "2026-02-11",
            "2026-02-15",
        ),
        (
            _ds(("S1", "FREE WORD", "END OF TREATMENT", "2026-02-15")),
            {},
            "ENDED",
            "2026-02-11",
            "2026-02-15",
        ),
        (
            _ds(("S1", "PROGRESSIVE DISEASE", None, "2026-05-01")),
            {},
            "ENDED",
            "2026-05-01",
            "2026-05-01",
        ),
        (_ds(("S1", "FREE WORD", None, "2026-02-15")), {}, "ONGOING", "2026-06-30", None),
        (_ds(("S1", "COMPLETED", None, "2026-07-15")), {}, "ONGOING", "2026-06-30", None),
        (_ds(("S1", "COMPLETED", None, None)), {}, "ENDED", "2026-02-11", "2026-02-11"),
        (
            _ds(OTHER),
            {"DTHDTC": "2026-02-20", "DTHFL": "Y"},
            "ENDED",
            "2026-02-11",
            "2026-02-20",
        ),
        (_ds(OTHER), {"WTHDT": DAY("2026-02-20")}, "ENDED", "2026-02-11", "2026-02-20"),
    ],
)
def test_treatment_ends_by_disposition_death_or_withdrawal_alone(
    ds: pd.DataFrame, extra: dict[str, Any], status: str, last: str, end: str | None
) -> None:
    row = _course(CLOSED, ds, {"USUBJID": "S1"} | extra)
    assert (row["STATUS"], row["TRTEDT"]) == (status, DAY(last))
    assert row["ENDDT"] is pd.NaT if end is None else row["ENDDT"] == DAY(end)
    assert row["LSTEXDT"] == DAY("2026-02-11")


def test_an_open_record_is_treatment_and_a_recorded_pause_ends_the_dosing_that_is_known() -> None:
    running = exposure(("S1", 300, "2026-01-01", None))
    assert _course(running, _ds())["STATUS"] == "ONGOING"
    stopped = _course(running, _ds(("S1", "END OF TREATMENT", None, "2026-03-01")))
    assert stopped["TRTEDT"] == stopped["ENDDT"] == DAY("2026-03-01")
    paused = exposure(("S1", 300, "2026-01-01", "2026-02-11"), ("S1", 0, "2026-02-12", None))
    ended = _course(paused, _ds(("S1", "ADVERSE EVENT", None, "2026-05-01")))
    assert ended["TRTEDT"] == DAY("2026-02-11") and ended["ENDDT"] == DAY("2026-05-01")


def test_a_late_serious_event_counts_while_dosing_entry_lags_and_asks_for_the_dosing() -> None:
    ae = adverse_events(
        {
            "USUBJID": "S1",
            "AEDECOD": "Hepatic failure",
            "AESTDTC": "2026-05-20",
            "AETOXGR": "4",
            "AEREL": "RELATED",
            "AESER": "Y",
        }
    )
    dm = subjects(CLOSED)
    out = ae_summary(dm, CLOSED, ae, CONFIG, cutoff=CUTOFF, disposition=_ds(OTHER))
    for term in ("ANY TEAE", "RELATED GRADE>=3", "SERIOUS", "RELATED SERIOUS"):
        assert line(out, "OVERVIEW", term=term)["patients"] == 1
    assert line(out, "SERIOUS_SOC_PT", soc="Soc", term="Hepatic failure")["patients"] == 1
    tables = {"subjects": dm, "exposure": CLOSED, "adverse_events": ae, "disposition": _ds(OTHER)}
    found = run_checks(tables, CONFIG, cutoff=CUTOFF)
    asked = found[(found["check_id"] == "EX13") & (found["domain"] == "EX")]
    assert asked["subject_id"].tolist() == ["S1"] and asked["severity"].tolist() == ["Q"]
    told = run_checks(
        tables | {"disposition": _ds(("S1", "COMPLETED", None, "2026-02-12"))},
        CONFIG,
        cutoff=CUTOFF,
    )
    assert not told["check_id"].isin(["EX13", "EX14"]).any()


@pytest.mark.parametrize(
    ("start", "paused", "asked"),
    [
        ("2026-03-13", False, []),  # 30 days after the last recorded dose
        ("2026-03-14", False, ["S1"]),
        ("2026-03-27", False, ["S1"]),  # 30 days after the end of treatment
        ("2026-03-28", False, []),
        ("2026-03", False, []),  # perhaps within both windows
        ("2026-03-20", True, []),  # the last dose is known
    ],
)
def test_an_event_between_last_recorded_dose_and_end_of_treatment_is_asked_about(
    start: str, paused: bool, asked: list[str]
) -> None:
    ex = exposure(
        ("S1", 300, "2026-01-01", "2026-02-11"),
        *([("S1", 0, "2026-02-12", "2026-02-25")] if paused else []),
    )
    ae = adverse_events({"USUBJID": "S1", "AEDECOD": "Nausea", "AESTDTC": start})
    tables = {
        "subjects": subjects(ex),
        "exposure": ex,
        "adverse_events": ae,
        "disposition": _ds(("S1", "PROGRESSIVE DISEASE", None, "2026-02-25")),
    }
    found = run_checks(tables, CONFIG, cutoff=CUTOFF)
    assert found.loc[found["check_id"] == "EX16", "subject_id"].tolist() == asked
    assert not (found["check_id"] == "EX14").any()


def test_what_is_not_entered_yet_is_no_interruption() -> None:
    dm = subjects(CLOSED)
    row = exposure_summary(dm, CLOSED, CONFIG, cutoff=CUTOFF, disposition=_ds(OTHER)).iloc[0]
    assert row["duration_days"] == 181 and row["ongoing"]
    assert (row["unrecorded_days"], row["gap_days"], row["days_on_drug"]) == (139, 0, 42)
    assert row["relative_dose_intensity"] == pytest.approx(100)


@pytest.mark.parametrize(
    ("row", "level"),
    [
        ({"AETOXGR": "III"}, "MISSING"),
        ({"AETOXGR": "6"}, "MISSING"),
        ({"AETOXGR": "Grade 2"}, "2"),
        ({"AETOXGR": "2", "AEENDTC": "2026-01-01"}, "2"),
        ({"AETOXGR": "2", "AEOUT": "ONGOING"}, "2"),
    ],
)
def test_an_attribute_that_cannot_be_used_costs_no_event(row: dict[str, str], level: str) -> None:
    ae = adverse_events({"USUBJID": "S1", "AEDECOD": "Nausea", "AESTDTC": "2026-01-20"} | row)
    out = ae_summary(subjects(CLOSED), CLOSED, ae, CONFIG, cutoff=CUTOFF)
    assert line(out, "OVERVIEW", term="ANY TEAE")["patients"] == 1
    assert line(out, "MAX_GRADE", level=level)["patients"] == 1
    assert line(out, "OUTCOME", level="UNKNOWN")["patients"] == 1


def test_only_exact_copies_and_unknown_subjects_are_not_counted() -> None:
    event = {"USUBJID": "S1", "AEDECOD": "Nausea", "AESTDTC": "2026-01-20", "AETOXGR": "III"}
    ae = adverse_events(
        event | {"AESEQ": 1}, event | {"AESEQ": 1}, event | {"AESEQ": 2}, event | {"USUBJID": "S7"}
    )
    found = run_checks(
        {"subjects": subjects(CLOSED), "exposure": CLOSED, "adverse_events": ae},
        CONFIG,
        cutoff=CUTOFF,
    )
    assert rows_left_out(found) == {2, 4}
    assert (found["check_id"] == "AE04").sum() == 4
