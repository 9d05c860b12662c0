"""Promise G10, files: the rows of a subject go from every format, the rest stays byte for byte."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from hcc_assets.privacy.row_removal import CannotRewrite, RowRemover
from hcc_assets_tests.privacy.erasure_cases import OTHER, ROWS, SAMPLE, SUBJECT, where


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "latin-1"])
def test_rows_go_from_delimited_files_in_any_encoding_and_the_rest_stays_byte_for_byte(
    tmp_path: Path, encoding: str
) -> None:
    note = "发热, ok" if encoding != "latin-1" else "fièvre, ok"
    text = (
        f'USUBJID;AETERM\r\n{SUBJECT};"x;\r\ny"\r\n"{OTHER}";"{note}"\r\n'
        f'{SUBJECT.lower()} ;z\r\n{OTHER};"no ""end"""'
    )
    (tmp_path / "ae.csv").write_bytes(text.encode(encoding))
    assert RowRemover([SUBJECT]).rewrite(tmp_path / "ae.csv") == 2
    kept = f'USUBJID;AETERM\r\n"{OTHER}";"{note}"\r\n{OTHER};"no ""end"""'
    assert (tmp_path / "ae.csv").read_bytes() == kept.encode(encoding)


def _xlsx(path: Path) -> pd.DataFrame:
    return pd.read_excel(path)


def _json(path: Path) -> pd.DataFrame:
    content = json.loads(path.read_text())
    assert content["records"] == len(content["rows"])
    return pd.DataFrame(content["rows"], columns=[c["name"] for c in content["columns"]])


def _write_json(path: Path) -> None:
    content = {"records": 4, "columns": [{"name": c} for c in ROWS], "rows": ROWS.values.tolist()}
    path.write_text(json.dumps(content))


def _ndjson(path: Path) -> pd.DataFrame:
    head, *rows = [json.loads(line) for line in path.read_text().splitlines()]
    return pd.DataFrame(rows, columns=[c["name"] for c in head["columns"]])


def _write_ndjson(path: Path) -> None:
    lines = [{"records": 4, "columns": [{"name": c} for c in ROWS]}, *ROWS.values.tolist()]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def _write_xpt(path: Path) -> None:
    pyreadstat.write_xport(
        ROWS, str(path), table_name="AE", column_labels=["Id", "Term", "Age"], file_format_version=5
    )


FORMATS = {
    "ae.csv": (lambda p: ROWS.to_csv(p, index=False), pd.read_csv),
    "ae.tsv": (lambda p: ROWS.to_csv(p, index=False, sep="\t"), lambda p: pd.read_csv(p, sep="\t")),
    "ae.xlsx": (lambda p: ROWS.to_excel(p, index=False), _xlsx),
    "ae.parquet": (lambda p: ROWS.to_parquet(p), pd.read_parquet),
    "ae.xpt": (_write_xpt, lambda p: pyreadstat.read_xport(str(p))[0]),
    "ae.json": (_write_json, _json),
    "ae.ndjson": (_write_ndjson, _ndjson),
}


@pytest.mark.parametrize("name", FORMATS)
def test_rows_go_from_every_format_and_mentions_in_other_rows_are_masked(
    tmp_path: Path, name: str
) -> None:
    write, read = FORMATS[name]
    path = tmp_path / name
    write(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "manifest.sha256").write_text(f"{digest}  {name}\n{'0' * 64}  dm.csv\n")
    assert where(tmp_path) != set()
    assert RowRemover([SUBJECT, SAMPLE]).rewrite(path) == 2
    frame = read(path)
    assert frame["USUBJID"].tolist() == [OTHER, OTHER] and frame["AGE"].tolist() == [2.0, 4.0]
    assert frame["AETERM"].iloc[0] == "see (erased) too"
    assert where(tmp_path) == set()
    assert (
        (tmp_path / "manifest.sha256").read_text()
        == f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n{'0' * 64}  dm.csv\n"
    )


def test_xpt_keeps_its_labels_and_formats(tmp_path: Path) -> None:
    path = tmp_path / "ae.xpt"
    frame = pd.DataFrame(
        {"USUBJID": [SUBJECT, OTHER], "ADT": [dt.date(2026, 1, 1), dt.date(2026, 1, 2)]}
    )
    pyreadstat.write_xport(
        frame, str(path), table_name="AE", column_labels=["Id", "Day"], file_format_version=5
    )
    RowRemover([SUBJECT]).rewrite(path)
    after, meta = pyreadstat.read_xport(str(path))
    assert (
        after["ADT"].tolist() == [dt.date(2026, 1, 2)]
        and meta.column_labels == ["Id", "Day"]
        and meta.table_name == "AE"
    )


def test_lines_of_a_checksum_list_go_with_their_files(tmp_path: Path) -> None:
    path = tmp_path / "manifest.sha256"
    path.write_text(f"{'0' * 64}  {SAMPLE}/matrix.mtx.gz\n{'1' * 64}  SURU-018-pre/matrix.mtx.gz\n")
    assert RowRemover([SUBJECT, SAMPLE]).rewrite(path) == 1
    assert path.read_text() == f"{'1' * 64}  SURU-018-pre/matrix.mtx.gz\n"


def test_aliases_are_id_columns_too_and_unknown_formats_are_left_to_a_person(
    tmp_path: Path,
) -> None:
    (tmp_path / "dm.csv").write_text(f"proband,AGE\n{SUBJECT},1\n{OTHER},2\n")
    assert RowRemover([SUBJECT], ["Proband"]).rewrite(tmp_path / "dm.csv") == 1
    (tmp_path / "dm.sas7bdat").write_bytes(b"x")
    with pytest.raises(CannotRewrite, match="by hand"):
        RowRemover([SUBJECT]).rewrite(tmp_path / "dm.sas7bdat")
