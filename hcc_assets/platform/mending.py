"""Published tables that are not what their manifests say: found and put back. What should stand is decided in ``platform.engine``."""

from __future__ import annotations

from filelock import FileLock

from hcc_assets.platform import stores
from hcc_assets.platform.engine import Workbench
from hcc_assets.platform.trail import trail_of
from hcc_assets.schemas.csv_safe import to_csv_bytes


def mend(bench: Workbench) -> list[str]:
    """Put back published tables that are not those of their manifests, after a crash between the two or a change from outside.

    Returns
    -------
    list of str
        Assets whose table was put back.
    """
    mended = []
    for recipe in bench.recipes.values():
        manifest = bench.versions.current(recipe.name) if recipe.model is not None else None
        expected = manifest.files.get(f"{manifest.data_version}/table.parquet") if manifest else None
        if manifest is None or expected is None:
            continue
        table, text = (bench.home.published / f"{recipe.name}.{end}" for end in ("parquet", "csv"))
        if table.exists() and text.exists() and stores.sha256_file(table) == expected:
            continue
        with FileLock(str(bench.home.locks / f"{recipe.name}.lock")):
            if bench.versions.current(recipe.name) != manifest:
                continue
            stored = bench.versions.folder(recipe.name) / manifest.data_version / "table.parquet"
            if not stored.exists():
                continue
            stores.write_bytes(text, to_csv_bytes(stores.read_parquet(stored)))
            stores.write_bytes(table, stored.read_bytes())
        trail_of(bench.home).append("republish", why="the published table was not the one of its manifest", details={"asset": recipe.name})
        mended.append(recipe.name)
    return mended
