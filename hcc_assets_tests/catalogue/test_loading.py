"""What is found by lying in the catalogue: assets, stock Dagster assets, Components, and what an
installed package adds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hcc_assets.catalogue.loading import FOLDER, all_assets, collect
from hcc_assets_tests.assets import little

TOP = Path(__file__).parents[2]

STOCK = '''"""A stock asset, a check of it and a sensor."""

import dagster as dg
import pandas as pd


@dg.asset(group_name="cohort")
def stock_table(compositions: pd.DataFrame) -> pd.DataFrame:
    return compositions.head(1)


@dg.asset_check(asset=stock_table)
def has_rows() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.sensor(target=stock_table)
def stock_sensor() -> dg.SkipReason:
    return dg.SkipReason("never")
'''
COMPONENT = '''"""A Component and an asset of another package."""

import dagster as dg

from hcc_assets.assets.definition import Output, asset


class Extra(dg.Component, dg.Model, dg.Resolvable):
    name: str

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        @dg.asset(name=self.name)
        def made() -> None: ...

        return dg.Definitions(assets=[made])


@asset
def of_another_package() -> Output:
    """An asset of another package. With a check."""
    return Output()


@dg.asset
def stock_of_another_package() -> None: ...
'''
DEFS = """type: other_package.Extra
attributes:
  name: from_a_component
"""
ASK = """
import json
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.definitions import defs
graph = defs.resolve_asset_graph()
nodes = {k.to_user_string(): graph.get(k) for k in graph.get_all_asset_keys()}
print(json.dumps({
    "assets": {n: [node.group_name, node.automation_condition is not None,
                   sorted(k.to_user_string() for k in node.parent_keys),
                   sorted(c.name for c in node.check_keys)] for n, node in nodes.items()},
    "own": sorted(all_assets()),
    "sensors": sorted(s.name for s in defs.sensors or []),
}))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The code location of a copy of the project with more in its catalogue."""
    top = tmp_path_factory.mktemp("project")
    shutil.copytree(
        TOP / "hcc_assets", top / "hcc_assets", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copyfile(TOP / "pyproject.toml", top / "pyproject.toml")
    catalogue = top / "hcc_assets" / "catalogue"
    (catalogue / "cohort" / "stock.py").write_text(STOCK)
    (catalogue / "extra").mkdir()
    (catalogue / "extra" / "defs.yaml").write_text(DEFS)
    (top / "other_package.py").write_text(COMPONENT)
    info = top / "other_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[hcc_assets.assets]\nother = other_package\n")
    environment = {**os.environ, "PYTHONPATH": str(top), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", ASK], capture_output=True, text=True, cwd=top, env=environment
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_a_stock_asset_in_the_folder_is_loaded_with_its_check_and_sensor(found: Any) -> None:
    assert found["assets"]["stock_table"] == ["cohort", True, ["compositions"], ["has_rows"]]
    assert "stock_sensor" in found["sensors"]


def test_a_component_in_the_folder_is_loaded(found: Any) -> None:
    assert "from_a_component" in found["assets"]


def test_an_installed_package_adds_assets_that_the_driver_drives(found: Any) -> None:
    assert "of_another_package" in found["own"]
    _, automatic, _, checks = found["assets"]["of_another_package"]
    assert (automatic, checks) == (True, ["schema"])
    assert "stock_of_another_package" in found["assets"]


def test_the_rest_of_the_catalogue_is_as_it_was(found: Any) -> None:
    assert set(found["own"]) == {*all_assets(), "of_another_package"}


def test_every_file_of_the_catalogue_defines_one_asset_of_its_name() -> None:
    files = {
        p.stem for p in FOLDER.rglob("*.py") if p.parent != FOLDER and not p.name.startswith("_")
    }
    assert files == set(all_assets())


def test_two_assets_of_one_name_are_an_error() -> None:
    twice = ModuleType("twice")
    twice.__name__ = little.__name__
    twice.numbers = little.numbers  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="two assets are named numbers"):
        collect([little, twice])


def test_an_asset_that_is_only_imported_is_not_defined_twice() -> None:
    other = ModuleType("other")
    other.numbers = little.numbers  # type: ignore[attr-defined]
    assert collect([other]) == {}
