"""Inputs of stock Dagster assets from the store: ``def mine(compositions)`` gets the published
table, ``def mine(annotated_cells)`` the frames of each sample. What a stock asset returns is kept
by Dagster itself; a DataFrame is published as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg
import pandas as pd

from hcc_assets.assets.definition import Asset
from hcc_assets.assets.inputs import Version
from hcc_assets.assets.view import HomeView
from hcc_assets.home import files
from hcc_assets.home.paths import Home
from hcc_assets.schemas.csv_safe import to_csv_bytes


class StoreIOManager(dg.IOManager):
    """Reads versions of the catalogue's assets, and reads and writes DataFrames of stock ones.

    Parameters
    ----------
    home
        Says at run time which home.
    assets
        The catalogue.
    """

    def __init__(self, home: Callable[[], Home], assets: Mapping[str, Asset]):
        self._home = home
        self._assets = assets

    def load_input(self, context: dg.InputContext) -> Any:
        """The table of an asset; its `Version` where it has none; a dictionary by sample id of a
        per-sample asset that is read across samples."""
        name = context.asset_key.path[-1]
        if name not in self._assets:
            return files.read_parquet(self._path(name, context))
        view = HomeView(self._home(), self._assets)
        asset = self._assets[name]
        if not asset.per_sample:
            return _value(Version(view.versions, view.versions.require(name)), asset)
        if context.has_partition_key:
            return Version(view.versions, view.versions.require(name, context.partition_key))
        return {
            view.people.sample(key): Version(view.versions, view.versions.require(name, key))
            for key in view.standing(name)
        }

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Keep a DataFrame, and publish it as a table of the asset's name."""
        name = context.asset_key.path[-1]
        if obj is None or name in self._assets:
            return
        if not isinstance(obj, pd.DataFrame):
            raise TypeError(f"{name} returned no DataFrame; give it an io_manager_key of its own")
        path = self._path(name, context)
        files.write_bytes(path, files.parquet_bytes(obj))
        if not context.has_partition_key:
            published = self._home().published
            files.write_bytes(published / f"{name}.parquet", path.read_bytes())
            files.write_bytes(published / f"{name}.csv", to_csv_bytes(obj))
        context.add_output_metadata({"dagster/row_count": len(obj), "dagster/uri": str(path)})

    def _path(self, name: str, context: dg.InputContext | dg.OutputContext) -> Any:
        folder = self._home().store / "native" / name
        file = context.partition_key if context.has_partition_key else "table"
        return folder / f"{file}.parquet"


def _value(version: Version, asset: Asset) -> Any:
    return version.table if asset.model is not None else version
