"""A query is known by its record, wherever the record stands in the file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from hcc_assets.clinical.queries.natural_keys import known_queries
from hcc_assets.study.query_rules import query_rules
from hcc_assets_tests.clinical.check_frames import AE, DM, EX, TR, V1, V2, Rows, export, issues

BAD: Rows = [
    AE | {"AESEQ": "1", "AEDECOD": "Rash", "AETOXGR": "9"},
    AE | {"AESEQ": "2", "AEDECOD": "Nausea", "AESTDTC": "2024-03-01", "AETOXGR": "7"},
]
LESIONS: Rows = [
    TR,
    TR | V1 | {"TRORRES": "-3"},
    TR | {"TRLNKID": "T02", "TRORRES": "30"},
    TR | V2 | {"TRLNKID": "T02"},
    TR | V2 | {"TRORRES": "420"},
]


def found(folder: Path, **tables: Rows) -> pd.DataFrame:
    folder.mkdir(exist_ok=True)
    result = export(folder, **tables)
    return known_queries(issues(result), result.tables)


def ids(frame: pd.DataFrame) -> set[str]:
    return set(frame["query_id"])


def test_reordered_rows_and_rows_before_change_no_id(tmp_path: Path) -> None:
    first = found(tmp_path / "a", ae=BAD, tr=LESIONS)
    turned = found(tmp_path / "b", ae=BAD[::-1], tr=LESIONS[::-1])
    before: Rows = [AE | {"AESEQ": "3", "AEDECOD": "Cough"}]
    other = DM | {"USUBJID": "S0"}
    more = found(
        tmp_path / "c",
        dm=[other, DM],
        ex=[EX | {"USUBJID": "S0"}, EX],
        ae=before + BAD,
        tr=[TR | {"USUBJID": "S0"}, *LESIONS],
    )
    assert {"AE04", "TR13", "TR16", "TR21"} <= set(first["check_id"])
    assert ids(first) == ids(turned) == ids(more)
    columns = ["query_id", "check_id", "severity", "values", "visit", "message"]
    pd.testing.assert_frame_equal(first[columns], turned[columns])


def test_renumbered_sequences_change_no_id(tmp_path: Path) -> None:
    renumbered = [row | {"AESEQ": str(int(row["AESEQ"]) + 40)} for row in BAD]
    assert ids(found(tmp_path / "a", ae=BAD)) == ids(found(tmp_path / "b", ae=renumbered))


def test_another_value_is_the_same_query_with_other_values(tmp_path: Path) -> None:
    first = found(tmp_path / "a", ae=BAD).set_index("query_id")
    changed = [BAD[0] | {"AETOXGR": "8"}, BAD[1]]
    second = found(tmp_path / "b", ae=changed).set_index("query_id")
    assert set(first.index) == set(second.index)
    assert sum(first["values"] != second.loc[first.index, "values"]) == 1


def test_two_findings_of_one_id_are_one_query(tmp_path: Path) -> None:
    twice = [BAD[0], BAD[0] | {"AESEQ": "2", "AEOUT": "FATAL", "AETOXGR": "8"}]
    grades = found(tmp_path / "a", ae=twice).query("check_id == 'AE04'")
    assert len(grades) == 1 and len(grades["values"].iloc[0].split()) == 2


def test_no_message_and_no_key_shows_a_value(tmp_path: Path) -> None:
    rows = found(tmp_path / "a", ae=BAD, tr=LESIONS)
    text = rows[["visit", "field", "record", "message"]].to_csv()
    assert "420" not in text and "-3" not in text and "Nausea" not in text
    assert set(rows.query("check_id == 'TR13'")["record"]) == {"T01 LDIAM INVESTIGATOR"}
    assert set(rows.query("check_id == 'TR13'")["visit"]) == {"V1"}
    assert set(rows.query("check_id == 'AE04'")["record"]) == {"AESEQ 1", "AESEQ 2"}


def test_information_is_no_query_and_each_asks_by_the_catalogue(tmp_path: Path) -> None:
    rows = found(tmp_path / "a", ae=BAD)
    assert not {"RD01", "AE19"} & set(rows["check_id"])
    assert set(rows["check_id"]) <= set(query_rules())


def test_a_date_that_cannot_be_read_is_asked_for_by_its_column(tmp_path: Path) -> None:
    rows = found(tmp_path / "a", ae=[AE | {"AESTDTC": "2024-02-31", "AEENDTC": "soon"}])
    dates = rows.query("check_id == 'RD06'")
    assert set(dates["field"]) == {"AESTDTC", "AEENDTC"} and dates["query_id"].is_unique


@pytest.mark.parametrize("severity", ["E", "Q"])
def test_what_is_of_nobody_is_told_by_its_sentence(severity: str) -> None:
    texts = ["dm: column A is unknown", "dm: column B is unknown"]
    frame = pd.DataFrame(
        {
            "check_id": "RD02",
            "severity": severity,
            "domain": "DM",
            "subject_id": None,
            "row_key": None,
            "message": texts,
        }
    )
    rows = known_queries(frame, {})
    assert rows["query_id"].is_unique and rows["subject_id"].isna().all()
    assert set(rows["message"]) == {"Column A is unknown", "Column B is unknown"}
