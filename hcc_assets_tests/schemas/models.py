"""Every table model that there is."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

from hcc_assets import schemas
from hcc_assets.schemas.base import Table, table_name


def published_models() -> list[type[Table]]:
    """Every table model of ``hcc_assets.schemas``, by published name."""
    found: dict[str, type[Table]] = {}
    for info in pkgutil.iter_modules(schemas.__path__):
        module = importlib.import_module(f"{schemas.__name__}.{info.name}")
        for value in vars(module).values():
            if (
                inspect.isclass(value)
                and issubclass(value, Table)
                and value is not Table
                and not value.__name__.startswith("_")
            ):
                found[table_name(value)] = value
    return [found[name] for name in sorted(found)]
