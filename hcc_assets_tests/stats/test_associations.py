"""Exploratory associations: the Cox model against statsmodels, landmarks, exact response tests, and
honesty about n."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hcc_assets.stats.association_features import composition_features, program_features
from hcc_assets.stats.associations import associations
from hcc_assets.stats.cox import cox_single
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.stats.trial import make_counts, make_samples

CONFIG = StudyConfig()


@pytest.mark.parametrize("seed", range(4))
def test_cox_is_efron_s(seed):
    from statsmodels.duration.hazard_regression import PHReg

    rng = np.random.default_rng(seed)
    x = rng.normal(5, 3, 40)
    time = np.ceil(rng.exponential(15, 40) * np.exp(-0.1 * x))
    event = rng.random(40) < 0.7
    fit, reference = (
        cox_single(time, event, x),
        PHReg(time, x, status=event.astype(int), ties="efron").fit(),
    )
    assert fit.coefficient == pytest.approx(reference.params[0])
    assert fit.se == pytest.approx(reference.bse[0])
    assert fit.p_value == pytest.approx(reference.pvalues[0])


def test_cox_agrees_with_lifelines():
    from lifelines import CoxPHFitter

    rng = np.random.default_rng(9)
    data = pd.DataFrame(
        {"t": rng.exponential(20, 50), "e": rng.random(50) < 0.6, "x": rng.normal(size=50)}
    )
    fit, reference = (
        cox_single(data["t"], data["e"], data["x"]),
        CoxPHFitter().fit(data, "t", "e").summary,
    )
    assert fit.coefficient == pytest.approx(reference["coef"].iloc[0], abs=1e-4)
    assert fit.ci_low == pytest.approx(reference["coef lower 95%"].iloc[0], abs=1e-3)


def test_cox_without_a_maximum_says_so():
    assert np.isnan(cox_single([1, 2, 3, 4], [True] * 4, [4.0, 3, 2, 1]).p_value)
    assert np.isnan(cox_single([1, 2, 3], [False] * 3, [1.0, 2, 3]).p_value)
    assert np.isnan(cox_single([1, 2, 3], [True] * 3, [1.0, 1, 1]).p_value)


@pytest.fixture(scope="module")
def trial():
    samples = make_samples(24, unpaired=4)
    counts = make_counts(samples)
    subjects = [f"P{i:03d}" for i in range(24)]
    best = pd.DataFrame({"USUBJID": subjects, "CBOR": (["PR", "SD", "PD", "NE"] * 6)})
    rng = np.random.default_rng(3)
    start = pd.Timestamp("2024-01-08") + pd.to_timedelta(np.arange(24) * 7, unit="D")
    days = rng.integers(20, 400, 24)
    tte = pd.DataFrame(
        {
            "USUBJID": subjects,
            "PARAMCD": "PFS_TP",
            "STARTDT": start,
            "AVAL": days,
            "CNSR": (rng.random(24) < 0.3).astype(int),
        }
    )
    tte["ADT"] = tte["STARTDT"] + pd.to_timedelta(tte["AVAL"], unit="D")
    return samples, counts, best, pd.concat([tte, tte.assign(PARAMCD="OS", CNSR=1)])


@pytest.fixture(scope="module")
def table(trial):
    samples, counts, best, tte = trial
    return associations(samples, counts, CONFIG, best_responses=best, time_to_event=tte)


def test_every_feature_has_both_outcomes_and_is_exploratory(table):
    assert table.groupby("feature")["outcome"].nunique().eq(2).all()
    assert len(table) == 2 * 2 * (15 + 9 + 12)
    assert set(table["label"]) == {"exploratory"}


def test_response_is_the_exact_test_of_evaluable_patients(trial, table):
    samples, counts, best, _ = trial
    features = composition_features(samples, counts, CONFIG)
    values = features[features["feature"] == "composition:immune:T:baseline"].set_index(
        "subject_id"
    )["value"]
    group = best.set_index("USUBJID")["CBOR"]
    x, y = values[group[values.index] == "PR"], values[group[values.index].isin(["SD", "PD"])]
    row = table.set_index(["feature", "outcome"]).loc[("composition:immune:T:baseline", "RESPONSE")]
    assert (row["n"], row["n_events"]) == (18, 6)
    assert row["p_value"] == pytest.approx(stats.mannwhitneyu(x, y, method="exact").pvalue)
    assert row["effect"] == pytest.approx(np.median(np.subtract.outer(x.to_numpy(), y.to_numpy())))
    assert row["ci_low"] <= row["effect"] <= row["ci_high"]


def test_change_against_pfs_starts_at_the_second_biopsy(trial, table):
    samples, _, _, tte = trial
    pfs = tte[tte["PARAMCD"] == "PFS_TP"].set_index("USUBJID")
    second = samples[samples["timepoint"] == "post"].set_index("subject_id")["collection_date"]
    at_risk = pfs.loc[second.index, "ADT"] > second
    row = table.set_index(["feature", "outcome"]).loc[("composition:all:T:change", "PFS")]
    assert row["n"] == at_risk.sum() < len(second)
    assert row["n_events"] == (pfs.loc[second.index[at_risk], "CNSR"] == 0).sum()
    assert "second biopsy" in row["landmark"]
    features = composition_features(*trial[:2], CONFIG)
    x = (
        features[features["feature"] == "composition:all:T:change"]
        .set_index("subject_id")["value"]
        .loc[second.index[at_risk]]
    )
    days = (pfs.loc[x.index, "ADT"] - second[x.index]).dt.days
    assert row["effect"] == pytest.approx(
        np.exp(cox_single(days, pfs.loc[x.index, "CNSR"] == 0, x / x.std()).coefficient)
    )


def test_no_time_is_credited_for_living_until_the_biopsy():
    """Patients who are biopsied because they are still there: an analysis from treatment start
    would call any late feature protective."""
    rng = np.random.default_rng(4)
    samples = make_samples(40)
    late = samples["timepoint"].eq("post")
    samples.loc[late, "collection_date"] += pd.to_timedelta(
        rng.integers(0, 300, late.sum()), unit="D"
    )
    counts = make_counts(samples)
    second = samples[late].set_index("subject_id")["collection_date"]
    first = samples[~late].set_index("subject_id")["collection_date"]
    tte = pd.DataFrame(
        {"USUBJID": second.index, "PARAMCD": "PFS_TP", "STARTDT": first.to_numpy(), "CNSR": 0}
    )
    tte["ADT"] = second.to_numpy() + pd.to_timedelta(rng.integers(1, 60, 40), unit="D")
    table = associations(samples, counts, CONFIG, time_to_event=tte)
    change = table[table["feature"].str.endswith(":change")]
    assert change["n"].eq(40).all()
    assert (change["p_value"] < 0.05).mean() < 0.2


def test_small_numbers_leave_n_alone():
    samples = make_samples(4)
    best = pd.DataFrame(
        {"USUBJID": ["P000", "P001", "P002", "P003"], "CBOR": ["PR", "SD", "PD", "NE"]}
    )
    tte = pd.DataFrame(
        {
            "USUBJID": ["P000"],
            "PARAMCD": ["PFS_TP"],
            "STARTDT": [pd.Timestamp("2024-01-05")],
            "ADT": [pd.Timestamp("2024-09-01")],
            "CNSR": [0],
        }
    )
    table = associations(
        samples, make_counts(samples), CONFIG, best_responses=best, time_to_event=tte
    )
    assert table[["effect", "ci_low", "ci_high", "p_value", "p_adjusted"]].isna().all().all()
    assert set(table.loc[table["outcome"] == "RESPONSE", "n"]) == {3}


def test_program_features_keep_baseline_and_change_apart():
    scores = pd.DataFrame(
        {
            "subject_id": ["A", "A", "B"],
            "timepoint": ["pre", "post", "pre"],
            "cell_class": "T",
            "program": "treg",
            "score": [1.0, 2, 3],
        }
    )
    changes = pd.DataFrame(
        {
            "subject_id": ["A"],
            "cell_class": ["T"],
            "program": ["treg"],
            "before": [1.0],
            "after": [2.0],
            "delta": [1.0],
        }
    )
    features = program_features(scores, changes, CONFIG)
    assert features.groupby("feature")["subject_id"].nunique().to_dict() == {
        "program:treg:T:baseline": 2,
        "program:treg:T:change": 1,
    }


def test_without_clinical_data_the_table_is_empty(trial):
    assert associations(trial[0], trial[1], CONFIG).empty


def test_order_of_rows_changes_nothing(trial, table):
    samples, counts, best, tte = (f.sample(frac=1, random_state=5) for f in trial)
    pd.testing.assert_frame_equal(
        table, associations(samples, counts, CONFIG, best_responses=best, time_to_event=tte)
    )
