"""Taking versions out of the store when they hold what must be gone: whole versions, never files of one, so that what stands is always whole.

Used by erasure alone. What is computed anew afterwards is decided by ``platform.plan``.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

from upath import UPath

from hcc_assets.home import files
from hcc_assets.home.paths import Home
from hcc_assets.home.versions import Manifest, is_version

MANIFEST, HELD = "current.json", "held.json"


def drop(home: Home, paths: Collection[Path]) -> int:
    """Drop every version that one of ``paths`` belongs to, and every other file among them.

    An earlier version goes with its folder, and the manifest forgets it. Where the version that stands is among them its manifest goes too, so that the
    asset is computed anew. A published file is removed by itself: the next refresh makes it from the version that stands.

    Returns
    -------
    int
        Versions that stood and do not any more.
    """
    store = Path(str(home.store))
    standing: set[Path] = set()
    for path in paths:
        inside = next(
            (p for p in (path, *path.parents) if is_version(p) and p.is_relative_to(store)), None
        )
        if inside is not None:
            shutil.rmtree(inside, ignore_errors=True)
            manifest = _manifest(inside.parent)
            if manifest is not None and manifest.data_version == inside.name:
                standing.add(inside.parent)
            elif manifest is not None and manifest.previous == inside.name:
                _write(inside.parent, manifest.model_copy(update={"previous": None}))
        elif path.name == MANIFEST and path.is_relative_to(store):
            standing.add(path.parent)
        else:
            path.unlink(missing_ok=True)
    for folder in standing:
        for path in sorted(folder.iterdir()) if folder.exists() else []:
            if path.name in (MANIFEST, HELD):
                path.unlink()
            elif is_version(path):
                shutil.rmtree(path)
    return len(standing)


def _manifest(folder: Path) -> Manifest | None:
    path = folder / MANIFEST
    return Manifest.model_validate_json(path.read_bytes()) if path.exists() else None


def _write(folder: Path, manifest: Manifest) -> None:
    files.write_bytes(UPath(folder / MANIFEST), manifest.model_dump_json(indent=1).encode())
