"""Sites deliver as sites do, and the truth stays what it was: each habit is understood, or a query
of that very subject asks."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from hcc_assets.clinical.checks.cross import response_discordance
from hcc_assets.clinical.checks.run import unusable_rows
from hcc_assets.clinical.endpoints.bounds import ORDER, Given, derive_bounds
from hcc_assets.clinical.laboratory.findings import lab_findings
from hcc_assets.clinical.laboratory.records import derive_labs
from hcc_assets.clinical.safety.events import treatment_emergent
from hcc_assets.clinical.treatment.course import treatment_course
from hcc_assets.simulate.clinical import export, stories
from hcc_assets.simulate.sdtm import SubjectStory
from hcc_assets.simulate.sites.habits import CLEAN, USUAL
from hcc_assets.simulate.subjects import START
from hcc_assets.simulate.trial import biopsies
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.clinical.delivered_trial import Derived

CONFIG = StudyConfig()
LAST = START + dt.timedelta(days=480)
KEYS = ["USUBJID", "CRITERION"]
SEED = 9
"""Its eight sites have every habit."""

ENDPOINTS = ["BOR", "AVAL", "CNSR", "TEAE"]


@pytest.fixture(scope="module")
def told() -> list[SubjectStory]:
    return stories(200, SEED)


@pytest.fixture(scope="module")
def tables(told: list[SubjectStory]) -> dict[str, pd.DataFrame]:
    return export(told, until=LAST).tables


def derived(folder: Path, tables: dict[str, pd.DataFrame], until: dt.date) -> pd.DataFrame:
    """Endpoints of each treated subject and criterion with their bounds, and ``asked``: the checks
    with a query of the subject."""
    for domain, table in tables.items():
        table.to_csv(folder / f"{domain}.csv", index=False)
    seen = Derived(folder, CONFIG, until)
    t = seen.tables
    course = treatment_course(t["subjects"], t["exposure"], t["disposition"], CONFIG, cutoff=until)
    values = (t["lab_results"], t["vital_signs"])
    labs = derive_labs(t["subjects"], course, *values, CONFIG, cutoff=until)
    findings = [
        seen.issues,
        response_discordance(seen.responses, t["reported_responses"]),
        lab_findings(*values, labs, t["adverse_events"], t["subjects"]),
    ]
    queries = pd.concat(findings).query("severity != 'I'")
    events = treatment_emergent(course, t["adverse_events"], CONFIG, cutoff=until)
    counts = events[events["TRTEMFL"] == "Y"].groupby("USUBJID").size()
    times = seen.times[seen.times["PARAMCD"] == "PFS_TP"][[*KEYS, "AVAL", "CNSR"]]
    out = seen.best[[*KEYS, "BOR"]].merge(times, on=KEYS)
    out = out.merge(_bounds(seen, until), on=KEYS)
    out["TEAE"] = out["USUBJID"].map(counts).fillna(0)
    out["asked"] = out["USUBJID"].map(queries.groupby("subject_id")["check_id"].agg(set))
    return out


def _bounds(seen: Derived, until: dt.date) -> pd.DataFrame:
    t = seen.tables
    given = Given(
        *(t[name] for name in ("subjects", "tumour_assessments", "exposure", "disposition")),
        *(seen.issues, seen.best, seen.times),
        unusable_rows(seen.issues, t["tumour_assessments"]),
    )
    names = ["BOR_BEST", "BOR_WORST", "PFS_DAYS_MIN", "PFS_DAYS_MAX"]
    return derive_bounds(given, CONFIG, cutoff=until)[[*KEYS, *names]]


@pytest.mark.parametrize("days", [250, 480])
@pytest.mark.parametrize("seed", [1, 3, 6, 7, 8])
def test_who_is_not_asked_about_has_the_endpoints_of_the_truth(
    tmp_path: Path, seed: int, days: int
) -> None:
    until = START + dt.timedelta(days=days)
    trial = export(stories(100, seed), until=until)
    both = trial.endpoints.merge(
        derived(tmp_path, trial.tables, until), on=KEYS, suffixes=("", "_derived"), how="outer"
    )
    assert len(both) == len(trial.endpoints) > 100
    told_apart = both["asked"].isna()
    assert 0.5 < told_apart.mean() < 1
    quiet = both[told_apart]
    for name in ENDPOINTS:
        differ = quiet[quiet[name] != quiet[f"{name}_derived"]]
        assert differ.empty, (name, differ["USUBJID"].tolist())
    rank = {name: both[name].map(ORDER.index) for name in ("BOR", "BOR_BEST", "BOR_WORST")}
    inside = rank["BOR"].between(rank["BOR_BEST"], rank["BOR_WORST"])
    inside &= both["AVAL"].between(both["PFS_DAYS_MIN"], both["PFS_DAYS_MAX"])
    assert inside.all(), both.loc[~inside, "USUBJID"].tolist()


def test_a_query_is_about_a_habit(
    told: list[SubjectStory], tables: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    found = derived(tmp_path, tables, LAST)
    asked = set().union(*found["asked"].dropna())
    assert {"CM01", "CM03", "CM04", "EX12", "EX13"} <= asked
    assert asked <= {"CM01", "CM03", "CM04", "EX12", "EX13", "EX14", "EX16", "TR10", "TR23"}


def test_habits_move_no_value_of_the_trial(told: list[SubjectStory]) -> None:
    clean = stories(200, SEED, habits=CLEAN)
    for one, other in zip(clean, told, strict=True):
        assert (one.course, one.events, one.dosing) == (other.course, other.events, other.dosing)
        assert (one.new_therapy, one.panels) == (other.new_therapy, other.panels)
        planned = [s for s in other.scans if s.number == int(s.number)]
        for a, b in zip(one.scans, planned, strict=True):
            assert (a.number, a.date, a.findings) == (b.number, b.date, b.findings)
            assert a.response == b.response
    assert biopsies(clean, SEED) == biopsies(told, SEED)
    truth, again = (export(s, until=LAST).progression for s in (clean, told))
    later = (again["AVAL"] != truth["AVAL"]) & (again["CNSR"] == 1)  # an unscheduled scan is seen
    assert later.sum() < 0.1 * len(again) and (again["AVAL"] >= truth["AVAL"]).all()
    pd.testing.assert_frame_equal(truth[~later], again[~later])


def test_every_habit_is_delivered(
    told: list[SubjectStory], tables: dict[str, pd.DataFrame]
) -> None:
    tr, ae, ex, cm, pr = (tables[d] for d in ("tr", "ae", "ex", "cm", "pr"))
    assert {"99", "1.1"} <= set(tr["VISITNUM"]) and tr["VISIT"].str.startswith("UNSCH").any()
    assert set(tr["TRCAT"]) == set(tables["rs"]["RSCAT"]) == {None, "mRECIST"}
    assert {"t01", "NT", None} <= set(tr["TRLNKID"])
    first = tr[(tr["VISITNUM"] == "0") & tr["TRCAT"].isna()]
    assert (first.groupby("USUBJID")["TRDTC"].nunique() == 2).any()
    assert {4, 7, 10} <= set(ae["AESTDTC"].str.len())
    assert {7, 10} <= set(ae["AEENDTC"].dropna().str.len())
    assert {7, 10} == set(cm["CMSTDTC"].str.len()) and 7 in set(ex["EXSTDTC"].str.len())
    assert {"PRIOR", "SUPPORTIVE", "SUBSEQUENT ANTICANCER THERAPY", None} <= set(pr["PRCAT"])
    late = {s.course.usubjid for s in told if s.manner.late}
    rows = ex.groupby("USUBJID").size()
    assert late and rows[rows.index.isin(late)].mean() > 1.5 * rows[~rows.index.isin(late)].mean()


def test_a_clean_trial_has_none_of_them() -> None:
    tables = export(stories(60, 3, habits=CLEAN), until=LAST).tables
    assert tables["pr"].empty and tables["tr"]["TRCAT"].isna().all()
    assert tables["tr"]["TRLNKID"].str.fullmatch(r"(T|NT|NEW)\d\d").all()
    assert not tables["tr"]["VISIT"].str.startswith("UNSCH").any()
    for domain, column in (("ae", "AESTDTC"), ("ex", "EXSTDTC"), ("cm", "CMSTDTC")):
        assert (tables[domain][column].str.len() == 10).all()


def test_what_is_entered_late_is_what_was_given(told: list[SubjectStory]) -> None:
    late = [s for s in told if s.manner.late and s.course.first_dose is not None][:30]
    whole = export(late, until=START + dt.timedelta(days=2000)).tables["ex"]
    for story in late:
        rows = whole[whole["USUBJID"] == story.course.usubjid]
        given = sum(d.mg * ((d.end - d.start).days + 1) for d in story.dosing if d.end)
        if (rows["EXSTDTC"].str.len() == 10).all():
            days = pd.to_datetime(rows["EXENDTC"]) - pd.to_datetime(rows["EXSTDTC"])
            assert (rows["EXDOSE"].astype(int) * (days.dt.days + 1)).sum() == given
    last: set[tuple[str, ...]] = set()
    for day in range(100, 700, 60):
        until = START + dt.timedelta(days=day)
        rows = export(late, until=until).tables["ex"]
        closed = rows[rows["EXENDTC"].notna()]
        names = ["USUBJID", "EXDOSE", "EXSTDTC", "EXENDTC"]
        now = set(closed[names].itertuples(index=False, name=None))
        assert last <= now and (closed["EXENDTC"] < until.isoformat()).all()
        last = now


def test_viable_tumour_has_a_course_of_its_own(told: list[SubjectStory]) -> None:
    smaller = total = 0
    for story in told:
        for scan, viable in zip(story.scans, story.viable, strict=True):
            assert (scan.date, scan.name) == (viable.date, viable.name)
            for f, v in zip(scan.findings, viable.findings, strict=True):
                assert (f.lesion, f.word, f.not_done) == (v.lesion, v.word, v.not_done)
                if f.tenths is None or v.tenths is None:
                    continue
                if f.lesion.node or f.lesion.organ != "LIVER":
                    assert v.tenths == f.tenths
                else:
                    assert 0 <= v.tenths <= f.tenths
                    smaller, total = smaller + (v.tenths < f.tenths), total + 1
    assert smaller > 0.9 * total > 100
    best = export(told, until=LAST).endpoints.pivot(
        index="USUBJID", columns="CRITERION", values="BOR"
    )
    differ = best["RECIST 1.1"] != best["mRECIST"]
    assert 0.1 < differ.mean() < 0.4
    response = best.isin(["CR", "PR"]).mean()
    assert 0.1 < response["RECIST 1.1"] < response["mRECIST"] < 0.6


def test_the_usual_habits_are_those_of_the_default() -> None:
    one, other = (
        export(found, until=LAST).tables for found in (stories(20, 4), stories(20, 4, habits=USUAL))
    )
    for domain, table in one.items():
        pd.testing.assert_frame_equal(table, other[domain])
