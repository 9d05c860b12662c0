"""Reading clinical exports: one content in every format, columns, refusals, locations, readers."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hcc_assets.clinical.reading.exports import Export, read_export, validate_file
from hcc_assets.study.config import parse_config
from hcc_assets_tests.clinical.endpoint_frames import oracle
from hcc_assets_tests.clinical.export_files import BASE, CONFIG, frames, read, write, write_csv
from hcc_assets_tests.work import calls


def found(export: Export, check: str) -> pd.DataFrame:
    return export.issues[export.issues["check_id"] == check]


def test_files_are_hashed_and_side_files_ignored(tmp_path: Path) -> None:
    folder = write_csv(tmp_path, frames())
    (folder / "_DONE").touch()
    (folder / "eg.csv").write_text("USUBJID\n")
    export = read(folder)
    assert export.files["dm.csv"] == hashlib.sha256((folder / "dm.csv").read_bytes()).hexdigest()
    assert sorted(export.files) == ["ae.csv", "dm.csv", "ex.csv", "tr.csv"]
    assert len(found(export, "RD11")) == 1


def test_aliases_only_when_declared(tmp_path: Path) -> None:
    dm = [{"patient_id" if k == "USUBJID" else k: v for k, v in row.items()} for row in BASE["dm"]]
    folder = write_csv(tmp_path, frames(dm=dm))
    refused = read(folder).refused["dm"]
    assert "USUBJID" in refused and "[aliases]" in refused
    config = parse_config('[aliases.dm]\npatient_id = "USUBJID"\n')
    assert list(read_export(folder, config).tables["subjects"]["USUBJID"]) == ["001", "1E5"]


def test_misspelt_required_column_stops_the_table_and_names_it(tmp_path: Path) -> None:
    ex = [{"EXSTDT" if k == "EXSTDTC" else k: v for k, v in row.items()} for row in BASE["ex"]]
    export = read(write_csv(tmp_path, frames(ex=ex)))
    assert "EXSTDT looks like it" in export.refused["ex"] and "EXSTDTC" in export.refused["ex"]
    assert "exposure" not in export.tables and "subjects" not in export.tables
    assert "ex" in str(export.reason("subjects"))
    assert "reported_responses" in export.tables


def test_absent_optional_columns_are_null_with_one_row_per_table(tmp_path: Path) -> None:
    export = read(write_csv(tmp_path, frames()))
    rows = found(export, "RD01")
    assert sorted(rows["domain"]) == ["AE", "EX", "TR"]
    assert set(rows["severity"]) == {"I"}
    assert export.tables["adverse_events"]["AEACN"].isna().all()
    assert "AEACN" in export.absent["adverse_events"]


def test_unknown_columns_are_left_out_with_a_query_and_sdtm_ones_silently(tmp_path: Path) -> None:
    ae = [{**BASE["ae"][0], "AELLT": "x", "AESPID": "y", "AETOXGRD": "2", "COMMENT2": "z"}]
    export = read(write_csv(tmp_path, frames(ae=ae)))
    rows = found(export, "RD02")
    assert len(rows) == 2 and set(rows["severity"]) == {"Q"}
    assert rows["message"].str.contains("AETOXGRD").any()
    assert not set(export.tables["adverse_events"]) & {"AELLT", "AETOXGRD", "COMMENT2"}


@pytest.mark.parametrize("domain", ["dm", "ex"])
def test_tables_that_must_have_rows(tmp_path: Path, domain: str) -> None:
    tables = frames()
    tables[domain] = tables[domain].iloc[:0]
    assert "no rows" in read(write_csv(tmp_path, tables)).refused[domain]


def test_header_only_tables_are_fine_where_nothing_has_happened(tmp_path: Path) -> None:
    tables = frames()
    tables["tr"], tables["ae"] = tables["tr"].iloc[:0], tables["ae"].iloc[:0]
    export = read(write_csv(tmp_path, tables))
    assert (
        export.refused == {}
        and len(export.tables["tumour_assessments"]) == len(export.tables["adverse_events"]) == 0
    )


def test_two_files_for_one_domain_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    folder = write_csv(tmp_path, frames())
    write(folder, {"ae": frames()["ae"]}, "xlsx")
    (folder / "tr.csv").unlink()
    export = read(folder)
    assert "2 files" in export.refused["ae"] and "no tr file" in export.refused["tr"]
    assert sorted(export.tables) == [
        "disposition",
        "exposure",
        "lab_results",
        "reported_responses",
        "subject_characteristics",
        "subjects",
        "vital_signs",
    ]


def test_a_manifest_that_disagrees_refuses_the_file(tmp_path: Path) -> None:
    folder = write_csv(tmp_path, frames())
    (folder / "manifest.sha256").write_text("".join(f"{'0' * 64}  {d}.csv\n" for d in ["ae"]))
    export = read(folder)
    assert "manifest.sha256" in export.refused["ae"] and list(export.refused) == ["ae"]


def test_duplicate_subject_is_reported_once_and_does_not_depend_on_order(tmp_path: Path) -> None:
    twin = {**BASE["dm"][0], "AGE": "62"}
    one = read(write_csv(tmp_path / "a", frames(dm=[*BASE["dm"], twin])))
    two = read(write_csv(tmp_path / "b", frames(dm=[twin, *BASE["dm"]])))
    assert list(found(one, "DM01")["subject_id"]) == ["001"]
    pd.testing.assert_frame_equal(
        one.tables["subjects"].drop(columns="SRCROW"), two.tables["subjects"].drop(columns="SRCROW")
    )


def test_row_order_never_matters(tmp_path: Path) -> None:
    source = oracle("data", "landing_real", "clinical", "2014-12-31")
    one = read(source)
    shuffled = tmp_path / "shuffled"
    shuffled.mkdir()
    rng = np.random.default_rng(4)
    for path in source.glob("*.csv"):
        head, *rows = path.read_text(encoding="utf-8").splitlines()
        (shuffled / path.name).write_text(
            "\n".join([head, *rng.permutation(rows)]) + "\n", encoding="utf-8"
        )
    two = read(shuffled)
    for name, frame in one.tables.items():
        pd.testing.assert_frame_equal(
            frame.drop(columns="SRCROW"), two.tables[name].drop(columns="SRCROW")
        )


def test_locations_come_from_tu_by_reader_and_fragments_take_the_parents(tmp_path: Path) -> None:
    row = {k: v for k, v in BASE["tr"][0].items() if k != "TULOC"}
    tr = [
        {**row, "TREVALID": r, "TRLNKID": lesion}
        for r in ("R1", "R2")
        for lesion in ("T01", "T01.1", "T02")
    ]
    tu = [
        {"USUBJID": "001", "TULNKID": "T01", "TULOC": "liver", "TUEVALID": "R1"},
        {"USUBJID": "001", "TULNKID": "T01", "TULOC": "LUNG", "TUEVALID": "R2"},
        {"USUBJID": "001", "TULNKID": "T02", "TULOC": "LYMPH NODE", "TUEVALID": "R1"},
    ]
    table = read(write_csv(tmp_path, frames(tr=tr, tu=tu))).tables["tumour_assessments"]
    got = table.set_index(["EVALUATOR", "TRLNKID"])["TULOC"].to_dict()
    assert got == {
        ("R1", "T01"): "LIVER",
        ("R1", "T01.1"): "LIVER",
        ("R1", "T02"): "LYMPH NODE",
        ("R2", "T01"): "LUNG",
        ("R2", "T01.1"): "LUNG",
        ("R2", "T02"): "LYMPH NODE",
    }


def test_a_refused_tu_stops_tr_only_where_tr_has_no_locations(tmp_path: Path) -> None:
    tu = [{"USUBJID": "001", "TULNKID": "T01", "PHONE": "x", "TULOC": "LIVER"}]
    assert "tr" not in read(write_csv(tmp_path / "a", frames(tu=tu))).refused
    bare = [{k: v for k, v in row.items() if k != "TULOC"} for row in BASE["tr"]]
    assert "tu" in read(write_csv(tmp_path / "b", frames(tu=tu, tr=bare))).refused["tr"]


def test_evaluator_and_baseline(tmp_path: Path) -> None:
    row = BASE["tr"][0]
    tr = [
        {
            **row,
            "TREVALID": "R1",
            "TREVAL": "INDEPENDENT ASSESSOR",
            "VISIT": "Baseline",
            "TRDTC": "2024-01-20",
        },
        {
            **row,
            "TREVALID": "",
            "TREVAL": "Investigator",
            "VISIT": "V0",
            "VISITNUM": "0",
            "TRDTC": "2024-01-02",
        },
        {
            **row,
            "TREVALID": "",
            "TREVAL": "",
            "VISIT": "V1",
            "VISITNUM": "1",
            "TRDTC": "2024-01-10",
        },
        {
            **row,
            "TREVALID": "",
            "TREVAL": "",
            "VISIT": "V2",
            "VISITNUM": "2",
            "TRDTC": "2024-01-11",
        },
    ]
    table = (
        read(write_csv(tmp_path, frames(tr=tr)))
        .tables["tumour_assessments"]
        .set_index("SRCROW")
        .sort_index()
    )
    assert list(table["EVALUATOR"]) == ["R1", "INVESTIGATOR", "INVESTIGATOR", "INVESTIGATOR"]
    assert list(table["BASELINE"]) == [
        True,
        False,
        True,
        False,
    ]  # by name, even late; else the last on or before the first dose


def test_disposition_joins_three_domains(tmp_path: Path) -> None:
    ds = [{"USUBJID": "001", "DSDECOD": "COMPLETED", "DSSTDTC": "2024-08-01"}]
    cm = [
        {"USUBJID": "001", "CMCAT": "New Anticancer Therapy", "CMSTDTC": "2024-08"},
        {"USUBJID": "001", "CMCAT": "OTHER", "CMSTDTC": "2024-01-01"},
    ]
    ss = [
        {"USUBJID": "001", "SSTESTCD": "SURVSTAT", "SSSTRESC": "ALIVE", "SSDTC": "2024-09-01"},
        {"USUBJID": "001", "SSTESTCD": "X", "SSDTC": ""},
    ]
    table = read(write_csv(tmp_path, frames(ds=ds, cm=cm, ss=ss))).tables["disposition"]
    assert table[["DOMAIN", "DSDECOD", "DSSTDTF"]].values.tolist() == [
        ["CM", "NEW ANTICANCER THERAPY", "D"],
        ["DS", "COMPLETED", None],
        ["SS", "ALIVE", None],
    ]


def test_identical_repeats_are_collapsed_with_a_query(tmp_path: Path) -> None:
    tr = [*BASE["tr"], dict(BASE["tr"][1])]
    export = read(write_csv(tmp_path, frames(tr=tr)))
    assert len(export.tables["tumour_assessments"]) == 2
    assert list(found(export, "TR10")["severity"]) == ["Q"]


def test_a_single_file_is_judged_by_itself(tmp_path: Path) -> None:
    folder = write_csv(tmp_path, frames())
    issues, refused = validate_file(folder / "dm.csv", CONFIG)
    assert refused is None and set(issues["domain"]) == {"DM"}
    (folder / "dm.csv").write_text("A,B\n1,2\n")
    assert "USUBJID" in str(validate_file(folder / "dm.csv", CONFIG)[1])
    assert "no domain" in str(validate_file(folder / "other.csv", CONFIG)[1])


def test_twice_the_events_are_twice_the_work_to_read(tmp_path: Path) -> None:
    work = []
    for n in (2_000, 4_000):
        ae = pd.concat([frames()["ae"]] * n, ignore_index=True)
        ae["AESEQ"] = [str(i) for i in range(n)]
        folder = write_csv(tmp_path / str(n), frames() | {"ae": ae})
        work.append(calls(partial(read, folder)))
        assert len(read(folder).tables["adverse_events"]) == n
    assert work[1] < 2.1 * work[0], work
