"""Characters, delimiters, cut files, decimal commas and personal data in clinical deliveries."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcc_assets.clinical.checks.run import run_checks
from hcc_assets.clinical.reading.characters import clean_code, decode, is_mojibake
from hcc_assets.clinical.reading.dates import parse_dates
from hcc_assets.clinical.reading.files.text_files import read_csv
from hcc_assets.clinical.reading.personal_data import find_personal_cell, judge_column
from hcc_assets.clinical.reading.raw_table import as_table
from hcc_assets.clinical.reading.refusal import DomainRefused
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.clinical.export_files import BASE, frames, read, write_csv

KNOWN = frozenset({"USUBJID", "AEDECOD", "AESTDTC", "AGE", "EXENDTC"})


def refusal(data: str | bytes, **kwargs: bool) -> DomainRefused:
    with pytest.raises(DomainRefused) as caught:
        read_csv(data if isinstance(data, bytes) else data.encode(), KNOWN, **kwargs)
    return caught.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_encodings_give_the_same_text(encoding: str) -> None:
    text = "USUBJID,AEDECOD\nS1,高血压\nS2,手足综合征\n"
    assert as_table(read_csv(text.encode(encoding), KNOWN)).frame[1].tolist() == [
        "高血压",
        "手足综合征",
    ]


@pytest.mark.parametrize("text", ["Müller", "Größe", "µmol", "naïve – café", "Ödem"])
def test_other_encodings_are_refused_and_never_become_other_letters(text: str) -> None:
    assert refusal(f"USUBJID,AEDECOD\nS1,{text}\n".encode("cp1252")).code == "encoding"


@pytest.mark.parametrize("text", ["高血压患者", "Grade – naïve", "Größe", "患者出现乏力"])
def test_mojibake_is_seen(text: str) -> None:
    assert not is_mojibake(text)
    garbled = text.encode("utf-8").decode("latin-1")
    assert is_mojibake(garbled)
    assert is_mojibake(text + "\ufffd")


def test_mojibake_stops_the_table_and_names_the_row(tmp_path: Path) -> None:
    ae = [{**BASE["ae"][0], "AETERM": "高血压".encode().decode("latin-1")}]
    reason = read(write_csv(tmp_path, frames(ae=ae))).refused["ae"]
    assert "row 1" in reason and "AETERM" in reason


@pytest.mark.parametrize("sep", [",", ";", "\t", "|"])
def test_delimiters_are_recognised(sep: str, tmp_path: Path) -> None:
    export = read(write_csv(tmp_path, frames(), sep=sep))
    assert export.refused == {} and len(export.tables["tumour_assessments"]) == 2


def test_rows_that_do_not_fit_the_header_are_refused_by_number() -> None:
    assert (
        "row 2: 4 values for 3 columns"
        in refusal("USUBJID,AGE,AESTDTC\nS1,1,2024-01-01\nS2,1,,2024-01-01\n").reason
    )
    assert (
        "row 1: 2 values for 3 columns"
        in refusal("USUBJID,AGE,AESTDTC\nS1,1\nS2,1,2024-01-01\n").reason
    )
    assert refusal('USUBJID,AGE\nS1,"1\nS2,2\n').code == "quotes"
    assert refusal("").code == "empty"


@settings(max_examples=60, deadline=None)
@given(st.integers(min_value=1, max_value=105))
def test_a_cut_file_is_never_read_as_whole_unless_the_cut_is_between_rows(cut: int) -> None:
    rows = [f"S{i:02d},{60 + i},2024-0{i}-1{i}" for i in range(1, 9)]
    whole = "\n".join(["USUBJID,AGE,EXENDTC", *rows]) + "\n"
    data = whole[
        :-cut
    ]  # at least two rows stay: an empty last value of a single row cannot be told from a cut
    try:
        table = as_table(read_csv(data.encode(), KNOWN))
    except DomainRefused as error:
        assert error.code in ("cut", "short_row")
        return
    complete = data if data.endswith("\n") else data + "\n"
    assert whole.startswith(complete)
    assert len(table.frame) == complete.count("\n") - 1


def test_a_delivery_that_proved_itself_whole_needs_no_last_line_end(tmp_path: Path) -> None:
    text = "USUBJID,EXENDTC\nS1,2024-03-10\nS2,2024-03"
    assert refusal(text).code == "cut"
    assert len(as_table(read_csv(text.encode(), KNOWN, whole=True)).frame) == 2
    cut_well = read_csv(b"USUBJID,EXENDTC\nS1,2024-03-10\nS2,2024-04-11", KNOWN)
    assert len(as_table(cut_well).frame) == 2


def test_cut_inside_a_character() -> None:
    assert refusal("USUBJID,AEDECOD\nS1,高血压".encode()[:-1]).code == "cut"


def test_decimal_comma_is_read_where_it_can_be_nothing_else(tmp_path: Path) -> None:
    tr = [{**BASE["tr"][0], "TRORRES": "32,4"}, BASE["tr"][1]]
    export = read(write_csv(tmp_path, frames(tr=tr), sep=";"))
    assert sorted(export.tables["tumour_assessments"]["TRORRES"]) == ["30", "32.4"]
    assert "RD07" in set(export.issues["check_id"])


def test_one_decimal_comma_among_points_is_read_and_asked_of_its_subject(tmp_path: Path) -> None:
    tr = [{**BASE["tr"][0], "TRORRES": "32,4"}, {**BASE["tr"][1], "TRORRES": "30.5"}]
    export = read(write_csv(tmp_path, frames(tr=tr), sep=";"))
    assert sorted(export.tables["tumour_assessments"]["TRORRES"]) == ["30.5", "32.4"]
    asked = export.issues[
        (export.issues["check_id"] == "RD07") & (export.issues["severity"] == "Q")
    ]
    assert list(asked["subject_id"]) == [BASE["tr"][0]["USUBJID"]]


@pytest.mark.parametrize("text", ["1,234", "1.234,5", "1,234,567"])
def test_a_comma_that_may_separate_thousands_costs_its_cell_alone(
    tmp_path: Path, text: str
) -> None:
    tr = [{**BASE["tr"][0], "TRORRES": text}, {**BASE["tr"][1], "TRORRES": "30"}]
    export = read(write_csv(tmp_path, frames(tr=tr), sep=";"))
    assert not export.refused
    assert sorted(export.tables["tumour_assessments"]["TRORRES"]) == sorted([text, "30"])
    found = run_checks(export.tables, StudyConfig(), cutoff=dt.date(2030, 1, 1))
    assert "TR26" in set(found["check_id"]), (
        "the lesion cannot be measured, and its subject is told"
    )


def test_an_unquoted_decimal_comma_in_a_comma_file_is_an_extra_delimiter() -> None:
    assert "decimal comma" in refusal("USUBJID,AGE\nS1,32,4\n").reason


def test_full_width_nbsp_and_invisible_characters_are_normalised_and_reported(
    tmp_path: Path,
) -> None:
    dm = [
        {**BASE["dm"][0], "USUBJID": "０01\u00a0"},
        {**BASE["dm"][1], "USUBJID": "1E5\u200b", "SEX": "Ｆ"},
    ]
    export = read(write_csv(tmp_path, frames(dm=dm)))
    assert list(export.tables["subjects"]["USUBJID"]) == ["001", "1E5"]
    assert list(export.tables["subjects"]["SEX"]) == ["M", "F"]
    told = export.issues[export.issues["check_id"] == "RD03"]["message"]
    assert told.str.contains("USUBJID").any() and told.str.contains("SEX").any()


def test_ids_that_differ_in_letter_case_only_are_an_error(tmp_path: Path) -> None:
    dm = [{**BASE["dm"][0], "USUBJID": "s01"}, {**BASE["dm"][1], "USUBJID": "S01"}]
    export = read(write_csv(tmp_path, frames(dm=dm)))
    assert sorted(export.issues.loc[export.issues["check_id"] == "RD09", "subject_id"]) == [
        "S01",
        "s01",
    ]


@given(st.text(max_size=12))
def test_cleaning_a_code_is_idempotent(text: str) -> None:
    assert clean_code(clean_code(text)) == clean_code(text)


@pytest.mark.parametrize(
    "name",
    [
        "NAME",
        "PATIENT_NAME",
        "Patient Name",
        "姓名",
        "受试者姓名",
        "PHONE",
        "Tel_No",
        "手机号",
        "IDCARD",
        "ID_NUMBER",
        "身份证号",
        "PASSPORT",
        "EMAIL",
        "SURNAME",
        "MOBILE",
        "HOME_ADDRESS",
    ],
)
def test_personal_columns_stop_the_table(name: str) -> None:
    assert judge_column(name) == "stop"


@pytest.mark.parametrize(
    "name", ["BRTHDTC", "DOB", "Birth Date", "SUBJINIT", "INITIALS", "出生日期", "姓名缩写"]
)
def test_birth_dates_and_initials_are_dropped(name: str) -> None:
    assert judge_column(name) == "drop"


@pytest.mark.parametrize(
    "name",
    [
        "USUBJID",
        "SUBJID",
        "SITEID",
        "INVNAM",
        "TRTEST",
        "AETERM",
        "ARM",
        "VISIT",
        "DRUGNAME",
        "SITENAME",
        "COUNTRY",
        "TRNAM",
    ],
)
def test_ordinary_columns_are_no_personal_data(name: str) -> None:
    assert judge_column(name) == ""


CANARIES = {
    "phone": "13912345678",
    "spaced": "139 1234 5678",
    "id": "11010519491231002X",
    "mail": "li.si@example.org",
    "abroad": "+44 20 7946 0958",
}


@pytest.mark.parametrize("value", CANARIES.values())
def test_personal_cells_stop_the_table_without_echo(tmp_path: Path, value: str) -> None:
    ae = [BASE["ae"][0], {**BASE["ae"][0], "AESEQ": "2", "AETERM": f"call {value} at night"}]
    export = read(write_csv(tmp_path, frames(ae=ae)))
    assert "row 2" in export.refused["ae"] and "AETERM" in export.refused["ae"]
    everything = " ".join([*export.refused.values(), *export.issues["message"], str(export.files)])
    assert (
        value not in everything
        and "adverse_events" not in export.tables
        and "subjects" in export.tables
    )


@pytest.mark.parametrize(
    "text",
    [
        "01-701-1015",
        "2024-03-15T10:20",
        "SURU-001-001-0001",
        "13.5 mm",
        "20240101 20240202",
        "grade 3 (ANC 0.9)",
    ],
)
def test_ordinary_cells_are_no_personal_data(text: str) -> None:
    assert find_personal_cell(pd.Series([text], index=[1], dtype=object), key=True) is None


def test_a_name_as_subject_id_and_a_personal_column_stop_the_table(tmp_path: Path) -> None:
    dm = [{**BASE["dm"][0], "USUBJID": "张三"}]
    assert "pseudonymous" in read(write_csv(tmp_path / "a", frames(dm=dm))).refused["dm"]
    dm = [{**BASE["dm"][0], "姓名": "张三"}]
    reason = read(write_csv(tmp_path / "b", frames(dm=dm))).refused["dm"]
    assert "personal data" in reason and "张三" not in reason
    dm = [{**BASE["dm"][0], "BRTHDTC": "1960-02-03", "SUBJINIT": "ZS"}]
    export = read(write_csv(tmp_path / "c", frames(dm=dm)))
    assert export.refused == {} and "RD04" in set(export.issues["check_id"])
    assert not {"BRTHDTC", "SUBJINIT"} & set(export.tables["subjects"])


def test_a_file_without_header_does_not_echo_its_first_row(tmp_path: Path) -> None:
    folder = write_csv(tmp_path, frames())
    (folder / "dm.csv").write_text("SECRET1,2024-01-02,58,M\nSECRET2,2024-01-02,58,M\n")
    assert "SECRET" not in read(folder).refused["dm"]


@given(
    st.dates(
        min_value=pd.Timestamp("1950-01-01").date(), max_value=pd.Timestamp("2090-12-31").date()
    ),
    st.sampled_from([4, 7, 10]),
)
def test_a_partial_date_is_the_interval_of_what_it_can_mean(day: object, length: int) -> None:
    text = str(day)[:length]
    parsed = parse_dates(pd.Series([text, None], dtype=object)).iloc[0]
    assert parsed["low"] <= pd.Timestamp(str(day)) <= parsed["high"]
    assert str(parsed["low"].date())[:length] == str(parsed["high"].date())[:length] == text
    assert parsed["flag"] == {4: "M", 7: "D", 10: None}[length]


def test_decode_names_the_line() -> None:
    with pytest.raises(DomainRefused, match="line 3"):
        decode("a\nb\ncafé\n".encode("cp1252"))
