"""Kaplan-Meier against stored results of R survival, closed forms and edge cases."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcc_assets.schemas.base import empty
from hcc_assets.schemas.endpoints import PARAMETERS, TimeToEvent
from hcc_assets.stats import kaplan_meier as km
from hcc_assets.study.config import Pfs, StudyConfig
from hcc_assets.study.criteria import RECIST
from hcc_assets_tests.clinical.endpoint_frames import oracle, read_csv


def _data(name: str) -> tuple[list[float], list[int]]:
    rows = read_csv(oracle("oracle", "km", f"input_{name}.csv"))
    return [float(r["time"]) for r in rows], [int(r["event"]) for r in rows]


def _same(got: float, text: str) -> bool:
    return math.isnan(got) if text in ("", "NA") else got == pytest.approx(float(text), abs=1e-9)


def test_medians_quartiles_and_reverse_follow_up_of_r() -> None:
    wrong, seen = [], 0
    for row in read_csv(oracle("oracle", "km", "km_median.csv")):
        time, event = _data(row["dataset"])
        reverse = row["conf_type"].startswith("reverseKM_")
        curve = km.fit(
            time,
            [1 - e for e in event] if reverse else event,
            conf_type=row["conf_type"].removeprefix("reverseKM_"),
        )
        assert (curve.n, curve.events) == (int(row["n"]), int(row["events"]))
        checks = {0.5: ("median", "lcl", "ucl")} | (
            {}
            if reverse
            else {0.25: ("q25", "q25_lcl", "q25_ucl"), 0.75: ("q75", "q75_lcl", "q75_ucl")}
        )
        for probability, names in checks.items():
            for name, value in zip(names, km.quantile(curve, probability), strict=True):
                seen += 1
                wrong += (
                    []
                    if _same(value, row[name])
                    else [(row["dataset"], row["conf_type"], name, value, row[name])]
                )
    assert wrong == []
    assert seen > 100


def test_landmarks_of_r() -> None:
    wrong = []
    for row in read_csv(oracle("oracle", "km", "km_landmark.csv")):
        curve = km.fit(*_data(row["dataset"]), conf_type=row["conf_type"])
        point = km.at(curve, float(row["time"]))
        wrong += [
            (row, name)
            for name in ("surv", "std_err", "lower", "upper", "n_risk")
            if not _same(point[name], row[name])
        ]
    assert wrong == []


def test_median_is_the_middle_of_a_flat_stretch() -> None:
    assert km.quantile(km.fit([10, 20], [1, 1]))[0] == 15
    assert km.quantile(km.fit([10, 20], [1, 0]))[0] == 15  # flat to the last observation
    assert km.quantile(km.fit([10, 20, 30], [1, 1, 1]))[0] == 20


def test_median_by_the_left_end_of_a_flat_stretch() -> None:
    curve = km.fit([10, 20, 30, 40], [1, 1, 0, 1])
    assert km.quantile(curve)[0] == 30
    assert km.quantile(curve, rule="left")[0] == 20
    assert km.quantile(km.fit([10, 20, 30], [1, 1, 1]), rule="left")[0] == 20
    table = _table([("OS", 10.0, 0), ("OS", 20.0, 0), ("OS", 30.0, 1), ("OS", 40.0, 0)])
    for rule, first, other in (("midpoint", 30, 20), ("left", 20, 30)):
        summary = km.summarise(table, StudyConfig(pfs=Pfs(median_rule=rule)))  # type: ignore[arg-type]
        row = summary[summary["PARAMCD"] == "OS"].iloc[0]
        assert (row["median"], row["median_other"]) == (first, other)
        assert row["median_other_months"] == other / 30.4375
    same = km.summarise(_table([("OS", 10.0, 0), ("OS", 20.0, 0), ("OS", 30.0, 0)]), StudyConfig())
    assert same["median_other"].isna().all()


@pytest.mark.parametrize(
    ("time", "event"),
    [
        ([], []),
        ([5], [0]),
        ([5], [1]),
        ([5, 6, 7], [0, 0, 0]),
        ([3, 3, 3], [1, 1, 1]),
        ([1, 1], [1, 0]),
    ],
)
def test_edges_never_raise_and_are_never_infinite(time: list[float], event: list[int]) -> None:
    curve = km.fit(time, event)
    for probability in (0.25, 0.5, 0.75):
        assert not any(math.isinf(v) for v in km.quantile(curve, probability))
    if not sum(event):
        assert all(math.isnan(v) for v in km.quantile(curve))
    assert math.isnan(km.at(curve, 100)["surv"])
    assert km.at(curve, 100)["n_risk"] == 0


def test_one_event_has_a_median_without_limits() -> None:
    median, lower, upper = km.quantile(km.fit([5], [1]))
    assert median == 5
    assert math.isnan(lower)
    assert math.isnan(upper)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="same length"):
        km.fit([1, 2], [1])
    with pytest.raises(ValueError, match="missing"):
        km.fit([1, math.nan], [1, 0])


times = st.lists(st.tuples(st.integers(1, 60), st.booleans()), min_size=1, max_size=40)


@settings(max_examples=40, deadline=None)
@given(times)
def test_is_the_product_limit_and_stays_a_distribution(data: list[tuple[int, bool]]) -> None:
    time, event = [t for t, _ in data], [e for _, e in data]
    state = np.geterr()
    curve = km.fit(time, event)
    assert np.geterr() == state
    surv, expected = 1.0, []
    for when in sorted(set(time)):
        at_risk, died = sum(t >= when for t in time), sum(e for t, e in data if t == when)
        surv *= 1 - died / at_risk
        expected.append((when, at_risk, died, time.count(when) - died, surv))
    got = (curve.time, curve.n_risk, curve.n_event, curve.n_censor, curve.surv)
    assert np.allclose(np.column_stack(got), expected, atol=1e-12)
    inside = (curve.surv > 0) & (curve.surv < 1)
    assert (np.diff(curve.surv) <= 1e-15).all()
    assert (curve.lower[inside] <= curve.surv[inside]).all()
    assert (curve.upper[inside] >= curve.surv[inside]).all()
    order = np.random.default_rng(len(data)).permutation(len(data))
    again = km.fit(np.array(time)[order], np.array(event)[order])
    assert (again.surv == curve.surv).all()


def _table(rows: list[tuple[str, float, int]]) -> pd.DataFrame:
    start = pd.Timestamp("2024-01-01")
    return pd.DataFrame(
        [
            {
                "USUBJID": f"S{i}",
                "CRITERION": RECIST,
                "PARAMCD": p,
                "STARTDT": start,
                "ADT": start,
                "AVAL": a,
                "CNSR": c,
                "EVNTDESC": "x",
                "CNSDTDSC": None,
            }
            for i, (p, a, c) in enumerate(rows)
        ]
    )


def test_summary_has_every_parameter_and_landmark() -> None:
    table = _table(
        [("PFS_TP", 50.0, 0), ("PFS_TP", 100.0, 0), ("PFS_TP", 200.0, 1), ("OS", 400.0, 1)]
    )
    summary = km.summarise(table, StudyConfig())
    assert len(summary) == len(PARAMETERS) * 3
    pfs = summary[summary["PARAMCD"] == "PFS_TP"].set_index("landmark_days")
    assert pfs.at[91.3125, "surv"] == pytest.approx(2 / 3)
    assert pfs.at[91.3125, "n_risk"] == 2
    assert pfs.at[182.625, "surv"] == pytest.approx(1 / 3)
    assert math.isnan(pfs.at[365.25, "surv"])
    assert pfs.at[365.25, "n_risk"] == 0
    assert (pfs["median"] == 100).all()
    assert (pfs["median_months"] == 100 / 30.4375).all()
    overall = summary[summary["PARAMCD"] == "OS"]
    assert overall["median"].isna().all()
    assert (overall["surv"] == 1).all()


def test_summary_of_nothing_is_nulls_not_errors() -> None:
    summary = km.summarise(empty(TimeToEvent), StudyConfig(pfs=Pfs(landmarks_months=[])))
    assert (summary["n"] == 0).all()
    assert summary["median"].isna().all()
    assert len(summary) == len(PARAMETERS)
    assert km.follow_up(empty(TimeToEvent))["median"].isna().all()


def test_follow_up_counts_censorings_as_events() -> None:
    table = km.follow_up(
        _table([("PFS_TP", 10.0, 0), ("PFS_TP", 20.0, 1), ("PFS_TP", 30.0, 1)])
    ).set_index("PARAMCD")
    assert table.at["PFS_TP", "median"] == 25
    assert table.at["PFS_TP", "censored"] == 2
