"""``hcc export``: files to take away, made from what stands. Formats are in the pure rooms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from hcc_assets.assets.view import HomeView
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.home.files import write_file
from hcc_assets.home.paths import Home
from hcc_assets.home.versions import Versions

if TYPE_CHECKING:
    from anndata import AnnData


def write_atlas(home: Home, folder: Path) -> Path:
    """Write ``atlas.h5ad``, one sample in memory at a time.

    Raises
    ------
    LookupError
        There is no atlas yet.
    """
    from upath import UPath

    from hcc_assets.cells.atlas_export import export_h5ad, schema_obs, union_genes

    versions = Versions(home)
    versions.require("atlas")
    places = versions.frame("atlas", "table")
    samples = versions.frame("samples", "table").set_index("sample_id")
    sexes: dict[str, str] = {}
    if versions.current("subjects") is not None:
        known = versions.frame("subjects", "table").dropna(subset=["SEX"])
        sexes = dict(zip(known["USUBJID"], known["SEX"], strict=True))
    names = [str(s) for s in places["sample_id"].unique()]
    view = HomeView(home, all_assets())
    keys = {row.sample_id: key for key, row in view.rows.items()}

    def cells() -> Iterator[tuple[AnnData, pd.DataFrame]]:
        for sample in names:
            calls = versions.frame("annotated_cells", "calls", keys[sample]).drop(
                columns=["cell_class"]
            )
            own = places[places["sample_id"] == sample]
            own = own.assign(barcode=own["cell_id"].str.removeprefix(f"{sample}:"))
            chosen = own.merge(calls, on="barcode", how="left").set_index("barcode")
            row = {str(k): v for k, v in samples.loc[sample].items()}
            schema = schema_obs(row, chosen["cell_class"], sex=sexes.get(str(row["subject_id"])))
            extra = chosen[[c for c in chosen.columns if c not in schema.columns]]
            yield (
                versions.cells("raw_counts", "counts", keys[sample]),
                pd.concat([extra, schema], axis=1),
            )

    genes = union_genes(versions.cells("raw_counts", "counts", keys[s]).var for s in names)
    target = folder.absolute() / "atlas.h5ad"
    title = f"{home.config().study.id}: tumour biopsies before and after treatment"
    write_file(UPath(target), lambda path: _discard(export_h5ad(path, cells(), genes, title=title)))
    return target


def _discard(_: int) -> None:
    return None


def write_adam_datasets(home: Home, folder: Path) -> list[Path]:
    """Write the ADaM-style datasets of the tables that stand."""
    from hcc_assets.clinical.adam.datasets import INPUTS, build_adam
    from hcc_assets.clinical.adam.files import write_adam
    from hcc_assets.clinical.checks.run import rows_left_out

    view = HomeView(home, all_assets())
    view.versions.require("subjects")
    tables = {
        name: view.versions.frame(name, "table")
        for name in INPUTS
        if view.versions.current(name) is not None
    }
    left_out = rows_left_out(view.versions.frame("clinical_checks", "issues"))
    return write_adam(
        build_adam(tables, view.config, cutoff=view.cutoff, left_out_rows=left_out), folder
    )
