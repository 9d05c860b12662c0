"""Two derivations that know nothing of each other, the generator's and the platform's, agree on
every visit; clean data raise no query, ugly data all of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from hcc_assets.clinical import checks
from hcc_assets.clinical.endpoints.time_to_event import derive_time_to_event
from hcc_assets.clinical.laboratory.findings import lab_findings
from hcc_assets.clinical.laboratory.records import derive_labs
from hcc_assets.clinical.reading.exports import Export, read_export
from hcc_assets.clinical.recist.responses import derive_responses
from hcc_assets.clinical.treatment.course import treatment_course
from hcc_assets.simulate import clinical
from hcc_assets.simulate.clinical import ClinicalTrial
from hcc_assets.simulate.sites.habits import CLEAN
from hcc_assets.simulate.subjects import START
from hcc_assets.study.config import StudyConfig

LAST = START + dt.timedelta(days=480)


def delivered(trial: ClinicalTrial, folder: Path, config: StudyConfig) -> Export:
    home = folder / LAST.isoformat()
    home.mkdir()
    for domain, table in trial.tables.items():
        table.to_csv(home / f"{domain}.csv", index=False)
    return read_export(home, config)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> tuple[ClinicalTrial, Export]:
    trial = clinical.export(clinical.stories(250, 7, habits=CLEAN), until=LAST)
    return trial, delivered(trial, tmp_path_factory.mktemp("clean"), StudyConfig())


def test_every_response_is_the_derived_one(clean: tuple[ClinicalTrial, Export]) -> None:
    trial, export = clean
    derived = derive_responses(
        export.tables["subjects"], export.tables["tumour_assessments"], StudyConfig()
    )
    both = trial.responses.merge(
        derived, on=["USUBJID", "VISITNUM"], suffixes=("", "_derived"), how="outer"
    )
    assert len(both) == len(trial.responses) == len(derived) > 500
    for name in ("OVRLRESP", "TRGRESP", "NTRGRESP", "NEWLPROG", "SUMDIAM", "BASE", "NADIR_PRIOR"):
        one, other = both[name], both[f"{name}_derived"]
        assert ((one == other) | (one.isna() & other.isna())).all(), name
    assert checks.response_discordance(derived, export.tables["reported_responses"]).empty


def test_progression_free_survival_is_the_derived_one(clean: tuple[ClinicalTrial, Export]) -> None:
    trial, export = clean
    config, tables = StudyConfig(), export.tables
    derived = derive_responses(tables["subjects"], tables["tumour_assessments"], config)
    times = derive_time_to_event(
        tables["subjects"],
        tables["tumour_assessments"],
        derived,
        tables["disposition"],
        config,
        cutoff=LAST,
        blocked=frozenset(),
    )
    found = times[times["PARAMCD"] == "PFS_TP"].set_index("USUBJID")
    truth = trial.progression.set_index("USUBJID")
    assert set(found.index) == set(truth.index)
    pd.testing.assert_series_equal(
        found["AVAL"].astype(float), truth.loc[found.index, "AVAL"].astype(float), check_names=False
    )
    assert ((found["CNSR"] == 0) == (truth.loc[found.index, "CNSR"] == 0)).all()


def test_clean_data_raise_no_query(clean: tuple[ClinicalTrial, Export]) -> None:
    _, export = clean
    issues = pd.concat(
        [export.issues, checks.run_checks(export.tables, StudyConfig(), cutoff=LAST)]
    )
    assert not export.refused and set(issues["severity"]) <= {"I"}


def test_values_agree_with_events_and_raise_no_query(
    clean: tuple[ClinicalTrial, Export],
) -> None:
    _, export = clean
    t = export.tables
    course = treatment_course(
        t["subjects"], t["exposure"], t["disposition"], StudyConfig(), cutoff=LAST
    )
    given = (t["subjects"], course, t["lab_results"], t["vital_signs"])
    labs = derive_labs(*given, StudyConfig(), cutoff=LAST)
    events = t["adverse_events"]
    assert lab_findings(t["lab_results"], t["vital_signs"], labs, events, t["subjects"]).empty
    assert {"3", "2", "1", "0"} <= set(labs["ATOXGRH"]) and labs["USUBJID"].nunique() > 200
    units = set(t["lab_results"].loc[t["lab_results"]["LBTESTCD"] == "BILI", "LBORRESU"])
    assert units == {"mg/dL", "umol/L"}
    assert set(labs.loc[labs["LBTESTCD"] == "BILI", "AVALU"]) == {"umol/L"}


def test_ugly_data_raise_every_query(tmp_path: Path) -> None:
    trial = clinical.export(clinical.stories(60, 3), until=LAST, ugly=True, seed=3)
    export = delivered(trial, tmp_path, StudyConfig())
    issues = pd.concat(
        [export.issues, checks.run_checks(export.tables, StudyConfig(), cutoff=LAST)]
    )
    found = set(zip(issues["check_id"], issues["subject_id"], strict=True))
    assert set(zip(trial.issues["check_id"], trial.issues["USUBJID"], strict=True)) <= found
