"""Shares per sample and timepoint: conservation, rules on few cells, sums within a biopsy, order of
rows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcc_assets.stats.composition import (
    class_counts,
    compositions,
    timepoint_compositions,
)
from hcc_assets.study.classes import CELL_CLASSES, DENOMINATORS
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.stats.trial import make_counts, make_samples

CONFIG = StudyConfig()


def one_sample(**cells: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    samples = make_samples(1, unpaired=1)
    counts = pd.DataFrame(
        [
            {"sample_id": "S000-pre", "cell_class": c, "qc_status": "pass", "n_cells": n}
            for c, n in cells.items()
        ]
    )
    return samples, counts


def test_every_class_of_every_denominator_has_its_row_and_shares_sum_to_one():
    samples = make_samples(4, unpaired=1)
    table = compositions(samples, make_counts(samples), CONFIG)
    assert len(table) == len(samples) * sum(len(c) for c in DENOMINATORS.values())
    assert np.allclose(table.groupby(["sample_id", "denominator"])["proportion"].sum(), 1)
    assert (table["ci_low"] <= table["proportion"]).all()
    assert (table["proportion"] <= table["ci_high"]).all()
    assert table["interval"].str.contains("cell sampling and doubt of calls").all()


def test_denominators_are_the_contract_s():
    samples, counts = one_sample(
        T=30, tumour=60, unassigned=10, erythroid=500, platelet=7, fibroblast=20, hepatocyte=5
    )
    table = compositions(samples, counts, CONFIG).set_index(["denominator", "cell_class"])
    assert table.loc[("all", "T"), ["n_cells", "n_total"]].tolist() == [30, 125]
    assert table.loc[("all", "unassigned"), "proportion"] == pytest.approx(10 / 125)
    assert table.loc[("immune", "T"), "n_total"] == 30
    assert table.loc[("non_parenchymal", "fibroblast"), "n_total"] == 50
    assert ("all", "erythroid") not in table.index
    assert table.loc[("immune", "mast"), "n_cells"] == 0
    assert table.loc[("immune", "mast"), "ci_high"] > 0


def test_only_passing_cells_count_and_a_missing_class_is_unassigned():
    samples, counts = one_sample(T=120)
    extra = pd.DataFrame(
        {
            "sample_id": "S000-pre",
            "cell_class": ["T", None, "B"],
            "qc_status": ["doublet", "pass", "low_umi"],
            "n_cells": [50, 6, 9],
        }
    )
    table = compositions(samples, pd.concat([counts, extra]), CONFIG).set_index(
        ["denominator", "cell_class"]
    )
    assert table.loc[("all", "T"), "n_cells"] == 120
    assert table.loc[("all", "unassigned"), "n_cells"] == 6
    assert table.loc[("all", "B"), "n_cells"] == 0


def test_a_class_that_the_study_does_not_know_is_refused_without_its_name():
    samples, counts = one_sample(T=5)
    with pytest.raises(ValueError, match="1 rows of the class counts") as refusal:
        compositions(samples, counts.assign(cell_class="secret"), CONFIG)
    assert "secret" not in str(refusal.value)


def test_no_cells_in_a_denominator_give_null_and_no_test():
    samples, counts = one_sample(tumour=300)
    table = compositions(samples, counts, CONFIG)
    immune = table[table["denominator"] == "immune"]
    assert immune["proportion"].isna().all()
    assert immune["ci_low"].isna().all()
    assert not immune["in_tests"].any()
    assert table.loc[table["denominator"] == "all", "in_tests"].all()


def test_few_cells_are_marked_and_left_out_of_tests():
    samples, counts = one_sample(T=99)
    table = compositions(samples, counts, CONFIG)
    assert not table["in_tests"].any()
    assert table["few_cells"].all()
    assert (
        compositions(samples, counts.assign(n_cells=150), CONFIG)
        .query("denominator == 'all'")["in_tests"]
        .all()
    )


def test_samples_of_one_biopsy_are_summed_for_groups_and_kept_apart_in_the_table():
    samples = pd.DataFrame(
        {
            "sample_id": ["a", "b", "c"],
            "subject_id": ["P1", "P1", "P2"],
            "timepoint": "pre",
            "tissue": [None, None, "LIVER"],
        }
    )
    counts = pd.DataFrame(
        {
            "sample_id": ["a", "a", "b", "c"],
            "cell_class": ["T", "B", "T", "T"],
            "qc_status": "pass",
            "n_cells": [60, 20, 120, 500],
        }
    )
    table = compositions(samples, counts, CONFIG)
    assert set(table["tissue"]) == {"unknown", "LIVER"}
    assert table.query("sample_id == 'a'")["in_tests"].any(), (
        "60 + 20 + 120 cells make the biopsy large enough"
    )
    group = timepoint_compositions(samples, counts, CONFIG).set_index(
        ["timepoint", "denominator", "cell_class"]
    )
    row = group.loc[("pre", "all", "T")]
    assert (row["n_samples"], row["n_subjects"]) == (3, 2)
    assert row["mean"] == pytest.approx((180 / 200 + 1) / 2)
    assert group.loc[("post", "all", "T"), "n_samples"] == 0
    assert np.isnan(group.loc[("post", "all", "T"), "mean"])


def test_tissues_of_one_subject_are_averaged_and_the_interval_is_over_subjects():
    samples = pd.DataFrame(
        {
            "sample_id": list("abc"),
            "subject_id": ["P1", "P1", "P2"],
            "timepoint": "pre",
            "tissue": ["LIVER", "LUNG", "LIVER"],
        }
    )
    counts = pd.DataFrame(
        {
            "sample_id": list("aabbc"),
            "cell_class": list("TBTBT"),
            "qc_status": "pass",
            "n_cells": [100, 100, 300, 100, 200],
        }
    )
    row = (
        timepoint_compositions(samples, counts, CONFIG)
        .set_index(["timepoint", "denominator", "cell_class"])
        .loc[("pre", "all", "T")]
    )
    assert row["n_subjects"] == 2
    assert row["mean"] == pytest.approx(((0.5 + 0.75) / 2 + 1) / 2)
    assert 0 <= row["ci_low"] <= row["mean"] <= row["ci_high"] <= 1


@given(st.permutations(range(8)), st.randoms())
@settings(max_examples=10, deadline=None)
def test_order_of_rows_changes_nothing(order, shuffle):
    samples = make_samples(4)
    counts = make_counts(samples, cells=200)
    rows = list(range(len(counts)))
    shuffle.shuffle(rows)
    for function in (compositions, timepoint_compositions):
        pd.testing.assert_frame_equal(
            function(samples, counts, CONFIG),
            function(samples.iloc[list(order)], counts.iloc[rows], CONFIG),
        )


def test_counts_in_parts_are_the_counts():
    samples = make_samples(2)
    counts = make_counts(samples)
    split = pd.concat(
        [
            counts.assign(n_cells=counts["n_cells"] // 2),
            counts.assign(n_cells=counts["n_cells"] - counts["n_cells"] // 2),
        ]
    )
    ids = samples["sample_id"].to_numpy()
    assert np.array_equal(class_counts(ids, counts), class_counts(ids, split))
    assert class_counts(ids, counts).shape == (4, len(CELL_CLASSES))


def test_an_empty_home_has_an_empty_table():
    samples = make_samples(1).iloc[:0]
    counts = pd.DataFrame({"sample_id": [], "cell_class": [], "qc_status": [], "n_cells": []})
    assert compositions(samples, counts, CONFIG).empty
    assert timepoint_compositions(samples, counts, CONFIG).empty


def test_a_sample_listed_twice_is_refused():
    samples = make_samples(1)
    for function in (compositions, timepoint_compositions):
        with pytest.raises(ValueError, match="more than once"):
            function(pd.concat([samples, samples]), make_counts(samples), CONFIG)
