"""Delivery habits of sites: the endpoints of every case, and a finding where one must be."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from hcc_assets.clinical.endpoints.best_response import response_rates
from hcc_assets.study.config import parse_config
from hcc_assets.study.criteria import MRECIST, RECIST, rows_of
from hcc_assets_tests.clinical.delivered_trial import Derived, delivered, words
from hcc_assets_tests.clinical.endpoint_frames import oracle
from hcc_assets_tests.clinical.export_files import write_csv

DOMAINS = ("ex", "tr", "cm", "pr", "ds", "ss", "rs")


def habits() -> dict[str, pd.DataFrame]:
    names = ("dm", *DOMAINS, "expected_subject", "expected_timepoint")
    read = {"dtype": str, "keep_default_na": False}
    return {n: pd.read_csv(oracle("oracle", "habits", f"{n}.csv"), **read) for n in names}


def wrong(case: pd.Series, visits: pd.DataFrame, seen: Derived) -> list[str]:
    """What differs from the expected endpoints of one case."""
    subject, bad = case["USUBJID"], []
    responses, best, times = (rows_of(f, RECIST) for f in (seen.responses, seen.best, seen.times))
    found = responses[responses["USUBJID"] == subject].set_index("VISITNUM")["OVRLRESP"].to_dict()
    for visit in visits.itertuples():
        if found.get(float(visit.VISITNUM)) != visit.OVRLRESP:
            bad.append(f"visit {visit.VISITNUM}: {found.get(float(visit.VISITNUM))}")
    mine = best[best["USUBJID"] == subject]
    if case["NOTTREATED"]:
        return [*bad, *(["treated"] if len(mine) else [])]
    for word in ("BOR", "CBOR"):
        if case[word] and list(mine[word]) != [case[word]]:
            bad.append(f"{word}: {list(mine[word])}")
    for parameter in ("PFS_TP", "PFS_FDA", "OS"):
        if case[f"{parameter}_ADT"]:
            row = times[(times["USUBJID"] == subject) & (times["PARAMCD"] == parameter)].iloc[0]
            if (str(row["ADT"].date()), str(row["CNSR"])) != (
                case[f"{parameter}_ADT"],
                case[f"{parameter}_CNSR"],
            ):
                bad.append(f"{parameter}: {row['ADT'].date()} {row['CNSR']}")
    if case["STARTMIN"]:
        start = times.loc[times["USUBJID"] == subject, "STARTDT"].min()
        if not start >= pd.Timestamp(case["STARTMIN"]):
            bad.append(f"start {start.date()}")
    if case["QUERY"] and not seen.asked(subject):
        bad.append("nobody is asked")
    if case["NOQUERY"] and seen.asked(subject):
        bad.append(f"asked for nothing: {seen.asked(subject)}")
    return bad


def test_every_habit_comes_out_right(tmp_path: Path) -> None:
    given = habits()
    faults = {}
    for cutoff, people in given["dm"].groupby("DCUTDT"):
        ids = people["USUBJID"]
        tables = {n: given[n][given[n]["USUBJID"].isin(ids)] for n in DOMAINS}
        tables = {n: f for n, f in tables.items() if len(f) or n == "tr"}
        tables["dm"] = pd.DataFrame(
            {
                "USUBJID": ids,
                "RFICDTC": people["RFICDT"],
                "AGE": "60",
                "SEX": "M",
                "DTHDTC": people["DTHDT"],
                "DTHFL": people["DTHFL"],
            }
        )
        tables["ae"] = pd.DataFrame(columns=["USUBJID", "AEDECOD", "AESTDTC"])
        folder = tmp_path / str(cutoff)
        folder.mkdir()
        config = parse_config(f"[study]\ndata_cutoff = {cutoff}\n")
        seen = Derived(write_csv(folder, tables), config, dt.date.fromisoformat(str(cutoff)))
        cases = given["expected_subject"]
        for _, case in cases[cases["USUBJID"].isin(ids)].iterrows():
            visits = given["expected_timepoint"]
            visits = visits[visits["USUBJID"] == case["USUBJID"]]
            if bad := wrong(case, visits, seen):
                faults[case["USUBJID"]] = bad
    assert faults == {}


def test_two_criteria_are_derived_each_from_its_own_rows(tmp_path: Path) -> None:
    seen = delivered(
        tmp_path,
        """
        S1,0,2023-12-20,T01,TARGET,LIVER,LDIAM,50,RECIST 1.1
        S1,0,2023-12-20,T01,TARGET,LIVER,LDIAM,42,mRECIST
        S1,1,2024-02-12,T01,TARGET,LIVER,LDIAM,48,
        S1,1,2024-02-12,T01,TARGET,LIVER,LDIAM,25,M-RECIST
        S1,2,2024-03-25,T01,TARGET,LIVER,LDIAM,48,RECIST
        S1,2,2024-03-25,T01,TARGET,LIVER,LDIAM,0,mRECIST
        S1,2,2024-03-25,T01,TARGET,LIVER,LDIAM,9,iRECIST
        S2,0,2023-12-20,T01,TARGET,LIVER,LDIAM,50,
        S2,1,2024-02-12,T01,TARGET,LIVER,LDIAM,30,
        """,
    )
    assert words(seen) == ["SD", "SD", "PR"]
    assert words(seen, MRECIST) == ["PR", "CR"]
    rates = response_rates(seen.best).query(
        "measure == 'ORR' and source == 'BOR' and population == 'TREATED'"
    )
    assert rates.set_index("CRITERION")[["x", "n"]].to_dict("index") == {
        RECIST: {"x": 1, "n": 2},
        MRECIST: {"x": 1, "n": 2},
    }
    assert list(seen.times.query("PARAMCD == 'OS'")["CRITERION"]) == [RECIST, RECIST]
    assert "TR28" in set(seen.issues["check_id"])


def test_a_number_that_two_unscheduled_scans_share_is_two_visits(tmp_path: Path) -> None:
    seen = delivered(
        tmp_path,
        """
        S1,0,2023-12-20,T01,TARGET,LIVER,LDIAM,50,
        S1,99,2024-02-12,T01,TARGET,LIVER,LDIAM,48,
        S1,99,2024-03-25,T01,TARGET,LIVER,LDIAM,48,
        S1,99,2024-05-06,T01,TARGET,LIVER,LDIAM,70,
        """,
    )
    assert words(seen) == ["SD", "SD", "PD"]
    assert "TR17" not in seen.asked("S1") and "TR10" not in seen.asked("S1")


def test_an_error_after_baseline_costs_its_lesion_and_not_its_subject(tmp_path: Path) -> None:
    seen = delivered(
        tmp_path,
        """
        S1,0,2023-12-20,T01,TARGET,LIVER,LDIAM,50,
        S1,1,2024-02-12,T01,TARGET,LIVER,LDIAM,about 40,
        S1,2,2024-03-25,T01,TARGET,LIVER,LDIAM,48,
        S1,2,2024-03-25,NEW01,NEW,LUNG,TUMSTATE,UNEQUIVOCAL,
        S2,0,2023-12-20,T01,TARGET,LIVER,LDIAM,some 50,
        S2,1,2024-02-12,T01,TARGET,LIVER,LDIAM,40,
        """,
        dm="USUBJID,RFICDTC,DTHDTC,DTHFL\nS1,2023-12-12,,\nS2,2023-12-12,2024-06-01,Y\n",
    )
    assert words(seen) == ["NE", "PD", "NE"]
    assert "TR26" in seen.asked("S1") and "TR26" in seen.asked("S2")
    blocked_death = seen.times.query("USUBJID == 'S2' and PARAMCD == 'PFS_TP'").iloc[0]
    assert (str(blocked_death["ADT"].date()), blocked_death["CNSR"]) == ("2024-06-01", 0)


def test_non_targets_of_one_id_in_several_places_are_one_lesion(tmp_path: Path) -> None:
    seen = delivered(
        tmp_path,
        """
        S1,0,2023-12-20,T01,TARGET,LIVER,LDIAM,50,
        S1,0,2023-12-20,NT,NON-TARGET,BONE,TUMSTATE,PRESENT,
        S1,0,2023-12-20,NT,NON-TARGET,LUNG,TUMSTATE,PRESENT,
        S1,1,2024-02-12,T01,TARGET,LIVER,LDIAM,0,
        S1,1,2024-02-12,NT,NON-TARGET,BONE,TUMSTATE,ABSENT,
        S1,1,2024-02-12,NT,NON-TARGET,LUNG,TUMSTATE,PRESENT,
        S1,2,2024-03-25,T01,TARGET,LIVER,LDIAM,0,
        S1,2,2024-03-25,NT,NON-TARGET,BONE,TUMSTATE,ABSENT,
        S1,2,2024-03-25,NT,NON-TARGET,LUNG,TUMSTATE,ABSENT,
        """,
    )
    assert words(seen) == ["PR", "CR"]
    assert not seen.asked("S1") & {"TR09", "TR10"}


@pytest.mark.parametrize(
    ("file", "line", "asked", "event"),
    [
        ("cm", "S1,new anticancer therapy,2024-03-01", set(), True),
        ("cm", "S1,GENERAL,2024-03-01", {"CM01"}, False),
        ("cm", "S1,CONCOMITANT,2024-03-01", set(), False),
        ("cm", "S1,NEW ANTICANCER THERAPY,", {"CM02"}, False),
        ("cm", "S1,NEW ANTICANCER THERAPY,2024", {"CM03"}, False),
        ("cm", "S1,NEW ANTICANCER THERAPY,2023-03-01", {"CM05"}, False),
        ("cm", "S1,Subsequent anticancer therapy,2023-03", {"CM03", "CM05"}, False),
        ("cm", "S1,TACE,2023-03-01", set(), False),
        ("pr", "S1,,2024-03-01,TACE", set(), True),
        ("pr", "S1,PRIOR,2022-03-01,TACE", set(), False),
        ("pr", "S1,CONCOMITANT,2024-03-01,TACE", {"CM04"}, True),
        ("pr", "S1,,2024-03-01,PARACENTESIS", {"CM01"}, False),
    ],
)
def test_new_therapy_by_words(
    tmp_path: Path, file: str, line: str, asked: set[str], event: bool
) -> None:
    header = {"cm": "USUBJID,CMCAT,CMSTDTC", "pr": "USUBJID,PRCAT,PRSTDTC,PRTRT"}[file]
    seen = delivered(
        tmp_path,
        """
        S1,0,2023-12-20,T01,TARGET,LIVER,LDIAM,50,
        S1,1,2024-02-12,T01,TARGET,LIVER,LDIAM,48,
        S1,2,2024-03-25,T01,TARGET,LIVER,LDIAM,70,
        """,
        **{file: f"{header}\n{line}\n"},
    )
    assert {c for c in seen.asked("S1") if c.startswith("CM")} == asked
    fda = seen.times.query("PARAMCD == 'PFS_FDA'").iloc[0]
    expected = ("2024-02-12", 1) if event else ("2024-03-25", 0)
    assert (str(fda["ADT"].date()), fda["CNSR"]) == expected


def test_subject_ids_of_another_letter_case_are_those_of_dm(tmp_path: Path) -> None:
    seen = delivered(
        tmp_path,
        "S1,0,2023-12-20,T01,TARGET,LIVER,LDIAM,50,\nS1,1,2024-02-12,t 01,TARGET,LIVER,LDIAM,30,",
        ae="USUBJID,AEDECOD,AESTDTC\ns1,Fatigue,2024-02-01\n",
    )
    assert words(seen) == ["PR"]
    assert list(seen.tables["adverse_events"]["USUBJID"]) == ["S1"]
    assert "RD13" in seen.asked("S1")


@pytest.mark.parametrize(
    ("axis", "word", "asked"), [(9, "SD", False), (12, "PD", True), (16, "PD", False)]
)
def test_a_new_node_is_a_lesion_from_ten_millimetres(
    tmp_path: Path, axis: int, word: str, asked: bool
) -> None:
    seen = delivered(
        tmp_path,
        f"""
        S1,0,2023-12-20,T01,TARGET,LIVER,LDIAM,50,
        S1,1,2024-02-12,T01,TARGET,LIVER,LDIAM,48,
        S1,1,2024-02-12,NEW01,NEW,LYMPH NODE,SAXIS,{axis},
        """,
    )
    assert words(seen) == [word]
    assert ("TR29" in seen.asked("S1")) is asked


def test_a_target_without_id_blocks_its_subject_and_is_asked_for(tmp_path: Path) -> None:
    seen = delivered(
        tmp_path,
        """
        S1,0,2023-12-20,T01,TARGET,LIVER,LDIAM,50,
        S1,0,2023-12-20,,TARGET,LUNG,LDIAM,30,
        S1,1,2024-02-12,T01,TARGET,LIVER,LDIAM,20,
        S1,1,2024-02-12,,TARGET,LUNG,LDIAM,30,
        """,
    )
    assert words(seen) == ["NE"] and "TR30" in seen.asked("S1")


def test_the_reader_whom_rs_accepts_makes_the_endpoint(tmp_path: Path) -> None:
    rows = [
        f"S1,{visit},{day},T01,TARGET,LIVER,LDIAM,{size},,mm,V,{reader}"
        for reader, sizes in (("R1", (50, 48)), ("R2", (50, 30)))
        for visit, day, size in zip((0, 1), ("2023-12-20", "2024-02-12"), sizes, strict=True)
    ]
    header = (
        "USUBJID,VISITNUM,TRDTC,TRLNKID,TRGRPID,TULOC,TRTESTCD,TRORRES,TRCAT,TRORRESU,VISIT,"
        "TREVALID\n"
    )
    seen = delivered(
        tmp_path,
        "S1,0,2023-12-20,T01,TARGET,LIVER,LDIAM,50,",
        tr=header + "\n".join(rows) + "\n",
        rs="USUBJID,VISITNUM,RSTESTCD,RSSTRESC,RSEVALID,RSACPTFL\n"
        "S1,1,OVRLRESP,SD,R1,\nS1,1,OVRLRESP,PR,R2,Y\n",
    )
    assert list(seen.best["EVALUATOR"]) == ["R2"] and list(seen.best["BOR"]) == ["PR"]
