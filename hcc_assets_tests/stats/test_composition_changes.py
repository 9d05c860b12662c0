"""Paired change of composition, as published: estimand by hand, symmetry, rules on n, families,
confounded contrasts."""

import numpy as np
import pandas as pd
import pytest

from hcc_assets.stats.composition_changes import composition_changes
from hcc_assets.stats.multiplicity import benjamini_hochberg, within
from hcc_assets.study.classes import DENOMINATORS, PRIMARY_CLASSES
from hcc_assets.study.config import StudyConfig, parse_config
from hcc_assets_tests.stats.test_paired import enumerate_signed_rank
from hcc_assets_tests.stats.trial import make_counts, make_samples

CONFIG = StudyConfig()
SWAPPED = parse_config('[samples]\ntimepoints = ["post", "pre"]')


@pytest.fixture(scope="module")
def trial() -> tuple[pd.DataFrame, pd.DataFrame]:
    samples = make_samples(14, unpaired=3)
    return samples, make_counts(samples, effects={"macrophage": -1.0, "T": 0.8, "mast": 1.0})


def shares(counts: pd.DataFrame, denominator: str, cell_class: str) -> pd.Series:
    passed = counts[
        (counts["qc_status"] == "pass") & counts["cell_class"].isin(DENOMINATORS[denominator])
    ]
    return (
        passed[passed["cell_class"] == cell_class].groupby("sample_id")["n_cells"].sum()
        / passed.groupby("sample_id")["n_cells"].sum()
    )


def test_the_registered_estimand_by_hand(trial):
    samples, counts = trial
    table = composition_changes(samples, counts, CONFIG).set_index(["denominator", "cell_class"])
    assert len(table) == sum(len(c) for c in DENOMINATORS.values())
    for key in [
        ("all", "T"),
        ("immune", "macrophage"),
        ("non_parenchymal", "fibroblast"),
        ("all", "unassigned"),
    ]:
        share = shares(counts, *key)
        delta = np.array([share[f"S{i:03d}-post"] - share[f"S{i:03d}-pre"] for i in range(3, 14)])
        assert table.loc[key, "n_pairs"] == 11
        assert table.loc[key, "delta_median"] == pytest.approx(np.median(delta))
        exact = delta.round(12)  # scipy misses ties in the last bits
        beside = [enumerate_signed_rank(exact + shift) for shift in (0, 1e-9, -1e-9)]
        assert table.loc[key, "p_signed_rank"] == pytest.approx(max(beside))
        assert table.loc[key, "delta_mean"] == pytest.approx(delta.mean())
        assert (
            table.loc[key, "delta_ci_low"]
            <= table.loc[key, "delta_hodges_lehmann"]
            <= table.loc[key, "delta_ci_high"]
        )


def test_the_log_ratio_finds_the_truth_on_its_own_scale(trial):
    table = composition_changes(*trial, CONFIG).set_index(["denominator", "cell_class"])
    for cell_class, effect in {"macrophage": -1.0, "T": 0.8, "mast": 1.0}.items():
        row = table.loc[("all", cell_class)]
        assert row["log2_ratio_ci_low"] < effect / np.log(2) < row["log2_ratio_ci_high"]
        assert row["p_value"] < 0.05
        assert row["reference_weight"] < 0.03
    assert table.loc[("all", "macrophage"), "p_adjusted"] < 0.05
    assert table.loc["all", "verdict"].drop("unassigned").eq("IDENTIFIABLE").all()
    assert table.loc["all", "reference_weight"].sum() == pytest.approx(1)
    assert table.loc[("all", "unassigned"), ["log2_ratio", "p_value", "p_adjusted"]].isna().all()
    assert table["mixed_n_subjects"].eq(14).all()


def test_one_family_the_nine_primary_classes_of_the_primary_denominator(trial):
    for primary in DENOMINATORS:
        config = parse_config(f'[single_cell]\nprimary_denominator = "{primary}"')
        table = composition_changes(*trial, config)
        chosen = table["cell_class"].isin(PRIMARY_CLASSES) & (table["denominator"] == primary)
        assert np.allclose(
            table.loc[chosen, "p_adjusted"], benjamini_hochberg(table.loc[chosen, "p_value"])
        )
        assert table.loc[~chosen, "p_adjusted"].isna().all()
        assert (table["role"] == "primary").equals(table["denominator"] == primary)


def test_a_confounded_contrast_has_no_other_verdict_and_no_other_number(trial):
    table = composition_changes(*trial, CONFIG)
    assert table["verdict"].eq("INSUFFICIENT").equals(table["log2_ratio"].isna())
    assert table["verdict"].isin(["IDENTIFIABLE", "DEPENDS ON REFERENCE"]).any()
    held = composition_changes(*trial, CONFIG, confounded={"pre>post", "pre>late"})
    assert held["verdict"].eq("CONFOUNDED").equals(table["log2_ratio"].notna())
    pd.testing.assert_frame_equal(held.drop(columns="verdict"), table.drop(columns="verdict"))
    other = composition_changes(*trial, CONFIG, confounded={"pre>late"})
    pd.testing.assert_frame_equal(other, table)


