"""The benchmark of simulated tumours in a form of a minute."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks import tumours
from hcc_assets.simulate.real_settings import RealSettings
from hcc_assets.simulate.real_states import ISLET
from hcc_assets.simulate.real_world import make_real_world


@pytest.mark.slow
def test_the_real_way_on_a_few_tumours() -> None:
    world = make_real_world(34)
    _, samples = tumours.called(world, range(2), 500)
    row = tumours.summary(samples, "a few")
    assert row["false_tumour"] <= 0.05
    assert row["tumour_unassigned_worst"] <= 0.05
    table = tumours.per_class(samples)
    assert table["recall"].is_monotonic_increasing
    assert row["worst_class"] == table["class"].iloc[0]
    assert np.isfinite(tumours.change_bias(samples)["bias"]).all()


@pytest.mark.slow
def test_hepatocytes_beside_immune_cells_alone() -> None:
    table = pd.DataFrame(tumours.bad_twin(make_real_world(34), range(2), 500))
    assert table["false_malignant"].max() <= 0.05
    assert table["malignant_found"].dropna().min() >= 0.8


def test_a_type_that_the_prior_lacks_is_none_of_these_in_every_patient() -> None:
    """Islet-like cells of one patient had moved three states of the prior to themselves, and were
    macrophages."""
    world = make_real_world(31, RealSettings(novel=ISLET))
    _, samples = tumours.called(world, (1, 2), 500)
    found = tumours.summary(samples, "islet")
    assert found["novel_unassigned"] >= 0.8 and found["known_lost"] <= 0.03
