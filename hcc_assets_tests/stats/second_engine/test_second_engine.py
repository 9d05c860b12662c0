"""The second engine agrees with the first where both are right, in the edges too, and sees every
planted fault."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import hcc_assets.stats.second_engine as room
from hcc_assets.catalogue._second_engine import second_opinion
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.clinical.endpoints.best_response import response_rates
from hcc_assets.clinical.endpoints.response_counts import best_response_counts
from hcc_assets.stats.associations import associations
from hcc_assets.stats.kaplan_meier import summarise
from hcc_assets.stats.paired import mann_whitney_p, signed_rank_p
from hcc_assets.stats.second_engine.comparison import compare
from hcc_assets.stats.second_engine.hazards import adjusted_again, associations_again
from hcc_assets.stats.second_engine.lifetimes import survival_again
from hcc_assets.stats.second_engine.rank_tests import rank_sum, signed_rank
from hcc_assets.stats.second_engine.shares import (
    best_response_counts_again,
    response_rates_again,
)
from hcc_assets.study.config import Pfs, StudyConfig
from hcc_assets_tests.stats.second_engine import frames
from hcc_assets_tests.stats.second_engine.judging import judge, spoilt

TABLES = (
    "ae_summary",
    "associations",
    "best_response_counts",
    "composition_changes",
    "pfs_summary",
    "response_rates",
)


def test_nothing_of_the_first_engine_is_imported() -> None:
    for path in Path(str(room.__file__)).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else []
            )
            for name in names:
                assert not name.startswith("lifelines"), path.name  # the curve of the first engine
                assert not name.startswith("hcc_assets.") or name.startswith(
                    "hcc_assets.stats.second_engine"
                ), f"{path.name} imports {name}"


def test_every_table_has_its_check() -> None:
    having = {
        name
        for name, one in all_assets().items()
        if any(c.name == "second_engine_agrees" for c in one.checks)
    }
    assert having == set(TABLES)


@pytest.mark.parametrize("rule", ["midpoint", "left"])
@pytest.mark.parametrize("kind", ["plain", "ties", "censored", "events", "one", "none"])
def test_survival_is_the_same_in_every_edge(kind: str, rule: Any) -> None:
    config = StudyConfig(pfs=Pfs(median_rule=rule))
    for seed in range(6):
        times = frames.time_to_event(kind, seed)
        table = summarise(times, config)
        verdict = judge("pfs_summary", table=table, time_to_event=times, config=config)
        assert verdict.passed, verdict.description


FIGURES = [
    c
    for c in summarise(frames.time_to_event("none"), StudyConfig()).columns
    if c not in ("CRITERION", "PARAMCD", "landmark_months", "landmark_days")
]


@pytest.mark.parametrize("column", FIGURES)
def test_a_wrong_figure_of_survival_fails_the_check(column: str) -> None:
    times = frames.time_to_event("plain")
    table = spoilt(summarise(times, StudyConfig()), 1, column)
    verdict = judge("pfs_summary", table=table, time_to_event=times, config=StudyConfig())
    assert not verdict.passed
    assert verdict.affected == 1
    row = table.loc[1]
    for said in (row["PARAMCD"], f"{row['landmark_days']:.12g}", f"{column} is", "second engine"):
        assert said in verdict.description


def test_a_missing_row_and_a_table_of_other_subjects_fail() -> None:
    times = frames.time_to_event("plain")
    table = summarise(times, StudyConfig())
    others = survival_again(table, frames.time_to_event("plain", 1), median_rule="midpoint")
    assert len(others.wrong) > 20
    assert "and" in others.sentence
    best = frames.best_responses(frames.ALL_WORDS)
    assert "is missing" in response_rates_again(response_rates(best).iloc[1:], best).sentence


@pytest.mark.parametrize("words", [frames.ALL_WORDS, ["NE"], ["CR"] * 7, ["PD", "NE", "SD"]])
def test_rates_and_counts_are_the_same(words: list[str]) -> None:
    best = frames.best_responses(words)
    for asset, make in (
        ("response_rates", response_rates),
        ("best_response_counts", best_response_counts),
    ):
        verdict = judge(asset, table=make(best), best_responses=best)
        assert verdict.passed, verdict.description


@pytest.mark.parametrize("column", ["x", "n", "pct", "lcl", "ucl", "n_blocked", "n_short_cb"])
def test_a_wrong_rate_fails_the_check(column: str) -> None:
    best = frames.best_responses(frames.ALL_WORDS)
    table = spoilt(response_rates(best), 2, column)
    verdict = judge("response_rates", table=table, best_responses=best)
    assert (verdict.passed, verdict.affected) == (False, 1)
    if column in ("x", "pct", "lcl", "ucl"):
        counts = spoilt(best_response_counts(best), 2, column)
        assert len(best_response_counts_again(counts, best).wrong) == 1


def test_no_subjects_are_no_fault() -> None:
    none = frames.best_responses(["NE"]).iloc[:0]
    assert response_rates_again(response_rates(none), none).wrong == ()
    assert best_response_counts_again(best_response_counts(none), none).wrong == ()


@pytest.mark.parametrize("seed", range(40))
def test_rank_tests_by_counting_are_those_of_the_tables(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d = rng.normal(0.3, 1, int(rng.integers(1, 40)))
    d = d.round(seed % 3) if seed % 4 else d
    d[: len(d) // (2 + seed % 5)] = 0 if seed % 2 else d[0]
    assert signed_rank(d.tolist()) == pytest.approx(signed_rank_p(d), rel=1e-12)
    x, y = d, rng.normal(0, 1, 9).round(seed % 3)
    assert rank_sum(x.tolist(), y.tolist()) == pytest.approx(mann_whitney_p(x, y), rel=1e-12)
    if len(set(np.abs(d))) == len(d) and (d != 0).all():
        exact = stats.wilcoxon(d, method="exact").pvalue
        assert signed_rank(d.tolist()) == pytest.approx(exact, rel=1e-12)


def _associations(seed: int = 1, responses: str = "mixed") -> dict[str, Any]:
    scores, changed = frames.programs(seed=seed)
    made = frames.compositions(14)
    samples = (
        made["samples"]
        .drop(columns="collection_date")
        .merge(
            made["samples"]
            .groupby(["subject_id", "timepoint"])["collection_date"]
            .max()
            .reset_index(),
            on=["subject_id", "timepoint"],
        )
    )
    best = frames.best_responses([["PR", "SD", "PD", "NE"][i % 4] for i in range(14)])
    if responses == "nobody":
        best = best.assign(BOR="NE", CBOR="NE")
    else:
        best["CBOR"] = best["BOR"]
    times = frames.time_to_event("plain", 4)
    times = pd.concat([times, times.assign(USUBJID=times["USUBJID"] + "x")])
    given = {
        "program_scores": scores,
        "program_changes": changed,
        "best_responses": best,
        "time_to_event": times,
    }
    table = associations(samples, made["counts"], frames.CONFIG, **given)
    return {"published": table, "samples": samples, **given}


def _again(given: dict[str, Any]) -> Any:
    return associations_again(
        **given, timepoints=("pre", "post"), headline="CBOR", primary="PFS_TP"
    )


@pytest.mark.parametrize("responses", ["mixed", "nobody"])
def test_associations_are_the_same(responses: str) -> None:
    given = _associations(responses=responses)
    again = _again(given)
    assert again.wrong == ()
    table = given["published"]
    ours = table[table["feature"].str.startswith("program:") & (table["outcome"] == "PFS")]
    assert ours["p_value"].notna().all()
    assert len(ours) == 4


@pytest.mark.parametrize("outcome", ["PFS", "RESPONSE"])
@pytest.mark.parametrize("column", ["n", "n_events", "effect", "p_value", "p_adjusted"])
def test_a_wrong_association_fails_the_check(outcome: str, column: str) -> None:
    given = _associations()
    table = given["published"]
    row = table.index[
        (table["outcome"] == outcome) & table["feature"].str.startswith("program:rounded")
    ][0]
    again = _again(given | {"published": spoilt(table, row, column)})
    assert any(f"outcome {outcome}: {column} is" in w for w in again.wrong)


def test_a_hazard_ratio_that_is_far_away_is_found() -> None:
    given = _associations()
    table = given["published"].copy()
    row = table.index[(table["outcome"] == "PFS") & table["feature"].str.startswith("program:")][0]
    right = table.at[row, "effect"]
    table.at[row, "effect"] = 40 * right
    (wrong,) = [w for w in _again(given | {"published": table}).wrong if "effect" in w]
    assert float(wrong.rsplit(" ", 1)[1]) == pytest.approx(right, rel=1e-10)


def test_adjustment_of_families_is_held_against_their_own_p_values() -> None:
    table = pd.DataFrame(
        {
            "feature": list("abcd"),
            "outcome": list("xxxy"),
            "p_value": [0.01, 0.02, np.nan, 0.5],
            "p_adjusted": [0.02, 0.02, np.nan, 0.5],
        }
    )
    assert adjusted_again(table, ["feature"], ["outcome"]).wrong == ()
    assert len(adjusted_again(spoilt(table, 2, "p_adjusted"), ["feature"], ["outcome"]).wrong) == 1


def test_the_limit_of_agreement_is_relative() -> None:
    again = pd.DataFrame({"k": ["a", "b"], "v": [1e-9, 1e9]})
    near = again.assign(v=again["v"] * (1 + 9e-9))
    far = again.assign(v=again["v"] * (1 + 3e-4))
    assert compare(near, again, ["k"]).wrong == ()
    assert len(compare(far, again, ["k"]).wrong) == 2
    assert compare(again, near, ["k"]).compared == 2


def test_a_second_engine_that_fails_is_a_failed_check() -> None:
    def broken() -> Any:
        raise ZeroDivisionError("with a value of the data")

    verdict = second_opinion(broken)
    assert not verdict.passed
    assert "ZeroDivisionError at broken" in verdict.description
    assert "value of the data" not in verdict.description
