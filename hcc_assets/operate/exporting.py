"""``hcc export``: files to take away, made from what stands. Formats are in the pure rooms."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from hcc_assets.assets.inputs import Version
from hcc_assets.assets.view import HomeView
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.home.paths import Home
from hcc_assets.home.versions import Versions
from hcc_assets.study.classes import CELL_CLASSES

if TYPE_CHECKING:
    from anndata import AnnData


def write_atlas(
    home: Home,
    folder: Path,
    *,
    form: str = "h5ad",
    samples: Collection[str] = (),
    classes: Collection[str] = (),
) -> Path:
    """Write ``atlas.h5ad`` or ``atlas.zarr``, one sample in memory at a time.

    Parameters
    ----------
    form
        ``h5ad`` or ``zarr``.
    samples, classes
        Ids of samples and names of classes that are written; all where empty.

    Raises
    ------
    LookupError
        There is no atlas yet, or no cell of it is asked for.
    """
    from hcc_assets.cells.atlas_export import export_atlas
    from hcc_assets.cells.atlas_terms import union_genes

    view = HomeView(home, all_assets())
    view.versions.require("atlas")
    places = view.versions.frame("atlas", "table")
    unknown = sorted({*samples} - {*places["sample_id"]} | {*classes} - {*CELL_CLASSES})
    if unknown:
        raise LookupError(f"the atlas has no {', '.join(unknown)}")
    if samples:
        places = places[places["sample_id"].isin(samples)]
    if classes:
        places = places[places["cell_class"].isin(classes)]
    if places.empty:
        raise LookupError("the atlas has no cell of these samples and classes")
    keys = {row.sample_id: key for key, row in view.rows.items()}
    cells = _atlas_cells(view.versions, places, keys)
    genes = union_genes(
        view.versions.cells("raw_counts", "counts", keys[s]).var
        for s in places["sample_id"].unique()
    )
    title = f"{home.config().study.id}: tumour biopsies before and after treatment"
    target = folder.absolute() / f"atlas.{form}"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        written = Path(scratch) / target.name
        export_atlas(
            written, cells, genes, title=title, timepoints=home.config().samples.timepoints
        )
        if target.is_dir():
            target.rename(Path(scratch) / "before")
        written.replace(target)
    return target


def _atlas_cells(
    versions: Versions, places: pd.DataFrame, keys: Mapping[str, str]
) -> Iterator[tuple[AnnData, pd.DataFrame, Mapping[str, Any]]]:
    """Counts, columns and components of the cells of each sample."""
    from hcc_assets.cells.atlas_export import POSTERIOR
    from hcc_assets.cells.atlas_terms import schema_obs
    from hcc_assets.cells.embedding import AtlasModel, locate

    fitted = versions.current("atlas_embedding")
    model = AtlasModel.from_bytes(Version(versions, fitted).blob("model.npz")) if fitted else None
    sheet = versions.frame("samples", "table").set_index("sample_id")
    sexes: dict[str, str] = {}
    if versions.current("subjects") is not None:
        known = versions.frame("subjects", "table").dropna(subset=["SEX"])
        sexes = dict(zip(known["USUBJID"], known["SEX"], strict=True))
    names = [str(s) for s in places["sample_id"].unique()]
    standing = {s: Version(versions, versions.require("annotated_cells", keys[s])) for s in names}
    # calls made before posteriors were kept have none: then no sample shows them
    certain = all(version.has("posteriors") for version in standing.values())
    for sample in names:
        calls = versions.frame("annotated_cells", "calls", keys[sample])
        own = places[places["sample_id"] == sample]
        own = own.assign(barcode=own["cell_id"].str.removeprefix(f"{sample}:"))
        chosen = own.merge(calls.drop(columns=["cell_class"]), on="barcode", how="left")
        chosen = chosen.set_index("barcode")
        row = {str(k): v for k, v in sheet.loc[sample].items()}
        schema = schema_obs(row, chosen["cell_class"], sex=sexes.get(str(row["subject_id"])))
        extra = chosen[[c for c in chosen.columns if c not in schema.columns]]
        counts = versions.cells("raw_counts", "counts", keys[sample])
        obsm: dict[str, Any] = {}
        if certain:
            rows = pd.Index(calls["barcode"]).get_indexer(chosen.index)
            obsm[POSTERIOR] = standing[sample].frame("posteriors").to_numpy()[rows]
        if model is not None:
            located = locate(model, counts, chosen.index)
            obsm |= {"X_pca": located.components, "X_pca_harmony": located.corrected}
        yield counts, pd.concat([extra, schema], axis=1), obsm


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
