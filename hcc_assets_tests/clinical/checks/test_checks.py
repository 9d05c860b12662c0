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
from hcc_assets.clinical.reading.exports import read_export
from hcc_assets_tests.clinical.check_frames import (
    AE,
    CONFIG,
    CUTOFF,
    DM,
    EX,
    TR,
    V1,
    export,
    issues,
    queries,
)
from hcc_assets_tests.clinical.endpoint_frames import oracle
from hcc_assets_tests.clinical.export_files import frames, write_csv


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
    result = read_export(folder, CONFIG)
    found, lesions = issues(result), result.tables["tumour_assessments"]
    pairs = set(zip(found["check_id"], found["subject_id"], strict=True))
    wanted = set(zip(expected["CHECK"], expected["USUBJID"], strict=True))
    assert len(wanted) == 41
    assert wanted <= pairs
    extra = {(c, s) for c, s in pairs - wanted if CHECKS[c].severity != "I"}
    assert extra == set()
    assert rows_left_out(found) == {12}  # AE01; an event with a wrong attribute counts
    assert "Q04" not in blocked(
        found, ["DM", "EX", "TR"], lesions
    )  # only an adverse event has an E there
    assert blocked(found, ["DM"], lesions) == {"Q11", "Q13"}


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
        ("TR31", "Q"): 3,  # 2014-02 as date of one visit, for each reader
        ("TR18", "Q"): 4,  # that trial looked every 21 days, this study every 42
    }
    assert blocked(found, ["DM", "EX", "TR"], result.tables["tumour_assessments"]) == frozenset()
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
    result = export(tmp_path, tr=rows)
    found, lesions = issues(result), result.tables["tumour_assessments"]
    assert blocked(found, ["TR"], lesions) == {"S1"}
    assert blocked(found, ["TR"], lesions, leave_out=READERS_KEPT) == frozenset()


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
    keys = {"USUBJID": "S1", "EVALUATOR": "INVESTIGATOR", "CRITERION": "RECIST 1.1"}
    derived = pd.DataFrame(
        [
            {**keys, "VISITNUM": float(i), "OVRLRESP": w, "NEWLPROG": n}
            for i, w, n in [(1, "PR", "N"), (2, "PD", "Y"), (3, "PD", "N")]
        ]
    ).assign(ADT=pd.NaT)
    words = ["PR", "SD", "PD", "SD", "NE"]
    reported = pd.DataFrame(
        [
            {**keys, "VISITNUM": float(i), "RSTESTCD": "OVRLRESP", "RSSTRESC": w, "SRCROW": i}
            for i, w in enumerate(words, 1)
        ]
    ).assign(RSDT=pd.NaT)
    found = response_discordance(derived, reported)
    assert list(zip(found["check_id"], found["row_key"], strict=True)) == [
        ("TR23", "rs row 2"),
        ("TR23", "rs row 4"),
        ("TR24", "rs row 2"),
    ]
    assert set(found["severity"]) == {"Q"}


@pytest.mark.parametrize(
    ("reported_at", "expected"),
    [
        (("2024-02-01", "2024-05-02"), []),  # the second one a day off
        (("2024-05-01", "2024-02-01"), ["rs row 1", "rs row 2"]),  # the words changed places
        ((None, None), []),  # without a date either scan may be meant
    ],
)
def test_a_reported_response_of_a_shared_visit_number_is_that_of_its_day(
    reported_at: tuple[str | None, str | None], expected: list[str]
) -> None:
    keys = {"USUBJID": "S1", "EVALUATOR": "INVESTIGATOR", "CRITERION": "RECIST 1.1"}
    keys["VISITNUM"] = 99.0  # type: ignore[assignment]
    words, days = ["SD", "PD"], pd.to_datetime(["2024-02-01", "2024-05-01"])
    derived = pd.DataFrame(
        [
            {**keys, "OVRLRESP": w, "NEWLPROG": "N", "ADT": d}
            for w, d in zip(words, days, strict=True)
        ]
    )
    reported = pd.DataFrame(
        [
            {**keys, "RSTESTCD": "OVRLRESP", "RSSTRESC": w, "SRCROW": i}
            for i, w in enumerate(words, 1)
        ]
    ).assign(RSDT=pd.to_datetime(pd.Series(reported_at)))
    found = response_discordance(derived, reported)
    assert found["row_key"].tolist() == expected


@pytest.mark.parametrize("until", [dt.date(2025, 6, 1), dt.date(2026, 6, 1)])
def test_nothing_is_found_in_a_clean_simulated_trial(tmp_path: Path, until: dt.date) -> None:
    from hcc_assets.clinical.recist.responses import derive_responses
    from hcc_assets.simulate.clinical import export as simulated
    from hcc_assets.simulate.clinical import stories
    from hcc_assets.simulate.sites.habits import CLEAN

    told = stories(25, 5, habits=CLEAN)
    result = read_export(
        write_csv(tmp_path, simulated(told, until=until).tables), CONFIG, cutoff=until
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
