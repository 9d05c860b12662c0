"""Properties that hold for any trial: order, units, names, later progression, the smallest sum, new
lesions, and both number paths."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from hcc_assets.clinical.endpoints.best_response import derive_best_responses
from hcc_assets.clinical.endpoints.time_to_event import derive_time_to_event
from hcc_assets.clinical.recist import arithmetic as ra
from hcc_assets.clinical.recist.responses import derive_responses
from hcc_assets.study.config import Recist, StudyConfig
from hcc_assets_tests.clinical.random_trial import random_trial

CONFIG = StudyConfig()
seeds = st.integers(0, 10_000)
few = settings(max_examples=5, deadline=None)
RANK = {"CR": 0, "PR": 1, "SD": 2, "NON-CR/NON-PD": 2, "PD": 3, "NE": 4}


def _all(
    people: pd.DataFrame, rows: pd.DataFrame, records: pd.DataFrame, config: StudyConfig = CONFIG
) -> list[pd.DataFrame]:
    responses = derive_responses(people, rows, config)
    return [
        responses,
        *(
            f(people, rows, responses, records, config)
            for f in (derive_best_responses, derive_time_to_event)
        ),
    ]


@few
@given(seeds, st.randoms(use_true_random=False))
def test_row_order_never_matters(seed: int, random) -> None:  # type: ignore[no-untyped-def]
    frames = random_trial(seed, 6)
    shuffled = []
    for frame in frames:
        order = list(range(len(frame)))
        random.shuffle(order)
        mixed = frame.iloc[order].reset_index(drop=True)
        mixed["SRCROW"] = np.arange(1, len(mixed) + 1)
        shuffled.append(mixed)
    for one, other in zip(_all(*frames), _all(*shuffled), strict=True):
        pd.testing.assert_frame_equal(one, other)


@few
@given(seeds)
def test_units_never_matter(seed: int) -> None:
    people, rows, records = random_trial(seed, 6)
    metric = rows.copy()
    for i, (text, unit) in enumerate(zip(rows["TRORRES"], rows["TRORRESU"], strict=True)):
        if text is not None and text[0].isdigit():
            scaled = Decimal(text) * 10 if (unit or "mm").lower() == "cm" else Decimal(text) / 10
            metric.loc[i, ["TRORRES", "TRORRESU"]] = [
                f"{scaled:f}",
                "mm" if (unit or "mm").lower() == "cm" else "cm",
            ]
    for one, other in zip(_all(people, rows, records), _all(people, metric, records), strict=True):
        pd.testing.assert_frame_equal(one, other)


@few
@given(seeds)
def test_names_of_lesions_and_subjects_never_matter(seed: int) -> None:
    people, rows, records = random_trial(seed, 6)
    renamed = rows.copy()
    renamed["TRLNKID"] = renamed["TRLNKID"].str.replace(
        r"^T(\d\d)", lambda m: f"T{90 - int(m.group(1))}", regex=True
    )
    words = ["OVRLRESP", "TRGRESP", "NTRGRESP", "ADT", "SUMDIAM", "NADIR_PRIOR"]
    before, after = (
        derive_responses(people, rows, CONFIG),
        derive_responses(people, renamed, CONFIG),
    )
    pd.testing.assert_frame_equal(before[words], after[words])
    swap = [f.assign(USUBJID="Z" + f["USUBJID"]) for f in (people, rows, records)]
    for one, other in zip(_all(people, rows, records), _all(*swap), strict=True):
        pd.testing.assert_frame_equal(one, other.assign(USUBJID=other["USUBJID"].str[1:]))


@few
@given(seeds)
def test_smallest_sum_never_rises_and_ne_is_never_a_response(seed: int) -> None:
    people, rows, records = random_trial(seed, 8)
    responses, best, times = _all(people, rows, records)
    for _, block in responses.groupby(["USUBJID", "EVALUATOR"]):
        nadir = block["NADIR_PRIOR"].dropna()
        assert (nadir.diff().dropna() <= 0).all()
    assert (responses.loc[responses["NEWLPROG"] == "Y", "OVRLRESP"].isin(["PD", "NE"])).all()
    assert (
        responses.loc[
            (responses["NEWLPROG"] == "Y") & ~responses["REASON"].str.contains("no baseline"),
            "OVRLRESP",
        ]
        == "PD"
    ).all()
    assert responses.loc[responses["TRGRESP"] == "CR", "SUMDIAM"].notna().all()
    assert best.loc[~best["CBOR"].isin(["CR", "PR"]), "RESPDT"].isna().all()
    assert best["RESPDT"].notna().sum() == (times["PARAMCD"] == "TTR").sum()
    assert [RANK[c] >= RANK[b] for b, c in zip(best["BOR"], best["CBOR"], strict=True)].count(
        False
    ) == 0
    assert (times["ADT"] >= times["STARTDT"]).all()
    fda, tp = (times[times["PARAMCD"] == p].set_index("USUBJID") for p in ("PFS_FDA", "PFS_TP"))
    assert (fda["ADT"] <= tp["ADT"]).all()
    assert (fda["CNSR"] >= tp["CNSR"]).all()


@few
@given(seeds)
def test_a_later_progression_never_improves_the_best_response(seed: int) -> None:
    """Adding a visit with a new lesion after the last visit turns NE into PD at most; nothing gets
    better than it was."""
    people, rows, records = random_trial(seed, 8, ugly=False)
    last = rows.sort_values("TRDT").groupby("USUBJID").tail(1)
    extra = last.assign(
        VISITNUM=50.0,
        VISIT="TA 50",
        BASELINE=False,
        TRDT=last["TRDT"] + pd.Timedelta(days=30),
        TRLNKID="NEW77",
        TRGRPID="NEW",
        TRTESTCD="TUMSTATE",
        TRORRES="UNEQUIVOCAL",
        TRORRESU=None,
        TRSTAT=None,
        SRCROW=range(10_000, 10_000 + len(last)),
    )
    before, after = (
        _all(people, rows, records)[1],
        _all(people, pd.concat([rows, extra], ignore_index=True), records)[1],
    )
    for source in ("BOR", "CBOR"):
        for old, new in zip(before[source], after[source], strict=True):
            assert new == old or (old, new) == ("NE", "PD")


@few
@given(seeds)
def test_sticky_partial_response_changes_only_sd_into_pr_and_never_bor(seed: int) -> None:
    people, rows, records = random_trial(seed, 8)
    plain, sticky = (
        _all(people, rows, records),
        _all(people, rows, records, StudyConfig(recist=Recist(sticky_pr=True))),
    )
    changed = plain[0]["OVRLRESP"] != sticky[0]["OVRLRESP"]
    assert set(plain[0].loc[changed, "OVRLRESP"]) <= {"SD"}
    assert set(sticky[0].loc[changed, "OVRLRESP"]) <= {"PR"}
    assert (plain[1]["BOR"] == sticky[1]["BOR"]).all()


@few
@given(seeds)
def test_integer_and_object_paths_give_the_same_responses(seed: int) -> None:
    """A text with 30 decimals sends the whole data set down the exact slow path; nothing else may
    change."""
    people, rows, _ = random_trial(seed, 6)
    odd = rows.iloc[:1].assign(
        USUBJID="ZZ",
        TRORRES="33." + "3" * 30,
        TRORRESU="mm",
        TRTESTCD="LDIAM",
        TRSTAT=None,
        BASELINE=True,
    )
    more = odd.assign(
        BASELINE=False,
        VISITNUM=1.0,
        TRDT=odd["TRDT"] + pd.Timedelta(days=30),
        TRORRES="23." + "3" * 29 + "1",
    )
    both = pd.concat([rows, odd, more], ignore_index=True)
    fast, slow = derive_responses(people, rows, CONFIG), derive_responses(people, both, CONFIG)
    pd.testing.assert_frame_equal(fast, slow[slow["USUBJID"] != "ZZ"].reset_index(drop=True))


numbers = st.decimals(min_value=0, max_value=500, places=4, allow_nan=False)


@settings(max_examples=200, deadline=None)
@given(numbers, numbers, st.booleans())
def test_thresholds_agree_with_fractions(total: Decimal, reference: Decimal, wide: bool) -> None:
    scale = ra.Scale.of(
        [total, reference, Decimal("0." + "1" * 25)] if wide else [total, reference], 10
    )
    assert scale.dtype is (object if wide else np.int64)
    t, r = (np.array([scale.units(v)], dtype=scale.dtype) for v in (total, reference))
    assert bool(ra.is_progression(t, r, scale.per_mm)[0]) == (
        Fraction(total) - Fraction(reference) >= 5
        and Fraction(total) >= Fraction(reference) * Fraction(6, 5)
    )
    assert bool(ra.is_partial_response(t, r)[0]) == (
        Fraction(total) <= Fraction(reference) * Fraction(7, 10)
    )
    assert Decimal(scale.text(int(t[0]))) == total


def test_number_texts() -> None:
    assert ra.millimetres("3.5", "CM") == 35
    assert ra.millimetres("1E1", None) == 10
    assert [
        ra.millimetres(t, u)
        for t, u in (
            ("5", "inch"),
            ("-1", "mm"),
            ("1e9", "mm"),
            ("1e999", "mm"),
            ("x", "mm"),
            ("", "mm"),
        )
    ] == [None] * 6
    assert ra.percent_text(-2996, 10000) == "29.9 %"
    assert ra.percent_text(1, 0) == "not defined"
