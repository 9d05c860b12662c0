"""Incidence of adverse events once more: on simulated deliveries, rough ones among them, in edges
and with planted faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hcc_assets.clinical.reading.exports import read_export
from hcc_assets.clinical.safety.summaries import ae_summary
from hcc_assets.clinical.treatment.course import treatment_course
from hcc_assets.simulate.clinical import simulate_clinical
from hcc_assets.simulate.sites.habits import CLEAN, USUAL
from hcc_assets.stats.second_engine.comparison import Again
from hcc_assets.stats.second_engine.toxicity import incidence_again
from hcc_assets_tests.clinical.double_safety import CONFIG, CUTOFF
from hcc_assets_tests.clinical.safety.test_double import _roughen
from hcc_assets_tests.stats.second_engine.test_second_engine import spoilt

NAMES = ("subjects", "course", "adverse_events", "disposition")


def trial(folder: Path, subjects: int, seed: int, *, rough: bool = False) -> dict[str, Any]:
    raw = simulate_clinical(subjects, seed, habits=USUAL if rough else CLEAN)
    if rough:
        raw["ae"] = _roughen(raw["ae"], seed)
    for domain, frame in raw.items():
        frame.to_csv(folder / f"{domain}.csv", index=False)
    tables = read_export(folder, CONFIG, cutoff=CUTOFF).tables
    course = treatment_course(
        tables["subjects"], tables["exposure"], tables["disposition"], CONFIG, cutoff=CUTOFF
    )
    return {**{n: tables[n] for n in NAMES if n != "course"}, "course": course}


def table(given: dict[str, Any], left_out: frozenset[int] = frozenset()) -> pd.DataFrame:
    return ae_summary(
        given["subjects"],
        given["course"],
        given["adverse_events"],
        CONFIG,
        cutoff=CUTOFF,
        disposition=given["disposition"],
        left_out_rows=left_out,
    )


def again(
    published: pd.DataFrame, given: dict[str, Any], left_out: frozenset[int] = frozenset()
) -> Again:
    return incidence_again(
        published,
        *(given[n] for n in NAMES),
        window_days=CONFIG.safety.teae_window_days,
        cutoff=CUTOFF,
        left_out=left_out,
    )


@pytest.mark.parametrize("seed", range(4))
def test_incidence_is_the_same(tmp_path: Path, seed: int) -> None:
    given = trial(tmp_path, 30, seed, rough=bool(seed % 2))
    found = again(table(given), given)
    assert found.wrong == ()
    assert found.compared > 500
    assert any("without a whole date" in t for t in found.not_made) == bool(seed % 2)


def test_rows_that_do_not_count_are_left_out_of_both(tmp_path: Path) -> None:
    given = trial(tmp_path, 10, 5)
    rows = frozenset(given["adverse_events"]["SRCROW"].iloc[:4])
    assert again(table(given, rows), given, rows).wrong == ()
    assert again(table(given), given, rows).wrong != ()


@pytest.mark.parametrize("kind", ["no events", "one subject", "nobody"])
def test_edges(tmp_path: Path, kind: str) -> None:
    given = trial(tmp_path, 6, 2)
    if kind == "no events":
        given["adverse_events"] = given["adverse_events"].iloc[:0]
    else:
        given["course"] = given["course"].iloc[: 1 if kind == "one subject" else 0]
    published = table(given)
    assert again(published, given).wrong == ()
    if kind == "no events":
        row = published.loc[published["table"] == "EAIR"].iloc[0]
        assert (row["patients"], row["lcl"]) == (0, 0)


@pytest.mark.parametrize(
    "column", ["patients", "events", "n", "pct", "patient_years", "rate_100py", "lcl", "ucl"]
)
def test_a_wrong_incidence_is_found(tmp_path: Path, column: str) -> None:
    given = trial(tmp_path, 20, 3)
    published = table(given)
    row = published.index[published["table"] == "EAIR"][2]
    found = again(spoilt(published, row, column), given)
    assert any(published.at[row, "term"] in w and f"{column} is" in w for w in found.wrong)


def test_a_term_that_is_lost_is_found(tmp_path: Path) -> None:
    given = trial(tmp_path, 20, 3)
    published = table(given)
    row = published.index[published["table"] == "EAIR"][2]
    assert any("is missing" in w for w in again(published.drop(index=row), given).wrong)
