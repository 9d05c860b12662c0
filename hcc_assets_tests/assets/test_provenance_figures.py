"""`hcc explain` of figures, whose names are not those of their assets, and of assets per sample."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.provenance import explain_asset, explanation_lines, origin_of
from hcc_assets.assets.recipes import Ask, Output, Recipe
from hcc_assets.home.paths import Home
from hcc_assets.home.versions import Bundle


def _computed(ask: Ask) -> Output:
    return Output(bundle=Bundle(frames={"t": pd.DataFrame({"a": [ask.partition or "all"]})}))


def _drawn(name: str):
    def draw(ask: Ask, _: Output):
        from matplotlib.figure import Figure

        return {name.format(ask.partition): Figure(figsize=(1, 1))}

    return draw


RECIPES = {
    "cells": Recipe(
        "cells",
        _computed,
        "g",
        "Cells. Of a sample.",
        partitioned=True,
        external=lambda *_: {},
        figures=_drawn("profile_{}"),
    ),
    "events": Recipe(
        "events", _computed, "g", "Events. Listed.", external=lambda *_: {"clinical/ae.csv": "sha"}
    ),
    "rates": Recipe(
        "rates",
        _computed,
        "g",
        "Rates. Of events.",
        inputs=("events",),
        figures=_drawn("events_by_grade"),
    ),
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    bench = Workbench(Home.at(tmp_path), RECIPES)
    for name, sample in (("cells", "S1"), ("cells", "S2"), ("events", None), ("rates", None)):
        assert bench.attempt(name, sample).state == "new"
    return bench.home


@pytest.mark.parametrize("file", ["published/figures/events_by_grade.png", "events_by_grade.svg"])
def test_a_figure_is_explained_by_the_asset_that_drew_it(home: Home, file: str) -> None:
    origin = origin_of(home, RECIPES, file)
    assert origin == ("rates", [None])
    lines = explanation_lines(explain_asset(home, RECIPES, *origin))
    assert lines[0] == "rates rests on 1 versions" and any(
        "clinical/ae.csv" in line for line in lines
    )


def test_a_figure_of_one_sample_is_explained_by_that_sample(home: Home) -> None:
    origin = origin_of(home, RECIPES, "profile_S2.png")
    assert origin == ("cells", ["S2"])
    assert list(explain_asset(home, RECIPES, *origin)["nodes"]) == ["cells/S2"]


def test_an_asset_per_sample_is_explained_by_all_its_samples(home: Home) -> None:
    origin = origin_of(home, RECIPES, "cells")
    assert origin is not None
    assert list(explain_asset(home, RECIPES, *origin)["nodes"]) == ["cells/S1", "cells/S2"]


def test_what_nothing_published_is_not_explained(home: Home) -> None:
    assert origin_of(home, RECIPES, "events_copy.parquet") is None
