"""Run keys of the sensors: a run that was killed is asked for again, a bounded number of times; one that is done or at work is not asked for twice."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pandas as pd
import pandera.pandas as pa
import pytest
from hcc_assets.assets.recipes import Ask, Output, Recipe

from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.plan import make_plan
from hcc_assets.home.paths import Home
from hcc_assets.operate.sensors import _asked, table_requests
from hcc_assets.schemas.base import Table

STATUS = dg.DagsterRunStatus


@pytest.mark.parametrize(
    ("runs", "key"),
    [
        ({}, "tables:1"),
        ({"tables:1": STATUS.STARTED}, "tables:1"),
        ({"tables:1": STATUS.SUCCESS}, "tables:1"),
        ({"tables:0": STATUS.FAILURE}, "tables:1"),
        ({"tables:1": STATUS.FAILURE}, "tables:1:1"),
        ({"tables:1": STATUS.FAILURE, "tables:1:1": STATUS.STARTED}, "tables:1:1"),
        ({"tables:1": STATUS.FAILURE, "tables:1:1": STATUS.CANCELED}, "tables:1:2"),
        (
            {
                "tables:1": STATUS.FAILURE,
                "tables:1:1": STATUS.FAILURE,
                "tables:1:2": STATUS.FAILURE,
            },
            None,
        ),
    ],
)
def test_a_killed_run_is_asked_for_again_within_bounds(
    runs: dict[str, dg.DagsterRunStatus], key: str | None
) -> None:
    @dg.job(name="tables")
    def tables() -> None: ...

    with dg.DagsterInstance.ephemeral() as instance:
        for name, status in runs.items():
            instance.create_run_for_job(tables, status=status, tags={"dagster/run_key": name})
        assert _asked(instance, "tables:1", 3) == key


class Words(Table):
    word: str = pa.Field(description="Word")

    class Config(Table.Config):
        name = "words"


def _words(ask: Ask) -> Output:
    return Output(table=pd.DataFrame({"word": [(ask.bench.home.landing / "word.txt").read_text()]}))


def test_content_that_comes_back_after_a_correction_is_asked_for_again(tmp_path: Path) -> None:
    home, landing = Home.at(tmp_path), tmp_path / "landing"
    landing.mkdir()
    recipes = {
        "words": Recipe(
            "words",
            _words,
            "test",
            "Words. From a file.",
            model=Words,
            external=lambda b, _: {"word": (b.home.landing / "word.txt").read_text()},
        )
    }
    keys = []
    with dg.DagsterInstance.ephemeral() as instance:
        for word in ("first", "corrected", "first"):
            (landing / "word.txt").write_text(word)
            bench = Workbench(home, recipes)
            (request,) = table_requests(make_plan(bench), instance)
            (again,) = table_requests(make_plan(bench), instance)
            assert again.run_key == request.run_key
            keys.append(request.run_key)
            assert bench.attempt("words").state == "new"
            assert not list(table_requests(make_plan(Workbench(home, recipes)), instance))
    assert len(set(keys)) == 3, "Dagster never starts a second run for one key"
