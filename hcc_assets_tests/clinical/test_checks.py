"""Checks of the clinical tables: the seeded oracle, the real delivery row by row, each rule on a
small case, no false findings on clean data."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from hcc_assets.clinical.checks import (
    CHECKS,
    READERS_KEPT,
    blocked,
    response_discordance,
    rows_left_out,
    run_checks,
)
from hcc_assets.clinical.checks.ctcae import match_key, read_terms
from hcc_assets.clinical.reading.exports import Export, read_export
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.clinical.endpoint_frames import oracle
from hcc_assets_tests.clinical.export_files import frames, write_csv

CONFIG = StudyConfig()
CUTOFF = dt.date(2025, 1, 1)
Rows = list[dict[str, str]]

DM = {
    "USUBJID": "S1",
    "RFICDTC": "2024-01-02",
    "AGE": "60",
    "SEX": "M",
    "DTHDTC": "",
    "DTHFL": "",
    "ARM": "A",
}
EX = {
    "USUBJID": "S1",
    "EXSEQ": "1",
    "EXTRT": "SURUFATINIB",
    "EXDOSE": "300",
    "EXDOSU": "mg",
    "EXSTDTC": "2024-01-10",
    "EXENDTC": "2024-09-30",
}
AE = {
    "USUBJID": "S1",
    "AESEQ": "1",
    "AETERM": "t",
    "AEDECOD": "Rash",
    "AESTDTC": "2024-02-01",
    "AEENDTC": "2024-02-10",
    "AETOXGR": "2",
    "AEOUT": "RECOVERED/RESOLVED",
    "AEREL": "Y",
    "AESER": "N",
    "AEACN": "DOSE NOT CHANGED",
    "AESDTH": "N",
}
TR = {
    "USUBJID": "S1",
    "VISITNUM": "0",
    "VISIT": "SCREENING",
    "TRDTC": "2024-01-03",
    "TRLNKID": "T01",
    "TRGRPID": "TARGET",
    "TULOC": "LIVER",
    "TRTESTCD": "LDIAM",
    "TRORRES": "40",
    "TRORRESU": "mm",
    "TRSTAT": "",
    "TRMETHOD": "CT SCAN",
}
V1 = {"VISITNUM": "1", "VISIT": "V1", "TRDTC": "2024-02-21"}
V2 = {"VISITNUM": "2", "VISIT": "V2", "TRDTC": "2024-04-03"}
DEAD = {"DTHDTC": "2024-10-01", "DTHFL": "Y"}
FATAL = {"AEOUT": "FATAL", "AETOXGR": "5", "AESER": "Y", "AEENDTC": "2024-10-01", "AESDTH": "Y"}


def export(
    folder: Path,
    dm: Rows | None = None,
    ex: Rows | None = None,
    ae: Rows | None = None,
    tr: Rows | None = None,
) -> Export:
    tables = frames(dm=dm or [DM], ex=ex or [EX], ae=ae or [AE], tr=tr or [TR])
    result = read_export(write_csv(folder, tables), CONFIG)
    assert result.refused == {}
    return result


def issues(
    result: Export, cutoff: dt.date = CUTOFF, ctcae: pd.DataFrame | None = None
) -> pd.DataFrame:
    found = run_checks(result.tables, CONFIG, cutoff=cutoff, ctcae=ctcae, absent=result.absent)
    return pd.concat([result.issues, found], ignore_index=True)


def queries(frame: pd.DataFrame) -> set[str]:
    return set(frame.loc[frame["severity"] != "I", "check_id"])


def test_every_check_of_the_code_list_is_registered() -> None:
    numbers = {"DM": 7, "EX": 7, "AE": 16, "TR": 24}
    assert {f"{d}{i:02d}" for d, n in numbers.items() for i in range(1, n + 1)} <= set(CHECKS)
    severities = {
        "E": "DM01 DM02 EX01 EX02 EX03 AE01 AE03 AE04 AE05 AE06 AE11 AE12 TR01 TR03 TR06 TR09 "
        "TR10 TR11 TR12 TR13 TR14 TR17 TR22",
        "Q": "DM03 DM04 DM05 DM06 DM07 EX04 EX05 EX06 EX07 AE02 AE07 AE08 AE09 AE10 AE13 AE14 "
        "AE15 AE16 TR02 TR04 TR05 TR07 TR08 TR15 TR16 TR18 TR19 "
        "TR20 TR21 TR23 TR24",
    }
    for severity, ids in severities.items():
        assert {i: CHECKS[i].severity for i in ids.split()} == dict.fromkeys(ids.split(), severity)
    assert all(check.title and check.rule for check in CHECKS.values())


def test_all_seeded_pairs_are_found_and_no_others() -> None:
    folder = oracle("oracle", "data_quality")
    expected = pd.read_csv(folder / "expected_issues.csv")
    found = issues(read_export(folder, CONFIG))
    pairs = set(zip(found["check_id"], found["subject_id"], strict=True))
    wanted = set(zip(expected["CHECK"], expected["USUBJID"], strict=True))
    assert len(wanted) == 41
    assert wanted <= pairs
    extra = {(c, s) for c, s in pairs - wanted if CHECKS[c].severity != "I"}
    assert extra == set()
    assert rows_left_out(found) == {
        4,
        5,
        12,
        14,
    }  # AE03, AE04, AE01, AE11; AE05, AE06 and AE12 rows stay
    assert "Q04" not in blocked(found, ["DM", "EX", "TR"])  # only an adverse event has an E there
    assert blocked(found, ["DM"]) == {"Q11", "Q13"}


def test_the_real_delivery_row_by_row() -> None:
    folder = oracle("data", "landing_real", "clinical", "2014-12-31")
    terms = read_terms(oracle("data", "reference", "ctcae_v5_terms.csv"))
    result = read_export(folder, CONFIG)
    found = issues(result, dt.date(2014, 12, 31), terms)
    counts = Counter(zip(found["check_id"], found["severity"], strict=True))
    assert counts == {
        (
            "RD01",
            "I",
        ): 3,  # once per table: ae, ex and tr each lack optional columns
        ("RD04", "I"): 1,  # BRTHDTC in dm
        ("RD12", "I"): 2,  # 2014-02 as date of one visit, in tr and in rs
        ("AE19", "I"): 1,  # 4 of 9 preferred terms are CTCAE terms
        (
            "AE08",
            "Q",
        ): 1,  # one event twice: same term and start, no end, told apart by AESEV only
        ("EX06", "Q"): 9,  # 54 and 81 mg are no surufatinib levels; placebo rows have dose 0
        ("EX08", "Q"): 12,  # the trial gave placebo and xanomeline
        (
            "TR10",
            "Q",
        ): 6,  # non-target states sent several times, for two subjects and three readers
        (
            "TR16",
            "Q",
        ): 6,  # WEEK 6 of two subjects has two targets only, for each reader, without NOT DONE
        ("TR18", "Q"): 4,  # that trial looked every 21 days, this study every 42
    }
    assert blocked(found, ["DM", "EX", "TR"]) == frozenset()
    assert set(found.loc[found["check_id"] == "TR16", "subject_id"]) == {
        "01-701-1015",
        "01-701-1028",
    }


def test_the_rule_cases_have_no_blocking_finding(tmp_path: Path) -> None:
    dm = pd.read_csv(oracle("oracle", "recist", "dm.csv"), dtype=str)
    tr = pd.read_csv(oracle("oracle", "recist", "tr.csv"), dtype=str)
    tables = {
        "dm": dm.rename(columns={"RFICDT": "RFICDTC", "DTHDT": "DTHDTC"})[
            ["USUBJID", "RFICDTC", "DTHDTC"]
        ],
        "ex": pd.DataFrame({"USUBJID": dm["USUBJID"], "EXDOSE": "300", "EXSTDTC": dm["TRTSDT"]}),
        "tr": tr,
        "ae": pd.DataFrame(columns=["USUBJID", "AEDECOD", "AESTDTC"]),
    }
    found = issues(read_export(write_csv(tmp_path, tables), CONFIG))
    assert queries(found) == {"TR18"}  # rule cases with scans on odd days


CASES: dict[str, tuple[str, dict[str, Rows]]] = {
    "a clean subject": ("", {}),
    "a clean dead subject": (
        "",
        {"dm": [DM | DEAD], "ae": [AE, AE | FATAL | {"AESEQ": "2", "AESTDTC": "2024-09-01"}]},
    ),
    "death by progression needs no event": (
        "",
        {"dm": [DM | DEAD], "ae": [AE | {"AEOUT": "NOT RECOVERED/NOT RESOLVED", "AEENDTC": ""}]},
    ),
    "DM05 flag without date": ("DM05", {"dm": [DM | {"DTHFL": "Y"}]}),
    "DM06": ("DM06", {"dm": [DM | {"DTHDTC": "2025-01-02", "DTHFL": "Y"}]}),
    "DM06 on the day": ("", {"dm": [DM | {"DTHDTC": "2025-01-01", "DTHFL": "Y"}]}),
    "DM07 same day": ("", {"dm": [DM | {"RFICDTC": "2024-01-10"}]}),
    "DM07 partial may be before": ("", {"dm": [DM | {"RFICDTC": "2024-01"}]}),
    "EX02 empty unit": (
        "EX02",
        {"ex": [EX | {"EXDOSU": ""}, EX | {"EXSTDTC": "2024-10-01", "EXENDTC": ""}]},
    ),
    "EX04 touching": (
        "EX04",
        {"ex": [EX, EX | {"EXSEQ": "2", "EXSTDTC": "2024-09-30", "EXENDTC": ""}]},
    ),
    "EX04 next day": (
        "",
        {"ex": [EX, EX | {"EXSEQ": "2", "EXSTDTC": "2024-10-01", "EXENDTC": ""}]},
    ),
    "EX06": ("EX06", {"ex": [EX | {"EXDOSE": "275"}]}),
    "EX06 zero": (
        "",
        {"ex": [EX, EX | {"EXSEQ": "2", "EXDOSE": "0", "EXSTDTC": "2024-10-01", "EXENDTC": ""}]},
    ),
    "EX07": ("EX07", {"ex": [EX, EX | {"EXSTDTC": "2024-10-30", "EXENDTC": ""}]}),
    "EX07 28 days": ("", {"ex": [EX, EX | {"EXSTDTC": "2024-10-29", "EXENDTC": ""}]}),
    "EX07 recorded": (
        "",
        {
            "ex": [
                EX,
                EX | {"EXDOSE": "0", "EXSTDTC": "2024-10-01", "EXENDTC": "2024-11-29"},
                EX | {"EXSTDTC": "2024-11-30", "EXENDTC": ""},
            ]
        },
    ),
    "EX08": ("EX08", {"ex": [EX | {"EXTRT": "PLACEBO"}]}),
    "EX09": ("EX09", {"ex": [EX, EX | {"USUBJID": "S2"}]}),
    "EX10": ("EX10", {"ex": [EX, EX | {"EXSTDTC": "", "EXENDTC": ""}]}),
    "AE04 missing": ("AE04", {"ae": [AE | {"AETOXGR": ""}]}),
    "AE13": ("AE13", {"dm": [DM | DEAD], "ae": [AE | FATAL | {"AEENDTC": "2024-09-30"}]}),
    "AE14 dosing goes on": ("AE14", {"ae": [AE | {"AEACN": "DRUG WITHDRAWN"}]}),
    "AE14 dosing open": (
        "AE14",
        {
            "ex": [EX | {"EXENDTC": ""}],
            "ae": [AE | {"AEACN": "DRUG WITHDRAWN", "AEENDTC": "2024-10-10"}],
        },
    ),
    "AE14 stopped": ("", {"ae": [AE | {"AEACN": "DRUG WITHDRAWN", "AEENDTC": "2024-10-10"}]}),
    "AE15": ("AE15", {"dm": [DM | DEAD], "ae": [AE | {"AESDTH": "Y", "AESER": "Y"}]}),
    "AE16": (
        "AE16",
        {
            "dm": [DM | DEAD],
            "ae": [
                AE | FATAL | {"AETOXGR": "4"},
                AE | FATAL | {"AESEQ": "3", "AEDECOD": "Ascites"},
            ],
        },
    ),
    "AE17": ("AE17", {"ae": [AE | {"AEREL": "MAYBE"}]}),
    "AE20": ("AE20", {"ae": [AE | {"AEDECOD": ""}, AE | {"AESEQ": "2"}]}),
    "TR02 29 days": ("TR02", {"tr": [TR | {"TRDTC": "2023-12-12"}]}),
    "TR02 28 days": ("", {"tr": [TR | {"TRDTC": "2023-12-13"}]}),
    "TR03": ("TR03", {"tr": [TR | {"TRDTC": "2024-01-11"}]}),
    "TR03 on the day of first dose": ("", {"tr": [TR | {"TRDTC": "2024-01-10"}]}),
    "TR04 in cm": ("TR04", {"tr": [TR | {"TRORRES": "0.96", "TRORRESU": "cm"}]}),
    "TR05": (
        "TR05",
        {"tr": [TR | {"TULOC": "LYMPH NODE", "TRTESTCD": "SAXIS", "TRORRES": "14.9"}]},
    ),
    "TR06 fragment": (
        "",
        {
            "tr": [
                TR,
                TR | V1 | {"TRLNKID": "T01.1", "TRORRES": "20"},
                TR | V1 | {"TRLNKID": "T01.2", "TRORRES": "15"},
            ]
        },
    ),
    "TR06": ("TR06", {"tr": [TR, TR | V1, TR | V1 | {"TRLNKID": "T02"}]}),
    "TR06 without a baseline": ("", {"tr": [TR | V1]}),
    "TR08 nodes are one organ": (
        "TR08",
        {
            "tr": [
                TR
                | {"TULOC": "LYMPH NODE", "TRTESTCD": "SAXIS", "TRLNKID": f"T0{i}", "TRORRES": "20"}
                for i in (1, 2, 3)
            ]
        },
    ),
    "TR10 conflict": ("TR10", {"tr": [TR, TR | {"TRORRES": "41"}]}),
    "TR10 not done and a value": ("TR10", {"tr": [TR, TR | {"TRORRES": "", "TRSTAT": "NOT DONE"}]}),
    "TR14 missing": ("TR14", {"tr": [TR | {"TRORRESU": ""}, TR | V1]}),
    "TR14 words need no unit": (
        "",
        {"tr": [TR, TR | V1 | {"TRORRES": "TOO SMALL TO MEASURE", "TRORRESU": ""}]},
    ),
    "TR15": ("TR15", {"tr": [TR, TR | V1 | {"TRORRES": "3.8"}]}),
    "TR15 in cm is none": ("", {"tr": [TR, TR | V1 | {"TRORRES": "3.8", "TRORRESU": "cm"}]}),
    "TR16": ("TR16", {"tr": [TR, TR | {"TRLNKID": "T02"}, TR | V1]}),
    "TR16 not done": (
        "",
        {
            "tr": [
                TR,
                TR | {"TRLNKID": "T02"},
                TR | V1,
                TR | V1 | {"TRLNKID": "T02", "TRORRES": "", "TRSTAT": "NOT DONE"},
            ]
        },
    ),
    "TR16 after merging": (
        "",
        {
            "tr": [
                TR,
                TR | {"TRLNKID": "T02"},
                TR | V1,
                TR | V1 | {"TRLNKID": "T02", "TRORRES": "COALESCED"},
                TR | V2,
            ]
        },
    ),
    "TR17 same day": ("TR17", {"tr": [TR, TR | V1, TR | V2 | {"TRDTC": "2024-02-21"}]}),
    "TR17 partial may follow": ("", {"tr": [TR, TR | V1, TR | V2 | {"TRDTC": "2024-02"}]}),
    "TR18": ("TR18", {"tr": [TR, TR | V1 | {"TRDTC": "2024-02-29"}]}),
    "TR18 edge": ("", {"tr": [TR, TR | V1 | {"TRDTC": "2024-02-28"}]}),
    "TR18 unscheduled": (
        "",
        {"tr": [TR, TR | V1 | {"TRDTC": "2024-03-05", "VISIT": "UNSCHEDULED"}]},
    ),
    "TR19 node": ("TR19", {"tr": [TR | {"TULOC": "LYMPH NODE"}]}),
    "TR19 lesion": ("TR19", {"tr": [TR | {"TRTESTCD": "LPERP"}]}),
    "TR19 perpendicular beside": ("", {"tr": [TR, TR | {"TRTESTCD": "LPERP", "TRORRES": "30"}]}),
    "TR20": ("TR20", {"tr": [TR, TR | V1 | {"TRMETHOD": "MRI"}]}),
    "TR21": ("TR21", {"tr": [TR | {"TRORRES": "31", "TRORRESU": "cm"}]}),
    "TR22": (
        "TR22",
        {
            "tr": [
                TR,
                TR | V1,
                TR
                | V1
                | {
                    "TRGRPID": "NON-TARGET",
                    "TRTESTCD": "TUMSTATE",
                    "TRORRES": "PRESENT",
                    "TRORRESU": "",
                },
            ]
        },
    ),
    "TR25": ("TR25", {"tr": [TR, TR | {"TRLNKID": "X1", "TRGRPID": "OTHER"}]}),
    "TR26": ("TR26", {"tr": [TR | {"TRORRES": "<5"}]}),
    "AE21": ("AE21", {"ae": [AE | {"AESHOSP": "Y"}]}),
    "AE21 serious": ("", {"ae": [AE | {"AESER": "Y", "AESHOSP": "Y"}]}),
    "TR27": ("TR27", {"tr": [TR | {"TREVALID": reader} for reader in ("R1", "R2")]}),
    "TR27 the endpoint reader is there": (
        "",
        {"tr": [TR | {"TREVALID": "R1"}, TR | {"TREVAL": "INVESTIGATOR"}]},
    ),
    "TR27 one other reader": ("", {"tr": [TR | {"TREVALID": "R1"}]}),
    "TR27 accepted at every visit": (
        "",
        {
            "tr": [
                TR | V | {"TREVALID": r, "TRACPTFL": f}
                for r, f in (("R1", ""), ("R2", "Y"))
                for V in ({}, V1)
            ]
        },
    ),
    "TR27 accepted reader changes": (
        "TR27",
        {
            "tr": [
                TR | V | {"TREVALID": r, "TRACPTFL": "Y" if r == y else ""}
                for V, y in (({}, "R1"), (V1, "R2"))
                for r in ("R1", "R2")
            ]
        },
    ),
    "nodes of a named region are nodes": (
        "",
        {"tr": [TR | {"TULOC": "LYMPH NODE, HILAR", "TRTESTCD": "SAXIS", "TRORRES": "16"}]},
    ),
    "TR05 node of a named region": (
        "TR05",
        {"tr": [TR | {"TULOC": "LYMPH NODE, HILAR", "TRTESTCD": "SAXIS", "TRORRES": "14"}]},
    ),
    "TR19 node of a named region": ("TR19", {"tr": [TR | {"TULOC": "LYMPH NODE, HILAR"}]}),
}


@pytest.mark.parametrize("case", CASES)
def test_one_rule_at_a_time(tmp_path: Path, case: str) -> None:
    expected, tables = CASES[case]
    found = issues(export(tmp_path, **tables))
    assert queries(found) == ({expected} if expected else set()), found[found["severity"] != "I"][
        ["check_id", "message"]
    ].values.tolist()
    assert set(found.loc[found["check_id"] == expected, "subject_id"]) <= {"S1", "S2"}


@pytest.mark.parametrize(
    "without", [(), ("subjects",), ("exposure",), ("adverse_events",), ("tumour_assessments",)]
)
def test_header_only_tables_pass_every_check(tmp_path: Path, without: tuple[str, ...]) -> None:
    for domain, frame in frames(dm=[DM], ex=[EX], ae=[AE], tr=[TR]).items():
        (frame if domain in ("dm", "ex") else frame.iloc[:0]).to_csv(
            tmp_path / f"{domain}.csv", index=False
        )
    result = read_export(tmp_path, CONFIG)
    assert result.refused == {}
    left = {name: frame for name, frame in result.tables.items() if name not in without}
    terms = pd.DataFrame(
        {"key": [match_key("Rash")], **{f"grade_{g}": [True] for g in range(1, 6)}}
    )
    for ctcae in (None, terms):
        assert (
            queries(run_checks(left, CONFIG, cutoff=CUTOFF, ctcae=ctcae, absent=result.absent))
            == set()
        )


def test_no_endpoint_reader_blocks_endpoints_and_leaves_each_readers_responses(
    tmp_path: Path,
) -> None:
    rows = [TR | V | {"TREVALID": reader} for reader in ("R1", "R2") for V in ({}, V1)]
    found = issues(export(tmp_path, tr=rows))
    assert blocked(found, ["TR"]) == {"S1"}
    assert blocked(found, ["TR"], leave_out=READERS_KEPT) == frozenset()


def test_doubtful_first_dose_silences_what_rests_on_it(tmp_path: Path) -> None:
    ex = [
        EX | {"EXDOSE": "-50", "EXENDTC": "2024-03-10"},
        EX | {"EXSEQ": "2", "EXSTDTC": "2024-03-11"},
    ]
    assert queries(issues(export(tmp_path, ex=ex))) == {"EX03"}


def test_ctcae_terms_match_in_both_spellings_and_grades_are_checked(tmp_path: Path) -> None:
    terms = read_terms(oracle("data", "reference", "ctcae_v5_terms.csv"))
    assert (
        len(terms) == 837
        and match_key("Diarrhoea") == match_key("DIARRHEA")
        and match_key("Anaemia") == match_key("Anemia")
    )
    ae = [
        AE | {"AEDECOD": "Alopecia", "AETOXGR": "4"},
        AE | {"AESEQ": "2", "AEDECOD": "Diarrhoea"},
        AE | {"AESEQ": "3", "AEDECOD": "Nonesuch"},
    ]
    found = issues(export(tmp_path, ae=ae), ctcae=terms)
    assert queries(found) == {"AE18"}
    assert "2 of 3" in found.loc[found["check_id"] == "AE19", "message"].iloc[0]
    assert (
        "not run" in issues(export(tmp_path, ae=ae)).query("check_id == 'AE19'")["message"].iloc[0]
    )


def test_messages_carry_no_value(tmp_path: Path) -> None:
    canary = "ZQXJ7"
    ae = [AE | {"AEOUT": canary, "AEREL": canary, "AETOXGR": canary, "AESTDTC": canary}]
    tr = [TR | {"TRORRESU": canary, "TRGRPID": canary, "TRORRES": canary, "TULOC": canary}]
    found = issues(
        export(
            tmp_path,
            dm=[DM | {"SEX": canary, "RFICDTC": canary}],
            ex=[EX | {"EXTRT": canary, "EXDOSU": canary}],
            ae=ae,
            tr=tr,
        )
    )
    assert len(queries(found)) >= 8
    assert (
        not found.drop(columns="subject_id")
        .astype(str)
        .apply(lambda s: s.str.contains(canary, case=False))
        .any()
        .any()
    )
    sentences = found["message"].dropna()
    assert sentences.str.match(r"^[a-z]+( rows? [\d, ]+)?: .+").all()


def test_reported_against_derived() -> None:
    keys = {"USUBJID": "S1", "EVALUATOR": "INVESTIGATOR"}
    derived = pd.DataFrame(
        [
            {**keys, "VISITNUM": float(i), "OVRLRESP": w, "NEWLPROG": n}
            for i, w, n in [(1, "PR", "N"), (2, "PD", "Y"), (3, "PD", "N")]
        ]
    )
    words = ["PR", "SD", "PD", "SD", "NE"]
    reported = pd.DataFrame(
        [
            {**keys, "VISITNUM": float(i), "RSTESTCD": "OVRLRESP", "RSSTRESC": w, "SRCROW": i}
            for i, w in enumerate(words, 1)
        ]
    )
    found = response_discordance(derived, reported)
    assert list(zip(found["check_id"], found["row_key"], strict=True)) == [
        ("TR23", "rs row 2"),
        ("TR23", "rs row 4"),
        ("TR24", "rs row 2"),
    ]
    assert set(found["severity"]) == {"Q"}


@pytest.mark.parametrize("until", [dt.date(2025, 6, 1), dt.date(2026, 6, 1)])
def test_nothing_is_found_in_a_clean_simulated_trial(tmp_path: Path, until: dt.date) -> None:
    from hcc_assets.clinical.recist.responses import derive_responses
    from hcc_assets.simulate.clinical import export as simulated
    from hcc_assets.simulate.clinical import stories

    result = read_export(
        write_csv(tmp_path, simulated(stories(25, 5), until=until).tables), CONFIG, cutoff=until
    )
    found = issues(result, until)
    assert queries(found) == set()
    derived = derive_responses(
        result.tables["subjects"], result.tables["tumour_assessments"], CONFIG, cutoff=until
    )
    assert response_discordance(derived, result.tables["reported_responses"]).empty


def test_planted_mistakes_of_a_simulated_trial_are_found(tmp_path: Path) -> None:
    from hcc_assets.simulate.clinical import export as simulated
    from hcc_assets.simulate.clinical import stories

    until = dt.date(2026, 6, 1)
    ugly = simulated(stories(25, 5), until=until, ugly=True)
    found = issues(read_export(write_csv(tmp_path, ugly.tables), CONFIG, cutoff=until), until)
    pairs = set(zip(found["check_id"], found["subject_id"], strict=True))
    assert set(zip(ugly.issues["check_id"], ugly.issues["USUBJID"], strict=True)) <= pairs
