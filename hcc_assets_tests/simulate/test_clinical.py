"""The simulated export tells stories that hang together, day by day, and its truth follows from its
rows."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcc_assets.simulate import clinical
from hcc_assets.simulate.clinical import ClinicalTrial, simulate_clinical
from hcc_assets.simulate.sdtm import COLUMNS, STUDY_ID
from hcc_assets.simulate.sites.habits import CLEAN
from hcc_assets.simulate.subjects import START, traits
from hcc_assets.study.config import StudyConfig

LAST = START + dt.timedelta(days=480)


@pytest.fixture(scope="module")
def told() -> list[clinical.SubjectStory]:
    return clinical.stories(300, 1, habits=CLEAN)


@pytest.fixture(scope="module")
def trial(told: list[clinical.SubjectStory]) -> ClinicalTrial:
    return clinical.export(told, until=LAST)


def test_a_seed_gives_the_same_tables() -> None:
    first, again, other = (simulate_clinical(20, s) for s in (4, 4, 5))
    assert list(first) == list(COLUMNS)
    for domain, table in first.items():
        pd.testing.assert_frame_equal(table, again[domain])
    assert not first["tr"].equals(other["tr"])


def test_every_kind_of_story_is_told(trial: ClinicalTrial) -> None:
    tables = trial.tables
    assert set(trial.responses["OVRLRESP"]) == {"CR", "PR", "SD", "PD", "NE"}
    assert {
        "UNEQUIVOCAL",
        "EQUIVOCAL",
        "TOO SMALL TO MEASURE",
        "UNEQUIVOCAL PROGRESSION",
        "ABSENT",
    } <= set(tables["tr"]["TRORRES"])
    assert {"PROGRESSIVE DISEASE", "DEATH", "SCREEN FAILURE", "ADVERSE EVENT"} <= set(
        tables["ds"]["DSDECOD"]
    )
    assert {"WITHDRAWAL BY SUBJECT", "LOST TO FOLLOW-UP"} & set(tables["ds"]["DSDECOD"])
    assert {"300", "250", "200", "0"} == set(tables["ex"]["EXDOSE"])
    assert {"DRUG INTERRUPTED", "DOSE REDUCED", "DRUG WITHDRAWN"} <= set(tables["ae"]["AEACN"])
    assert "5" in set(tables["ae"]["AETOXGR"]) and len(tables["cm"]) > 0
    best = trial.responses.groupby("USUBJID")["OVRLRESP"].agg(set)
    assert 0.08 < best.map(lambda seen: bool(seen & {"CR", "PR"})).mean() < 0.35


def test_sizes_in_the_rows_give_the_sums_of_the_truth(trial: ClinicalTrial) -> None:
    rows = trial.tables["tr"]
    target = rows[rows["TRGRPID"] == "TARGET"].copy()
    target["mm"] = target["TRORRES"].map(
        lambda v: None if v is None else Decimal(5) if v.startswith("TOO") else Decimal(v)
    )
    sums = target.groupby(["USUBJID", "VISITNUM"])["mm"].agg(
        lambda v: None if v.isna().any() else sum(v, Decimal(0))
    )
    for truth in trial.responses.itertuples():
        found = sums[truth.USUBJID, str(truth.VISITNUM)]
        assert (found is None or pd.isna(found)) == pd.isna(truth.SUMDIAM)
        assert pd.isna(truth.SUMDIAM) or float(found) == truth.SUMDIAM
        assert float(sums[truth.USUBJID, "0"]) == truth.BASE
        if truth.OVRLRESP == "PR":
            assert truth.TRGRESP == "CR" or truth.SUMDIAM <= 0.7 * truth.BASE + 1e-9


def test_nothing_is_scanned_after_progression_and_a_reported_response_is_the_derived_one(
    trial: ClinicalTrial,
) -> None:
    for _, visits in trial.responses.groupby("USUBJID"):
        words = visits.sort_values("VISITNUM")["OVRLRESP"].tolist()
        assert "PD" not in words[:-2]
        assert "PD" not in words[:-1] or words[-1] == "PD"
    reported = (
        trial.tables["rs"].astype({"VISITNUM": int}).set_index(["USUBJID", "VISITNUM"])["RSSTRESC"]
    )
    truth = trial.responses.set_index(["USUBJID", "VISITNUM"])["OVRLRESP"]
    assert reported.sort_index().tolist() == truth.sort_index().tolist()


def test_dates_and_words_of_one_subject_agree(trial: ClinicalTrial) -> None:
    tables = trial.tables
    dm = tables["dm"].set_index("USUBJID")
    doses = tables["ex"]
    treated = doses[doses["EXDOSE"] != "0"].groupby("USUBJID")["EXSTDTC"].min()
    assert (dm.loc[treated.index, "RFICDTC"] < treated).all()
    for _, rows in doses.groupby("USUBJID"):
        ends, starts = rows["EXENDTC"].iloc[:-1], rows["EXSTDTC"].iloc[1:]
        assert all(
            dt.date.fromisoformat(e) + dt.timedelta(days=1) == dt.date.fromisoformat(s)
            for e, s in zip(ends, starts, strict=True)
        )
        assert rows["EXDOSE"].iloc[-1] != "0" or rows["EXENDTC"].iloc[-1] in (
            None,
            LAST.isoformat(),
        )
    ae = tables["ae"].join(dm[["DTHDTC", "RFICDTC"]], on="USUBJID")
    assert (ae["AESTDTC"] >= ae["RFICDTC"]).all()
    fatal = ae["AETOXGR"] == "5"
    assert ((ae["AEOUT"] == "FATAL") == fatal).all() and (
        ae.loc[fatal, "AEENDTC"] == ae.loc[fatal, "DTHDTC"]
    ).all()
    assert (ae.loc[fatal, "AESER"] == "Y").all()
    resolved = ae["AEOUT"].isin(["RECOVERED/RESOLVED", "RECOVERED/RESOLVED WITH SEQUELAE", "FATAL"])
    assert (ae["AEENDTC"].notna() == resolved).all()
    dead = ae["DTHDTC"].notna()
    assert (ae.loc[dead, "AESTDTC"] <= ae.loc[dead, "DTHDTC"]).all()
    assert not ae.duplicated(["USUBJID", "AEDECOD", "AESTDTC"]).any()


def test_an_action_in_an_event_is_seen_in_the_dosing(trial: ClinicalTrial) -> None:
    doses = trial.tables["ex"].set_index(["USUBJID", "EXSTDTC"])["EXDOSE"]
    last = trial.tables["ex"].groupby("USUBJID")["EXENDTC"].last()
    for e in trial.tables["ae"].itertuples():
        if e.AEACN == "DRUG INTERRUPTED":
            assert doses[e.USUBJID, e.AESTDTC] == "0"
        elif e.AEACN == "DOSE REDUCED":
            assert doses[e.USUBJID, e.AESTDTC] in ("250", "200")
        elif e.AEACN == "DRUG WITHDRAWN":
            assert last[e.USUBJID] == e.AESTDTC


def test_a_baseline_fits_the_protocol(trial: ClinicalTrial) -> None:
    rows = trial.tables["tr"].drop(columns="TULOC")
    places = trial.tables["tu"][["USUBJID", "TULNKID", "TULOC"]].rename(
        columns={"TULNKID": "TRLNKID"}
    )
    base = rows[(rows["VISITNUM"] == "0") & (rows["TRGRPID"] == "TARGET")].merge(
        places, on=["USUBJID", "TRLNKID"]
    )
    node = base["TULOC"] == "LYMPH NODE"
    size = base["TRORRES"].astype(float)
    assert (
        (size[node] >= 15).all()
        and (size[~node] >= 10).all()
        and (base.loc[node, "TRTESTCD"] == "SAXIS").all()
    )
    assert (
        base.groupby("USUBJID").size().max() <= 5
        and base.groupby(["USUBJID", "TULOC"]).size().max() <= 2
    )


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 480), st.integers(0, 480))
def test_an_earlier_export_is_the_later_one_with_its_future_cut_off(
    told: list[clinical.SubjectStory], a: int, b: int
) -> None:
    early, late = sorted((a, b))
    first, second = (
        clinical.export(told[:40], until=START + dt.timedelta(days=d)).tables for d in (early, late)
    )
    day = (START + dt.timedelta(days=early)).isoformat()
    date = {"ae": "AESTDTC", "ex": "EXSTDTC", "tr": "TRDTC", "dm": "RFICDTC", "tu": "TUDTC"}
    date |= {"lb": "LBDTC", "vs": "VSDTC", "sc": "SCDTC", "qs": "QSDTC"}
    for domain, column in date.items():
        assert (first[domain][column] <= day).all()
        assert len(second[domain][second[domain][column] <= day]) == len(first[domain])
    for column in ("EXENDTC", "EXSTDTC"):
        assert (first["ex"][column].dropna() <= day).all()
    assert (first["dm"]["DTHDTC"].dropna() <= day).all() and (
        first["ae"]["AEENDTC"].dropna() <= day
    ).all()


def test_an_equivocal_lesion_confirmed_later_changes_the_past(
    told: list[clinical.SubjectStory],
) -> None:
    story = next(
        s for s in told if any(f.word == "EQUIVOCAL" for scan in s.scans for f in scan.findings)
    )
    first = next(scan for scan in story.scans if any(f.word == "EQUIVOCAL" for f in scan.findings))
    before = clinical.export([story], until=first.date).responses
    after = clinical.export([story], until=story.scans[-1].date).responses
    assert before["OVRLRESP"].iloc[-1] != "PD"
    assert after.set_index("VISITNUM").loc[first.number, "OVRLRESP"] == "PD"


def test_benefit_lowers_the_hazard_and_the_null_does_not() -> None:
    def months(effect: float) -> pd.Series:
        rows = clinical.export(
            clinical.stories(500, 3, hazard_effect=effect), until=LAST
        ).progression
        return rows.groupby(rows["benefit"] > 0)["latent_days"].median()

    driven, null = months(-0.5), months(0.0)
    assert driven[True] > 1.5 * driven[False]
    assert null[True] < 1.3 * null[False]
    assert traits(3, 0) == traits(3, 0)


def test_ugly_data_say_what_is_wrong_with_them() -> None:
    clean = clinical.export(clinical.stories(40, 2), until=LAST, seed=2)
    ugly = clinical.export(clinical.stories(40, 2), until=LAST, ugly=True, seed=2)
    assert clean.issues.empty and len(ugly.issues) >= 10 and ugly.issues["USUBJID"].is_unique
    assert any(not clean.tables[d].equals(ugly.tables[d]) for d in ("dm", "ae", "tr", "ex"))
    pd.testing.assert_frame_equal(ugly.responses, clean.responses)


def test_protocol_numbers_are_those_of_the_default_configuration() -> None:
    config = StudyConfig()
    assert [str(int(d)) for d in config.treatment.dose_levels_mg] == ["300", "250", "200"]
    assert config.treatment.name == "SURUFATINIB" and config.study.id == STUDY_ID
