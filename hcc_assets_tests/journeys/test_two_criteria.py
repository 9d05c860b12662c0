"""An export with RECIST 1.1 and mRECIST rows: each criterion has its figures and its place in the
report, and without mRECIST rows there is nothing of it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from hcc_assets.home.paths import Home
from hcc_assets.operate.actions import refresh_home
from hcc_assets_tests.clinical.endpoint_frames import oracle, read_csv
from hcc_assets_tests.journeys.oracle_homes import made_folder, published_table, rule_cases

BOTH = ("waterfall", "spider", "swimmer", "kaplan_meier_pfs_tp", "kaplan_meier_pfs_fda")
VIABLE = 0.4
"""Part of a target that still enhances after the first visit: what makes a PR of many an SD."""


def viable_rows(tr: pd.DataFrame) -> pd.DataFrame:
    """The target rows again by mRECIST: whole at baseline, later what still enhances."""
    rows = tr[(tr["TRGRPID"] == "TARGET") & (tr["TRTESTCD"] == "LDIAM")].copy()
    number = pd.to_numeric(rows["TRORRES"], errors="coerce")
    later = (rows["VISITNUM"].astype(float) > 0) & number.notna()
    rows.loc[later, "TRORRES"] = (number[later] * VIABLE).round(1).astype(str)
    return rows.assign(TRCAT="mRECIST")


def refreshed(root: Path, *, with_mrecist: bool) -> Path:
    landing = made_folder(root) / "landing" / "clinical"
    landing.mkdir(parents=True)
    (root / "study.toml").write_text("[samples]\nsettle_seconds = 0\n")
    cutoff = max(r["DCUTDT"] for r in read_csv(oracle("oracle", "recist", "dm.csv")))
    rule_cases(cutoff)(landing)
    if with_mrecist:
        file = landing / cutoff / "tr.csv"
        tr = pd.read_csv(file, dtype=str, keep_default_na=False)
        pd.concat([tr.assign(TRCAT="RECIST 1.1"), viable_rows(tr)]).to_csv(file, index=False)
    done = refresh_home(Home.at(root), jobs=1, memory_mb=None, progress=lambda *_: None)
    assert [c for c in done.changes if c.state == "failed"] == []
    return root / "published"


def figure_names(published: Path) -> set[str]:
    return {file.stem for file in (published / "figures").glob("*.svg")}


@pytest.fixture
def _no_home_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("DAGSTER_HOME", "HCC_HOME"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.usefixtures("_no_home_of_the_shell")
def test_each_criterion_has_its_figures_and_its_place_in_the_report(tmp_path: Path) -> None:
    published = refreshed(tmp_path / "two", with_mrecist=True)
    names = figure_names(published)
    assert {*BOTH, *(f"{n}_mrecist" for n in BOTH)} <= names
    assert "kaplan_meier_os" in names and "kaplan_meier_os_mrecist" not in names
    best = published_table(tmp_path / "two", "best_responses").pivot(
        index="USUBJID", columns="CRITERION", values="CBOR"
    )
    assert (best["mRECIST"] != best["RECIST 1.1"]).any()
    svg = (published / "figures" / "waterfall_mrecist.svg").read_text()
    assert "mRECIST" in svg
    assert "mRECIST" not in (published / "figures" / "waterfall.svg").read_text()
    page = (published / "report.html").read_text()
    assert "29 of 33 treated subjects were assessed by mRECIST; others count as NE." in page
    assert page.count("(primary)") == 1
    for heading in ("Response by mRECIST", "Time to event by mRECIST"):
        section = page[page.index(f"<h3>{heading}</h3>") :]
        assert section.index("<table") < section.index("<svg") < section.index("</section>")


@pytest.mark.usefixtures("_no_home_of_the_shell")
def test_without_rows_of_mrecist_there_is_nothing_of_it(tmp_path: Path) -> None:
    published = refreshed(tmp_path / "one", with_mrecist=False)
    names = figure_names(published)
    assert set(BOTH) <= names and not [n for n in names if "mrecist" in n]
    page = (published / "report.html").read_text()
    assert "by mRECIST" not in page
