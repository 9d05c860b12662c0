"""Sensitivity analyses, biopsies missing by response, and cells lost to QC."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact

from hcc_assets.stats.composition_changes import composition_changes
from hcc_assets.stats.composition_confounders import biopsy_missingness, qc_kept
from hcc_assets.stats.composition_sensitivity import (
    ANALYSES,
    composition_sensitivity,
    merge_classes,
)
from hcc_assets.study.config import StudyConfig, parse_config
from hcc_assets_tests.stats.trial import make_counts, make_samples

CONFIG = StudyConfig()


@pytest.fixture(scope="module")
def trial() -> tuple[pd.DataFrame, pd.DataFrame]:
    samples = make_samples(12, unpaired=4)
    return samples, make_counts(samples, effects={"T": 1.0})


def test_the_primary_row_is_the_published_one(trial):
    columns = [
        "denominator",
        "cell_class",
        "log2_ratio",
        "p_value",
        "p_adjusted",
        "delta_median",
        "p_signed_rank",
    ]
    published = composition_changes(*trial, CONFIG)
    published = published[published["cell_class"] != "unassigned"][columns].reset_index(drop=True)
    table = composition_sensitivity(*trial, CONFIG)
    assert set(table["analysis"]) == set(ANALYSES)
    primary = table[table["analysis"] == "primary"][columns].reset_index(drop=True)
    pd.testing.assert_frame_equal(primary, published)


def test_merged_classes_replace_their_parts(trial):
    table = composition_sensitivity(*trial, CONFIG)
    merged = table[(table["analysis"] == "t_with_nk") & (table["denominator"] == "all")]
    assert "T+NK" in set(merged["cell_class"])
    assert not {"T", "NK"} & set(merged["cell_class"])
    assert merged["p_adjusted"].notna().sum() == 9, (
        "T+NK stands for T among the primary classes of the denominator"
    )
    counts, names = merge_classes(np.array([[1.0, 2, 4]]), ("a", "b", "c"), ("a", "c"))
    assert counts.tolist() == [[5, 2]]
    assert names == ("a+c", "b")


def test_the_mixed_model_uses_the_unpaired_and_doublets_come_in(trial):
    table = composition_sensitivity(*trial, CONFIG).set_index(
        ["analysis", "denominator", "cell_class"]
    )
    assert table.loc[("mixed_model", "all", "T"), ["n_pairs", "n_subjects"]].tolist() == [8, 12]
    assert (
        table.loc[("doublets_in", "all", "T"), "delta_median"]
        != table.loc[("primary", "all", "T"), "delta_median"]
    )
    estimates = [
        table.loc[(a, "all", "T"), "log2_ratio"]
        for a in (
            "primary",
            "clr",
            "posterior",
            "mixed_model",
            "small_biopsies_in",
        )
    ]
    assert np.ptp(estimates) < 0.6


def test_small_biopsies_come_in_where_asked():
    samples = make_samples(6)
    counts = make_counts(samples, cells=60)
    table = composition_sensitivity(samples, counts, CONFIG).groupby("analysis")["n_pairs"].max()
    assert table["primary"] == 0
    assert table["small_biopsies_in"] == 6


def test_missing_biopsies_by_response(trial):
    samples, counts = trial
    best = pd.DataFrame(
        {
            "USUBJID": [f"P{i:03d}" for i in range(14)],
            "CBOR": ["PD"] * 5 + ["PR"] * 5 + ["SD"] * 2 + ["NE", "CR"],
        }
    )
    table = biopsy_missingness(samples, counts, CONFIG, best_responses=best).set_index("response")
    assert list(table.index) == ["CR", "PR", "SD", "PD", "NE", "ALL"]
    assert table.loc["PD", ["n_subjects", "n_paired", "n_before_only", "n_none"]].tolist() == [
        5,
        1,
        4,
        0,
    ]
    assert table.loc["CR", ["n_subjects", "n_none"]].tolist() == [1, 1]
    assert table.loc["ALL", "n_subjects"] == 14
    assert (
        table["n_paired"] + table["n_before_only"] + table["n_after_only"] + table["n_none"]
        == table["n_subjects"]
    ).all()
    assert table.loc["ALL", "p_value"] == pytest.approx(fisher_exact([[5, 1], [3, 5]]).pvalue)
    assert table.drop("ALL")["p_value"].isna().all()


def test_missing_biopsies_without_clinical_data(trial):
    table = biopsy_missingness(*trial, CONFIG)
    assert table["response"].tolist() == ["NOT EVALUATED", "ALL"]
    assert table["n_subjects"].tolist() == [12, 12]


def test_a_loss_at_one_timepoint_is_seen_and_its_sign_turns():
    samples = make_samples(10)
    counts = make_counts(samples)
    lost = (
        counts["sample_id"].str.endswith("post")
        & counts["cell_class"].eq("neutrophil")
        & counts["qc_status"].eq("pass")
    )
    moved = counts[lost].assign(
        n_cells=lambda f: f["n_cells"] - f["n_cells"] // 3, qc_status="low_umi"
    )
    counts.loc[lost, "n_cells"] //= 3
    counts = pd.concat([counts, moved])
    table = qc_kept(samples, counts, CONFIG).set_index(["cell_class", "timepoint"])
    row = table.loc[("neutrophil", "post")]
    assert row["delta_median"] < -0.4
    assert row["p_adjusted"] < 0.05
    assert row["kept_median"] < 0.4 < table.loc[("neutrophil", "pre"), "kept_median"]
    assert table.loc[("tumour", "post"), "p_adjusted"] > 0.05
    assert table.loc["ALL", "n_called"].sum() == counts["n_cells"].sum()
    back = qc_kept(
        samples, counts, parse_config('[samples]\ntimepoints = ["post", "pre"]')
    ).set_index(["cell_class", "timepoint"])
    assert back.loc[("neutrophil", "post"), "delta_median"] == pytest.approx(-row["delta_median"])
    assert back.loc[("neutrophil", "post"), "p_value"] == pytest.approx(row["p_value"])
