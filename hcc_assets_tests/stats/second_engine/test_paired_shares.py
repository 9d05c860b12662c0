"""Changes of composition made again: the same where they are right, every planted fault seen."""

from __future__ import annotations

import pandas as pd
import pytest

from hcc_assets.stats.composition import compositions
from hcc_assets.stats.composition_changes import composition_changes
from hcc_assets.stats.second_engine.paired_shares import composition_changes_again
from hcc_assets.study.classes import PRIMARY_CLASSES
from hcc_assets_tests.stats.second_engine import frames
from hcc_assets_tests.stats.second_engine.judging import judge, spoilt


@pytest.fixture(scope="module")
def changes() -> dict[str, pd.DataFrame]:
    made = frames.compositions()
    return {
        "table": composition_changes(made["samples"], made["counts"], frames.CONFIG),
        "compositions": compositions(made["samples"], made["counts"], frames.CONFIG),
    }


def test_composition_is_the_same(changes: dict[str, pd.DataFrame]) -> None:
    verdict = judge("composition_changes", **changes, config=frames.CONFIG)
    assert verdict.passed, verdict.description
    assert changes["table"]["p_signed_rank"].notna().sum() > 20
    assert "bootstrap" in verdict.details["not made again"]


def test_composition_of_too_few_patients_is_no_fault() -> None:
    made = frames.compositions(4)
    table = composition_changes(made["samples"], made["counts"], frames.CONFIG)
    shares = compositions(made["samples"], made["counts"], frames.CONFIG)
    again = composition_changes_again(table, shares, primary=PRIMARY_CLASSES, min_pairs=5)
    assert again.wrong == ()
    assert table["p_value"].isna().all()


@pytest.mark.parametrize(
    "column",
    [
        "n_pairs",
        "n_subjects",
        "mean_before",
        "mean_after",
        "delta_median",
        "delta_hodges_lehmann",
        "p_signed_rank",
        "delta_mean",
        "p_value",
        "mde_log2",
        "p_adjusted",
        "log2_ratio",
    ],
)
@pytest.mark.parametrize("cell_class", ["T", "mast"])
def test_a_wrong_change_fails_the_check(
    changes: dict[str, pd.DataFrame], column: str, cell_class: str
) -> None:
    table = changes["table"]
    row = table.index[(table["denominator"] == "all") & (table["cell_class"] == cell_class)][0]
    wrong = spoilt(table, row, column)
    verdict = judge(
        "composition_changes",
        table=wrong,
        compositions=changes["compositions"],
        config=frames.CONFIG,
    )
    assert not verdict.passed
    assert f"denominator all, cell_class {cell_class}" in verdict.description
