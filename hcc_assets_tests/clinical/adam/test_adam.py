"""ADaM datasets: they agree with the tables they are made of, and their files hold the same values,
names and labels."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyreadstat
import pytest

from hcc_assets.clinical.adam.datasets import build_adam
from hcc_assets.clinical.adam.files import write_adam
from hcc_assets.clinical.endpoints.best_response import derive_best_responses
from hcc_assets.clinical.endpoints.time_to_event import derive_time_to_event
from hcc_assets.clinical.recist.responses import derive_responses
from hcc_assets.schemas.adam import ADAM_MODELS, labels
from hcc_assets.schemas.base import columns, empty
from hcc_assets.schemas.clinical import Disposition
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.clinical.adam.adam_lesions import lesions
from hcc_assets_tests.clinical.endpoint_frames import disposition
from hcc_assets_tests.clinical.safety_frames import (
    adverse_events,
    ae_summary,
    course_of,
    exposure,
    line,
    subjects,
)

CONFIG = StudyConfig()
CUTOFF = dt.date(2024, 12, 31)
NAMES = ("ADSL", "ADTR", "ADRS", "ADTTE", "ADAE", "ADEX")


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    ex = exposure(("S1", 300, "2024-01-01", "2024-05-31"), ("S2", 300, "2024-01-04", None))
    dm = subjects(
        ex,
        {"USUBJID": "S1", "AGE": 61, "SEX": "M", "DTHDTC": "2024-07-01", "DTHFL": "Y"},
        {"USUBJID": "S3"},
    )
    ae = adverse_events(
        {
            "USUBJID": "S1",
            "AESEQ": 1,
            "AEDECOD": "Hypertension",
            "AESTDTC": "2024-02",
            "AETOXGR": "3",
            "AETERM": "Blutdruck der Frau Müller ≥ 180",
        },
        {
            "USUBJID": "S1",
            "AESEQ": 2,
            "AEDECOD": "Nausea",
            "AESTDTC": "2024-02-03",
            "AEENDTC": "2024-02-05",
            "AETOXGR": "1",
        },
        {"USUBJID": "S2", "AESEQ": 1, "AEDECOD": "Nausea", "AESTDTC": "2023-12-30", "AETOXGR": "2"},
        {
            "USUBJID": "S2",
            "AESEQ": 2,
            "AEDECOD": "Vomiting",
            "AESTDTC": "2024-02-03",
            "AETOXGR": "2",
        },
    )
    tr, ds = lesions(), empty(Disposition)
    responses = derive_responses(dm, tr, CONFIG)
    same = (dm, tr, responses, ds, CONFIG)
    return {
        "subjects": dm,
        "exposure": ex,
        "tumour_assessments": tr,
        "disposition": ds,
        "adverse_events": ae,
        "treatment_course": course_of(dm, ex, CONFIG, CUTOFF),
        "responses": responses,
        "best_responses": derive_best_responses(*same, cutoff=CUTOFF),
        "time_to_event": derive_time_to_event(*same, cutoff=CUTOFF),
    }


@pytest.fixture(scope="module")
def adam(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return build_adam(tables, CONFIG, cutoff=CUTOFF, left_out_rows=frozenset({4}))


def test_adsl_has_every_subject_and_the_facts_of_the_other_tables(
    adam: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame]
) -> None:
    adsl = adam["ADSL"].set_index("USUBJID")
    assert adsl["SAFFL"].to_dict() == {"S1": "Y", "S2": "Y", "S3": "N"}
    assert adsl["EOTSTT"].to_dict() == {"S1": "DISCONTINUED", "S2": "ONGOING", "S3": None}
    assert (
        adsl.loc["S1", "TRTDURD"] == 152
        and adsl.loc["S1", "DTHFL"] == "Y"
        and adsl.loc["S2", "DTHFL"] is None
    )
    best = tables["best_responses"].set_index("USUBJID")
    assert adsl.loc[["S1", "S2"], "CBOR"].to_dict() == best["CBOR"].to_dict()
    assert adsl.loc["S1", "BESTPCHG"] == best.loc["S1", "BEST_PCHG"] == pytest.approx(-54)
    assert pd.isna(adsl.loc["S1", "LSTALVDT"]) and adsl.loc["S2", "LSTALVDT"] == pd.Timestamp(
        "2024-03-28"
    )


def test_a_therapy_before_first_dose_is_no_new_one(tables: dict[str, pd.DataFrame]) -> None:
    dates = {"S1": ["2023-11-01", "2024-06-01"], "S2": ["2023-11-01"]}
    therapy = disposition(
        [
            {
                "USUBJID": s,
                "DOMAIN": "CM",
                "DSDECOD": "NEW ANTICANCER THERAPY",
                "DSSTDTC": d,
                "DSSTDT": pd.Timestamp(d),
            }
            for s, days in dates.items()
            for d in days
        ]
    )
    adsl = build_adam(tables | {"disposition": therapy}, CONFIG, cutoff=CUTOFF)["ADSL"]
    found = adsl.set_index("USUBJID")["NACTDT"]
    assert found["S1"] == pd.Timestamp("2024-06-01")
    assert pd.isna(found["S2"])


def test_adtr_sums_are_the_sums_of_the_lesions_and_those_of_responses(
    adam: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame]
) -> None:
    adtr = adam["ADTR"]
    sums = adtr.loc[adtr["PARAMCD"] == "SDIAM"].set_index(["USUBJID", "AVISITN"])
    lesions = (
        adtr.loc[adtr["PARAMCD"] != "SDIAM"]
        .groupby(["USUBJID", "AVISITN"])["AVAL"]
        .agg(lambda v: v.sum(skipna=False))
    )
    assert sums.loc[lesions.index, "AVAL"].equals(lesions)
    assert sums.loc[("S2", 1.0), "ANL01FL"] == "N" and sums.loc[("S1", 0.0), "ABLFL"] == "Y"
    responses = tables["responses"].set_index(["USUBJID", "VISITNUM"])
    assert np.allclose(sums.loc[responses.index, "PCHG"], responses["PCHG_BASE"], equal_nan=True)
    assert sums.loc[("S1", 3.0), "NADIR"] == 23 and sums.loc[("S1", 3.0), "CHGNAD"] == 47
    assert adtr.loc[adtr["TRLNKID"] == "T02", "PARAMCD"].unique().tolist() == ["LDIAM2"]
    assert sums.loc[("S1", 1.0), "ADY"] == 43


def test_adrs_carries_visits_and_endpoints(adam: dict[str, pd.DataFrame]) -> None:
    adrs = adam["ADRS"]
    s1 = adrs.loc[adrs["USUBJID"] == "S1"]
    visits = s1.loc[s1["PARAMCD"] == "OVR"]
    assert (
        visits["AVALC"].tolist() == ["PR", "PR", "PD"]
        and visits["AVAL"].tolist() == [2, 2, 5]
        and (visits["ANL01FL"] == "Y").all()
    )
    value = s1.loc[s1["PARAMCD"] != "OVR"].set_index("PARAMCD")
    assert value["AVALC"].to_dict() == {
        "PD": "Y",
        "RSP": "Y",
        "CRSP": "Y",
        "DCR": "Y",
        "CDCR": "Y",
        "CB": "Y",
        "CCB": "Y",
        "BOR": "PR",
        "CBOR": "PR",
        "LSTA": "PD",
        "MDIS": "Y",
    }
    assert value.loc["PD", "ADT"] == pd.Timestamp("2024-05-06") and value.loc[
        "RSP", "ADT"
    ] == value.loc["CRSP", "ADT"] == pd.Timestamp("2024-02-12")
    assert adrs.loc[(adrs["USUBJID"] == "S2") & (adrs["PARAMCD"] == "PD"), "AVALC"].tolist() == [
        "N"
    ]


def test_adtte_and_adex_repeat_their_tables(
    adam: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame]
) -> None:
    times = tables["time_to_event"].set_index(["USUBJID", "PARAMCD"])
    adtte = adam["ADTTE"].set_index(["USUBJID", "PARAMCD"]).loc[times.index]
    for column in ("STARTDT", "ADT", "AVAL", "EVNTDESC"):
        assert adtte[column].equals(times[column])
    assert adtte["CNSR"].astype(int).equals(times["CNSR"].astype(int))
    lesions, ex = tables["tumour_assessments"], tables["exposure"]
    for row in adam["ADTTE"].to_dict("records"):
        if row["SRCDOM"] in ("TR", "EX"):
            frame, date = (lesions, "TRDT") if row["SRCDOM"] == "TR" else (ex, "EXSTDT")
            there = frame[frame["SRCROW"] == row["SRCSEQ"]].iloc[0]
            assert (there["USUBJID"], there[date]) == (row["USUBJID"], row["ADT"])
            assert row["SRCVAR"] == f"{date}C"
        else:
            assert (row["SRCDOM"], row["SRCVAR"]) == ("DM", "DTHDTC")
            assert pd.isna(row["SRCSEQ"])
    assert set(adam["ADTTE"]["SRCDOM"]) >= {"TR", "DM"}
    adex = adam["ADEX"].set_index(["USUBJID", "PARAMCD"])["AVAL"]
    assert adex["S1", "TDOSE"] == 300 * 152 and adex["S1", "RDI"] == pytest.approx(100)


def test_adae_flags_the_rows_that_the_summary_counts_and_has_no_verbatim_term(
    adam: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame]
) -> None:
    adae = adam["ADAE"]
    counted = adae.loc[adae["ANL01FL"] == "Y"]
    rows = (tables["subjects"], tables["exposure"], tables["adverse_events"])
    summary = ae_summary(*rows, CONFIG, cutoff=CUTOFF, left_out_rows=frozenset({4}))
    assert line(summary, "OVERVIEW", term="ANY TEAE")["events"] == len(counted) == 2
    assert adae["TRTEMFL"].tolist() == ["Y", "Y", "N", "Y"]
    assert adae.loc[
        adae["AEDECOD"] == "Hypertension", ["ASTDTF", "AESINAM", "AOCCIFL"]
    ].to_numpy().tolist() == [["D", "HYPERTENSION", "Y"]]
    assert (
        "AETERM" not in adae.columns
        and not adae.astype(str).apply(lambda c: c.str.contains("Müller")).any().any()
    )


def test_the_three_files_hold_the_same_values_and_the_labels(
    adam: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    written = write_adam(adam, tmp_path / "adam")
    assert {p.name for p in written} == {
        f"{n.lower()}{s}" for n in NAMES for s in (".parquet", ".csv", ".xpt")
    } | {"define.csv", "define.html"}
    for name, frame in adam.items():
        base, spec = tmp_path / "adam" / name.lower(), columns(ADAM_MODELS[name])
        xpt, meta = pyreadstat.read_xport(str(base.with_suffix(".xpt")))
        assert meta.column_names_to_labels == labels(ADAM_MODELS[name])
        assert list(xpt.columns) == list(spec) and len(xpt) == len(frame)
        table = pq.read_table(base.with_suffix(".parquet"))
        assert {f.name: f.metadata[b"label"].decode() for f in table.schema} == labels(
            ADAM_MODELS[name]
        )
        csv = pd.read_csv(
            base.with_suffix(".csv"), dtype=str, keep_default_na=False, encoding="utf-8-sig"
        )
        assert list(csv.columns) == list(spec) and len(csv) == len(frame)
        for column, info in spec.items():
            if info["dtype"] == "date":
                expected = frame[column].dt.strftime("%Y-%m-%d").fillna("").tolist()
                assert (
                    ["" if pd.isna(v) else str(v)[:10] for v in xpt[column]]
                    == expected
                    == csv[column].tolist()
                )
                assert [
                    "" if v is None else v.isoformat() for v in table[column].to_pylist()
                ] == expected
            elif info["dtype"] == "number":
                assert np.allclose(xpt[column].astype(float), frame[column], equal_nan=True)
                assert np.array_equal(
                    [float(v) if v else np.nan for v in csv[column]], frame[column], equal_nan=True
                )
            else:
                expected = frame[column].fillna("").tolist()
                assert csv[column].tolist() == expected
                assert [v[:200] for v in expected] == xpt[column].tolist()


def test_the_same_datasets_give_the_same_bytes_whatever_the_row_order(
    tables: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    def build(folder: str, order: int) -> dict[str, bytes]:
        found = build_adam(
            {k: v.iloc[::order].reset_index(drop=True) for k, v in tables.items()},
            CONFIG,
            cutoff=CUTOFF,
        )
        return {p.name: p.read_bytes() for p in write_adam(found, tmp_path / folder)}

    assert build("one", 1) == build("two", -1)


def test_text_beyond_ascii_is_spelled_in_transport_files_alone(
    tables: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    people = tables["subjects"].assign(ARM="Größe ≥ 5 mm – 晚期")
    write_adam(build_adam({**tables, "subjects": people}, CONFIG, cutoff=CUTOFF), tmp_path)
    assert pyreadstat.read_xport(str(tmp_path / "adsl.xpt"))[0]["ARM"][0] == "Gro?e >= 5 mm - ??"
    assert "Größe ≥ 5 mm – 晚期" in (tmp_path / "adsl.csv").read_text(encoding="utf-8-sig")


def test_nothing_delivered_yet_gives_empty_datasets(tmp_path: Path) -> None:
    adam = build_adam({}, CONFIG, cutoff=CUTOFF)
    assert set(adam) == set(NAMES) and all(f.empty for f in adam.values())
    for path in write_adam(adam, tmp_path):
        assert path.stat().st_size > 0
