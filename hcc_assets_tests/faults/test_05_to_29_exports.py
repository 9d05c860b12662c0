"""Bad clinical exports beside good tables, fault by fault: the last good table stays, the reason is
told, the other tables go on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from hcc_assets_tests.faults.homes import (
    FIRST,
    SECOND,
    SETTINGS,
    Seen,
    clinical,
    deliver,
    hashes,
    landing_bytes,
    quarantined,
)
from hcc_assets_tests.faults.spoilt_exports import (
    Change,
    as_bytes,
    edit,
    extra_delimiter,
    fewer_subjects,
    gbk_as_latin,
    put,
    shorter,
    without_columns,
)

BringUp = Callable[[Path], Seen]
CANARY = "欧阳静"
TABLE = {
    "dm": "subjects",
    "ex": "exposure",
    "tr": "tumour_assessments",
    "ae": "adverse_events",
    "rs": "reported_responses",
}


REFUSED_TABLES: dict[str, tuple[str, Change, str]] = {
    "fault_07_csv_cut_in_mid_line": (
        "ae",
        as_bytes("ae", lambda d: d[: -len(d) // 5].rsplit(b",", 1)[0]),
        "of 21 values: the file was cut",
    ),
    "fault_10_personal_column": (
        "ae",
        edit("ae", lambda f: f.assign(姓名=CANARY)),
        "column 22 holds personal data by its name",
    ),
    "fault_10_phone_in_free_text": (
        "ae",
        put("ae", "AETERM", "call 13912345678"),
        "row 1: a phone number stands in column AETERM",
    ),
    "fault_10_identity_number_in_free_text": (
        "ae",
        put("ae", "AETERM", "11010519491231002X"),
        "row 1: an identity number stands in column AETERM",
    ),
    "fault_21_subject_twice": (
        "dm",
        edit("dm", lambda f: pd.concat([f, f.head(1).assign(AGE="99")])),
        "",
    ),
    "fault_22_column_renamed": (
        "ae",
        edit("ae", lambda f: f.rename(columns={"AEDECOD": "AEDECD"})),
        "correct the name to AEDECOD",
    ),
    "fault_22_column_missing": (
        "ae",
        edit("ae", without_columns("AESTDTC")),
        "required column AESTDTC is missing",
    ),
    "fault_23_mojibake": (
        "ae",
        edit("ae", gbk_as_latin),
        "row 1: AETERM was garbled by a wrong encoding",
    ),
    "fault_23_cut_inside_a_character": (
        "ae",
        as_bytes("ae", lambda d: d + b'"\xe9\xab'),
        "the file ends inside a character",
    ),
    "fault_26_extra_delimiter": (
        "ae",
        as_bytes("ae", extra_delimiter),
        "row 2: 22 values for 21 columns",
    ),
    "fault_26_extra_delimiter_in_dosing": (
        "ex",
        as_bytes("ex", extra_delimiter),
        "row 2: 13 values for 12 columns",
    ),
    "fault_33_empty_file": (
        "ae",
        as_bytes("ae", lambda _: b""),
        "the file is empty: not even a header",
    ),
    "fault_33_header_without_rows": (
        "ex",
        edit("ex", lambda f: f.head(0)),
        "the table has no rows",
    ),
}


@pytest.mark.parametrize(
    "fault",
    shorter(
        [f for f in REFUSED_TABLES if f != "fault_21_subject_twice"],
        keep=("fault_10_personal_column", "fault_22_column_missing", "fault_33_empty_file"),
    ),
)
def test_refused_table(fault: str, root: Path, bring_up: BringUp) -> None:
    domain, change, words = REFUSED_TABLES[fault]
    before = hashes(root)
    folder = deliver(root, clinical(SECOND), SECOND.isoformat())
    change(folder)
    delivered = landing_bytes(root)
    seen = bring_up(root)
    table = TABLE[domain]
    assert landing_bytes(root) == delivered
    after = hashes(root)
    for kind in (f"{table}.parquet", f"{table}.csv"):
        assert after[kind] == before[kind]
    assert ("clinical_export", None) not in seen.troubled, seen.troubled
    assert after["reported_responses.parquet"] != before["reported_responses.parquet"], (
        "the good tables go on"
    )
    reason = seen.troubled[(table, None)]
    assert domain in reason
    assert words in reason
    assert any(
        domain in q["reason"] and q["deliveries"] and not q["copied"] for q in quarantined(root)
    )
    assert [
        s.severity.value for s in seen.alert("clinical_export") if s.check == "tables_taken"
    ] == ["ERROR"]
    assert any("stays" in s.held_back for s in seen.alert(table))
    assert any(h["asset"] == table and h["stands_since"] for h in seen.status["held"])
    assert CANARY not in str(seen) and "13912345678" not in str(seen)


HELD: dict[str, tuple[Change, str]] = {
    "fault_05_fewer_subjects": (fewer_subjects, "subjects are gone"),
    "fault_05_fewer_rows": (edit("tr", lambda f: f[f.index % 10 != 3]), "rows of TR are gone"),
    "fault_05_domain_gone": (lambda folder: (folder / "rs.csv").unlink(), "domain RS is gone"),
    "fault_05_domain_emptied": (edit("ae", lambda f: f.head(0)), "AE had rows and has none now"),
    "fault_05_column_gone": (edit("ae", without_columns("AEREL")), "columns of AE are gone"),
    "fault_19_history_rewritten": (
        edit("ex", lambda f: f.assign(EXDOSE="200")),
        "earlier rows of EX changed",
    ),
}


@pytest.mark.parametrize(
    "fault", shorter(HELD, keep=("fault_05_fewer_subjects", "fault_19_history_rewritten"))
)
def test_held_export(fault: str, root: Path, bring_up: BringUp) -> None:
    from hcc_assets.home.paths import Home
    from hcc_assets.operate.actions import accept_export

    change, words = HELD[fault]
    before = hashes(root)
    change(deliver(root, clinical(SECOND), SECOND.isoformat()))
    delivered = landing_bytes(root)
    seen = bring_up(root)
    assert hashes(root) == before
    assert landing_bytes(root) == delivered
    reason = seen.troubled[("clinical_export", None)]
    assert SECOND.isoformat() in reason and words in reason and "hcc accept" in reason
    assert any(words in q["reason"] and q["code"] == "held" for q in quarantined(root))
    alerts = seen.alert("clinical_export")
    assert alerts and alerts[0].severity.value == "ERROR" and "stays" in alerts[0].held_back
    assert seen.status["export"] == FIRST.isoformat()
    assert bring_up(root).troubled, "a second look says it again"
    assert hashes(root) == before
    accept_export(Home.at(root), SECOND.isoformat(), "the site confirmed it")
    accepted = bring_up(root)
    assert ("clinical_export", None) not in accepted.troubled
    assert accepted.status["export"] == SECOND.isoformat()


ISSUES: dict[str, tuple[Change, set[str]]] = {
    "fault_10_birth_date_is_dropped": (edit("dm", lambda f: f.assign(BRTHDTC="1961-03-04")), set()),
    "fault_21_subject_twice": (REFUSED_TABLES["fault_21_subject_twice"][1], {"DM01"}),
    "fault_22_unknown_column_is_left_out": (
        edit("ae", lambda f: f.assign(SITECOLOUR="blue")),
        set(),
    ),
    "fault_24_ids_full_width_and_nbsp": (
        edit("ae", lambda f: f.assign(USUBJID=f["USUBJID"].str.replace("-", "－") + "\u00a0")),
        set(),
    ),
    "fault_25_impossible_date": (put("ae", "AESTDTC", "2025-02-31"), set()),
    "fault_25_ambiguous_date": (put("ae", "AESTDTC", "03/04/2025"), set()),
    "fault_27_below_detection": (put("tr", "TRORRES", "<LOD"), set()),
    "fault_27_wrong_unit": (put("tr", "TRORRESU", "inch"), {"TR14"}),
    "fault_28_missing_baseline": (
        edit(
            "tr",
            lambda f: f[
                ~((f["USUBJID"] == f["USUBJID"].iloc[0]) & (f["VISITNUM"].astype(float) == 0))
            ],
        ),
        set(),
    ),
    "fault_29_grade_outside": (put("ae", "AETOXGR", "7"), {"AE04"}),
    "fault_29_grade_five_alive": (put("ae", "AETOXGR", "5"), set()),
}


@pytest.mark.parametrize(
    "fault",
    shorter(
        ISSUES,
        keep=("fault_21_subject_twice", "fault_25_ambiguous_date", "fault_29_grade_outside"),
    ),
)
def test_reported_and_going_on(fault: str, place: Path, bring_up: BringUp) -> None:
    """What does not stop a table is told as a finding, and its subject is blocked in what rests on
    it; on a fresh home, so that nothing is compared."""
    change, expected = ISSUES[fault]
    root = place / "home"
    root.mkdir()
    (root / "study.toml").write_text(SETTINGS)
    clean = clinical(FIRST)
    deliver(root, clean, FIRST.isoformat())
    change(root / "landing" / "clinical" / FIRST.isoformat())
    seen = bring_up(root)
    assert not seen.troubled
    found = {c for c, _ in seen.issues()}
    assert expected <= found
    assert found, "nothing was told"
    for text in ("2025-02-31", "03/04/2025", "1961-03-04", "<LOD", "blue"):
        assert (
            not seen.table("data_issues")
            .astype(str)
            .apply(lambda c, t=text: c.str.contains(t, regex=False))
            .any()
            .any()
        )
    assert len(seen.table("responses")) and len(seen.table("ae_summary"))
