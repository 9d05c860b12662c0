"""One small asset for tests of writers: it publishes the numbers that it is given. No assertions
here."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import pandas as pd
import pandera.pandas as pa

from hcc_assets.assets.definition import Asset, asset
from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.inputs import Basis, Input
from hcc_assets.assets.view import HomeView
from hcc_assets.home import files
from hcc_assets.home.files import read_parquet
from hcc_assets.home.manifests import Manifest
from hcc_assets.home.paths import Home
from hcc_assets.home.published import damaged
from hcc_assets.home.versions import Versions
from hcc_assets.schemas.base import Table


class Numbers(Table):
    """A table of the test."""

    key: str = pa.Field(description="Key")
    value: float = pa.Field(ge=0, nullable=True, description="Value")

    class Config(Table.Config):
        name = "numbers"
        unique = ["key"]


@dataclass(frozen=True)
class Given(Input):
    """Numbers that somebody delivered."""

    values: tuple[float, ...]

    def basis(self, view: HomeView, key: str | None) -> Basis:
        return Basis(deliveries={"numbers": json.dumps(self.values)})

    def value(self, view: HomeView, key: str | None) -> tuple[float, ...]:
        return self.values


def numbers(*values: float, meanwhile: Callable[[], object] = lambda: None) -> dict[str, Asset]:
    """One asset that publishes ``values``; ``meanwhile`` happens while it is computed."""

    def numbers(given: Any) -> pd.DataFrame:
        """Numbers of the test."""
        meanwhile()
        return pd.DataFrame({"key": [f"k{i}" for i in range(len(given))], "value": given})

    numbers.__annotations__ = {"given": Annotated[Any, Given(values)]}
    return {"numbers": asset(numbers, model=Numbers)}


def values(home: Home) -> list[float]:
    return list(read_parquet(home.published / "numbers.parquet")["value"])


def standing(home: Home) -> Manifest:
    return Versions(home).require("numbers")


def published_is_what_stands(home: Home) -> bool:
    return not damaged(Versions(home), [standing(home)])


def race(root: str, folder: str, writer: int, rounds: int) -> list[tuple[str, str | None]]:
    """One of several writers: folder of each version that it made, and of the one before."""
    os.environ["DAGSTER_HOME"] = folder
    home = Home.at(root)
    done = []
    for number in range(rounds):
        files.amend(
            home.store / "list.json",
            lambda data, n=number: json.dumps([*json.loads(data or b"[]"), [writer, n]]).encode(),
        )
        bench = Workbench(home, numbers(float(writer), float(number)))
        manifest = bench.attempt("numbers", force=True).manifest
        assert manifest is not None
        done.append((manifest.folder, manifest.previous))
    return done
