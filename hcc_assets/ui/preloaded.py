"""What runs need, imported and used once: the fork server of `warm` imports this module."""

from __future__ import annotations

import importlib
import pkgutil

from hcc_assets.figures.style import new_figure, save_png
from hcc_assets.schemas.base import conform, empty
from hcc_assets.schemas.endpoints import Responses

ROOMS = ("stats", "cells", "clinical", "figures", "report", "catalogue")
"""Rooms whose modules assets compute with."""
LIBRARIES = (
    "anndata",
    "dagster._grpc.server",
    "lifelines",
    "pyarrow.parquet",
    "scanpy",
    "scipy.optimize",
    "scipy.stats",
    "sklearn.cluster",
    "sklearn.decomposition",
    "sklearn.neighbors",
    "statsmodels.api",
)
"""Libraries that they import when a function is called."""


def _load() -> None:
    for room in ROOMS:
        package = importlib.import_module(f"hcc_assets.{room}")
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(found.name)
    for library in LIBRARIES:
        importlib.import_module(library)
    # a first table loads pandera's checks, a first figure the fonts
    conform(Responses, empty(Responses))
    save_png(new_figure())


_load()
