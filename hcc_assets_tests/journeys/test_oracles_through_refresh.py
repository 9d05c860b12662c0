"""The shared oracles as deliveries: each is written as an export into a home of its own, refreshed
once, and the published tables are compared.

The same oracles against single functions are in ``clinical`` and ``stats``; here the way from
landing to published is what is proved.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hcc_assets.catalogue.loading import all_assets
from hcc_assets.home.paths import Home
from hcc_assets.operate.actions import refresh_home
from hcc_assets.operate.status import home_status, status_lines
from hcc_assets_tests.clinical.endpoint_frames import oracle, read_csv
from hcc_assets_tests.faults.homes import without_figures
from hcc_assets_tests.journeys.oracle_homes import (
    VARIANTS,
    Fill,
    Homes,
    made_folder,
    published_of_all,
    published_table,
    rule_cases,
    survival,
)

EACH_VARIANT = [
    pytest.param(name, marks=[] if name == "default" else [pytest.mark.slow]) for name in VARIANTS
]


@pytest.fixture(scope="module")
def homes(scratch: Path) -> Iterator[Homes]:
    """Makes a home by name once: ``fill`` writes ``landing/clinical``, then one refresh. Figures
    are drawn in the home ``default`` only."""
    made: dict[str, Path] = {}
    with tempfile.TemporaryDirectory(dir=scratch) as base, pytest.MonkeyPatch.context() as patch:

        def home(name: str, settings: str, fill: Fill) -> Path:
            if name not in made:
                for variable in ("DAGSTER_HOME", "HCC_HOME"):
                    patch.setenv(variable, "")
                    patch.delenv(variable)
                root = Path(base) / name
                (root / "landing" / "clinical").mkdir(parents=True)
                (root / "study.toml").write_text(f"[samples]\nsettle_seconds = 0\n{settings}")
                fill(root / "landing" / "clinical")
                with nullcontext() if name == "default" else without_figures():
                    summary = refresh_home(
                        Home.at(root), jobs=1, memory_mb=None, progress=lambda *_: None
                    )
                assert [c for c in summary.changes if c.state == "failed"] == []
                made[name] = root
            return made[name]

        yield home


@pytest.fixture(scope="module")
def rule_homes(homes: Homes) -> Callable[[str], list[Path]]:
    """The homes of one variant: one per data cut-off."""
    cutoffs = sorted(
        {r["DCUTDT"] for r in read_csv(oracle("oracle", "recist", "dm.csv"))}, reverse=True
    )
    return lambda name: [
        homes(name if place == 0 else f"{name}-{place}", VARIANTS[name][0], rule_cases(c))
        for place, c in enumerate(cutoffs)
    ]


@pytest.mark.parametrize("variant", EACH_VARIANT)
def test_responses_of_the_rule_cases(rule_homes: Callable[[str], list[Path]], variant: str) -> None:
    found = {
        (r["USUBJID"], r["VISITNUM"]): r
        for r in published_of_all(rule_homes(variant), "responses").to_dict("records")
    }
    expected = read_csv(oracle("oracle", "recist", "expected_timepoint.csv"))
    wrong = []
    for row in expected:
        got = found.pop((row["USUBJID"], float(row["VISITNUM"])))
        words = {c: row[c] for c in ("TRGRESP", "NTRGRESP", "NEWLPROG")} | {
            "OVRLRESP": row[VARIANTS[variant][1]]
        }
        wrong += [
            (row["USUBJID"], row["VISITNUM"], c)
            for c, v in words.items()
            if variant != "sticky" and got[c] != v
        ]
        wrong += (
            [(row["USUBJID"], row["VISITNUM"], "OVRLRESP")]
            if got["OVRLRESP"] != words["OVRLRESP"]
            else []
        )
        wrong += (
            [(row["USUBJID"], row["VISITNUM"], "ADT")]
            if str(pd.Timestamp(got["ADT"]).date()) != row["ADT"]
            else []
        )
        for column in ("BASE", "SUMDIAM", "NADIR_PRIOR", "PCHG_BASE"):
            same = (
                pd.isna(got[column])
                if row[column] == ""
                else got[column] == pytest.approx(float(row[column]), abs=5e-7)
            )
            wrong += [] if same else [(row["USUBJID"], row["VISITNUM"], column)]
        assert got["REASON"]
    assert wrong == []
    assert found == {}, "visits that no case expects"


@pytest.mark.parametrize("variant", EACH_VARIANT)
def test_best_responses_of_the_rule_cases(
    rule_homes: Callable[[str], list[Path]], variant: str
) -> None:
    best = published_of_all(rule_homes(variant), "best_responses").set_index("USUBJID")
    expected = read_csv(oracle("oracle", "recist", "expected_subject.csv"))
    assert len(expected) == len(best) == 34
    for source, column in (("BOR", "BOR"), ("CBOR", VARIANTS[variant][2])):
        if column is not None:
            assert best[source].to_dict() == {r["USUBJID"]: r[column] for r in expected}
    assert not best["BLOCKED"].any()


def test_time_to_event_of_the_rule_cases(rule_homes: Callable[[str], list[Path]]) -> None:
    times = published_of_all(rule_homes("default"), "time_to_event")
    expected = read_csv(oracle("oracle", "recist", "expected_subject.csv"))
    for policy in ("PFS_TP", "PFS_FDA"):
        mine = times[times["PARAMCD"] == policy]
        found = {
            r["USUBJID"]: (str(pd.Timestamp(r["ADT"]).date()), r["AVAL"], r["CNSR"])
            for r in mine.to_dict("records")
        }
        assert found == {
            r["USUBJID"]: (r[f"{policy}_ADT"], float(r[f"{policy}_AVAL"]), int(r[f"{policy}_CNSR"]))
            for r in expected
        }


def test_the_rule_cases_publish_figures_and_report(rule_homes: Callable[[str], list[Path]]) -> None:
    published = rule_homes("default")[0] / "published"
    assert {"waterfall", "swimmer", "spider", "kaplan_meier_pfs_tp"} <= {
        f.stem for f in (published / "figures").glob("*.svg")
    }
    report = (published / "report.html").read_text()
    assert "0 treated subjects are blocked by data issues and count as NE." in report
    assert "With the minimum for stable disease at 35 days instead of 42" in report


def test_status_warns_with_the_number_that_hangs_on_the_sd_minimum(
    rule_homes: Callable[[str], list[Path]],
) -> None:
    root = rule_homes("default")[0]
    rates = published_table(root, "response_rates")
    told = home_status(Home.at(root), all_assets())
    expected = {
        s: int(
            rates.loc[
                (rates["source"] == s) & (rates["population"] == "TREATED"), "n_short_sd"
            ].max()
        )
        for s in ("BOR", "CBOR")
    }
    assert told["short_sd"] == {"days": 35, **expected}
    assert any(
        f"BOR would change for {expected['BOR']} subjects" in line for line in status_lines(told)
    )


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("lung", marks=pytest.mark.slow),
        pytest.param("veteran", marks=pytest.mark.slow),
        "ovarian",
        pytest.param("gehan6mp", marks=pytest.mark.slow),
    ],
)
def test_survival_of_the_reference_data_sets(homes: Homes, name: str) -> None:
    points = [
        r
        for r in read_csv(oracle("oracle", "km", "km_landmark.csv"))
        if (r["dataset"], r["conf_type"]) == (name, "log-log")
    ]
    months = [float(r["time"]) / 30.4375 for r in points]
    root = homes(name, f"[pfs]\nlandmarks_months = {months}\n", survival(name))
    summary = published_table(root, "pfs_summary")
    found = summary[summary["PARAMCD"] == "OS"].sort_values("landmark_days").to_dict("records")
    follow_up = published_table(root, "follow_up").set_index("PARAMCD").loc["OS"]
    medians = {
        r["conf_type"]: r
        for r in read_csv(oracle("oracle", "km", "km_median.csv"))
        if r["dataset"] == name
    }
    wrong = []

    def compare(got: Any, text: str, what: object) -> None:
        same = pd.isna(got) if text in ("", "NA") else got == pytest.approx(float(text), abs=1e-9)
        wrong.extend([] if same else [(what, got, text)])

    assert len(found) == len(points) == 3
    for row, point in zip(found, points, strict=True):
        assert (row["n"], row["events"]) == (
            int(medians["log-log"]["n"]),
            int(medians["log-log"]["events"]),
        )
        for column in ("median", "lcl", "ucl"):
            compare(row[column], medians["log-log"][column], column)
        names = {
            "landmark_days": "time",
            "surv": "surv",
            "surv_lcl": "lower",
            "surv_ucl": "upper",
            "n_risk": "n_risk",
        }
        for column, theirs in names.items():
            compare(row[column], point[theirs], (point["time"], column))
    for column in ("median", "lcl", "ucl"):
        compare(follow_up[column], medians["reverseKM_log-log"][column], f"follow-up {column}")
    assert wrong == []


def test_raw_sdtm_of_several_readers_agrees_with_the_reported_responses(homes: Homes) -> None:
    source = oracle("data", "landing_real", "clinical", "2014-12-31")
    root = homes("landing_real", "", lambda folder: shutil.copytree(source, folder / "2014-12-31"))
    derived = {
        (r["USUBJID"], r["EVALUATOR"], r["VISITNUM"]): r["OVRLRESP"]
        for r in published_table(root, "responses").to_dict("records")
    }
    reported = {
        (r["USUBJID"], r["RSEVALID"] or r["RSEVAL"], float(r["VISITNUM"])): r["RSSTRESC"]
        for r in read_csv(source / "rs.csv")
    }
    assert len({reader for _, reader, _ in reported}) == 3
    assert {key: derived.get(key) for key in reported} == reported
    assert not {"TR23", "TR24"} & set(published_table(root, "data_issues")["check_id"])


def test_seeded_findings_are_published(homes: Homes) -> None:
    source = oracle("oracle", "data_quality")
    domains = [source / f"{d}.csv" for d in ("dm", "ex", "ae", "tr")]
    root = homes(
        "data_quality",
        "",
        lambda folder: [shutil.copy(f, made_folder(folder / "2026-11-22")) for f in domains],
    )
    issues = published_table(root, "data_issues")
    found = set(zip(issues["check_id"], issues["subject_id"], strict=True))
    expected = {(r["CHECK"], r["USUBJID"]) for r in read_csv(source / "expected_issues.csv")}
    assert len(expected) == 41
    assert expected <= found
    assert {pair for pair in found - expected if pair[1] is not None} == set()
    assert (root / "published" / "best_responses.parquet").exists(), (
        "one bad subject stops nobody else"
    )
