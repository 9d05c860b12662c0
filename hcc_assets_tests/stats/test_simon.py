"""Two-stage designs: published operating characteristics, unbiasedness, coverage and the decisions
of monitoring."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from hcc_assets.stats import simon
from hcc_assets.study.config import Simon, StudyConfig
from hcc_assets_tests.clinical.endpoint_frames import oracle, read_csv


def test_operating_characteristics_of_the_stored_designs() -> None:
    rows = read_csv(oracle("oracle", "proportion", "simon_two_stage.csv"))
    for row in rows:
        design = Simon(
            **{k: int(row[k]) for k in ("r1", "n1", "r", "n")},
            p0=float(row["p0"]),
            p1=float(row["p1"]),
        )
        null, alternative = simon.properties(design, design.p0), simon.properties(design, design.p1)
        assert null.expected_n == pytest.approx(float(row["EN0"]), abs=1e-9)
        assert null.early_termination == pytest.approx(float(row["PET0"]), abs=1e-9)
        assert null.promising == pytest.approx(float(row["alpha"]), abs=1e-9)
        assert alternative.promising == pytest.approx(float(row["power"]), abs=1e-9)
    assert len(rows) == 4


@pytest.mark.parametrize("p", [0.05, 0.1, 0.3, 0.7])
def test_estimate_is_unbiased_and_interval_covers(p: float) -> None:
    r1, n1, n2 = 1, 10, 19
    ends = simon.outcomes(r1, n1, n2)
    weight = {
        end: paths * p ** end[1] * (1 - p) ** (n1 + (n2 if end[0] == 2 else 0) - end[1])
        for end, (paths, _) in ends.items()
    }
    assert sum(weight.values()) == pytest.approx(1)
    assert sum(weight[end] * ends[end][1] for end in ends) == pytest.approx(p)
    inside = 0.0
    for stage, responses in ends:
        found = simon.infer(r1, n1, n2, stage, responses)
        assert found.lower <= found.estimate <= found.upper
        inside += weight[stage, responses] * (found.lower <= p <= found.upper)
    assert inside >= 0.95


def test_estimate_grows_with_the_outcome_and_p_value_agrees_with_the_design() -> None:
    ends = simon.outcomes(1, 10, 19)
    values = [value for _, value in ends.values()]
    assert values == sorted(values)
    assert ends[1, 0][1] == 0
    assert ends[2, 29][1] == pytest.approx(1)
    design = Simon(r1=1, n1=10, r=5, n=29, p0=0.1, p1=0.3)
    assert simon.infer(1, 10, 19, 2, 6, p0=0.1).p_value == pytest.approx(
        simon.properties(design, 0.1).promising
    )
    with pytest.raises(ValueError, match="impossible"):
        simon.infer(1, 10, 19, 1, 2)


def test_limits_of_the_extreme_outcomes_have_closed_forms() -> None:
    best, worst = simon.infer(1, 10, 19, 2, 29), simon.infer(1, 10, 19, 1, 0)
    assert (best.upper, worst.lower) == (1, 0)
    assert best.lower == pytest.approx(0.025 ** (1 / 29), abs=1e-9)
    assert worst.upper == pytest.approx(1 - 0.025 ** (1 / 10), abs=1e-9)


def _trial(responders: list[bool], known: list[bool]) -> tuple[pd.DataFrame, pd.DataFrame]:
    names = [f"S{i:03d}" for i in range(len(responders))]
    best = pd.DataFrame(
        {
            "USUBJID": names,
            "BOR": ["NE"] * len(names),
            "CBOR": ["PR" if r else "SD" for r in responders],
        },
        dtype=object,
    )
    rows = [
        {
            "USUBJID": s,
            "PARAMCD": p,
            "STARTDT": pd.Timestamp("2024-01-01") + pd.Timedelta(days=i),
            "CNSR": 0 if k else 1,
            "EVNTDESC": "DEATH" if k else "NO PROGRESSION OR DEATH",
        }
        for i, (s, k) in enumerate(zip(names, known, strict=True))
        for p in ("PFS_TP", "PFS_FDA")
    ]
    return best, pd.DataFrame(rows, columns=["USUBJID", "PARAMCD", "STARTDT", "CNSR", "EVNTDESC"])


T, F = True, False


@pytest.mark.parametrize(
    ("responders", "known", "decision", "stage"),
    [
        ([], [], "CONTINUE", 1),
        ([F] * 5, [F] * 5, "CONTINUE", 1),
        ([F] * 10, [T] * 9 + [F], "STOP", 1),
        ([T] + [F] * 9, [T] * 10, "STOP", 1),
        ([T] + [F] * 9, [T] * 9 + [F], "PENDING", 1),
        ([T, T] + [F] * 8, [T] * 10, "CONTINUE", 1),
        ([T, T] + [F] * 10, [T] * 12, "CONTINUE", 2),
        ([T] * 6 + [F] * 10, [T] * 16, "PROMISING", 2),
        ([T] * 5 + [F] * 24, [T] * 29, "NOT PROMISING", 2),
        ([T] * 5 + [F] * 24, [T] * 28 + [F], "PENDING", 2),
        ([F] * 10 + [T] * 10, [T] * 20, "STOP", 1),
    ],
)
def test_decisions(responders: list[bool], known: list[bool], decision: str, stage: int) -> None:
    config = StudyConfig(simon=Simon(r1=1, n1=10, r=5, n=29, p0=0.1, p1=0.3))
    row = simon.monitor(*_trial(responders, known), config).iloc[0]
    assert (row["decision"], row["stage"]) == (decision, stage)
    assert row["alpha"] == pytest.approx(0.0470863066438917)
    if decision == "STOP":
        assert row["p_promising"] == 0
    if decision == "PROMISING":
        assert row["p_promising"] == pytest.approx(1)
        assert row["p_value"] < 0.05


def test_estimate_at_the_end_is_adjusted_and_labelled_apart_from_clopper_pearson() -> None:
    config = StudyConfig(simon=Simon(r1=1, n1=10, r=5, n=29))
    row = simon.monitor(*_trial([T] * 3 + [F] * 7 + [T] * 4 + [F] * 15, [T] * 29), config).iloc[0]
    assert row["crude"] == pytest.approx(7 / 29)
    assert row["estimate"] == pytest.approx(simon.outcomes(1, 10, 19)[2, 7][1])
    # passing stage 1 is only seen with enough responses, so the crude rate is biased downwards
    assert row["estimate"] > row["crude"]
    assert math.isnan(row["p_value"])
    assert math.isnan(row["alpha"])
    assert row["cp_lcl"] < row["crude"] < row["cp_ucl"]


def test_no_design_no_row_and_impossible_designs_are_refused() -> None:
    assert simon.monitor(*_trial([], []), StudyConfig()).empty
    for design in (
        Simon(r1=10, n1=10, r=12, n=29),
        Simon(r1=1, n1=10, r=5, n=10),
        Simon(r1=1, n1=10, r=5, n=29, p0=0.3, p1=0.1),
    ):
        with pytest.raises(ValueError, match="two-stage design"):
            simon.check(design)