def test_swapping_the_timepoints_turns_every_sign(trial):
    forward, back = composition_changes(*trial, CONFIG), composition_changes(*trial, SWAPPED)
    for column in (
        "delta_median",
        "delta_hodges_lehmann",
        "delta_mean",
        "log2_ratio",
        "clr_log2_ratio",
        "mixed_log2_ratio",
    ):
        assert np.allclose(forward[column], -back[column], atol=1e-7, equal_nan=True), column
    for low, high in (
        ("delta_ci_low", "delta_ci_high"),
        ("log2_ratio_ci_low", "log2_ratio_ci_high"),
        ("delta_mean_ci_low", "delta_mean_ci_high"),
    ):
        assert np.allclose(forward[low], -back[high], atol=1e-9, equal_nan=True)
    assert forward["verdict"].equals(back["verdict"])
    for column in ("p_signed_rank", "p_value", "p_adjusted", "clr_p_value", "mde_log2"):
        assert np.allclose(forward[column], back[column], equal_nan=True)


def test_order_of_rows_changes_nothing(trial):
    samples, counts = trial
    shuffled = composition_changes(
        samples.sample(frac=1, random_state=1), counts.sample(frac=1, random_state=2), CONFIG
    )
    pd.testing.assert_frame_equal(
        composition_changes(samples, counts, CONFIG), shuffled, check_exact=True
    )


def test_too_few_pairs_leave_n_and_nothing_else():
    samples = make_samples(4)
    table = composition_changes(samples, make_counts(samples), CONFIG)
    assert table["n_pairs"].eq(4).all()
    assert table["verdict"].eq("INSUFFICIENT").all()
    said = set(table.loc[table["cell_class"] != "unassigned", "no_estimate"])
    assert said == {"4 patients with a pair, 5 needed"}
    counts_and_names = ["contrast", "denominator", "cell_class", "role", "verdict"]
    counts_and_names += ["n_pairs", "n_subjects", "mixed_n_subjects", "no_estimate"]
    numbers = table.drop(columns=counts_and_names)
    assert numbers.isna().all().all()


def test_small_biopsies_are_left_out_by_rule():
    samples = make_samples(7)
    counts = make_counts(samples)
    small = counts["sample_id"].eq("S000-post")
    few = counts.assign(n_cells=np.where(small, counts["n_cells"] // 40, counts["n_cells"]))
    assert composition_changes(samples, few, CONFIG)["n_pairs"].eq(6).all()


def test_pairs_are_made_within_one_tissue_and_a_patient_counts_once():
    samples = make_samples(8)
    samples.loc[samples["sample_id"] == "S000-post", "tissue"] = "LUNG"
    counts = make_counts(samples)
    assert composition_changes(samples, counts, CONFIG)["n_pairs"].eq(7).all()
    second = samples[samples["subject_id"] == "P001"].assign(
        tissue="LUNG", sample_id=["X-pre", "X-post"]
    )
    more = counts[counts["sample_id"].isin(["S001-pre", "S001-post"])].assign(
        sample_id=lambda f: "X-" + f["sample_id"].str[5:]
    )
    table = composition_changes(pd.concat([samples, second]), pd.concat([counts, more]), CONFIG)
    assert table["n_pairs"].eq(8).all()
    assert table["n_subjects"].eq(7).all()
    columns = ["delta_median", "p_signed_rank", "log2_ratio", "p_value"]
    assert np.allclose(
        table[columns], composition_changes(samples, counts, CONFIG)[columns], equal_nan=True
    )


def test_missing_tissue_is_a_tissue_of_its_own():
    samples = make_samples(6).assign(tissue=None)
    assert composition_changes(samples, make_counts(samples), CONFIG)["n_pairs"].eq(6).all()


def test_a_class_without_cells_has_a_row_without_a_test():
    samples = make_samples(8)
    counts = make_counts(samples)
    counts.loc[counts["cell_class"] == "mast", "n_cells"] = 0
    row = (
        composition_changes(samples, counts, CONFIG)
        .set_index(["denominator", "cell_class"])
        .loc[("immune", "mast")]
    )
    assert row["n_pairs"] == 8
    assert row["delta_median"] == 0
    assert row[["log2_ratio", "p_value", "p_adjusted", "p_signed_rank"]].isna().all()


def test_a_class_that_vanishes_is_found():
    samples = make_samples(10)
    counts = make_counts(samples, noise=0.2)
    counts.loc[
        (counts["cell_class"] == "macrophage") & counts["sample_id"].str.endswith("post"), "n_cells"
    ] = 0
    row = (
        composition_changes(samples, counts, CONFIG)
        .set_index(["denominator", "cell_class"])
        .loc[("all", "macrophage")]
    )
    assert row["log2_ratio"] < -4
    assert row["p_adjusted"] < 1e-6


def test_families_do_not_mix():
    p = [0.01, 0.02, np.nan, 0.03]
    assert np.allclose(within(p, ["a", "a", "a", "b"]), [0.02, 0.02, np.nan, 0.03], equal_nan=True)
    assert np.allclose(benjamini_hochberg([0.01, 0.04, 0.03, 0.5]), [0.04, 0.16 / 3, 0.16 / 3, 0.5])
