"""Which assets there are: those of the catalogue's folders and of installed packages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from hcc_assets.assets.annotators import GROUP as ANNOTATORS
from hcc_assets.assets.definition import Asset

FOLDER = Path(__file__).parent
OWN_FILES = ("annotations", "loading", "native", "sources")
"""Modules of this folder that hold no asset. A stock asset that ``dg scaffold`` writes lies beside
them."""
ENTRY_POINTS = "hcc_assets.assets"
"""Group of entry points: each names a module (or package) whose assets are added."""


def modules() -> Iterator[ModuleType]:
    """Every module below the catalogue, by group and name. Files that begin with ``_`` hold what
    assets of a group share and are imported by them."""
    for path in sorted(FOLDER.rglob("*.py")):
        relative = path.relative_to(FOLDER.parent.parent)
        beside = path.parent == FOLDER and path.stem in OWN_FILES
        if not path.name.startswith("_") and not beside:
            yield import_module(".".join(relative.with_suffix("").parts))


def installed() -> Iterator[ModuleType]:
    """Modules that installed packages add."""
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda p: (p.name, p.value)):
        yield point.load()


@lru_cache(maxsize=1)
def all_assets() -> dict[str, Asset]:
    """Every asset of the project by name.

    Raises
    ------
    ValueError
        Two assets have the same name.
    """
    return collect([*modules(), *installed()])


def collect(found: Iterable[ModuleType]) -> dict[str, Asset]:
    """The assets that modules define."""
    assets: dict[str, Asset] = {}
    for module in found:
        for value in vars(module).values():
            if not isinstance(value, Asset) or value.function.__module__ != module.__name__:
                continue
            if value.name in assets:
                raise ValueError(f"two assets are named {value.name}")
            assets[value.name] = value
    others = tuple(sorted(a.name for a in assets.values() if a.group == ANNOTATORS))
    return {name: one.knowing(others) for name, one in assets.items()}
