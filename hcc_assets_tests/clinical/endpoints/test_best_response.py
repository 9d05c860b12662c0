"""Best response: table 3 of RECIST 1.1, windows, settings, denominators, endpoint reader and
blocked subjects."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pandas as pd
import pytest

from hcc_assets.clinical.endpoints import best_response as br
from hcc_assets.clinical.endpoints.courses import Assessment
from hcc_assets.clinical.endpoints.time_to_event import derive_time_to_event
from hcc_assets.clinical.recist.responses import derive_responses
from hcc_assets.study.config import Recist, StudyConfig
from hcc_assets_tests.clinical.endpoint_frames import assessments, day, disposition, subjects, visit

START = pd.Timestamp("2024-01-01")
NON = "NON-CR/NON-PD"


def line(*pairs: tuple[int, str]) -> list[Assessment]:
    return [
        Assessment(START + pd.Timedelta(days=d), float(i + 1), w) for i, (d, w) in enumerate(pairs)
    ]


@pytest.mark.parametrize(
    ("course", "bor", "cbor"),
    [
        ([(42, "CR"), (84, "CR")], "CR", "CR"),
        ([(42, "CR"), (50, "CR"), (56, "NE"), (84, "CR")], "CR", "CR"),
        ([(42, "PR"), (50, "PR"), (56, "NE"), (60, "CR"), (84, "CR")], "CR", "PR"),
        ([(42, "CR"), (84, "PD")], "CR", "SD"),
        ([(41, "CR"), (84, "PD")], "CR", "PD"),
        ([(42, "CR"), (84, "NE")], "CR", "SD"),
        ([(41, "CR"), (84, "NE")], "CR", "NE"),
        ([(42, "PR"), (84, "CR")], "CR", "PR"),
        ([(42, "PR"), (84, "CR"), (126, "CR")], "CR", "CR"),
        ([(42, "PR"), (84, "PR")], "PR", "PR"),
        ([(42, "PR"), (84, "SD")], "PR", "SD"),
        ([(41, "PR"), (84, "PD")], "PR", "PD"),
        ([(41, "PR")], "PR", "NE"),
        ([(42, "NE"), (84, "NE")], "NE", "NE"),
        ([(42, "PR"), (69, "PR")], "PR", "SD"),
        ([(42, "PR"), (70, "PR")], "PR", "PR"),
        ([(42, "PR"), (69, "PR"), (70, "PR")], "PR", "PR"),
        ([(42, "PR"), (84, "NE"), (126, "PR")], "PR", "PR"),
        ([(42, "PR"), (84, "NE"), (126, "NE"), (168, "PR")], "PR", "SD"),
        ([(42, "PR"), (84, "SD"), (126, "PR")], "PR", "SD"),
        ([(42, "PR"), (84, "SD"), (126, "PR"), (168, "PR")], "PR", "PR"),
        ([(42, "CR"), (50, "PR"), (84, "CR")], "CR", "PR"),
        (
            [(42, "PR"), (50, "CR"), (60, "PR"), (84, "PR")],
            "CR",
            "SD",
        ),  # a PR after a CR does not confirm; the PR of day 60 is 24 days old
        ([(42, "PR"), (50, "CR"), (84, "PR")], "CR", "SD"),
        ([(42, "CR"), (84, "PR")], "CR", "SD"),
        ([(41, "SD")], "NE", "NE"),
        ([(42, "SD")], "SD", "SD"),
        ([(41, "SD"), (84, "PD")], "PD", "PD"),
        ([(41, NON)], "NE", "NE"),
        ([(42, NON), (84, "PD")], NON, NON),
        ([(42, "PD")], "PD", "PD"),
        ([], "NE", "NE"),
    ],
)
def test_table_three_and_windows(course: list[tuple[int, str]], bor: str, cbor: str) -> None:
    visits = line(*course)
    assert (br.unconfirmed(visits, START, 42), br.confirmed(visits, START, 42, Recist())) == (
        bor,
        cbor,
    )


def test_settings_of_confirmation() -> None:
    two_ne, one_sd = (
        line((42, "PR"), (84, "NE"), (126, "NE"), (168, "PR")),
        line((42, "PR"), (84, "SD"), (126, "PR")),
    )
    assert br.confirmed(two_ne, START, 42, Recist(max_ne_between=2)) == "PR"
    assert br.confirmed(one_sd, START, 42, Recist(max_sd_between=1)) == "PR"
    assert (
        br.confirmed(line((42, "CR"), (84, "SD"), (126, "CR")), START, 42, Recist(max_sd_between=5))
        == "SD"
    )  # SD never stands between two CR
    assert (
        br.confirmed(line((42, "PR"), (84, "PR")), START, 42, Recist(confirmation_days=43)) == "SD"
    )
    assert br.unconfirmed(line((35, "SD")), START, 35) == "SD"


def trial(
    *rows: list[dict[str, Any]], config: StudyConfig | None = None, **options: Any
) -> tuple[pd.DataFrame, pd.DataFrame]:
    config = config or StudyConfig()
    flat = assessments([r for block in rows for r in block])
    names = sorted(set(flat["USUBJID"])) if len(flat) else ["S1"]
    people = subjects([{"USUBJID": s, "TRTSDT": START, **options.get("person", {})} for s in names])
    records = disposition([{"USUBJID": names[0], **r} for r in options.get("records", [])])
    more = {k: v for k, v in options.items() if k in ("cutoff", "blocked")}
    responses = derive_responses(people, flat, config, **more)
    return (
        br.derive_best_responses(people, flat, responses, records, config, **more),
        derive_time_to_event(people, flat, responses, records, config, **more),
    )


def course(*sums: Any, subject: str = "S1", step: int = 42) -> list[dict[str, Any]]:
    return [
        r for i, v in enumerate(sums) for r in visit(i, -10 if i == 0 else step * i, subject, T01=v)
    ]


def test_response_times_and_best_change() -> None:
    best, times = trial(course(100, 90, 60, 50, 70))
    row = best.iloc[0]
    assert (row["BOR"], row["CBOR"], row["BEST_PCHG"]) == ("PR", "PR", -50)
    assert (row["TTR_DAYS"], row["DOR_DAYS"], row["DOR_CNSR"]) == (85, 85, 0)
    dor = times.set_index("PARAMCD").loc["DOR"]
    assert (dor["AVAL"], dor["CNSR"], dor["STARTDT"]) == (85, 0, pd.Timestamp(day(84)))
    assert times.set_index("PARAMCD").at["TTR", "AVAL"] == 85


def test_first_response_of_a_confirmed_pair_counts_by_headline() -> None:
    rows = course(100, 70, 75, 65, 60)
    by_cbor, _ = trial(rows)
    by_bor, _ = trial(rows, config=StudyConfig(recist=Recist(headline="BOR")))
    assert (by_cbor.at[0, "TTR_DAYS"], by_bor.at[0, "TTR_DAYS"]) == (127, 43)
    single, times = trial(course(100, 70, 75))
    assert math.isnan(single.at[0, "TTR_DAYS"])
    assert "DOR" not in set(times["PARAMCD"])


def test_nothing_counts_after_progression_new_therapy_or_cutoff() -> None:
    assert trial(course(50, 62, 30, 30))[0].at[0, "BOR"] == "PD"
    therapy = {"DOMAIN": "CM", "DSDECOD": "NEW ANTICANCER THERAPY", "DSSTDT": pd.Timestamp(day(60))}
    assert trial(course(50, 48, 30, 30), records=[therapy])[0].at[0, "BOR"] == "SD"
    on_the_day = therapy | {"DSSTDT": pd.Timestamp(day(84))}
    assert trial(course(50, 48, 30, 30), records=[on_the_day])[0].at[0, "BOR"] == "PR"
    before_start = therapy | {"DSSTDT": pd.Timestamp(day(-5))}
    assert trial(course(50, 48, 30, 30), records=[before_start])[0].at[0, "CBOR"] == "PR"
    assert (
        trial(course(50, 48, 30, 30), cutoff=dt.date.fromisoformat(day(83)))[0].at[0, "BOR"] == "SD"
    )
    changed, _ = trial(course(50, 48, 30), records=[therapy])
    assert changed.at[0, "BEST_PCHG"] == -4


def test_treated_set_and_evaluable() -> None:
    best, _ = trial(visit(0, -10, T01=50))
    assert (best.at[0, "BOR"], best.at[0, "EVALUABLE"], best.at[0, "N_ASSESSMENTS"]) == (
        "NE",
        False,
        0,
    )
    assert "no post-baseline" in best.at[0, "REASON"]
    early, _ = trial(visit(0, -10, T01=50), person={"DTHDT": pd.Timestamp(day(98))})
    assert bool(early.at[0, "EVALUABLE"])
    late, _ = trial(visit(0, -10, T01=50), person={"DTHDT": pd.Timestamp(day(99))})
    assert not late.at[0, "EVALUABLE"]
    assert trial(course(50, 30), person={"TRTSDT": pd.NaT})[0].empty
    assert trial(course(50, 30), cutoff=dt.date(2023, 12, 31))[0].empty
    assert trial()[0].at[0, "EVALUATOR"] == "INVESTIGATOR"


def test_blocked_subject_stays_in_the_denominator_as_ne() -> None:
    best, times = trial(course(100, 60, 60), course(100, 60, 60, subject="S2"), blocked={"S2"})
    assert list(best["CBOR"]) == ["PR", "NE"]
    rates = br.response_rates(best).set_index(["measure", "source", "population"])
    row = rates.loc[("ORR", "CBOR", "TREATED")]
    assert (row["x"], row["n"], row["n_blocked"]) == (1, 2, 1)
    blocked = times[times["USUBJID"] == "S2"].set_index("PARAMCD")
    assert (
        blocked.at["PFS_TP", "AVAL"],
        blocked.at["PFS_TP", "CNSR"],
        blocked.at["PFS_TP", "CNSDTDSC"],
    ) == (1, 1, "data blocked")


def test_rates_and_clinical_benefit() -> None:
    benefit = visit(0, -10, "S3", T01=100) + visit(1, 168, "S3", T01=100)
    short = visit(0, -10, "S4", T01=100) + visit(1, 167, "S4", T01=100)
    best, _ = trial(
        course(100, 60, 60),
        course(100, 60, subject="S2"),
        benefit,
        short,
        visit(0, -10, "S5", T01=50),
    )
    rates = br.response_rates(best).set_index(["measure", "source", "population"])
    counts = {key: (row["x"], row["n"]) for key, row in rates.iterrows()}
    assert rates.loc["CBR", "n_short_cb"].tolist() == [1] * 4  # S4, a day short of 24 weeks
    assert (rates.loc[["ORR", "DCR"], "n_short_cb"] == 0).all()
    assert counts[("ORR", "BOR", "TREATED")] == (2, 5)
    assert counts[("ORR", "CBOR", "TREATED")] == (1, 5)
    assert counts[("ORR", "CBOR", "EVALUABLE")] == (1, 4)
    assert counts[("DCR", "CBOR", "TREATED")] == (4, 5)
    assert counts[("CBR", "BOR", "TREATED")] == (3, 5)
    assert counts[("CBR", "CBOR", "TREATED")] == (2, 5)
    assert len(rates) == 12
    row = rates.loc[("ORR", "CBOR", "TREATED")]
    assert (row["pct"], row["lcl"], row["ucl"]) == (
        20,
        pytest.approx(0.50507633794680),
        pytest.approx(71.641794),
    )


def test_rates_of_nobody_are_null() -> None:
    rates = br.response_rates(trial(course(50, 30), person={"TRTSDT": pd.NaT})[0])
    assert (rates["n"] == 0).all()
    assert rates[["pct", "lcl", "ucl"]].isna().all().all()


def test_number_that_a_shorter_sd_minimum_would_change() -> None:
    offsets = {"S1": 35, "S2": 34, "S3": 42}
    best, _ = trial(
        *(visit(0, -10, s, T01=50) + visit(1, offset, s, T01=50) for s, offset in offsets.items())
    )
    assert list(best["BOR_SHORT_SD"]) == ["SD", "NE", "SD"]
    rates = br.response_rates(best)
    assert (rates["n_short_sd"] == 1).all()


@pytest.mark.parametrize(
    ("rows", "options", "words"),
    [
        (course(100, 60, 60), {}, "PR on day 43, confirmed on day 85"),
        (
            course(100, 60, 75),
            {"config": StudyConfig(recist=Recist(headline="BOR"))},
            "PR on day 43, not confirmed",
        ),
        (course(100, 60, 75), {}, "SD: stable at day 42 after first dose or later"),
        (course(100, 130), {}, "PD: progression before any response or sufficient stable disease"),
        (
            course(100, 100, step=41),
            {},
            "NE: evaluable only before day 42 after first dose, without progression",
        ),
        (
            course(100, 100, None, step=20),
            {},
            "NE: evaluable only before day 42 after first dose, without progression",
        ),
        (course(100, None, None), {}, "NE: no evaluable post-baseline assessment"),
        (
            course(100, None),
            {"person": {"DTHDT": pd.Timestamp(day(50))}},
            "NE: no evaluable post-baseline assessment, early death",
        ),
        (
            course(100),
            {"person": {"DTHDT": pd.Timestamp(day(50))}},
            "NE: early death, no assessment",
        ),
        (course(100), {}, "NE: no post-baseline assessment"),
        (course(100, 60), {"blocked": {"S1"}}, "NE: data blocked by an open E finding"),
        (
            visit(0, -20, T01=100) + visit(1, -5, T01=90),
            {},
            "NE: no assessment between first dose and progression or new therapy",
        ),
    ],
)
def test_reason_says_why(rows: list[dict[str, Any]], options: dict[str, Any], words: str) -> None:
    assert trial(rows, **options)[0].at[0, "REASON"] == words
