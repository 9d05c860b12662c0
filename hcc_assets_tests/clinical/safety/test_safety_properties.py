"""Safety tables as a whole: properties that hold for any events, and speed."""

from __future__ import annotations

import datetime as dt
from functools import partial

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.clinical.safety_frames import (
    adverse_events,
    ae_summary,
    exposure,
    line,
    subjects,
)
from hcc_assets_tests.work import calls

CONFIG = StudyConfig()
CUTOFF = dt.date(2024, 12, 31)
EX = exposure(("S1", 300, "2024-03-15", "2024-06-30"), ("S2", 300, "2024-03-01", None))
DM = subjects(EX, {"USUBJID": "S3"})


_EVENT = st.fixed_dictionaries(
    {
        "USUBJID": st.sampled_from(["S1", "S2", "S3", "S9"]),
        "AEDECOD": st.sampled_from(["A", "B", "C", None]),
        "AEBODSYS": st.sampled_from(["X", "Y", None]),
        "AESTDTC": st.sampled_from(
            ["2024-02-01", "2024-03-15", "2024-04", "2024", None, "2024-07-30", "2025-02-01"]
        ),
        "AEENDTC": st.sampled_from([None, "2024-03-01", "2024-05-05"]),
        "AETOXGR": st.sampled_from(["1", "2", "3", "4", "5", None]),
        "AEREL": st.sampled_from(["Y", "N", "POSSIBLE", "?", None]),
        "AEOUT": st.sampled_from(["FATAL", "RECOVERED/RESOLVED", "UNKNOWN", None]),
    }
)


@settings(max_examples=10, deadline=None)
@given(st.lists(_EVENT, max_size=14), st.randoms(use_true_random=False))
def test_properties_of_counts(rows: list[dict], shuffler) -> None:  # type: ignore[no-untyped-def]
    ae = adverse_events(*rows)
    out = ae_summary(DM, EX, ae, CONFIG, cutoff=CUTOFF)
    order = list(range(len(ae)))
    shuffler.shuffle(order)
    pd.testing.assert_frame_equal(
        out, ae_summary(DM.iloc[::-1], EX.iloc[::-1], ae.iloc[order], CONFIG, cutoff=CUTOFF)
    )
    assert (out["patients"] <= out["n"]).all()
    assert ((out["patients"] <= out["events"]) | out["table"].isin(["OUTCOME", "MAX_GRADE"])).all()
    grades = out.loc[out["table"] == "MAX_GRADE"].pivot(
        index=["soc", "term"], columns="level", values=["patients", "events"]
    )
    for count in ("patients", "events"):
        table = grades[count]
        assert (table[["1", "2", "3", "4", "5", "MISSING"]].sum(axis=1) == table["ANY"]).all()
        assert (table["1-2"] == table["1"] + table["2"]).all() and (
            table[">=3"] == table["3-4"] + table["5"]
        ).all()
    assert (
        line(out, "OVERVIEW", term="GRADE>=3")["patients"]
        == line(out, "MAX_GRADE", level=">=3")["patients"]
    )
    total = line(out, "OVERVIEW", term="ANY TEAE")
    outcome = out.loc[out["table"] == "OUTCOME"]
    assert (outcome["patients"].sum(), outcome["events"].sum()) == (
        total["patients"],
        total["events"],
    )
    assert line(out, "EAIR")["patients"] == total["patients"]
    rates = out.loc[out["table"] == "EAIR"]
    assert (rates["lcl"] <= rates["rate_100py"]).all() and (
        rates["rate_100py"] <= rates["ucl"]
    ).all()


def _many_events(n: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """DM, EX and AE of n events, fifty a patient."""
    rng = np.random.default_rng(3)
    patients = n // 50
    ids = np.array([f"S{i:05d}" for i in range(patients)])
    ex = (
        exposure(("S00000", 300, "2024-01-01", "2024-06-30"))
        .loc[np.zeros(patients, dtype=int)]
        .assign(USUBJID=ids)
        .reset_index(drop=True)
    )
    dm = (
        subjects(exposure(("S00000", 300, "2024-01-01", "2024-06-30")))
        .loc[np.zeros(patients, dtype=int)]
        .assign(USUBJID=ids)
        .reset_index(drop=True)
    )
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 200, n), unit="D")
    pt = rng.integers(0, 400, n)
    ae = (
        adverse_events({"USUBJID": "S00000", "AEDECOD": "A", "AESTDTC": "2024-01-02"})
        .loc[np.zeros(n, dtype=int)]
        .reset_index(drop=True)
    )
    ae = ae.assign(
        USUBJID=ids[rng.integers(0, patients, n)],
        AEDECOD=np.array([f"Term {i}" for i in range(400)], dtype=object)[pt],
        AEBODSYS=np.array([f"Class {i}" for i in range(25)], dtype=object)[pt % 25],
        AETOXGR=np.array(["1", "2", "3", "4", "5", None], dtype=object)[rng.integers(0, 6, n)],
        AESTDT=start,
        AESTDTC=start.strftime("%Y-%m-%d"),
        SRCROW=np.arange(1, n + 1),
    )
    return dm, ex, ae


def test_twice_the_events_are_counted_with_hardly_more_calls() -> None:
    work = []
    for n in (10_000, 20_000):
        dm, ex, ae = _many_events(n)
        summary = partial(ae_summary, dm, ex, ae, CONFIG, cutoff=CUTOFF)
        work.append(calls(summary))
        assert line(summary(), "OVERVIEW", term="ANY TEAE")["events"] == int(
            (ae["AESTDT"] <= pd.Timestamp("2024-07-30")).sum()
        )
    assert work[1] < 1.2 * work[0], work
